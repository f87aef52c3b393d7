"""What `JournalTables` promises, of every store that rows are written to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pyarrow as pa
import pytest
from gaps import notimpl
from kinds import Target

from crossfade.journal.ledger import Ledger
from crossfade.journal.tables import LEDGER
from crossfade.model.target import ColumnType, TargetColumn, TargetTable
from crossfade.stores.contract.journal import (
    After,
    Either,
    From,
    Groups,
    Is,
    IsNot,
    JournalColumn,
    JournalTable,
    JournalTables,
    OneOf,
    Size,
    StartsWith,
    UpTo,
)

PAPERS = JournalTable(
    "paper",
    (
        JournalColumn("id"),
        JournalColumn("kind"),
        JournalColumn("number", "bigint", default=0),
        JournalColumn("share", "real", nullable=True),
        JournalColumn("raw", "bytes", nullable=True),
        JournalColumn("of", nullable=True),
    ),
    ("id",),
    {"paper_kind": ("kind", "number")},
)
ROWS: list[dict[str, Any]] = [
    {"id": "a", "kind": "x", "number": 1, "share": 0.5, "raw": b"\0\xff", "of": None},
    {"id": "b", "kind": "x", "number": 2, "share": None, "raw": b"", "of": "a"},
    {"id": "c:d", "kind": "y 100 %", "number": 2, "share": None, "raw": None, "of": "a"},
    {"id": "d", "kind": "y?", "number": 2**40, "share": -1.0, "raw": None, "of": "b"},
]


@contextmanager
def filled(target: Target) -> Iterator[JournalTables]:
    with target.writer.transaction() as tx:
        tx.begin_journal()
        tx.journal.create(PAPERS)
        tx.journal.insert(PAPERS, ROWS)
        yield tx.journal


def ids(journal: JournalTables, *where: Any) -> list[str]:
    return [id_ for (id_,) in journal.select(PAPERS, ("id",), where, order=("id",))]


def everything(journal: JournalTables) -> list[tuple[Any, ...]]:
    names = [c.name for c in PAPERS.columns]
    found = journal.select(PAPERS, names, order=("id",))
    return [tuple(bytes(v) if isinstance(v, (bytes, memoryview)) else v for v in row) for row in found]


def test_rows_come_back(target: Target) -> None:
    """Rows of the journal come back as they were noted; creating a table twice changes nothing."""
    with filled(target) as journal:
        journal.create(PAPERS)
        assert everything(journal) == [tuple(row.values()) for row in ROWS]


def test_every_condition(target: Target) -> None:
    """Rows are found by equal, greater and lesser values, by lists, beginnings and alternatives; null is never less."""
    with filled(target) as journal:
        assert ids(journal, Is("kind", "x")) == ["a", "b"]
        assert ids(journal, Is("share", None)) == ["b", "c:d"]
        assert ids(journal, IsNot("share", None)) == ["a", "d"]
        assert ids(journal, IsNot("share", 0.5)) == ["d"]
        assert ids(journal, OneOf("id", ["a", "d", "z"])) == ["a", "d"]
        assert ids(journal, OneOf("id", [])) == []
        assert ids(journal, From("number", 2), UpTo("number", 3)) == ["b", "c:d"]
        assert ids(journal, After(("number", "id"), (2, "b"))) == ["c:d", "d"]
        assert ids(journal, StartsWith("kind", "y 100 %")) == ["c:d"]
        assert ids(journal, Either(((Is("id", "a"),), (Is("kind", "y?"), Is("of", "b"))))) == ["a", "d"]


def test_selections(target: Target) -> None:
    """A selection is ordered, limited and without repetition where asked for; a size can be read without its value."""
    with filled(target) as journal:
        assert journal.select(PAPERS, ("number",), order=("number",), distinct=True, limit=2) == [(1,), (2,)]
        assert journal.select(PAPERS, ("id", Size("raw")), (IsNot("raw", None),), order=("id",)) == [("a", 2), ("b", 0)]
        assert journal.shared(PAPERS, ("id",), (Is("id", "a"),)) == [("a",)]
        assert journal.count(PAPERS, ("kind",), (Is("of", "a"),)) == [("x", 1), ("y 100 %", 1)]


def test_groups(target: Target) -> None:
    """Groups show their first rows, with their size and the value of the row that they refer to."""
    with filled(target) as journal:
        of = Groups(("of",), link="of", linked="kind", order=("id",), first=1)
        found = journal.groups(PAPERS, ("id",), (IsNot("of", None),), of)
        assert sorted(found) == [(1, "x", ("d",)), (2, "x", ("b",))]


def test_keys_are_unique(target: Target) -> None:
    """A row whose key exists is refused, left unchanged, or updated, as requested."""
    with filled(target) as journal:
        journal.insert(PAPERS, [{**ROWS[0], "kind": "new"}], keep=True)
        assert ids(journal, Is("kind", "new")) == []
        journal.upsert(PAPERS, [{"id": "a", "kind": "new"}, {"id": "e", "kind": "new"}])
        assert ids(journal, Is("kind", "new")) == ["a", "e"]
        assert ids(journal, Is("id", "e"), Is("number", 0)) == ["e"]
    with pytest.raises(Exception, match=r".+"), target.writer.transaction() as tx:
        tx.journal.insert(PAPERS, ROWS[:1])


def test_updates(target: Target) -> None:
    """Rows are updated together, each by its own values, or by an amount."""
    with filled(target) as journal:
        journal.update(PAPERS, {"kind": "z", "share": None}, (Is("kind", "x"),))
        journal.update_each(PAPERS, [({"id": "a"}, {"number": 7}), ({"id": "b"}, {"number": 8})])
        journal.add(PAPERS, {"number": 3}, (Is("kind", "z"),))
        journal.lock(PAPERS, (Is("id", "a"),))
        rows = {row[0]: row[1:4] for row in everything(journal)}
    assert rows == {"a": ("z", 10, None), "b": ("z", 11, None), "c:d": ("y 100 %", 2, None), "d": ("y?", 2**40, -1.0)}


@notimpl("mongodb", reason="a collection is dropped when the transaction has been committed")
def test_deletions(target: Target) -> None:
    """Rows are deleted by conditions or one by one; a table that is dropped is gone."""
    with filled(target) as journal:
        journal.delete(PAPERS, (Is("kind", "x"),))
        journal.delete_each(PAPERS, [{"id": "c:d"}, {"id": "nothing"}])
        assert ids(journal) == ["d"]
        journal.drop(PAPERS)
        journal.drop(PAPERS)
        journal.create(PAPERS)
        assert ids(journal) == []


@notimpl("mongodb", reason="rows of the same transaction do not get it")
def test_a_column_that_comes_later(target: Target) -> None:
    """A column that is added later has its default in the rows that exist."""
    more = JournalColumn("more", default="none")
    with filled(target) as journal:
        journal.add_column(PAPERS, more)
        wider = JournalTable("paper", (*PAPERS.columns, more), ("id",))
        journal.insert(wider, [{"id": "e", "kind": "k", "more": "some"}])
        assert journal.select(wider, ("more",), order=("id",)) == [*[("none",)] * 4, ("some",)]


class Stopped(Exception):
    pass


def test_savepoints_take_the_journal_back(target: Target) -> None:
    """A savepoint that is rolled back takes its notes back, too."""
    with target.writer.transaction() as tx:
        tx.begin_journal()
        tx.journal.create(PAPERS)
        tx.journal.insert(PAPERS, ROWS[:1])
        with pytest.raises(Stopped), tx.savepoint():  # noqa: PT012
            tx.journal.insert(PAPERS, ROWS[1:])
            tx.journal.update(PAPERS, {"kind": "changed"})
            tx.journal.delete(PAPERS, (Is("id", "a"),))
            raise Stopped
        assert everything(tx.journal) == [tuple(ROWS[0].values())]


def test_the_ledger_is_written_and_read_like_rows(target: Target) -> None:
    """A ledger is written by bulk load, searched by rows and by records, and rolled back with its transaction.

    The row that was written last has its key.
    """
    int4, table_name = ColumnType("int4", "integer"), "things"
    table = TargetTable(table_name, None, table_name, (TargetColumn("id", int4, nullable=False),), ("id",))
    ledger = Ledger(target.store)

    def keys(*values: int) -> pa.Table:
        return pa.table({"id": pa.array(values, pa.int32())})

    with target.writer.transaction() as tx:
        tx.begin_journal()
        tx.journal.create(LEDGER)
        ledger.add(tx, table, keys(1, 2, 3), "items", ["a", "a", "b"])
    with suppress(Stopped), target.writer.transaction() as tx:
        ledger.add(tx, table, keys(4, 1), "items", ["c", "c"])
        assert ledger.records(tx, table, keys(1, 2, 4)) == {
            "[1]": ("items", "c"),
            "[2]": ("items", "a"),
            "[4]": ("items", "c"),
        }
        raise Stopped
    with target.writer.transaction() as tx:
        assert ledger.records(tx, table, keys(1, 3, 4)) == {"[1]": ("items", "a"), "[3]": ("items", "b")}
        ((rows, records),) = ledger.rows(tx, "items", ["a", "c"], {table_name: table}).values()
        assert (sorted(rows.column("id").to_pylist()), records) == ([1, 2], ["a", "a"])
        ledger.forget(tx, table, keys(1, 2))
        assert ledger.record_keys(tx, "items") == ["b"]
