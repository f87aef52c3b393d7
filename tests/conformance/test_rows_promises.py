"""What `RowReader` promises, of every store that rows are written to."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

import pyarrow as pa
import pytest
from gaps import never, notimpl
from kinds import Target, keys, made
from test_writer_promises import ITEMS, ROWS

from crossfade.errors import CrossfadeError
from crossfade.model.canonical import python_rows
from crossfade.stores.contract import RowRejected

EVERY_KIND = """
CREATE TABLE items (id integer NOT NULL PRIMARY KEY, small smallint, big bigint, ratio double precision,
                    price numeric(20, 4), flag boolean, name text, code varchar(10), key uuid, at timestamp, day date,
                    hour time, raw {binary}, data json);
"""
BINARY = {"sqlite": "blob"}
MOMENT = int(dt.datetime(2024, 2, 29, 23, 59, 59, 123456, dt.UTC).timestamp() * 1_000_000)
FULL: dict[str, Any] = {
    "id": 1, "small": -3, "big": 2**62, "ratio": 0.1, "price": "12.5000", "flag": True, "name": "日本 \U0001f600 'x'",
    "code": "c", "key": uuid.UUID(int=0xABC << 100).bytes, "at": MOMENT, "day": 19_782, "hour": 86_399_000_001,
    "raw": b"\0\xff", "data": '{"a":[1,null]}',
}  # fmt: skip


@never("mongodb", reason="it has no dates without a time, times of day and numbers of 16 bits")
def test_every_kind_of_value_comes_back(target: Target) -> None:
    """A value of every kind is read back as it was written."""
    table = target.table(EVERY_KIND.format(binary=BINARY.get(target.kind, "bytea")))
    values = tuple(FULL[c.name] for c in table.columns)
    nulls = tuple(2 if c.name == "id" else None for c in table.columns)
    target.load(table, values, nulls)
    assert target.rows(table) == sorted([values, nulls], key=repr)


EXTREMES: list[tuple[str, list[Any]]] = [
    ("bigint", [2**63 - 1, -(2**63)]),
    ("double precision", [float("inf"), 5e-324, -0.0, 1.7976931348623157e308]),
    ("text", ["", " ", "a\nb\tc\\d", "007", "1e5", "NULL"]),
]
FINE: list[tuple[str, list[Any]]] = [
    ("numeric(30, 10)", ["0.0000000001", "-99999999999999999999.9999999999"]),
    ("timestamp", [0, -1, MOMENT]),
    ("date", [0, -719_162, 2_932_896]),
]


@pytest.mark.parametrize(("declared", "values"), EXTREMES, ids=[declared for declared, _ in EXTREMES])
def test_extreme_values(target: Target, declared: str, values: list[Any]) -> None:
    """The extreme values of each kind are read back as they were written, or refused; none is changed."""
    require_unchanged(target, declared, values)


@never("mongodb", reason="its dates are milliseconds, and the driver prints its decimals")
@pytest.mark.parametrize(("declared", "values"), FINE, ids=[declared for declared, _ in FINE])
def test_fine_values(target: Target, declared: str, values: list[Any]) -> None:
    """So are decimals of many digits, microseconds and days."""
    require_unchanged(target, declared, values)


def require_unchanged(target: Target, declared: str, values: list[Any]) -> None:
    table = target.table(f"CREATE TABLE items (id integer NOT NULL PRIMARY KEY, v {declared})")
    wanted = []
    for number, value in enumerate(values):
        try:
            target.load(table, (number, value))
        except RowRejected:
            continue
        wanted.append((number, value))
    assert repr(sorted(target.rows(table))) == repr(sorted(wanted))


def test_rows_by_their_keys(target: Target) -> None:
    """Rows are read by their primary keys; a key that no row has returns none."""
    table = target.table(ITEMS)
    target.load(table, *ROWS)
    found = target.row_reader.rows(table, ["code", "n"], keys(table, ("a", 2), ("A", 1), ("zz", 1)))
    assert sorted(python_rows(found.select(["code", "n"]))) == [("y", 2), ("z", 1)]
    assert target.row_reader.rows(table, ["n"], keys(table)).num_rows == 0


def test_rows_by_their_owner(target: Target) -> None:
    """All rows with the values of an owner column are read; a value that no row has returns none."""
    table = target.table(ITEMS)
    target.load(table, *ROWS)
    found = target.row_reader.owned(table, ["owner", "n"], made(table, ("a",), ("c",), columns=["owner"]))
    assert sorted(python_rows(found.select(["owner", "n"]))) == [("a", 1), ("a", 2)]
    assert target.row_reader.owned(table, ["n"], made(table, columns=["owner"])).num_rows == 0


def test_many_rows_are_read_in_batches(target: Target) -> None:
    """A scan yields all rows of a large table."""
    table = target.table("CREATE TABLE items (id integer NOT NULL PRIMARY KEY, name text)")
    target.load(table, *((n, "x" * 50) for n in range(12_000)))
    batches = list(target.row_reader.scan(table, ["id"]))
    assert sorted(pa.chunked_array([b.column(0) for b in batches]).to_pylist()) == list(range(12_000))
    assert target.row_reader.count(table) == 12_000


def test_only_what_is_committed_is_read(target: Target) -> None:
    """Only what is committed is read: reading shares nothing with the writer."""
    table = target.table(ITEMS)
    target.load(table, ROWS[0])
    with target.writer.transaction() as tx:
        tx.load(table, made(table, ROWS[1]))
        assert target.row_reader.count(table) == 1
        assert target.row_reader.rows(table, ["n"], keys(table, ROWS[1][:2])).num_rows == 0
    assert target.row_reader.count(table) == 2


def test_values_are_printed_as_the_target_prints_them(target: Target) -> None:
    """Rows are printed as the target prints them; plain values stay as they are."""
    table = target.table(ITEMS)
    rows = made(table, *ROWS)
    assert target.row_reader.printed(table, rows).equals(rows)


def test_no_trigger(target: Target) -> None:
    """A table without triggers has no insert trigger."""
    assert not target.row_reader.has_insert_trigger(target.table(ITEMS))


TRIGGERS = {
    "sqlite": "CREATE TRIGGER t AFTER INSERT ON items BEGIN DELETE FROM items; END",
    "postgresql": "CREATE TRIGGER t BEFORE INSERT ON items FOR EACH ROW EXECUTE FUNCTION f()",
}
FUNCTION = "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'"


@never("mongodb", reason="it has no triggers")
@never("memory", reason="it has no triggers")
def test_triggers_do_not_fire(target: Target) -> None:
    """A trigger is reported, and does not fire for what crossfade writes."""
    table = target.table(ITEMS)
    with target.writer.transaction() as tx:
        if target.kind == "postgresql":
            tx.run(FUNCTION)
        tx.run(TRIGGERS[target.kind])
    assert target.row_reader.has_insert_trigger(table)
    target.load(table, *ROWS)
    assert target.rows(table) == sorted(ROWS, key=repr)


@notimpl("memory", reason="its tables are not queried by SQL")
def test_a_query_of_a_rule(target: Target) -> None:
    """A rule's SELECT returns its columns, the first rows and how many there are."""
    table = target.table(ITEMS)
    target.load(table, *ROWS)
    query = "SELECT code, n FROM items ORDER BY code"
    names, rows, total = target.row_reader.query(query, limit=2, tables=[table])
    assert (names, total) == (["code", "n"], 4)
    assert len(rows) == 2


def test_a_query_cannot_write(target: Target) -> None:
    """A query that would write is refused."""
    table = target.table(ITEMS)
    target.load(table, *ROWS)
    for statement in ("DELETE FROM items", "DROP TABLE items", "SELECT 1; DELETE FROM items"):
        with pytest.raises(CrossfadeError):
            target.row_reader.query(statement, limit=1, tables=[table])
    assert target.row_reader.count(table) == len(ROWS)
