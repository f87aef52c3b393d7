"""What `Ddl` promises, of every store that rows are written to."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from gaps import never, notimpl
from kinds import Target, made
from test_writer_promises import FAMILY, ITEMS, ROWS, UNIQUE

from crossfade.errors import SchemaFault
from crossfade.journal import journal
from crossfade.model.canonical import python_rows
from crossfade.model.target import ForeignKey, Step, Unique

SCRIPT = ITEMS + UNIQUE + FAMILY + "CREATE INDEX items_price_idx ON items (price);"
CODE = Unique("items_code_key", ('"code"',))


def test_an_empty_target(target: Target) -> None:
    """An empty target is free; a table in it is named."""
    assert target.ddl.is_empty() == []
    target.make(ITEMS)
    (said,) = target.ddl.is_empty()
    assert "items" in said


def test_the_journal_is_not_the_targets(target: Target) -> None:
    """The journal's tables are recognized, and do not count as tables of the target."""
    assert not target.ddl.has_journal()
    journal.create(target.store)
    assert target.ddl.has_journal()
    assert target.ddl.is_empty() == []
    assert target.ddl.live_schema().tables == ()
    assert not any("crossfade" in thing.name for thing in target.ddl.describe().things)


@never("mongodb", reason="its schema is commands, not SQL")
def test_a_schema_is_read_from_sql(target: Target) -> None:
    """A schema is read from SQL text: tables, columns, keys, and the steps that create them."""
    schema = target.ddl.scratch_schema(SCRIPT, "schema.sql")
    assert sorted(t.name for t in schema.tables) == ["children", "items", "parents"]
    items, children = schema.table("items"), schema.table("children")
    assert items is not None
    assert children is not None
    assert items.primary_key == ("owner", "n")
    assert [c.name for c in items.columns if not c.nullable] == ["owner", "n"]
    assert [u.name for u in items.uniques] == ["items_code_key"]
    ((columns, parent, there),) = [(k.columns, k.parent, k.parent_columns) for k in children.foreign_keys]
    assert (columns, parent, there) == (("parent",), "parents", ("id",))
    ids = [step.id for step in (*schema.pre, *schema.post)]
    assert len(set(ids)) == len(ids)
    assert {"table items", "index items_price_idx"} <= set(ids)


@never("mongodb", reason="a field that no validator names is not in the catalog")
def test_the_steps_make_the_schema(target: Target) -> None:
    """The steps of a schema create in an empty target what its description says."""
    schema = target.schema(SCRIPT)
    for step in (*schema.pre, *schema.post):
        with target.writer.transaction() as tx:
            tx.run(step.sql)
    live = target.ddl.live_schema()
    assert live.tables == schema.tables
    assert live.digest == schema.digest
    assert set(_facts(target.ddl.describe())) == set(_facts(target.ddl.describe_made(schema)))


def _facts(described: Any) -> list[tuple[str, str, str]]:
    return [(t.kind, t.name, repr(sorted(t.owned_as(t).facts.items()))) for t in described.things if t.kind != "schema"]


@never("mongodb", reason="its schema is commands, not SQL")
def test_trying_a_schema_changes_nothing(target: Target) -> None:
    """Trying a schema leaves nothing in the target."""
    target.ddl.scratch_schema(SCRIPT, "schema.sql")
    assert target.ddl.is_empty() == []


@never("mongodb", reason="its schema is commands, not SQL")
def test_every_fault_of_a_schema_is_reported(target: Target) -> None:
    """Every fault of a schema is reported, with its file and line."""
    script = "CREATE TABLE a (id integer NOT NULL PRIMARY KEY);\nCREATE TABL b (x);\n\nCREATE INDEX i ON none (x);\n"
    with pytest.raises(SchemaFault) as caught:
        target.ddl.scratch_schema(script, "schema.sql")
    assert [(fault.file, fault.line) for fault in caught.value.faults] == [("schema.sql", 2), ("schema.sql", 4)]
    assert all(fault.reason for fault in caught.value.faults)


def test_what_holds_rows(target: Target) -> None:
    """Tables that hold rows, and columns that hold values, are found by their names in a description."""
    table = target.table(ITEMS)
    (relation,) = [t.name for t in target.ddl.describe().things if t.kind == "relation"]
    columns = {t.name.rpartition(".")[2].strip('"'): t.name for t in target.ddl.describe().things if t.kind == "column"}
    assert target.ddl.holding_rows([relation]) == {relation: False}
    target.load(table, ("a", 1, None, "1.00"))
    assert target.ddl.holding_rows([relation]) == {relation: True}
    assert target.ddl.holds_values(relation, columns.get("price", "price"))
    assert not target.ddl.holds_values(relation, columns.get("code", "code"))


@never("mongodb", reason="NULLs are equal in a unique index")
def test_duplicates_are_found(target: Target) -> None:
    """Rows to remove so that a unique constraint holds are found; the least key of each group stays."""
    table = target.table(ITEMS)
    target.load(table, ("b", 1, "x", None), ("a", 2, "x", None), ("a", 1, "x", None), ("c", 1, None, None),
                ("d", 1, None, None), ("e", 1, "y", None))  # fmt: skip
    found = target.ddl.duplicates(table, CODE)
    assert sorted(python_rows(found.select(["owner", "n"]))) == [("a", 2), ("b", 1)]


def test_orphans_are_found(target: Target) -> None:
    """Rows that reference a missing row are found; NULL references nothing."""
    schema = target.make(FAMILY.replace(" REFERENCES parents (id)", ""))
    parents, children = (found for name in ("parents", "children") if (found := schema.table(name)))
    target.load(parents, (1, "p"))
    target.load(children, (1, 1, "a"), (2, 7, "b"), (3, None, "c"))
    assert python_rows(
        target.ddl.orphans(children, ForeignKey("k", ("parent",), "parents", ("id",), stored=("_id",)))
    ) == [(2,)]


@never("mongodb", reason="its schema is commands, not SQL")
def test_rows_that_prevent_an_index_are_found(target: Target) -> None:
    """Rows that prevent an index are found with the reason, and nothing is changed."""
    table, step = target.table(ITEMS), Step("index items_code_key", UNIQUE.strip().rstrip(";"))
    target.load(table, ("a", 1, "x", None), ("a", 2, "x", None), ("a", 3, "y", None))
    found = target.ddl.unbuildable(table, step)
    assert python_rows(found.select(["owner", "n"])) == [("a", 2)]
    assert found.column("#reason").to_pylist() == ["unique"]
    assert found.column("#detail").to_pylist()[0]
    assert (
        target.ddl.unbuildable(table, Step("index items_n_idx", "CREATE INDEX items_n_idx ON items (n)")).num_rows == 0
    )
    assert len(target.rows(table)) == 3


def test_removed_rows_are_gone(target: Target) -> None:
    """With no other transaction at work, nothing waits for rows that were removed."""
    target.ddl.outlive_removed()


COUNTED = {
    "postgresql": "CREATE TABLE items (id integer GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, name text)",
    "sqlite": "CREATE TABLE items (id integer PRIMARY KEY AUTOINCREMENT, name text)",
}


@never("mongodb", reason="it has no sequences")
@notimpl("memory", reason="it has no sequences")
def test_numbers_continue(target: Target) -> None:
    """The sequence of a column continues after the numbers that were loaded."""
    table = target.table(COUNTED[target.kind])
    target.load(table, (7, "x"))
    target.ddl.advance_sequences([table])
    assert target.ddl.numbers_behind([table]) == []
    with target.writer.transaction() as tx:
        tx.run("INSERT INTO items (name) VALUES ('next')")
    assert target.rows(table) == [(7, "x"), (8, "next")]


@never("mongodb", reason="it has no sequences")
@never("sqlite", reason="it continues after the greatest number by itself")
@notimpl("memory", reason="it has no sequences")
def test_numbers_with_headroom(target: Target) -> None:
    """Numbers are left free after those in use, once, and not if the column has no room for them."""
    table = target.table(COUNTED[target.kind])
    target.load(table, (7, "x"))
    assert [target.ddl.advance_sequences([table], 1000) for _ in range(2)] == [1, 0]
    with target.writer.transaction() as tx:
        tx.run("INSERT INTO items (name) VALUES ('next')")
    assert (1008, "next") in target.rows(table)
    target.load(table, (2**31 - 500, "y"))
    target.ddl.advance_sequences([table], 1000)
    with target.writer.transaction() as tx:
        tx.run("INSERT INTO items (name) VALUES ('last')")
    assert (2**31 - 499, "last") in target.rows(table)


def test_a_sound_target(target: Target) -> None:
    """Nothing is wrong with a target that was just made, and no column of it is doubtful."""
    script = "CREATE TABLE items (id integer NOT NULL PRIMARY KEY, name text)"
    table = target.table(script)
    target.load(table, (1, "x"))
    assert target.ddl.unsound([table]) == []
    assert target.ddl.doubtful(target.ddl.live_schema(), ["items"]) == []


def test_what_was_there_before(target: Target) -> None:
    """What a move would not create again is listed with its kind."""
    assert all(kind and name for kind, name in target.ddl.there_before())
    assert isinstance(target.ddl.default_schema(), str)


def test_keys_are_canonical(target: Target) -> None:
    """Primary keys are returned in canonical Arrow."""
    table = target.table(ITEMS)
    target.load(table, *ROWS)
    found = target.ddl.duplicates(table, CODE)
    assert isinstance(found, pa.Table)
    assert found.schema == made(table, columns=table.primary_key).schema
