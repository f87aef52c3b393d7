"""What is above `records/` and `stores/` knows no BSON: the files that still do, each with the reason."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

import crossfade

ROOT = Path(crossfade.__file__).parent
INSIDE = ("records/bson/", "stores/mongodb/", "stores/dump/", "testing/")
SPEAKS = re.compile(r"bson|\b_id\b(?!\()|\$oid|ObjectId|\$number(?:Int|Long|Double|Decimal)|\$binary")
IMPORTS = re.compile(r"^\s*(?:from|import) (?:bson|crossfade\.records\.bson)\b", re.MULTILINE)

LANGUAGE = "the mapping language: functions of its own are of documents"
HINT = "a hint names functions of the mapping language"
KEYS = "the canonical text of a key is Extended JSON, whatever its store: keys of several types are told apart by it"
SCHEMA = "schemas of document stores are written in BSON's types"

ALLOWED = {
    "cli/ids.py": "the command that converts ObjectIds",
    "mapping/coverage/partial.py": LANGUAGE,
    "mapping/invert/derive.py": "the reason names the function that cannot be inverted: uuid_of of other keys",
    "mapping/language/casts.py": HINT,
    "mapping/language/foreign.py": HINT,
    "mapping/language/kinds.py": LANGUAGE,
    "mapping/language/type_conditions.py": LANGUAGE,
    "model/batch.py": "forms of columns that the mapping language asks for",
    "model/keys.py": KEYS,
    "model/references.py": "columns that are named for what they refer to, such as artist_id",
    "records/rows/dynamic/values.py": KEYS,
    "records/rows/json_values.py": "ejson_of of a JSON column: which objects look like a value of Extended JSON",
    "records/vocabularies.py": "the one place that leads from a name to a vocabulary",
    "schema/documents/commands.py": SCHEMA,
    "schema/documents/json_file.py": SCHEMA,
    "schema/documents/prisma.py": SCHEMA,
    "schema/documents/validators.py": SCHEMA,
    "stores/memory/source.py": "records in memory are documents",
    "stores/memory/store.py": "records in memory are documents",
    "stores/open.py": "the one place that leads from a URL to a codec",
    "transform/fit/plan.py": HINT,
    "transform/fit/text.py": HINT,
    "transform/implicit.py": HINT,
    "transform/inverse.sql": LANGUAGE,
    "transform/macros.sql": LANGUAGE,
}
IMPORTING = {
    "records/rows/json_values.py",
    "records/vocabularies.py",
    "stores/memory/source.py",
    "stores/memory/store.py",
    "stores/open.py",
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


def test_no_two_classes_have_one_name() -> None:
    """Who searches for a name finds one thing."""
    texts = [file.read_text(encoding="utf-8") for file in ROOT.rglob("*.py")]
    names = Counter(name for text in texts for name in re.findall(r"^class (\w+)", text, re.MULTILINE))
    assert [name for name, count in names.items() if count > 1] == []
