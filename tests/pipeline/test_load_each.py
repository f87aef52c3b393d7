"""A refused batch record by record: which records are refused and why, which are loaded, without repeated attempts."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
import pytest

from crossfade.journal import journal, loaded
from crossfade.model.target import ColumnType, ForeignKey, TargetColumn, TargetTable
from crossfade.pipeline.load import load_records
from crossfade.stores.contract import RowRejected, TargetTransaction, need
from crossfade.stores.open import open_store
from crossfade.stores.postgresql.target import PostgresWriter
from crossfade.stores.sqlite.target import SqliteWriter
from crossfade.transform.transform import TableRows
from scratch import PostgresScratch
from target_sql import sql

INT, TEXT = ColumnType("int4", "integer"), ColumnType("text", "text")


def table(name: str, *, schema: str | None = "public", **columns: ColumnType) -> TargetTable:
    return TargetTable(name, schema, name, tuple(TargetColumn(n, t) for n, t in columns.items()), ("id",))


PARENTS = table("parents", id=INT, kind=TEXT)
CHILDREN = replace(
    table("children", id=INT, up=INT, note=TEXT), foreign_keys=(ForeignKey("up", ("up",), "parents", ("id",)),)
)


def part(of: TargetTable, roots: list[int], **columns: list[Any]) -> TableRows:
    kinds = {"int4": pa.int32(), "text": pa.string(), "float8": pa.float64(), "numeric": pa.string()}
    types = {c.name: kinds[c.type.kind] for c in of.columns}
    rows = pa.table({name: pa.array(values, types[name]) for name, values in columns.items()})
    return TableRows(of, rows, pa.array(roots, pa.int64()))


class _Once:
    """Counts the bulk loads, and those record by record."""

    def __init__(self, tx: TargetTransaction) -> None:
        self._tx, self.asked = tx, list[str]()

    def __getattr__(self, name: str) -> Any:
        if name in ("load", "load_each"):
            self.asked.append(name)
        return getattr(self._tx, name)


@pytest.fixture
def writer(pg_db: PostgresScratch) -> Iterator[PostgresWriter]:
    with closing(PostgresWriter(pg_db.url)) as writer:
        yield writer


SCHEMA = """
CREATE FUNCTION picky(n integer) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    IF n % 10 = 3 THEN RAISE EXCEPTION 'no threes' USING ERRCODE = 'ZZ003'; END IF;
    IF n % 10 = 4 THEN ASSERT false, 'no fours'; END IF;
    RETURN true;
END $$;
CREATE DOMAIN kind AS text CONSTRAINT lower_case CHECK (VALUE = lower(VALUE));
CREATE TABLE parents (id integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY, kind kind);
CREATE TABLE children (
    id integer PRIMARY KEY CHECK (picky(id)),
    up integer NOT NULL REFERENCES parents,
    note text CONSTRAINT told CHECK (note <> '')
);
CREATE INDEX noted ON children (note);
"""


def test_each_is_whole_or_not_at_all(pg_db: PostgresScratch, writer: PostgresWriter) -> None:
    with psycopg.connect(pg_db.url) as connection:
        connection.execute(SCHEMA)
    n = 200
    kinds = ["BIG" if i == 50 else "small" for i in range(n)]
    roots = [i for i in range(n) for _ in range(2)]  # two children each
    ids = [i * 10 + at for i in range(n) for at in (0, 1)]
    notes: list[str | None] = ["note"] * len(ids)
    ids[2 * 10] = 13  # a function that raises, and one whose ASSERT fails
    ids[2 * 20 + 1] = 24
    ids[2 * 30] = ids[0]  # a key of another record
    ids[2 * 40 + 1] = ids[2 * 40]  # twice in one record
    notes[2 * 60] = ""
    notes[2 * 70] = "".join(sha256(bytes([i])).hexdigest() for i in range(99))  # too long for the index
    ups: list[int | None] = list(roots)
    ups[2 * 80] = None
    ups[2 * 90] = 1000
    parents = table("parents", id=INT, kind=ColumnType("text", "public.kind"))
    tables = [part(parents, list(range(n)), id=list(range(n)), kind=kinds)]
    tables += [part(CHILDREN, roots, id=ids, up=ups, note=notes)]
    with writer.transaction() as tx:
        once: Any = _Once(tx)
        refused = load_records(once, tables, range(n))
    assert once.asked == ["load", "load_each"]
    assert [(m.row, m.reason, m.table, m.column, m.constraint) for m in refused] == [
        (10, "raised", "children", None, None),
        (20, "raised", "children", None, None),
        (30, "unique", "children", None, "children_pkey"),
        (40, "unique", "children", None, "children_pkey"),
        (50, "check", "parents", "kind", "lower_case"),
        (60, "check", "children", None, "told"),
        (70, "too_long", "children", None, "noted"),
        (80, "not_null", "children", "up", None),
        (90, "foreign_key", "children", None, "children_up_fkey"),
    ]
    assert pg_db.execute("SELECT count(*), min(up), max(up) FROM children") == [(2 * (n - 9), 0, n - 1)]
    gone = ", ".join(str(m.row) for m in refused)
    assert pg_db.execute(f"SELECT count(*) FROM parents WHERE id IN ({gone})") == [(0,)]
    assert pg_db.execute("SELECT count(*) FROM parents") == [(n - 9,)]
    assert pg_db.execute("SELECT count(*) FROM pg_class WHERE relname LIKE 'crossfade%'") == [(0,)]


def test_the_journal_knows_the_rows_that_went_in(pg_db: PostgresScratch) -> None:
    """Each bears the number of the subtransaction that it went in with; a reset tells them from rows of others."""
    pg_db.execute("CREATE TABLE parents (id integer PRIMARY KEY, kind text)")
    ids = [i if i % 5 else 1 for i in range(1, 61)]
    with open_store(pg_db.url) as store:
        journal.create(store)
        writer = need(store.writer, store, "be written to")
        with writer.transaction() as tx:
            once: Any = _Once(tx)
            refused = load_records(
                once, [part(PARENTS, list(range(60)), id=ids, kind=["a"] * 60)], range(60), loaded=loaded.note
            )
        assert once.asked == ["load", "load_each"]
        assert {m.reason for m in refused} == {"unique"}
        assert len(refused) == 12
        pg_db.execute("INSERT INTO parents VALUES (1000, 'of others')")
        with writer.transaction() as tx:
            assert tx.count(PARENTS, hold=False) == 49
            assert tx.other_rows(PARENTS, limit=9).count == 1


def test_a_table_with_a_rule_is_filled_by_copy_alone(pg_db: PostgresScratch, writer: PostgresWriter) -> None:
    """An INSERT would do what the rule says."""
    pg_db.execute("CREATE TABLE parents (id integer PRIMARY KEY, kind text)")
    pg_db.execute("CREATE RULE away AS ON INSERT TO parents DO INSTEAD NOTHING")
    with writer.transaction() as tx:
        once: Any = _Once(tx)
        refused = load_records(once, [part(PARENTS, [0, 1, 2], id=[1, 1, 2], kind=["a"] * 3)], range(3))
    assert [(m.row, m.reason) for m in refused] == [(1, "unique")]
    assert pg_db.execute("SELECT count(*) FROM parents") == [(2,)]


def test_without_the_right_to_temporary_tables(pg_db: PostgresScratch) -> None:
    role = f"role_{pg_db.name}"
    pg_db.execute(f"CREATE ROLE {role} LOGIN")
    try:
        pg_db.execute(f"REVOKE TEMP ON DATABASE {pg_db.name} FROM PUBLIC")
        pg_db.execute("CREATE TABLE parents (id integer PRIMARY KEY, kind text)")
        pg_db.execute(f"ALTER TABLE parents OWNER TO {role}")
        url = f"{pg_db.url.replace('postgres@', role + '@')}"
        with closing(PostgresWriter(url)) as writer, writer.transaction() as tx:
            refused = load_records(tx, [part(PARENTS, [0, 1, 2], id=[1, 1, 2], kind=["a"] * 3)], range(3))
        assert [(m.row, m.reason) for m in refused] == [(1, "unique")]
        assert pg_db.execute("SELECT count(*) FROM parents") == [(2,)]
    finally:
        pg_db.execute(f"DROP OWNED BY {role}")
        pg_db.execute(f"DROP ROLE {role}")


MUTUAL = """
CREATE TABLE parents (id integer PRIMARY KEY, kind integer);
CREATE TABLE children (id integer PRIMARY KEY, up integer NOT NULL REFERENCES parents DEFERRABLE {}, note text);
ALTER TABLE parents ADD FOREIGN KEY (kind) REFERENCES children DEFERRABLE {}
"""


@pytest.mark.parametrize("initially", ["INITIALLY DEFERRED", "INITIALLY IMMEDIATE"])
def test_tables_that_refer_to_each_other(pg_db: PostgresScratch, writer: PostgresWriter, initially: str) -> None:
    """In every savepoint of a transaction, after one that was refused too, and record by record."""
    with psycopg.connect(pg_db.url) as connection:
        connection.execute(MUTUAL.replace("{}", initially))
    parents = table("parents", id=INT, kind=INT)

    def one(*ids: int, kinds: dict[int, int] | None = None) -> list[TableRows]:
        roots = list(range(len(ids)))
        up = part(parents, roots, id=list(ids), kind=[(kinds or {}).get(i, i) for i in ids])
        return [up, part(CHILDREN, roots, id=list(ids), up=list(ids), note=["n"] * len(ids))]

    with writer.transaction() as tx:
        assert load_records(tx, one(1), [0]) == []
        assert load_records(tx, one(2), [0]) == []
        assert [(m.row, m.reason) for m in load_records(tx, one(3, kinds={3: 99}), [0])] == [(0, "foreign_key")]
        assert load_records(tx, one(4), [0]) == []
        refused = load_records(tx, one(5, 6, 7, 8, kinds={6: 99}), range(4))
        assert [(m.row, m.reason, m.table) for m in refused] == [(1, "foreign_key", "parents")]
        assert load_records(tx, one(9), [0]) == []
    assert pg_db.execute("SELECT array_agg(id ORDER BY id) FROM parents") == [([1, 2, 4, 5, 7, 8, 9],)]


def test_what_waits_is_still_checked_at_the_commit(pg_db: PostgresScratch, writer: PostgresWriter) -> None:
    with psycopg.connect(pg_db.url) as connection:
        connection.execute(MUTUAL.replace("{}", "INITIALLY DEFERRED"))
    with pytest.raises(RowRejected):
        _orphaned_after_a_savepoint(writer)
    assert pg_db.execute("SELECT count(*) FROM parents") == [(0,)]


def _orphaned_after_a_savepoint(writer: PostgresWriter) -> None:
    alone = table("parents", id=INT)
    with writer.transaction() as tx:
        assert load_records(tx, [part(alone, [0], id=[1])], [0]) == []
        sql(tx, "INSERT INTO children VALUES (1, 99, 'n')")


# -- SQLite


LITE = """
CREATE TABLE parents (id INTEGER PRIMARY KEY, kind TEXT CHECK (kind <> 'bad'));
CREATE TABLE children (id INTEGER PRIMARY KEY, up INTEGER NOT NULL, note TEXT UNIQUE);
CREATE TABLE money (id INTEGER PRIMARY KEY, amount NUMERIC NOT NULL, rate REAL);
"""


@pytest.fixture
def lite(tmp_path: Path) -> Iterator[tuple[Path, SqliteWriter]]:
    file = tmp_path / "t.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript(LITE)
    with closing(SqliteWriter(f"sqlite:///{file}")) as writer:
        yield file, writer


def test_sqlite_takes_each_whole_or_not_at_all(lite: tuple[Path, SqliteWriter]) -> None:
    n = 100
    parents, children = (table(t.name, schema=None, **{c.name: c.type for c in t.columns}) for t in (PARENTS, CHILDREN))
    ids = [i * 10 + at for i in range(n) for at in (0, 1)]
    ids[2 * 30 + 1] = 0
    notes = [f"note {i}" for i in ids]
    notes[2 * 40 + 1] = notes[2 * 40]
    kinds = ["bad" if i == 10 else "good" for i in range(n)]
    roots = [i for i in range(n) for _ in range(2)]
    tables = [part(parents, list(range(n)), id=list(range(n)), kind=kinds)]
    tables += [part(children, roots, id=ids, up=[None if i == 20 else i for i in roots], note=notes)]
    file, writer = lite
    with writer.transaction() as tx:
        once: Any = _Once(tx)
        refused = load_records(once, tables, range(n))
    assert once.asked == ["load", "load_each"]
    assert [(m.row, m.reason, m.table, m.column) for m in refused] == [
        (10, "check", "parents", None),
        (20, "not_null", "children", "up"),
        (30, "unique", "children", "id"),
        (40, "unique", "children", "note"),
    ]
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("SELECT count(*) FROM parents").fetchall() == [(n - 4,)]
        assert connection.execute("SELECT count(*) FROM children").fetchall() == [(2 * (n - 4),)]


def test_what_sqlite_would_change_is_named_in_one_look(lite: tuple[Path, SqliteWriter]) -> None:
    money = table(
        "money", schema=None, id=INT, amount=ColumnType("numeric", "NUMERIC"), rate=ColumnType("float8", "REAL")
    )
    amounts = ["0.12345678901234567890" if i % 10 == 0 else "1.5" for i in range(100)]
    rates = [float("nan") if i % 10 == 1 else 1.0 for i in range(100)]
    file, writer = lite
    with writer.transaction() as tx:
        once: Any = _Once(tx)
        refused = load_records(
            once, [part(money, list(range(100)), id=list(range(100)), amount=amounts, rate=rates)], range(100)
        )
    assert once.asked == ["load", "load"]
    assert {(m.row % 10, m.reason, m.column) for m in refused} == {
        (0, "precision", "amount"),
        (1, "out_of_range", "rate"),
    }
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("SELECT count(*) FROM money").fetchall() == [(100 - len(refused),)]
