"""Rules of a PostgreSQL target that keep rows from being deleted or changed: nothing is counted that did not happen."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pyarrow as pa
import pytest

import shop
from crossfade.errors import Refused
from crossfade.model.target import ColumnType, TargetColumn, TargetTable
from crossfade.stores.contract import TargetTransaction
from crossfade.stores.postgresql.target import PostgresWriter
from outcome import balanced, counts_of, open_move, outcome
from scratch import PostgresScratch

TABLE = TargetTable(
    "docs",
    "public",
    "docs",
    (TargetColumn("id", ColumnType("int4", "integer")), TargetColumn("v", ColumnType("text", "text"))),
    ("id",),
)
SOFT = "CREATE RULE keep AS ON DELETE TO docs DO INSTEAD UPDATE docs SET v = 'gone' WHERE docs.id = OLD.id"
ROWS = pa.table({"id": pa.array([1, 2], pa.int32()), "v": ["a", "b"]})


WAYS: dict[str, Callable[[TargetTransaction], object]] = {
    "delete": lambda tx: tx.delete(TABLE, ROWS.select(["id"])),
    "empty": lambda tx: tx.empty(TABLE, beside=()),
}


@pytest.mark.parametrize("rule", ["CREATE RULE keep AS ON DELETE TO docs DO INSTEAD NOTHING", SOFT])
@pytest.mark.parametrize("how", WAYS)
def test_rows_that_are_not_deleted(pg_db: PostgresScratch, rule: str, how: str) -> None:
    pg_db.execute("CREATE TABLE docs (id integer PRIMARY KEY, v text); INSERT INTO docs VALUES (1, 'a'), (2, 'b')")
    pg_db.execute(rule)
    with closing(PostgresWriter(pg_db.url)) as writer:
        with pytest.raises(Refused, match="the rule keep of docs replaces DELETE"), writer.transaction() as tx:
            WAYS[how](tx)
        assert pg_db.execute("SELECT * FROM docs ORDER BY 1") == [(1, "a"), (2, "b")]
        pg_db.execute("ALTER TABLE docs DISABLE RULE keep")
        with writer.transaction() as tx:
            assert tx.delete(TABLE, ROWS.select(["id"])) == 2


def test_rows_that_are_not_changed(pg_db: PostgresScratch) -> None:
    pg_db.execute("CREATE TABLE docs (id integer PRIMARY KEY, v text); INSERT INTO docs VALUES (1, 'x'), (2, 'y')")
    pg_db.execute("CREATE RULE keep AS ON UPDATE TO docs WHERE OLD.v = 'x' DO INSTEAD NOTHING")
    with (
        closing(PostgresWriter(pg_db.url)) as writer,
        pytest.raises(Refused, match="the rule keep of docs"),
        writer.transaction() as tx,
    ):
        tx.update(TABLE, ROWS)
    assert pg_db.execute("SELECT * FROM docs ORDER BY 1") == [(1, "x"), (2, "y")]


def test_a_rule_that_only_adds_something(pg_db: PostgresScratch) -> None:
    pg_db.execute("CREATE TABLE docs (id integer PRIMARY KEY, v text); INSERT INTO docs VALUES (1, 'a')")
    pg_db.execute("CREATE RULE told AS ON DELETE TO docs DO ALSO NOTIFY docs")
    with closing(PostgresWriter(pg_db.url)) as writer, writer.transaction() as tx:
        assert tx.delete(TABLE, ROWS.select(["id"])) == 1


def test_a_copy_that_has_to_remove_a_row(pg_db: PostgresScratch, tmp_path: Path) -> None:
    """The record of a row that stays was quarantined again and again, and the copy never ended."""
    pg_db.execute("CREATE TABLE docs (id integer PRIMARY KEY, v text UNIQUE)")
    pg_db.execute("CREATE RULE keep AS ON DELETE TO docs DO INSTEAD NOTHING")
    source = shop.dump(tmp_path / "dump", {"docs": [{"_id": i, "v": v} for i, v in enumerate("aba")]})
    mapping = {"docs": "SELECT d._id AS id, d.v AS v FROM docs AS d"}
    folder = shop.small_project(tmp_path / "p", "", mapping, live=True)
    with open_move(folder, source, pg_db.url) as move:
        move.survey()
        with pytest.raises(Refused, match="DELETE"):
            move.copy()
        assert counts_of(move.status()) == {"docs": (3, 3, 0, 0)}
        pg_db.execute("ALTER TABLE docs DISABLE RULE keep")
        status = move.copy()
        assert counts_of(status) == {"docs": (3, 2, 1, 0)}
        balanced(status, outcome(pg_db.url, status))


@pytest.mark.parametrize("does", ["ALSO INSERT INTO said SELECT NEW.id", "INSTEAD NOTHING"])
def test_a_rule_for_insert_does_not_fire(pg_db: PostgresScratch, tmp_path: Path, does: str) -> None:
    """As `check` says; nor where a refused batch is repeated, and where a retry inserts."""
    pg_db.execute("CREATE TABLE docs (id integer PRIMARY KEY, v text CHECK (v <> 'b')); CREATE TABLE said (id integer)")
    pg_db.execute(f"CREATE RULE noted AS ON INSERT TO docs DO {does}")
    source = shop.dump(tmp_path / "dump", {"docs": [{"_id": i, "v": v} for i, v in enumerate("abc")]})
    mapping = {"docs": "SELECT d._id AS id, d.v AS v FROM docs AS d"}
    with open_move(shop.small_project(tmp_path / "p", "", mapping, live=True), source, pg_db.url) as move:
        move.survey()
        assert [f.message.partition(":")[0] for f in move.check() if f.kind == "rule"] == [
            "the rule noted is for INSERT"
        ]
        assert counts_of(move.copy()) == {"docs": (3, 2, 1, 0)}
        pg_db.execute("ALTER TABLE docs DROP CONSTRAINT docs_v_check")
        move.retry()
        assert move.verify().equal
    assert pg_db.execute("SELECT count(*) FROM docs") == [(3,)]
    assert pg_db.execute("SELECT * FROM said") == []
