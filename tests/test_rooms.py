"""What is above `records/` and `stores/` knows no BSON: the files that still do, each with the reason."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import crossfade

ROOT = Path(crossfade.__file__).parent
INSIDE = ("records/bson/", "stores/mongodb/", "stores/dump/", "testing/")
SPEAKS = re.compile(r"bson|\b_id\b(?!\()|\$oid|ObjectId")
IMPORTS = re.compile(r"^\s*(?:from|import) (?:bson|crossfade\.records\.bson)\b", re.MULTILINE)

LANGUAGE = "the mapping language: its own functions and types are of documents"
KEY = "the mapping language: the root's key is called _id in it"
HINT = "a hint names functions of the mapping language"
SCHEMA = "schemas of document stores are written in BSON's types"
NATIVE = "whether the native library is installed, which is no matter of a codec"

ALLOWED = {
    "assess/lock.py": "the example of a lock file",
    "assess/ownership.py": HINT,
    "cli/ids.py": "the command that converts ObjectIds",
    "mapping/coverage/covered.py": LANGUAGE,
    "mapping/coverage/partial.py": LANGUAGE,
    "mapping/coverage/uncovered.py": LANGUAGE,
    "mapping/language/casts.py": HINT,
    "mapping/language/conversions.py": LANGUAGE,
    "mapping/language/fields.py": LANGUAGE,
    "mapping/language/forbidden.py": KEY,
    "mapping/language/from_clause.py": KEY,
    "mapping/language/functions.py": LANGUAGE,
    "mapping/language/kinds.py": LANGUAGE,
    "mapping/language/mentions.py": LANGUAGE,
    "mapping/language/select.py": KEY,
    "mapping/language/type_conditions.py": LANGUAGE,
    "mapping/owners.py": KEY,
    "model/batch.py": "forms of columns that the mapping language asks for",
    "model/owners.py": LANGUAGE,
    "move/processes.py": NATIVE,
    "runtime/cluster.py": NATIVE,
    "schema/documents/commands.py": SCHEMA,
    "schema/documents/json_file.py": SCHEMA,
    "schema/documents/prisma.py": SCHEMA,
    "schema/documents/validators.py": SCHEMA,
    "stores/memory/source.py": "records in memory are documents",
    "stores/memory/store.py": "records in memory are documents",
    "stores/open.py": "the one place that leads from a URL to a codec",
    "stores/postgresql/writing/native.py": NATIVE,
    "transform/fit/plan.py": HINT,
    "transform/fit/text.py": HINT,
    "transform/implicit.py": HINT,
    "transform/macros.sql": LANGUAGE,
}
IMPORTING = {
    "mapping/language/fields.py",
    "move/processes.py",
    "runtime/cluster.py",
    "stores/memory/source.py",
    "stores/memory/store.py",
    "stores/open.py",
    "stores/postgresql/writing/native.py",
}


def sources() -> dict[str, str]:
    files = [*ROOT.rglob("*.py"), *ROOT.rglob("*.sql")]
    texts = {file.relative_to(ROOT).as_posix(): file.read_text(encoding="utf-8") for file in files}
    return {name: text for name, text in texts.items() if not name.startswith(INSIDE)}


@pytest.fixture(scope="module")
def texts() -> dict[str, str]:
    return sources()


def test_files_that_speak_of_bson_only_become_fewer(texts: dict[str, str]) -> None:
    """Take a file from the list when it no longer does; a new one needs a codec, not a line here."""
    assert {name for name, text in texts.items() if SPEAKS.search(text)} == ALLOWED.keys()


def test_files_that_import_the_codec_of_documents_only_become_fewer(texts: dict[str, str]) -> None:
    assert {name for name, text in texts.items() if IMPORTS.search(text)} == IMPORTING
