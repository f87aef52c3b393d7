"""What SQLite stores is read back equal; what it would change is refused; what others store is reported."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import canonical_rows as canonical
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crossfade.errors import CrossfadeError, Misused
from crossfade.model.target import ColumnType
from crossfade.stores.contract import RowRejected
from crossfade.stores.open import open_store
from crossfade.stores.sqlite.rows import UNREADABLE, SqliteRowReader
from crossfade.stores.sqlite.target import SqliteWriter
from target_sql import sql

_SQL = {
    "int2": "SMALLINT", "int4": "INTEGER", "int8": "BIGINT", "float4": "REAL", "float8": "FLOAT",
    "numeric": "NUMERIC(12, 2)", "bool": "BOOLEAN", "text": "TEXT", "char": "CHAR(5)", "uuid": "CHAR(32)",
    "timestamptz": "DATETIME", "timestamp": "DATETIME", "date": "DATE", "time": "TIME", "json": "JSON",
    "bytea": "BLOB", "enum": "VARCHAR(5)",
}  # fmt: skip
_KINDS = [
    (kind, ColumnType(kind, sql, precision=12, scale=2) if kind == "numeric" else ColumnType(kind, sql))
    for kind, sql in _SQL.items()
]
EVERYTHING = canonical.table("everything", ("id", ColumnType("uuid", "CHAR(32)")), *_KINDS)
_NAMES = [c.name for c in EVERYTHING.columns]
_MOMENTS = st.integers(-62_135_596_800_000_000, 253_402_300_799_999_999)


def _kept(value: float) -> bool:
    return value == value and repr(value) != "-0.0"


_VALUES = {
    **canonical.VALUES,
    "float4": canonical.VALUES["float4"].filter(_kept),
    "float8": canonical.VALUES["float8"].filter(_kept),
    "numeric": st.integers(-(10**12) + 1, 10**12 - 1).map(
        lambda n: str(Decimal(n).scaleb(-2).quantize(Decimal("0.01")))
    ),
    "timestamptz": _MOMENTS,
    "timestamp": _MOMENTS,
    "date": st.integers(-719_162, 2_932_896),
    "time": st.integers(0, 86_399_999_999),
    "json": st.sampled_from(['{"a": 1 }', "null", '"x"', "-7", "0.5", "[1, null]"]),
}


@pytest.fixture
def url(tmp_path: Path) -> str:
    with closing(sqlite3.connect(tmp_path / "target.db")) as connection, connection:
        connection.execute(canonical.ddl(EVERYTHING))
    connection.close()
    return f"sqlite:///{tmp_path / 'target.db'}"


@pytest.fixture
def store(url: str) -> Iterator[tuple[SqliteWriter, SqliteRowReader]]:
    writer, reader = SqliteWriter(url), SqliteRowReader(url)
    yield writer, reader
    writer.close()
    reader.close()


@settings(max_examples=40, suppress_health_check=list(HealthCheck))
@given(rows=canonical.rows(EVERYTHING, _VALUES))
def test_read_back_equal(store: tuple[SqliteWriter, SqliteRowReader], rows: Any) -> None:
    writer, reader = store
    with writer.transaction() as loader:
        loader.load(EVERYTHING, rows)
    by_key = reader.rows(EVERYTHING, _NAMES, rows.select(["id"]))
    scanned = pa.Table.from_batches(list(reader.scan(EVERYTHING, _NAMES)))
    with writer.transaction() as loader:
        assert loader.delete(EVERYTHING, rows.select(["id"])) == len(rows)
    assert by_key.schema == rows.schema
    assert canonical.plain(by_key, EVERYTHING) == canonical.plain(rows, EVERYTHING)
    assert canonical.plain(scanned, EVERYTHING) == canonical.plain(rows, EVERYTHING)


def _one(kind: ColumnType, value: Any) -> Any:
    return pa.table({"id": pa.array([1], pa.int32()), "x": canonical.column([value], kind)})


@pytest.mark.parametrize(
    ("kind", "value", "reason"),
    [
        (ColumnType("float8", "FLOAT"), float("nan"), "out_of_range"),
        (ColumnType("float8", "FLOAT"), -0.0, "precision"),
        (ColumnType("numeric", "NUMERIC(40, 2)", precision=40, scale=2), "12345678901234567.89", "precision"),
        (ColumnType("numeric", "NUMERIC"), "1.10", "precision"),
        (ColumnType("json", "JSON"), "12345678901234567890123", "precision"),
        (ColumnType("text", "STRING"), "007", "bad_type"),
        (ColumnType("uuid", "UUID"), bytes.fromhex("12345678901234567890123456789012"), "bad_type"),
        (ColumnType("timestamptz", "DATETIME"), 2**60, "out_of_range"),
        (ColumnType("time", "TIME"), 86_400_000_000, "out_of_range"),
    ],
)
def test_what_sqlite_would_change_is_refused(tmp_path: Path, kind: ColumnType, value: Any, reason: str) -> None:
    of = canonical.table("t", ("id", ColumnType("int4", "INTEGER")), ("x", kind))
    writer = SqliteWriter(f"sqlite:///{tmp_path / 't.db'}")
    with writer.transaction() as loader:
        sql(loader, canonical.ddl(of))
    with pytest.raises(RowRejected) as refused, writer.transaction() as loader:
        loader.load(of, _one(kind, value))
    writer.close()
    assert (refused.value.reason, refused.value.column) == (reason, "x")


@pytest.mark.parametrize(
    ("column", "planted"),
    [
        ("int4", "abc"), ("int4", 2**40), ("int4", 1.5), ("bool", 2), ("text", b"\xff"), ("text", b"abc"),
        ("bytea", "abc"), ("timestamptz", "2024-01-01T00:00:00.000000"), ("timestamptz", 5), ("date", "2024-13-01"),
        ("time", "25:00:00.000000"),
        ("uuid", "ABCDEF00" * 4), ("float8", "x"), ("numeric", "ten"),
    ],
)  # fmt: skip
def test_what_others_put_there_is_seen(
    store: tuple[SqliteWriter, SqliteRowReader], url: str, column: str, planted: Any
) -> None:
    connection = sqlite3.connect(url.removeprefix("sqlite:///"))
    connection.execute(f"INSERT INTO everything (id, {column}) VALUES ('{'ab' * 16}', ?)", [planted])
    connection.commit()
    connection.close()
    (batch,) = store[1].scan(EVERYTHING, _NAMES)
    (said,) = batch.column(UNREADABLE).to_pylist()
    assert said.startswith(f"{column} holds ")


def test_a_refused_row_leaves_nothing_of_its_batch(store: tuple[SqliteWriter, SqliteRowReader]) -> None:
    writer, reader = store
    key = pa.array([b"a" * 16, b"b" * 16, b"a" * 16], pa.binary(16))
    with writer.transaction() as loader:
        with pytest.raises(RowRejected) as refused, loader.savepoint():
            loader.load(EVERYTHING, pa.table({"id": key}))
        loader.load(EVERYTHING, pa.table({"id": key.slice(1, 1)}))
    assert (refused.value.reason, refused.value.column) == ("unique", "id")
    assert [b.column("id").to_pylist() for b in reader.scan(EVERYTHING, ["id"])] == [[b"b" * 16]]


def test_a_query_cannot_write(store: tuple[SqliteWriter, SqliteRowReader]) -> None:
    assert store[1].query("SELECT 1 AS a UNION ALL SELECT 2", limit=1) == (["a"], [(1,)], 2)
    with pytest.raises(CrossfadeError):
        store[1].query("DELETE FROM everything", limit=1)


def test_files_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("certainly not a database, but long enough to be taken for one" * 40)
    for name, status in (("text.db", 1), ("missing.db", 3), ("no/such/folder.db", 3)):
        with open_store(f"sqlite:///{tmp_path / name}") as store, pytest.raises(CrossfadeError) as caught:  # noqa: PT012
            assert store.row_reader is not None
            store.row_reader.query("SELECT 1", limit=1)
        assert caught.value.exit_status == status  # 3: it could not be reached
    with pytest.raises(Misused):
        open_store("sqlite://")


@pytest.mark.parametrize(
    "text", ["1.0", "1.50", "1e3", " 7 ", "1e300", "1e-7", "0.1", '"1.0"', '{"a":1.0}', "9007199254740993"]
)
def test_a_json_number_alone_is_what_verification_expects(tmp_path: Path, text: str) -> None:
    of = canonical.table("t", ("id", ColumnType("int4", "INTEGER")), ("x", ColumnType("json", "JSON")))
    rows, url = _one(ColumnType("json", "JSON"), text), f"sqlite:///{tmp_path / 't.db'}"
    writer, reader = SqliteWriter(url), SqliteRowReader(url)
    with writer.transaction() as loader:
        sql(loader, canonical.ddl(of))
        loader.load(of, rows)
    found = reader.rows(of, ["id", "x"], rows.select(["id"])).column("x").to_pylist()
    assert reader.printed(of, rows).column("x").to_pylist() == found
    (given, back) = (json.loads(t, parse_int=Decimal, parse_float=Decimal) for t in (text, found[0]))
    assert given == back
    writer.close()
    reader.close()
