"""Foreign keys that others have created since the move began: no row of theirs goes with one that is deleted."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pyarrow as pa
import pytest

import shop
from crossfade.model.target import ColumnType, TargetColumn, TargetTable
from crossfade.move import Move
from crossfade.stores.contract import RowRejected
from crossfade.stores.postgresql.target import PostgresWriter
from following import running, state, wait_for
from outcome import counts_of, open_move
from scratch import MongoScratch, PostgresScratch

INT = ColumnType("int4", "integer")
DOCS = TargetTable("docs", "public", "docs", (TargetColumn("id", INT), TargetColumn("of", INT)), ("id",))
SCHEMA = "CREATE TABLE docs (id int PRIMARY KEY, of int REFERENCES docs (id) ON DELETE CASCADE);"


def ids(*numbers: int) -> pa.Table:
    return pa.table({"id": pa.array(numbers, pa.int32())})


@pytest.mark.parametrize("action", ["CASCADE", "SET NULL", "SET DEFAULT"])
def test_a_row_that_others_refer_to_stays(pg_db: PostgresScratch, action: str) -> None:
    pg_db.execute(SCHEMA)
    pg_db.execute("INSERT INTO docs VALUES (1, NULL), (2, 1), (3, 2), (4, NULL)")
    pg_db.execute(f"CREATE TABLE theirs (doc int REFERENCES docs ON DELETE {action})")
    pg_db.execute("INSERT INTO theirs VALUES (4)")
    with closing(PostgresWriter(pg_db.url)) as writer:
        for refused in (ids(4), ids(1), ids(1, 2)):
            with pytest.raises(RowRejected, match="would be deleted or changed"), writer.transaction() as tx:
                tx.delete(DOCS, refused)
        with writer.transaction() as tx:
            assert tx.delete(DOCS, ids(1, 2, 3)) == 3
    assert pg_db.execute("SELECT id FROM docs") == [(4,)]
    assert pg_db.execute("SELECT doc FROM theirs") == [(4,)]


def test_a_record_that_is_gone(mongo_db: MongoScratch, pg_db: PostgresScratch, tmp_path: Path) -> None:
    """Its row is kept, and named, until the others have let it go."""
    mongo_db.db.docs.insert_many([{"_id": 1}, {"_id": 2}])
    folder = shop.small_project(tmp_path / "p", "CREATE TABLE docs (id int PRIMARY KEY);", {"docs": MAPPING})
    with open_move(folder, mongo_db.url, pg_db.url) as move:
        move.survey()
        move.copy()
        pg_db.execute("CREATE TABLE theirs (doc int REFERENCES docs ON DELETE CASCADE)")
        pg_db.execute("INSERT INTO theirs VALUES (1)")
        mongo_db.db.docs.delete_many({})
        found = move.repair()
        assert list(found.applied.stuck) == [("docs", '{"$numberInt":"1"}')]
        assert pg_db.execute("SELECT * FROM docs, theirs") == [(1, 1)]
        pg_db.execute("DELETE FROM theirs")
        move.repair()
        assert counts_of(move.status()) == {"docs": (0, 0, 0, 0)}


def test_a_record_that_is_gone_while_it_is_followed(
    mongo_db: MongoScratch, pg_db: PostgresScratch, tmp_path: Path
) -> None:
    """Its entity is halted until the others have let it go."""
    mongo_db.db.docs.insert_many([{"_id": 1}, {"_id": 2}])
    folder = shop.small_project(tmp_path / "p", "CREATE TABLE docs (id int PRIMARY KEY);", {"docs": MAPPING})

    def move() -> Move:
        return open_move(folder, mongo_db.url, pg_db.url)

    def halted() -> list[str]:
        found = state(move)
        return [] if found is None else [one.entity for one in found.halted]

    with move() as own:
        own.survey()
    with running(move):
        pg_db.execute("CREATE TABLE theirs (doc int REFERENCES docs ON DELETE CASCADE); INSERT INTO theirs VALUES (1)")
        mongo_db.db.docs.delete_one({"_id": 1})
        mongo_db.db.docs.insert_one({"_id": 3})
        wait_for(lambda: halted() == ["docs"])
        assert pg_db.execute("SELECT doc FROM theirs") == [(1,)]
        pg_db.execute("DELETE FROM theirs")
    found = state(move)
    assert found is not None
    assert found.moving["docs"] >= 1
    with running(move):
        wait_for(lambda: pg_db.execute("SELECT id FROM docs ORDER BY id") == [(2,), (3,)])
        assert halted() == []


def test_rows_that_go_together(pg_db: PostgresScratch) -> None:
    """Neither can be deleted before the other."""
    pg_db.execute(
        """
        CREATE TABLE docs (id int PRIMARY KEY, of int NOT NULL);
        CREATE TABLE pages (id int PRIMARY KEY, doc int NOT NULL REFERENCES docs ON DELETE CASCADE);
        ALTER TABLE docs ADD FOREIGN KEY (of) REFERENCES pages ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED;
        INSERT INTO docs VALUES (1, 1); INSERT INTO pages VALUES (1, 1), (2, 1);
        """
    )
    pages = TargetTable("pages", "public", "pages", (TargetColumn("id", INT), TargetColumn("doc", INT)), ("id",))
    with closing(PostgresWriter(pg_db.url)) as writer:
        with pytest.raises(RowRejected), writer.transaction() as tx:
            tx.delete(DOCS, ids(1), beside=[(pages, ids(1))])
        with writer.transaction() as tx:
            assert tx.delete(DOCS, ids(1), beside=[(pages, ids(1, 2))]) == 1
    assert pg_db.execute("SELECT count(*) FROM pages") == [(0,)]


MAPPING = "SELECT d._id AS id FROM docs AS d"
