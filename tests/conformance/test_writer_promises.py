"""What `Writer` and `TargetTransaction` promise, of every store that rows are written to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pytest
from gaps import never
from kinds import Target, keys, made, owned

from crossfade.errors import Busy, CrossfadeError
from crossfade.journal import journal, loaded
from crossfade.journal.tables import LOADED
from crossfade.model.target import ForeignKey, Step, TargetTable
from crossfade.stores import patience
from crossfade.stores.contract import RowRejected, need
from crossfade.stores.mongodb import lock as lease
from crossfade.stores.open import open_store

ITEMS = """
CREATE TABLE items (owner varchar(20) NOT NULL, n integer NOT NULL, code varchar(20), price numeric(8, 2),
                    PRIMARY KEY (owner, n));
"""
UNIQUE = "CREATE UNIQUE INDEX items_code_key ON items (code);"
FAMILY = """
CREATE TABLE parents (id integer NOT NULL PRIMARY KEY, name varchar(20) NOT NULL);
CREATE TABLE children (id integer NOT NULL PRIMARY KEY, parent integer REFERENCES parents (id), name varchar(20));
"""
ROWS = [("a", 1, "x", "1.50"), ("a", 2, "y", None), ("A", 1, "z", "2.00"), ("b", 1, None, "3.00")]


@dataclass(frozen=True)
class Part:
    """Rows of one table, with the number of the record that each is of."""

    table: TargetTable
    rows: Any
    roots: Any


def part(table: TargetTable, *rows: tuple[int, Sequence[Any]]) -> Part:
    return Part(table, made(table, *(row for _, row in rows)), pa.array([root for root, _ in rows], pa.int64()))


class Stopped(Exception):
    pass


def test_rows_are_committed_at_the_end(target: Target) -> None:
    """A transaction commits at its end."""
    table = target.table(ITEMS)
    target.load(table, *ROWS)
    assert target.rows(table) == sorted(ROWS, key=repr)


@never("mongodb", reason="its schema is commands, not SQL")
def test_an_exception_rolls_everything_back(target: Target) -> None:
    """An exception rolls back everything: rows, statements of the schema, the journal."""
    table = target.table(ITEMS)
    journal.create(target.store)
    with pytest.raises(Stopped), target.writer.transaction() as tx:  # noqa: PT012
        tx.load(table, made(table, *ROWS))
        journal.note_step(tx, Step("s", "s"))
        tx.run("CREATE TABLE more (id integer NOT NULL PRIMARY KEY)")
        raise Stopped
    assert target.rows(table) == []
    assert target.ddl.live_schema().table("more") is None
    with target.writer.transaction() as tx:
        assert journal.steps_done(tx) == set()


def test_rows_and_their_journal_commit_together(target: Target) -> None:
    """Rows and what the journal notes of them commit together."""
    table = target.table(ITEMS)
    journal.create(target.store)
    with target.writer.transaction() as tx:
        tx.load(table, made(table, *ROWS[:1]))
        loaded.note(tx, [(table, made(table, *ROWS[:1]))])
    with pytest.raises(RowRejected), target.writer.transaction() as tx:  # noqa: PT012
        loaded.note(tx, [(table, made(table, *ROWS[1:2]))])
        tx.load(table, made(table, *ROWS[:1]))
    with target.writer.transaction() as tx:
        assert len(tx.journal.select(LOADED, ("id",))) == 1


def test_a_refused_load_inserts_nothing(target: Target) -> None:
    """A load that is refused inserts none of its rows; the transaction goes on after a savepoint."""
    table = target.table(ITEMS)
    with target.writer.transaction() as tx:
        tx.load(table, made(table, ROWS[0]))
        with pytest.raises(RowRejected), tx.savepoint():
            tx.load(table, made(table, ROWS[1], ROWS[0]))
        tx.load(table, made(table, ROWS[2]))
    assert target.rows(table) == sorted([ROWS[0], ROWS[2]], key=repr)


def refusal(target: Target, table: TargetTable, *rows: Sequence[Any]) -> RowRejected:
    with pytest.raises(RowRejected) as refused, target.writer.transaction() as tx:
        tx.load(table, made(table, *rows))
    assert refused.value.table == table.name
    return refused.value


def test_a_primary_key_is_unique(target: Target) -> None:
    """A second row with the same primary key is refused as `unique`."""
    table = target.table(ITEMS)
    assert refusal(target, table, ROWS[0], ROWS[1], ROWS[0]).reason == "unique"


def test_a_primary_key_is_refused_by_its_name(target: Target) -> None:
    """The constraint of a refusal is what `key_name` returns if the primary key is taken."""
    table = target.table(ITEMS)
    refused = refusal(target, table, ROWS[0], ROWS[1], ROWS[0])
    with target.writer.transaction() as tx:
        assert refused.constraint == tx.key_name(table)


@never("mongodb", reason="NULLs are equal in a unique index")
def test_a_unique_constraint_holds(target: Target) -> None:
    """A second row with the same values under a unique index is refused as `unique`, but for NULL."""
    table = target.table(ITEMS + UNIQUE)
    target.load(table, ("a", 1, None, None), ("a", 2, None, None), ("a", 3, "x", None))
    refused = refusal(target, table, ("b", 1, "x", None))
    assert refused.reason == "unique"
    assert "code" in f"{refused.constraint} {refused.message}"


@never("mongodb", reason="a validator refuses it as `check`")
def test_a_missing_value_is_refused(target: Target) -> None:
    """NULL in a column that does not take it is refused as `not_null`, with the column."""
    table = target.table(FAMILY, "parents")
    refused = refusal(target, table, (1, None))
    assert (refused.reason, refused.column) == ("not_null", "name")


@never("mongodb", reason="it has no foreign keys")
@never("sqlite", reason="the foreign keys of a file cannot be added later, so they are off while rows are loaded")
def test_a_missing_parent_is_refused(target: Target) -> None:
    """A reference to a missing row is refused as `foreign_key` once the constraint exists."""
    schema = target.make(FAMILY)
    parents, children = (found for name in ("parents", "children") if (found := schema.table(name)))
    target.load(parents, (1, "p"))
    target.load(children, (1, 1, "c"), (2, None, "d"))
    assert refusal(target, children, (3, 9, "e")).reason == "foreign_key"


@never("mongodb", reason="a text has no greatest length")
@never("sqlite", reason="a file does not limit the length of text or the size of an integer")
def test_a_value_that_does_not_fit_its_type_is_refused(target: Target) -> None:
    """A text that is too long is refused, never cut."""
    table = target.table(ITEMS)
    assert refusal(target, table, ("a", 1, "x" * 21, None)).reason == "too_long"


def test_a_value_is_never_changed(target: Target) -> None:
    """A decimal that is too large for its column is refused or stored with all its digits, never rounded."""
    table = target.table("CREATE TABLE items (id integer NOT NULL PRIMARY KEY, price numeric(8, 2))")
    for price in ("1234567.89", "123456789012345678.25", "0.10", "12.50", "-999999.99"):
        try:
            target.load(table, (1, price))
        except RowRejected:
            continue
        ((_, there),) = target.rows(table)
        assert float(there) == float(price)
        with target.writer.transaction() as tx:
            assert tx.delete(table, keys(table, (1,))) == 1


@never("mongodb", reason="a refusal ends a transaction; `load` names the refused documents instead")
def test_records_one_by_one(target: Target) -> None:
    """Records are loaded one by one, each completely or not at all, and refused ones are reported by number."""
    schema = target.make(FAMILY + "CREATE UNIQUE INDEX parents_name_key ON parents (name);")
    parents, children = (found for name in ("parents", "children") if (found := schema.table(name)))
    parts = [
        part(parents, (7, (1, "one")), (8, (2, "one")), (9, (3, "three"))),
        part(children, (7, (10, 1, "a")), (8, (11, 2, "b")), (9, (12, 3, "c"))),
    ]
    with target.writer.transaction() as tx:
        refused = tx.load_each(parts)
    assert refused is not None
    assert {number: one.reason for number, one in refused.items()} == {8: "unique"}
    assert target.rows(parents) == [(1, "one"), (3, "three")]
    assert target.rows(children) == [(10, 1, "a"), (12, 3, "c")]


def test_rows_of_an_owner(target: Target) -> None:
    """Rows are found by the values of any of their columns, in the columns asked for."""
    table = target.table(ITEMS)
    target.load(table, *ROWS)
    with target.writer.transaction() as tx:
        assert owned(tx, table, made(table, ("a",), ("c",), columns=["owner"]), "n", "owner") == [(1, "a"), (2, "a")]
        assert owned(tx, table, made(table, columns=["owner"]), "n") == []
        assert owned(tx, table, keys(table, ("A", 1)), "code") == [("z",)]


def test_rows_are_deleted_by_owner_and_by_key(target: Target) -> None:
    """Rows are deleted by their owner's values or their own key, and counted."""
    table = target.table(ITEMS)
    target.load(table, *ROWS)
    with target.writer.transaction() as tx:
        assert tx.delete(table, made(table, ("a",), columns=["owner"])) == 2
        assert tx.delete(table, keys(table, ("A", 1), ("b", 2))) == 1
        assert tx.delete(table, made(table, columns=["owner"])) == 0
    assert target.rows(table) == [ROWS[3]]


def test_text_is_compared_byte_by_byte(target: Target) -> None:
    """Text is compared byte by byte where rows are found or deleted."""
    table = target.table(ITEMS)
    target.load(table, *ROWS)
    with target.writer.transaction() as tx:
        assert owned(tx, table, made(table, ("X",), columns=["code"]), "n") == []
        assert tx.delete(table, made(table, ("X",), ("y",), columns=["code"])) == 1


def test_rows_are_updated_in_place(target: Target) -> None:
    """Rows are updated in place by their primary keys, and counted."""
    table = target.table(ITEMS)
    target.load(table, *ROWS)
    with target.writer.transaction() as tx:
        new = [("a", 1, "w", "9.25"), ("b", 1, "q", None), ("c", 1, "r", None)]
        assert tx.update(table, made(table, *new)) == 2
    assert target.rows(table) == sorted([new[0], new[1], ROWS[1], ROWS[2]], key=repr)


def test_columns_that_change_are_updated(target: Target) -> None:
    """An update writes at least the columns in which rows change."""
    table = target.table(ITEMS)
    target.load(table, *ROWS)
    key, (changed, *_) = ROWS[0][:2], [c.name for c in table.columns if c.name not in table.primary_key]
    with target.writer.transaction() as tx:
        assert tx.update(table, made(table, (*key, "w", ROWS[0][3])), changed=[changed]) == 1
    assert target.rows(table) == sorted([(*key, "w", ROWS[0][3]), *ROWS[1:]], key=repr)


def test_an_update_that_clashes_is_refused(target: Target) -> None:
    """An update that breaks a unique constraint is refused, and changes nothing."""
    table = target.table(ITEMS + UNIQUE)
    target.load(table, *ROWS)
    with pytest.raises(RowRejected) as refused, target.writer.transaction() as tx:
        tx.update(table, made(table, ("b", 1, "n", None), ("a", 1, "z", None)))
    assert refused.value.reason == "unique"
    assert target.rows(table) == sorted(ROWS, key=repr)


def test_rows_are_counted(target: Target) -> None:
    """Rows are counted inside the transaction; a missing table has no count."""
    table = target.table(ITEMS)
    with target.writer.transaction() as tx:
        tx.load(table, made(table, *ROWS))
        assert tx.count(table, hold=False) == len(ROWS)
        assert tx.count(table, hold=True) == len(ROWS)
        assert tx.count(TargetTable("none", table.schema, "none", (), ()), hold=False) is None


def test_rows_of_others_are_recognized(target: Target) -> None:
    """Rows that the move did not write are distinguished from its own, with their keys."""
    table = target.table(ITEMS)
    journal.create(target.store)
    with target.writer.transaction() as tx:
        for rows in (made(table, *ROWS[:2]), made(table, ROWS[2])):
            with tx.savepoint():
                tx.load(table, rows)
                loaded.note(tx, [(table, rows)])
        assert tx.other_rows(table, limit=5).count == 0
    target.load(table, ROWS[3])
    with target.writer.transaction() as tx:
        found = tx.other_rows(table, limit=5)
    assert (found.count, len(found.keys)) == (1, 1)
    assert "b" in found.keys[0]


def test_packed_notes_say_the_same(target: Target) -> None:
    """Packed notes of loads distinguish the move's rows from others as well as all notes do."""
    table = target.table(ITEMS)
    key = made(table, ROWS[0]).select(["owner", "n"])
    journal.create(target.store)
    for row in (*ROWS[:3], ROWS[0]):  # the last one is deleted, and loaded again
        with target.writer.transaction() as tx:
            if row is ROWS[0] and tx.delete(table, key):
                loaded.note_gone(tx, table, key)
            with tx.savepoint():
                tx.load(table, made(table, row))
                loaded.note(tx, [(table, made(table, row))])
        with target.writer.transaction() as tx:
            loaded.pack(tx)
            assert tx.other_rows(table, limit=5).count == 0
    with target.writer.transaction() as tx:
        tx.delete(table, key)
        loaded.note_gone(tx, table, key)
    with target.writer.transaction() as tx:
        loaded.pack(tx)
    target.load(table, ROWS[0], ROWS[3])
    with target.writer.transaction() as tx:
        found = tx.other_rows(table, limit=5)
        notes = len(tx.journal.select(LOADED, ("id",)))
    assert (found.count, found.edits_show) == (2, tx.edits_show)
    assert target.kind.startswith(("memory", "sqlite")) or notes <= 2


@never("mongodb", reason="it has no foreign keys")
def test_a_table_is_emptied(target: Target) -> None:
    """A table is emptied, unless rows of a table outside the move may reference it."""
    schema = target.make(FAMILY)
    parents, children = (found for name in ("parents", "children") if (found := schema.table(name)))
    target.load(parents, (1, "p"))
    target.load(children, (1, 1, "c"))
    with pytest.raises(RowRejected) as refused, target.writer.transaction() as tx:
        tx.empty(parents, beside=[parents])
    assert refused.value.reason == "foreign_key"
    with target.writer.transaction() as tx:
        tx.empty(children, beside=[parents, children])
        tx.empty(parents, beside=[parents, children])
    assert (target.rows(parents), target.rows(children)) == ([], [])


def test_savepoints_nest(target: Target) -> None:
    """A savepoint rolls back what happened inside it, and nothing else; savepoints nest."""
    table = target.table(ITEMS)
    with target.writer.transaction() as tx, tx.savepoint():
        tx.load(table, made(table, ROWS[0]))
        with pytest.raises(Stopped), tx.savepoint():  # noqa: PT012
            tx.load(table, made(table, ROWS[1]))
            with tx.savepoint():
                tx.load(table, made(table, ROWS[2]))
            raise Stopped
        tx.load(table, made(table, ROWS[3]))
    assert target.rows(table) == sorted([ROWS[0], ROWS[3]], key=repr)


@never("mongodb", reason="its schema is commands, not SQL")
def test_the_catalog_inside_a_transaction(target: Target) -> None:
    """The description of the target inside a transaction has what this transaction created."""
    target.make(ITEMS)
    with target.writer.transaction() as tx:
        tx.run("CREATE TABLE more (id integer NOT NULL PRIMARY KEY)")
        assert any("more" in thing.name for thing in tx.describe().things)


@never("mongodb", reason="its schema is commands, not SQL")
@never("memory", reason="it has no views")
def test_what_would_break_is_reported(target: Target) -> None:
    """What depends on a table is reported, or the target refuses to drop it."""
    target.make(ITEMS + "CREATE VIEW v AS SELECT * FROM items;")
    with target.writer.transaction() as tx:
        broken = tx.left_broken(["DROP TABLE items"])
    if not broken:
        with pytest.raises((CrossfadeError, RowRejected)), target.writer.transaction() as tx:
            tx.run("DROP TABLE items")
    else:
        assert broken == ["view v"]


@never("mongodb", reason="its schema is commands, not SQL")
def test_a_statement_is_run_as_written(target: Target) -> None:
    """A statement of the schema is run exactly as written."""
    with target.writer.transaction() as tx:
        tx.run('CREATE TABLE "100 %s {crossfade} :x" ("?" integer NOT NULL PRIMARY KEY)')
    (found,) = target.ddl.live_schema().tables
    assert (found.table, found.columns[0].name) == ("100 %s {crossfade} :x", "?")


def test_one_run_at_a_time(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    """A target is locked for one run; another one is refused, and can start when the first has ended."""
    monkeypatch.setattr(patience, "SECONDS", 0.2)
    monkeypatch.setattr(lease, "_PATIENCE", 0.2)
    with open_store(target.url) as other:
        assert not need(other.writer, other, "be written to").is_locked()
        with target.writer.lock():
            assert need(other.writer, other, "be written to").is_locked()
        with target.writer.lock(), pytest.raises(Busy), need(other.writer, other, "be written to").lock():
            pass
        with need(other.writer, other, "be written to").lock():
            pass


def test_somebody_can_write(target: Target) -> None:
    """At least one writer can fill the target at once."""
    assert target.writer.fill_rank() >= 1


def test_a_row_without_a_parent_may_come_first(target: Target) -> None:
    """Before the constraints exist, rows can be loaded in any order."""
    (pre, table) = _before_constraints(target)
    assert pre
    target.load(table, (1, 99, "c"))
    assert target.rows(table) == [(1, 99, "c")]


def _before_constraints(target: Target) -> tuple[Sequence[Any], TargetTable]:
    schema = target.schema(FAMILY)
    for step in schema.pre:
        with target.writer.transaction() as tx:
            tx.run(step.sql)
    table = schema.table("children")
    assert table is not None
    assert [k.parent for k in table.foreign_keys] == ["parents"]
    assert isinstance(table.foreign_keys[0], ForeignKey)
    return schema.pre, table
