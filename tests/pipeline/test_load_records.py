"""A target refuses exactly the records at fault, all at once if it can name them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
import pytest

from crossfade.errors import CrossfadeError, Stale
from crossfade.model.target import ColumnType, TargetColumn, TargetTable
from crossfade.pipeline.load import FEW, load_records
from crossfade.stores.contract import TargetTransaction
from crossfade.stores.postgresql.target import PostgresWriter
from crossfade.stores.sqlite.target import SqliteWriter
from crossfade.transform.transform import TableRows
from scratch import PostgresScratch
from target_sql import sql

PICKY = """
CREATE FUNCTION picky(n integer) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    IF n % 7 = 0 THEN RAISE EXCEPTION 'no sevens' USING ERRCODE = 'ZZ007'; END IF;
    RETURN true;
END $$"""
BROKEN = "CREATE FUNCTION picky(n integer) RETURNS boolean LANGUAGE sql AS 'SELECT exists(SELECT FROM nowhere)'"
TABLE = TargetTable(
    "picked",
    "public",
    "picked",
    (
        TargetColumn("n", ColumnType("int4", "integer"), nullable=False),
        TargetColumn("span", ColumnType("other", "interval")),
    ),
    ("n",),
)


@pytest.fixture
def writer(pg_db: PostgresScratch) -> Iterator[PostgresWriter]:
    with closing(PostgresWriter(pg_db.url)) as writer:
        yield writer


def _make(db: PostgresScratch, function: str) -> None:
    with psycopg.connect(db.url) as connection:
        connection.execute("SET check_function_bodies = off")
        connection.execute(function.encode())
        connection.execute("CREATE TABLE picked (n integer PRIMARY KEY CHECK (picky(n)), span interval)")


def _records(numbers: range, span: str = "1 day") -> list[TableRows]:
    rows = pa.table({"n": pa.array(numbers, pa.int32()), "span": pa.array([span] * len(numbers))})
    return [TableRows(TABLE, rows, pa.array(range(len(numbers)), pa.int64()))]


class _Counting:
    """Counts the loads."""

    def __init__(self, tx: TargetTransaction) -> None:
        self._tx, self.loads = tx, 0

    def load(self, table: TargetTable, rows: Any) -> None:
        self.loads += 1
        self._tx.load(table, rows)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._tx, name)


def _counting(tx: TargetTransaction, into: list[_Counting]) -> Any:
    into.append(_Counting(tx))
    return into[-1]


def test_a_function_that_raises_is_about_its_row(pg_db: PostgresScratch, writer: PostgresWriter) -> None:
    _make(pg_db, PICKY)
    with writer.transaction() as tx:
        counting: Any = _Counting(tx)
        rejections = load_records(counting, _records(range(1, 1001)), range(1000))
    assert sorted(m.row for m in rejections) == list(range(6, 1000, 7))
    assert {m.reason for m in rejections} == {"raised"}
    assert pg_db.execute("SELECT count(*) FROM picked") == [(1000 - len(rejections),)]
    assert counting.loads == 1


def test_what_refuses_every_row_is_no_fault_of_the_rows(pg_db: PostgresScratch, writer: PostgresWriter) -> None:
    _make(pg_db, BROKEN)
    with pytest.raises(CrossfadeError, match="nowhere"), writer.transaction() as tx:
        load_records(tx, _records(range(FEW)), range(FEW))
    assert pg_db.execute("SELECT count(*) FROM picked") == [(0,)]


def test_a_few_records_never_stop_the_others(pg_db: PostgresScratch, writer: PostgresWriter) -> None:
    """All of a small collection: the others come in, and these wait with their reason."""
    _make(pg_db, PICKY)
    with writer.transaction() as tx:
        assert [m.row for m in load_records(tx, _records(range(7, 8)), [0])] == [0]


def test_what_is_no_row_is_said_at_once(pg_db: PostgresScratch, writer: PostgresWriter) -> None:
    _make(pg_db, PICKY)
    pg_db.execute("DROP TABLE picked")
    loads: list[_Counting] = []
    with pytest.raises(CrossfadeError, match="no such table"), writer.transaction() as tx:
        load_records(_counting(tx, loads), _records(range(1, 200)), range(199))
    assert [one.loads for one in loads] == [1]


def test_all_values_that_a_type_changes_are_named_in_one_look(pg_db: PostgresScratch, writer: PostgresWriter) -> None:
    _make(pg_db, "CREATE FUNCTION picky(n integer) RETURNS boolean LANGUAGE sql AS 'SELECT true'")
    (part,) = _records(range(500))
    spans = pa.array(["soon" if n % 5 == 0 else "0.0000001 s" if n % 5 == 1 else "1 day" for n in range(500)])
    rows = part.rows.set_column(1, "span", spans)
    with writer.transaction() as tx:
        counting: Any = _Counting(tx)
        rejections = load_records(counting, [TableRows(TABLE, rows, part.roots)], range(500))
    assert counting.loads == 2
    reasons = {m.row: m.reason for m in rejections}
    assert reasons == {n: ("bad_value", "precision")[n % 5] for n in range(500) if n % 5 < 2}


def test_what_waits_for_the_commit_is_checked_with_the_batch(pg_db: PostgresScratch, writer: PostgresWriter) -> None:
    pg_db.execute("CREATE TABLE picked (n integer PRIMARY KEY DEFERRABLE INITIALLY DEFERRED, span interval)")
    with writer.transaction() as tx:
        assert load_records(tx, _records(range(1, 5)), range(4)) == []
        again = load_records(tx, _records(range(4, 8)), range(4))
    assert [(m.row, m.reason, m.table) for m in again] == [(0, "unique", "picked")]


CHECKED = "CREATE TABLE picked (n integer PRIMARY KEY CONSTRAINT big CHECK (n % 10 <> 0), span text)"


def test_all_that_break_a_check_are_found_at_once(pg_db: PostgresScratch, writer: PostgresWriter) -> None:
    with psycopg.connect(pg_db.url) as connection:
        connection.execute(CHECKED.replace("text", "interval"))
    with writer.transaction() as tx:
        _check_at_once(tx)
    assert pg_db.execute("SELECT count(*), min(n % 10) FROM picked") == [(450, 1)]


def test_all_that_break_a_check_are_found_at_once_in_sqlite(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'new.db'}"
    with closing(sqlite3.connect(tmp_path / "new.db")) as connection:
        connection.execute(CHECKED)
    with closing(SqliteWriter(url)) as writer:
        with writer.transaction() as tx:
            _check_at_once(tx)
        with writer.transaction() as tx:
            assert sql(tx, "SELECT count(*), min(n % 10) FROM picked") == [(450, 1)]


def test_a_check_of_a_column_that_the_target_fills_is_asked_row_by_row(
    pg_db: PostgresScratch, writer: PostgresWriter
) -> None:
    """No question without the column's default may take a record for one that breaks the check."""
    with psycopg.connect(pg_db.url) as connection:
        connection.execute(
            "CREATE TABLE picked (n integer PRIMARY KEY, span interval, extra integer DEFAULT 10,"
            " CONSTRAINT big CHECK (coalesce(extra, 0) + n > 5))"
        )
    with writer.transaction() as tx:
        rejections = load_records(tx, _records(range(-9, 9)), range(18))
    assert [m.row for m in rejections] == [0, 1, 2, 3, 4]
    assert pg_db.execute("SELECT count(*), min(n) FROM picked") == [(13, -4)]


def _check_at_once(tx: TargetTransaction) -> None:
    counting: Any = _Counting(tx)
    rejections = load_records(counting, _records(range(500)), range(500))
    assert counting.loads == 1
    assert [(m.row, m.reason, m.table, m.constraint) for m in rejections] == [
        (n, "check", "picked", rejections[0].constraint) for n in range(0, 500, 10)
    ]


@pytest.mark.parametrize("alter", ["n TYPE bigint", "n TYPE oid", "span TYPE interval second(0)", "span TYPE text"])
def test_a_column_of_another_type_is_not_written_to(pg_db: PostgresScratch, writer: PostgresWriter, alter: str) -> None:
    """The bits of one type are another value to another type, and fewer digits are rounded without a word."""
    pg_db.execute("CREATE TABLE picked (n integer PRIMARY KEY, span interval)")
    with writer.transaction() as tx:
        tx.load(TABLE, _records(range(1))[0].rows)
    pg_db.execute(f"ALTER TABLE picked ALTER {alter}")
    with (
        closing(PostgresWriter(pg_db.url)) as other,
        pytest.raises(Stale, match=alter.partition(" TYPE ")[2].replace("(", r"\(").replace(")", r"\)")),
        other.transaction() as tx,
    ):
        tx.load(TABLE, _records(range(5, 6))[0].rows)
