"""Triggers of the target do not fire for what a move writes, on any path; afterwards they are as before."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
import pytest

from crossfade.errors import Refused
from crossfade.model.target import ColumnType, TargetColumn, TargetTable
from crossfade.move import Move
from crossfade.pipeline.load import load_records
from crossfade.project import load_project
from crossfade.stores.contract import RowRejected, TargetTransaction
from crossfade.stores.postgresql.target import PostgresWriter
from crossfade.testing import as_user
from crossfade.transform.transform import TableRows
from scratch import MongoScratch, PostgresScratch

POSTGRESQL = """
CREATE TABLE docs (id integer PRIMARY KEY, v varchar(5));
CREATE TABLE log (id integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY, what text);
CREATE FUNCTION noted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN INSERT INTO log (what) VALUES (tg_name); RETURN NEW; END $$;
CREATE TRIGGER plain AFTER INSERT OR DELETE ON docs FOR EACH ROW EXECUTE FUNCTION noted();
CREATE TRIGGER always BEFORE INSERT ON docs FOR EACH STATEMENT EXECUTE FUNCTION noted();
ALTER TABLE docs ENABLE ALWAYS TRIGGER always;
CREATE TRIGGER off BEFORE INSERT ON docs FOR EACH ROW EXECUTE FUNCTION noted();
ALTER TABLE docs DISABLE TRIGGER off;
"""
SQLITE = """
CREATE TABLE docs (id INTEGER PRIMARY KEY, v TEXT CHECK (length(v) <= 5));
CREATE TABLE log (id INTEGER PRIMARY KEY, what TEXT);
CREATE TRIGGER plain AFTER INSERT ON docs BEGIN INSERT INTO log (what) VALUES ('plain'); END;
"""
SETTINGS = """\
name = "triggers"
source.url = "${SOURCE_URL}"
target.url = "${TARGET_URL}"
target.schema = "%s"
"""


def _move(folder: Path, source: str, target: str, schema: str) -> Move:
    (folder / "mapping").mkdir()
    (folder / "crossfade.toml").write_text(SETTINGS % ("live" if schema == "live" else "schema.sql"))
    (folder / "schema.sql").write_text(schema)
    (folder / "mapping" / "docs.sql").write_text("SELECT d._id AS id, d.v AS v FROM docs AS d")
    return Move(load_project(folder, {"SOURCE_URL": source, "TARGET_URL": target}))


def _copied_and_retried(mongo_db: MongoScratch, move: Move) -> dict[str, str]:
    """A copy of three records, one of which waits for its source to be shortened. The triggers that `check` names."""
    mongo_db.db.docs.insert_many([{"_id": 1, "v": "a"}, {"_id": 2, "v": "too long"}, {"_id": 3, "v": "b"}])
    move.survey()
    notes = {f.message.split()[2]: f.place for f in move.check() if f.kind == "trigger"}
    move.copy()
    mongo_db.db.docs.update_one({"_id": 2}, {"$set": {"v": "short"}})
    assert [r.outcome for r in move.retry()] == ["copied"]
    assert move.verify().equal
    return notes


@pytest.mark.parametrize("live", [False, True])
def test_postgresql(mongo_db: MongoScratch, pg_db: PostgresScratch, tmp_path: Path, live: bool) -> None:
    if live:
        pg_db.execute(POSTGRESQL)
    modes = "SELECT tgname, tgenabled FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1"
    with _move(tmp_path, mongo_db.url, pg_db.url, "live" if live else POSTGRESQL) as move:
        assert _copied_and_retried(mongo_db, move) == {"plain": "docs", "always": "docs"}
    assert pg_db.execute("SELECT count(*) FROM log") == [(0,)]
    assert pg_db.execute(modes) == [("always", "A"), ("off", "D"), ("plain", "O")]
    pg_db.execute("INSERT INTO docs VALUES (9, 'own')")
    assert pg_db.execute("SELECT what FROM log ORDER BY 1") == [("always",), ("plain",)]


def test_sqlite(mongo_db: MongoScratch, tmp_path: Path) -> None:
    file = tmp_path / "target.db"
    with _move(tmp_path, mongo_db.url, f"sqlite:///{file}", SQLITE) as move:
        assert _copied_and_retried(mongo_db, move) == {"plain": "docs"}
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("SELECT count(*) FROM log").fetchall() == [(0,)]
        connection.execute("INSERT INTO docs VALUES (9, 'own')")
        assert connection.execute("SELECT what FROM log").fetchall() == [("plain",)]


TABLE = TargetTable(
    "docs",
    "public",
    "docs",
    (TargetColumn("id", ColumnType("int4", "integer")), TargetColumn("v", ColumnType("text", "varchar(5)", length=5))),
    ("id",),
)


def test_a_login_that_may_not_disable_them_writes_nothing(pg_db: PostgresScratch) -> None:
    pg_db.execute(POSTGRESQL)
    name = f"guest_{pg_db.name}"
    pg_db.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'x'")
    try:
        pg_db.execute(f"GRANT ALL ON docs, log TO {name}")
        rows = pa.table({"id": pa.array([1], pa.int32()), "v": ["a"]})
        with (
            closing(PostgresWriter(as_user(pg_db.url, name, "x"))) as writer,
            pytest.raises(Refused, match="does not own the table"),
            writer.transaction() as tx,
        ):
            tx.load(TABLE, rows)
        assert pg_db.execute("SELECT count(*) FROM docs") == [(0,)]
    finally:
        pg_db.execute(f"DROP OWNED BY {name}")
        pg_db.execute(f"DROP ROLE {name}")


def test_a_refused_row_leaves_them_disabled_for_the_next(pg_db: PostgresScratch) -> None:
    """What a savepoint rolls back is disabled again for what comes after it."""
    pg_db.execute(POSTGRESQL)
    rows = pa.table({"id": pa.array([1, 1, 2, 3], pa.int32()), "v": ["a", "b", "c", "d"]})
    with closing(PostgresWriter(pg_db.url)) as writer, writer.transaction() as tx:
        refused = load_records(tx, [TableRows(TABLE, rows, pa.array(range(4), pa.int64()))], range(4))
    assert [m.reason for m in refused] == ["unique"]
    assert pg_db.execute("SELECT count(*) FROM log") == [(0,)]
    assert pg_db.execute("SELECT count(*) FROM docs") == [(3,)]


class Statements:
    """What a writer sends, as the driver hands it on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.sent: list[str] = []
        execute = psycopg.Connection.execute

        def noted(connection: Any, statement: Any, *args: Any, **kwargs: Any) -> Any:
            self.sent.append(str(statement))
            return execute(connection, statement, *args, **kwargs)

        monkeypatch.setattr(psycopg.Connection, "execute", noted)

    def count(self, word: str) -> int:
        return sum(word in one for one in self.sent)


def _loaded(tx: TargetTransaction, *ids: int, v: str | None = "a") -> None:
    with tx.savepoint():
        tx.load(TABLE, pa.table({"id": pa.array(ids, pa.int32()), "v": pa.array([v] * len(ids), pa.string())}))


def test_a_table_is_looked_up_once_a_transaction(pg_db: PostgresScratch, monkeypatch: pytest.MonkeyPatch) -> None:
    pg_db.execute(POSTGRESQL)
    statements = Statements(monkeypatch)
    with closing(PostgresWriter(pg_db.url)) as writer:
        with writer.transaction() as tx:
            for i in range(3):
                _loaded(tx, i)
            assert (statements.count("pg_partition_tree"), statements.count("SET CONSTRAINTS")) == (1, 0)
            with pytest.raises(RowRejected):
                _loaded(tx, 0)
            _loaded(tx, 5)
            assert statements.count("pg_partition_tree") == 2
        pg_db.execute("CREATE TRIGGER later AFTER INSERT ON docs FOR EACH ROW EXECUTE FUNCTION noted()")
        with writer.transaction() as tx:
            _loaded(tx, 6)
    assert pg_db.execute("SELECT count(*) FROM log") == [(0,)]


def test_a_partition_that_comes_in_between_is_seen(pg_db: PostgresScratch) -> None:
    pg_db.execute(
        POSTGRESQL.split("CREATE TRIGGER")[0].replace("v varchar(5))", "v varchar(5)) PARTITION BY RANGE (id)")
    )
    pg_db.execute("CREATE TABLE low PARTITION OF docs FOR VALUES FROM (0) TO (10)")
    pg_db.execute("CREATE TABLE high (id integer PRIMARY KEY, v varchar(5))")
    pg_db.execute("CREATE TRIGGER high AFTER INSERT ON high FOR EACH ROW EXECUTE FUNCTION noted()")
    with closing(PostgresWriter(pg_db.url)) as writer, writer.transaction() as tx:
        _loaded(tx, 1)
        pg_db.execute("ALTER TABLE docs ATTACH PARTITION high FOR VALUES FROM (10) TO (20)")
        _loaded(tx, 11)
    assert pg_db.execute("SELECT count(*) FROM docs") == [(2,)]
    assert pg_db.execute("SELECT count(*) FROM log") == [(0,)]


DEFERRABLE = "DEFERRABLE INITIALLY DEFERRED"


@pytest.mark.parametrize(
    "constraint",
    [
        f"ALTER TABLE docs ADD FOREIGN KEY (v) REFERENCES parents {DEFERRABLE}",
        f"ALTER TABLE docs ADD UNIQUE (v) {DEFERRABLE}",
        f"ALTER TABLE docs ADD EXCLUDE (v WITH =) {DEFERRABLE}",
    ],
)
def test_what_waits_for_the_commit_is_checked_with_its_rows(pg_db: PostgresScratch, constraint: str) -> None:
    """Also a constraint that was made after the connection first wrote to the table."""
    pg_db.execute(POSTGRESQL)
    pg_db.execute("CREATE TABLE parents (v varchar(5) PRIMARY KEY)")
    pg_db.execute("INSERT INTO parents VALUES ('a'), ('b')")
    with closing(PostgresWriter(pg_db.url)) as writer:
        with writer.transaction() as tx:
            _loaded(tx, 1)
        pg_db.execute(constraint)
        with writer.transaction() as tx:
            with pytest.raises(RowRejected):
                _loaded(tx, 2, 3, v="c")
            _loaded(tx, 4, v="b")
    assert pg_db.execute("SELECT id FROM docs ORDER BY 1") == [(1,), (4,)]


LATER = {
    "postgresql": "CREATE FUNCTION noted() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN OLD; END';"
    " CREATE TRIGGER later AFTER DELETE ON docs FOR EACH ROW EXECUTE FUNCTION noted();"
    ' CREATE TRIGGER "Off" AFTER DELETE ON docs FOR EACH ROW EXECUTE FUNCTION noted();'
    ' ALTER TABLE docs DISABLE TRIGGER "Off"; CREATE TRIGGER "In" BEFORE INSERT ON docs EXECUTE FUNCTION noted()',
    "sqlite": "CREATE TRIGGER later AFTER DELETE ON docs BEGIN SELECT 1; END;"
    ' CREATE TRIGGER "In" BEFORE INSERT ON docs BEGIN SELECT 1; END',
}


@pytest.mark.parametrize("dialect", LATER)
def test_triggers_that_somebody_made_later_are_named(
    mongo_db: MongoScratch, pg_db: PostgresScratch, tmp_path: Path, dialect: str
) -> None:
    """They do not fire when rows of a live table are deleted again: `check` says so, and `reset`."""
    file = tmp_path / "t.db"
    url = pg_db.url if dialect == "postgresql" else f"sqlite:///{file}"

    def execute(statements: str) -> None:
        if dialect == "postgresql":
            pg_db.execute(statements)
        else:
            with closing(sqlite3.connect(file)) as connection:
                connection.executescript(statements)

    execute("CREATE TABLE docs (id integer PRIMARY KEY, v varchar(5))")
    mongo_db.db.docs.insert_many([{"_id": 1, "v": "a"}, {"_id": 3, "v": "b"}])
    with _move(tmp_path, mongo_db.url, url, "live") as move:
        move.survey()
        move.copy()
    execute(LATER[dialect])
    with Move(load_project(tmp_path, {"SOURCE_URL": mongo_db.url, "TARGET_URL": url})) as move:
        said = [f.message for f in move.check() if f.kind == "trigger"]
        assert sorted(name for m in said for name in ("later", "Off", "In") if f"trigger {name} (" in m) == [
            "In",
            "later",
        ]
        planned, done = move.plan_reset(), move.reset()
    for found in (planned, done):
        assert found is not None
        assert [(t.name, t.table, t.when) for t in found.silent] == [("later", "docs", "AFTER DELETE")]
