"""The examples' README files agree with seed.py, and the examples refer only to what exists."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import bson
import pytest
from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument
from systems import EXAMPLES, seed, system_of

from scratch import MongoScratch

SYSTEMS = ["scribe-tree", "hack-the-world"]


@pytest.fixture(params=SYSTEMS)
def example(request: pytest.FixtureRequest) -> str:
    assert isinstance(request.param, str)
    return request.param


def readme(example: str) -> str:
    return (EXAMPLES / example / "README.md").read_text("utf-8")


def test_the_table_of_flaws_is_what_seed_py_prints(example: str) -> None:
    command = [sys.executable, str(EXAMPLES / example / "seed.py"), "--flaws"]
    table = subprocess.run(command, check=True, capture_output=True, text=True, encoding="utf-8").stdout
    assert len(table.splitlines()) == len(system_of(example).flaws) + 2
    assert table in readme(example), "write it anew: python examples/.../seed.py --flaws"


def test_the_table_of_counts_is_what_is_expected_at_scale_1(example: str) -> None:
    counts = system_of(example).expected("postgresql")
    lines = [
        f"| {entity} | {c['source']:,} | {c['copied']:,} | {c['quarantined']:,} | {c['discarded']:,} |"
        for entity, c in counts.items()
    ]
    assert "\n".join(lines) + "\n" in readme(example)


def test_the_readme_says_how_sqlite_differs() -> None:
    system = system_of("hack-the-world")
    different = {
        entity: {name: n - theirs[name] for name, n in ours.items() if n != theirs[name]}
        for (entity, ours), theirs in zip(
            system.expected("sqlite").items(), system.expected("postgresql").values(), strict=True
        )
        if ours != theirs
    }
    assert different == {"userenrollments": {"copied": 1, "quarantined": -1}}
    assert "(in SQLite userenrollments has one more copied and one less in quarantine)" in readme("hack-the-world")


def test_every_table_has_a_mapping_and_is_in_the_readme(example: str) -> None:
    text = readme(example)
    section = text[text.index("## From collections to tables") :].partition("**Ids")[0]
    rows = [line.split("|") for line in section.splitlines() if line.startswith("|")][2:]
    tables = {name.strip() for row in rows for name in row[2].split(",")}
    assert tables == {file.stem for file in (EXAMPLES / example / "mapping").glob("*.sql")}
    assert {row[1].strip() for row in rows} == set(system_of(example).sizes)


def test_every_rule_that_a_flaw_breaks_is_there(example: str) -> None:
    rules = {file.stem for file in (EXAMPLES / example / "rules").glob("*.sql")}
    assert {f.breaks for f in system_of(example).flaws if f.breaks} <= rules


def test_the_same_documents_at_every_scale_and_in_every_process(example: str) -> None:
    """A planted flaw is the same document wherever it is planted, so that what is said of it stays true."""
    keys = [(p.flaw.name, p.key) for p in system_of(example).planted(0.1)]
    assert keys == [(p.flaw.name, p.key) for p in system_of(example).planted(3.0)]
    assert len(set(map(repr, keys))) == len(keys)


def test_a_dump_holds_what_a_server_gets(example: str, tmp_path: Path, mongo_db: MongoScratch) -> None:
    seed(example, "--url", mongo_db.url, scale=0.01)
    seed(example, "--dump", str(tmp_path), scale=0.01)
    system = system_of(example)
    for entity in system.sizes:
        dumped = bson.decode_all((tmp_path / system.name / f"{entity}.bson").read_bytes(), RAW)
        stored = mongo_db.db.get_collection(entity).with_options(RAW).find()
        assert sorted(bytes(d.raw) for d in dumped) == sorted(bytes(d.raw) for d in stored)


RAW: CodecOptions[RawBSONDocument] = CodecOptions(RawBSONDocument)
