"""Rows by their keys, read as a range of the index or looked up one by one."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import canonical_rows as canonical
import pyarrow as pa
import pytest

from crossfade.model.canonical import arrow_type
from crossfade.model.target import ColumnType, TargetTable
from crossfade.stores.postgresql.reading import lookup
from crossfade.stores.postgresql.reading.lookup import Guess
from crossfade.stores.postgresql.rows import PostgresRowReader
from crossfade.stores.postgresql.target import PostgresWriter

NUMBERED = canonical.table("numbered", ("id", ColumnType("int4", "int4")), ("x", ColumnType("text", "text")))


@pytest.fixture
def reader(pg_db: Any) -> Iterator[PostgresRowReader]:
    opened = PostgresRowReader(pg_db.url)
    yield opened
    opened.close()


@pytest.fixture
def numbered(pg_db: Any) -> None:
    pg_db.execute("CREATE TABLE numbered (id int4 PRIMARY KEY, x text)")
    pg_db.execute("INSERT INTO numbered SELECT n, 'x' || n FROM generate_series(1, 20000) AS n")


def read(reader: PostgresRowReader, ids: list[int]) -> list[tuple[int, str]]:
    found = reader.rows(NUMBERED, ["id", "x"], pa.table({"id": pa.array(ids, pa.int32())}))
    return [(row["id"], row["x"]) for row in found.to_pylist()]


def due(ids: list[int]) -> list[tuple[int, str]]:
    return [(n, f"x{n}") for n in ids if n <= 20_000]


@pytest.mark.usefixtures("numbered")
def test_keys_that_lie_together_are_not_looked_up(reader: PostgresRowReader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(PostgresRowReader, "_lookup")
    ids = list(range(1, 12_001))
    assert read(reader, ids) == due(ids)
    backwards = list(range(9_000, 4_000, -1))
    assert read(reader, backwards) == due(backwards)
    with_gaps = [n for n in range(1, 5_000) if n % 4]
    assert read(reader, with_gaps) == due(with_gaps)


@pytest.mark.usefixtures("numbered")
@pytest.mark.parametrize("step", [2, 40])
def test_keys_that_lie_apart_are_looked_up(reader: PostgresRowReader, step: int) -> None:
    ids = list(range(1, 20_000, step))
    random.Random(1).shuffle(ids)
    for _ in range(3):
        assert sorted(read(reader, ids)) == sorted(due(ids))


@pytest.mark.usefixtures("numbered")
def test_keys_that_are_not_there(reader: PostgresRowReader) -> None:
    ids = [*range(18_000, 20_500), *range(30_000, 30_100)]
    assert read(reader, ids) == due(ids)


@pytest.mark.usefixtures("numbered")
def test_a_key_that_is_asked_for_twice(reader: PostgresRowReader) -> None:
    assert set(read(reader, [*range(1, 500), 7])) == set(due(list(range(1, 500))))


@pytest.mark.usefixtures("numbered")
def test_the_columns_need_not_hold_the_key(reader: PostgresRowReader) -> None:
    found = reader.rows(NUMBERED, ["x"], pa.table({"id": pa.array(range(1, 300), pa.int32())}))
    assert sorted(found.column("x").to_pylist()) == sorted(f"x{n}" for n in range(1, 300))


KEYS: dict[str, list[Any]] = {
    "int4": [-5, 7, 0],
    "float8": [-0.5, 7.0, float("nan")],
    "numeric": ["1.10", "9" * 100, "-3"],
    "text": ["'\"\\{", "", "é", "Z", "a"],
    "char": ["a", "b  "],
    "bytea": [b"\0\xff", b"", b"\\"],
    "uuid": [b"\0" * 16, b"\xff" * 16],
    "bool": [True, False],
    "timestamptz": [-(10**16), 0, 10**16],
    "timestamp": [-210_866_000_000_000_000, 9_224_318_015_999_999_999 // 2],
    "date": [-700_000, 0, 3_000_000],
    "time": [0, 86_399_999_999],
}


@pytest.mark.parametrize("second", [False, True])
@pytest.mark.parametrize("kind", list(KEYS))
def test_any_kind_can_be_a_key(pg_db: Any, kind: str, second: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every key is found, in a stretch or by itself."""
    monkeypatch.setattr(lookup, "_FEW", 0)
    own = ColumnType(kind, "char(5)" if kind == "char" else kind)
    names = ("a", "b") if second else ("a",)
    of = canonical.table("keyed", ("a", own), ("b", ColumnType("text", "text")), key=names)
    pg_db.execute(canonical.ddl(of))
    rows = pa.table({"a": canonical.column(KEYS[kind], own), "b": [f"x,{n}" for n in range(len(KEYS[kind]))]})
    assert written_and_read(pg_db.url, of, rows) == canonical_keys(of, rows)


def test_keys_that_the_server_sorts_otherwise(pg_db: Any) -> None:
    """`B` comes after `a` there; for us it is the least."""
    if not pg_db.execute("SELECT 1 FROM pg_collation WHERE collname = 'und-x-icu'"):
        pytest.skip("this PostgreSQL has no ICU")
    of = canonical.table("sorted", ("a", ColumnType("text", "text")), key=("a",))
    pg_db.execute('CREATE TABLE sorted (a text COLLATE "und-x-icu" PRIMARY KEY)')
    rows = pa.table({"a": [f"{letter}{n}" for n in range(100) for letter in "aAbBzZ"]})
    assert written_and_read(pg_db.url, of, rows) == canonical_keys(of, rows)


ARRAYS: dict[str, list[list[Any]]] = {
    "text": [[], ["a"], ["a", None], [None], ["NULL"], ["", 'x"y', "back\\slash", "{,}"], ["'"], ["é", " a "]],
    "int4": [[], [1], [1, None, 2**31 - 1], [12], [1, 2]],
    "float8": [[0.1], [float("inf"), 1e300], [-0.5]],
    "uuid": [[bytes(16), None], [bytes(range(16))]],
    "bytea": [[b""], [b'\x00\\"', None]],
    "bool": [[True], [False, True]],
}


@pytest.mark.parametrize("second", [False, True], ids=["alone", "of two"])
@pytest.mark.parametrize("kind", ARRAYS)
def test_arrays_as_keys(pg_db: Any, kind: str, second: bool) -> None:
    """Whole arrays are compared, not their elements; the move ended after the copy, where rows were looked up."""
    own = ColumnType("array", f"{kind}[]", of=ColumnType(kind, kind))
    of = canonical.table("arrays", ("a", own), ("n", ColumnType("int4", "int4")), key=("a", "n") if second else ("a",))
    pg_db.execute(canonical.ddl(of))
    held = ARRAYS[kind]
    rows = pa.table({"a": pa.array(held, arrow_type(own)), "n": pa.array(range(len(held)), pa.int32())})
    assert written_and_read(pg_db.url, of, rows) == canonical_keys(of, rows)


def written_and_read(url: str, of: TargetTable, rows: Any) -> list[Any]:
    writer, reader = PostgresWriter(url), PostgresRowReader(url)
    with writer.transaction() as loader:
        loader.load(of, rows)
    found = reader.rows(of, rows.column_names, rows.select(list(of.primary_key)))
    writer.close()
    reader.close()
    return canonical_keys(of, found)


def canonical_keys(of: TargetTable, rows: Any) -> list[Any]:
    """Without the blanks at the end of char(n), which count for nothing."""
    plain = canonical.plain(rows, of)
    return sorted(repr(tuple(v.rstrip() if isinstance(v, str) else v for v in row)) for row in plain)


def test_after_stretches_that_did_not_serve_come_ever_longer_pauses() -> None:
    guess, keys = Guess(), pa.table({"id": list(range(1000))})
    tried = []
    for number in range(20):
        if guess.worth(keys):
            tried.append(number)
            guess.learn(1000, 100)
    assert tried == [0, 2, 5, 10, 19]
    assert not guess.worth(keys)
    for _ in range(15):
        guess.worth(keys)
    guess.learn(1000, 900)
    assert guess.worth(keys)
    assert guess.worth(keys)
