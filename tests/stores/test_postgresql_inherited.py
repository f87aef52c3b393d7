"""Rows of a table that inherits from another are not those of the other one, whatever keys they have."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pytest

from crossfade.model.canonical import arrow_schema
from crossfade.model.target import ColumnType, ForeignKey, Step, TargetColumn, TargetTable, Unique
from crossfade.records.rows.raw import RawRow, write
from crossfade.stores.contract import RecordChange, Store, need
from crossfade.stores.open import open_store
from scratch import PostgresScratch

INT = ColumnType("int4", "integer")
TABLE = TargetTable("base", None, "base", (TargetColumn("id", INT, False), TargetColumn("v", INT)), ("id",))
BY_V = Unique("by_v", ("v",))


@pytest.fixture
def store(pg_db: PostgresScratch) -> Iterator[Store]:
    pg_db.execute("CREATE TABLE base (id int PRIMARY KEY, v int)")
    pg_db.execute("CREATE TABLE heir (PRIMARY KEY (id)) INHERITS (base)")
    pg_db.execute("INSERT INTO base VALUES (1, 10), (2, 20)")
    pg_db.execute("INSERT INTO heir VALUES (1, 10), (3, 30), (4, 30)")
    with open_store(pg_db.url) as opened:
        yield opened


def rows(db: PostgresScratch, table: str) -> list[tuple[int, int]]:
    return db.execute(f"SELECT id, v FROM ONLY {table} ORDER BY id")


def given(**columns: list[int]) -> pa.Table:
    return pa.table(columns, schema=arrow_schema(TABLE, columns))


def test_changed_and_deleted_in_the_target(pg_db: PostgresScratch, store: Store) -> None:
    heir = rows(pg_db, "heir")
    with need(store.writer, store, "be written").transaction() as tx:
        assert tx.owned(TABLE, given(id=[1, 3]), ["id", "v"]).to_pylist() == [{"id": 1, "v": 10}]
        assert tx.update(TABLE, given(id=[1, 3], v=[11, 11])) == 1
        assert tx.delete(TABLE, given(id=[2, 3, 4])) == 1
    assert (rows(pg_db, "base"), rows(pg_db, "heir")) == ([(1, 11)], heir)


def test_what_violates_a_constraint(pg_db: PostgresScratch, store: Store) -> None:
    ddl, conflicts = need(store.ddl, store, "be a target"), need(store.conflicts, store, "be a target")
    assert ddl.duplicates(TABLE, BY_V).num_rows == 0
    assert ddl.unbuildable(TABLE, Step("index by_v", "CREATE UNIQUE INDEX by_v ON public.base (v)")).num_rows == 0
    (held,) = conflicts.holders(TABLE, BY_V, given(id=[5], v=[30]))
    assert held is not None
    assert held.key is None
    pg_db.execute("CREATE TABLE child (id int PRIMARY KEY, v int)")
    pg_db.execute("INSERT INTO child VALUES (1, 2), (2, 3)")
    child = TargetTable("child", None, "child", TABLE.columns, ("id",))
    key = ForeignKey("to_base", ("v",), "base", ("id",))
    assert ddl.orphans(child, key).to_pylist() == [{"id": 2}]
    found, lacks = conflicts.orphaned(child, key, given(id=[1, 2], v=[2, 3]))
    assert (found is None, lacks is None) == (True, False)


def test_put_back_into_the_source(pg_db: PostgresScratch, store: Store) -> None:
    def raw(n: int, v: int) -> bytes:
        return write(RawRow([str(n)], {"id": str(n), "v": str(v)}))

    heir = rows(pg_db, "heir")
    writer = need(store.record_writer, store, "be written")
    writer.take_over("slot", 1, ["base"])
    changes = [RecordChange("base", '["1"]', raw(1, 10), raw(1, 12)), RecordChange("base", '["2"]', raw(2, 20), None)]
    changes.append(RecordChange("base", '["3"]', raw(3, 30), None))
    assert writer.write("slot", 1, changes) == {}
    writer.remove("slot")
    assert (rows(pg_db, "base"), rows(pg_db, "heir")) == ([(1, 12)], heir)
