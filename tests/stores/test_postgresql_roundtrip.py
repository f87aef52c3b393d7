"""Values of every kind written to PostgreSQL are read back equal, with NULLs and extremes."""

from __future__ import annotations

import subprocess
import sys
import uuid
from collections.abc import Iterator
from typing import Any

import canonical_rows as canonical
import psycopg
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crossfade.model.target import ColumnType, TargetTable
from crossfade.stores.postgresql.rows import PostgresRowReader
from crossfade.stores.postgresql.target import PostgresWriter
from crossfade.stores.postgresql.writing.render import NativeRenderer, PythonRenderer, WireColumn

_SQL = {"char": "char(5)", "enum": "mood"}
_KINDS = [(kind, ColumnType(kind, _SQL.get(kind, kind))) for kind in canonical.VALUES]
_ARRAYS = [(f"{name}s", ColumnType("array", f"{kind.sql}[]", of=kind)) for name, kind in _KINDS]
EVERYTHING = canonical.table("everything", ("id", ColumnType("uuid", "uuid")), *_KINDS, *_ARRAYS)
_NAMES = [c.name for c in EVERYTHING.columns]


@pytest.fixture
def store(pg_db: Any) -> Iterator[tuple[PostgresWriter, PostgresRowReader]]:
    pg_db.execute("CREATE TYPE mood AS ENUM ('happy', 'sad')")
    pg_db.execute(canonical.ddl(EVERYTHING))
    writer, reader = PostgresWriter(pg_db.url), PostgresRowReader(pg_db.url)
    yield writer, reader
    writer.close()
    reader.close()


@settings(max_examples=40, suppress_health_check=list(HealthCheck))
@given(rows=canonical.rows(EVERYTHING))
def test_read_back_equal(store: tuple[PostgresWriter, PostgresRowReader], rows: Any) -> None:
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


@settings(max_examples=40)
@given(rows=canonical.rows(EVERYTHING))
def test_the_native_renderer_gives_the_bytes_of_the_reference(rows: Any) -> None:
    columns = [WireColumn(c.name, c.type, element_oid=25) for c in EVERYTHING.columns]
    native, reference = NativeRenderer().render(rows, columns), PythonRenderer().render(rows, columns)
    assert b"".join(native) == b"".join(reference)


def _loaded(pg_db: Any, table: TargetTable, rows: Any) -> Any:
    writer, reader = PostgresWriter(pg_db.url), PostgresRowReader(pg_db.url)
    with writer.transaction() as loader:
        loader.load(table, rows)
    back = reader.rows(table, rows.column_names, rows.select(list(table.primary_key)))
    writer.close()
    reader.close()
    return back


@pytest.mark.parametrize(
    "kind", ["int4", "float8", "numeric", "text", "timestamptz", "timestamp", "date", "bytea", "bool"]
)
def test_any_kind_can_be_a_key_of_two_columns(pg_db: Any, kind: str) -> None:
    of = canonical.table("keyed", ("a", ColumnType(kind, kind)), ("b", ColumnType("text", "text")), key=("a", "b"))
    pg_db.execute(canonical.ddl(of))
    values: dict[str, list[Any]] = {
        "text": ["'\"\\{", ""],
        "bytea": [b"\0\xff", b""],
        "numeric": ["1.10", "9" * 100],
        "bool": [True, False],
    }
    rows = pa.table({"a": canonical.column(values.get(kind, [-5, 7]), of.columns[0].type), "b": ["x,y", "NULL"]})
    assert canonical.plain(_loaded(pg_db, of, rows), of) == canonical.plain(rows, of)


@settings(max_examples=15, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_types_of_no_kind_travel_as_text_beside_all_others(pg_db: Any, data: st.DataObject) -> None:
    kinds = [(n, k) for n, k in _KINDS + _ARRAYS if n not in ("enum", "enums")]
    other = ColumnType("other", "interval")
    of = canonical.table(
        f"t{uuid.uuid4().hex}",
        ("id", ColumnType("uuid", "uuid")),
        *kinds,
        ("i", other),
        ("is", ColumnType("array", "interval[]", of=other)),
    )
    pg_db.execute(canonical.ddl(of))
    values = {**canonical.VALUES, "other": st.sampled_from(["1 day", "1 year 2 mons", "-00:00:00.000001"])}
    rows = data.draw(canonical.rows(of, values))
    assert canonical.plain(_loaded(pg_db, of, rows), of) == canonical.plain(rows, of)


@pytest.mark.parametrize("stored", ["infinity", "-infinity", "294276-12-31 23:59:59"])
@pytest.mark.parametrize("kind", ["timestamptz", "timestamp"])
def test_dates_out_of_range_are_not_read_as_valid_values(pg_db: Any, kind: str, stored: str) -> None:
    of = canonical.table("t", ("id", ColumnType("int4", "int4")), ("x", ColumnType(kind, kind)))
    pg_db.execute(canonical.ddl(of))
    pg_db.execute(f"INSERT INTO t VALUES (1, '{stored}')")
    reader = PostgresRowReader(pg_db.url)
    (row,) = canonical.plain(pa.Table.from_batches(list(reader.scan(of, ["id", "x"]))), of)
    reader.close()
    assert row[1] == (-(2**63) if stored == "-infinity" else 2**63 - 1)


@pytest.mark.parametrize("stored", ["{{1,2},{3,4}}", "[0:3]={1,2,3,4}"])
def test_an_array_of_another_shape_differs(pg_db: Any, stored: str) -> None:
    of = canonical.table(
        "t", ("id", ColumnType("int4", "int4")), ("x", ColumnType("array", "int4[]", of=ColumnType("int4", "int4")))
    )
    pg_db.execute(canonical.ddl(of))
    pg_db.execute(f"INSERT INTO t VALUES (1, '{stored}')")
    reader = PostgresRowReader(pg_db.url)
    assert [b.column("x").to_pylist() for b in reader.scan(of, ["id", "x"])] == [[[1, 2, 3, 4, None]]]
    reader.close()


def test_a_query_is_counted_and_cannot_write(pg_db: Any) -> None:
    reader = PostgresRowReader(pg_db.url)
    names, rows, count = reader.query("SELECT n, '5%' AS t FROM generate_series(1, 1000) AS g(n);", limit=2)
    assert (names, rows, count) == (["n", "t"], [(1, "5%"), (2, "5%")], 1000)
    pg_db.execute("CREATE SEQUENCE s")
    with pytest.raises(Exception, match="read"):
        reader.query("SELECT nextval('s')", limit=1)
    reader.close()


def test_dates_that_python_has_no_word_for_are_shown(pg_db: Any) -> None:
    reader = PostgresRowReader(pg_db.url)
    assert reader.query("SELECT 'infinity'::date, '0044-03-15 BC'::timestamp", limit=1)[1] == [
        ("infinity", "0044-03-15 00:00:00 BC")
    ]
    reader.close()


def test_psycopg_sees_the_same(pg_db: Any) -> None:
    """A third pair of eyes, beside the writer and the reader."""
    of = canonical.table("t", ("id", ColumnType("int4", "int4")), ("n", ColumnType("numeric", "numeric")))
    pg_db.execute(canonical.ddl(of))
    _loaded(pg_db, of, pa.table({"id": pa.array([1], pa.int32()), "n": ["-1234567.8900"]}))
    with psycopg.connect(pg_db.url) as connection:
        assert connection.execute("SELECT id, n::text FROM t").fetchall() == [(1, "-1234567.8900")]


def test_without_pgpq_rows_are_rendered_in_python() -> None:
    program = (
        "import sys; sys.modules['pgpq'] = None\n"
        "from crossfade.stores.postgresql.writing.render import best_renderer\n"
        "print(type(best_renderer()).__name__)"
    )
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "PythonRenderer"
