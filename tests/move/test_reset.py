"""A reset drops what the move created, and nothing else."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest

import shop
from crossfade.errors import CrossfadeError, NotEmpty, Refused
from crossfade.model.events import ChunkCopied
from crossfade.model.target import Step
from crossfade.move import Move
from crossfade.schema.undo import undo_of
from crossfade.testing.urls import as_user
from outcome import counts_of, hanging, open_move
from scratch import MongoScratch, PostgresScratch

OBJECTS = """
SELECT c.relkind::text, c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
UNION ALL SELECT 'type', t.oid::regtype::text FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND t.typelem = 0
UNION ALL SELECT 'function', p.oid::regprocedure::text FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
UNION ALL SELECT 'schema', nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'
UNION ALL SELECT 'extension', extname FROM pg_extension
ORDER BY 1, 2
"""

SCHEMA = """
CREATE SCHEMA shop; CREATE SCHEMA fresh;
CREATE TYPE shop.mood AS ENUM ('good', 'bad');
CREATE DOMAIN fresh.age AS int CHECK (VALUE > 0);
CREATE SEQUENCE numbers;
CREATE FUNCTION twice(n int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT n * 2';
CREATE FUNCTION twice(n text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT n || n';
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
CREATE TABLE users (id int PRIMARY KEY, best int, mood shop.mood, age fresh.age, n int DEFAULT nextval('numbers'));
CREATE TABLE posts (id int PRIMARY KEY, author int REFERENCES users (id), CHECK (twice(id) > 0));
ALTER TABLE users ADD CONSTRAINT users_best FOREIGN KEY (best) REFERENCES posts (id);
CREATE TABLE fresh.days (id int, part int, PRIMARY KEY (id, part)) PARTITION BY LIST (part);
CREATE TABLE fresh.days_1 PARTITION OF fresh.days FOR VALUES IN (1);
CREATE TABLE shop."Odd Name" (id int PRIMARY KEY);
CREATE VIEW best AS SELECT u.id FROM users u JOIN posts p ON p.id = u.best;
CREATE MATERIALIZED VIEW counted AS SELECT count(*) AS n FROM best;
CREATE INDEX users_mood ON users (mood);
CREATE TRIGGER noted BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION note();
COMMENT ON TABLE users IS 'people';
"""
MAPPING = {
    "users": "SELECT u._id AS id, u.best AS best, 'good' AS mood, 7 AS age FROM users AS u",
    "posts": "SELECT p._id AS id, p.author AS author FROM posts AS p",
    "fresh.days": "SELECT d._id AS id, 1 AS part FROM days AS d",
}


@pytest.fixture
def move_of(mongo_db: MongoScratch, pg_db: PostgresScratch, tmp_path: Path) -> Callable[[], Move]:
    """Opens the move; in its target a schema, a function and an extension are there before."""
    mongo_db.db.users.insert_many([{"_id": i, "best": i} for i in range(1, 30)])
    mongo_db.db.posts.insert_many([{"_id": i, "author": i} for i in range(1, 30)])
    mongo_db.db.days.insert_many([{"_id": i} for i in range(3)])
    with psycopg.connect(pg_db.url, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA shop")
        connection.execute("CREATE FUNCTION shop.own() RETURNS int LANGUAGE sql AS 'SELECT 1'")
    folder = shop.small_project(tmp_path / "p", SCHEMA, MAPPING, chunk_mb=0.001)
    return lambda: open_move(folder, mongo_db.url, pg_db.url)


def test_all_that_the_move_made_goes_and_it_may_begin_once_more(
    move_of: Callable[[], Move], pg_db: PostgresScratch
) -> None:
    before = pg_db.execute(OBJECTS)
    for _ in range(2):
        with move_of() as move:
            move.survey()
            move.copy()
            assert counts_of(move.status())["users"] == (29, 29, 0, 0)
            done = move.reset()
        assert done is not None
        assert done.rows == {"users": 29, "posts": 29, "fresh.days": 3, "shop.Odd Name": 0}
        assert "schema shop" in done.kept
        assert pg_db.execute(OBJECTS) == before
    with move_of() as move:
        assert move.plan_reset() is None
        assert move.reset() is None


class _Stop(Exception):
    pass


@pytest.mark.parametrize("when", ["schema", "chunk", "steps"])
def test_a_half_made_move(move_of: Callable[[], Move], pg_db: PostgresScratch, when: str) -> None:
    before = pg_db.execute(OBJECTS)

    def listen(event: Any) -> None:
        if when == "chunk" and isinstance(event, ChunkCopied):
            raise _Stop
        if when == "steps" and getattr(event, "step", Step("", "")).id == "index users_mood":
            raise _Stop

    with move_of() as move:
        move.survey()
        if when == "schema":
            move.apply_schema()
        else:
            with pytest.raises(_Stop):
                move.copy(listen)
    with move_of() as move:
        assert move.reset()
    assert pg_db.execute(OBJECTS) == before


@pytest.mark.parametrize(
    ("strange", "said"),
    [
        ("INSERT INTO users VALUES (1000)", "users"),
        ('INSERT INTO shop."Odd Name" VALUES (1)', "Odd Name"),
        ("INSERT INTO fresh.days VALUES (99, 1)", "fresh.days"),
        ("CREATE VIEW mine AS SELECT id FROM users", "mine"),
        ("CREATE TABLE mine (id int REFERENCES posts (id))", "posts"),
        ("CREATE TABLE mine (age fresh.age)", "age"),
        ("CREATE TABLE fresh.mine (id int)", "fresh"),
    ],
)
def test_what_is_not_the_moves_stops_it_and_all_stays(
    move_of: Callable[[], Move], pg_db: PostgresScratch, strange: str, said: str
) -> None:
    with move_of() as move:
        move.survey()
        move.copy()
        with psycopg.connect(pg_db.url) as connection:
            connection.execute(strange.encode())
        before = pg_db.execute(OBJECTS), pg_db.execute("SELECT count(*) FROM users")
        with pytest.raises((NotEmpty, Refused), match=said):
            move.reset()
        assert (pg_db.execute(OBJECTS), pg_db.execute("SELECT count(*) FROM users")) == before
        assert move.status().finished


def test_tables_that_were_there_lose_the_moves_rows_alone(
    mongo_db: MongoScratch, pg_db: PostgresScratch, tmp_path: Path
) -> None:
    schema = """
    CREATE TABLE users (id int PRIMARY KEY, mail text UNIQUE);
    CREATE TABLE posts (id int PRIMARY KEY, author int REFERENCES users (id) ON DELETE CASCADE);
    CREATE TABLE audit (id int PRIMARY KEY, post int REFERENCES posts (id) ON DELETE CASCADE);
    CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN old; END';
    CREATE TRIGGER gone BEFORE DELETE ON users FOR EACH ROW EXECUTE FUNCTION note();
    CREATE INDEX by_author ON posts (author);
    """
    pg_db.execute(schema)
    before = pg_db.execute(OBJECTS)
    mapping = {k: MAPPING[k] for k in ("posts",)} | {"users": "SELECT u._id AS id, u.best AS mail FROM users AS u"}
    mongo_db.db.users.insert_many([{"_id": i, "best": f"m{i}"} for i in range(5)])
    mongo_db.db.posts.insert_many([{"_id": i, "author": i} for i in range(5)])
    folder = shop.small_project(tmp_path / "p", "", mapping, live=True)
    with psycopg.connect(pg_db.url) as connection:
        hangs = hanging(connection)
    for half in (False, True):
        with open_move(folder, mongo_db.url, pg_db.url) as move:
            move.survey()
            if half:
                with pytest.raises(_Stop):
                    move.copy(_stop_at_chunk)
            else:
                move.copy()
                pg_db.execute("INSERT INTO audit VALUES (1, NULL)")
        with open_move(folder, mongo_db.url, pg_db.url) as move:
            assert move.reset()
        assert pg_db.execute("SELECT (SELECT count(*) FROM users), (SELECT count(*) FROM audit)") == [(0, 1)]
        assert pg_db.execute(OBJECTS) == before
        with psycopg.connect(pg_db.url) as connection:
            assert hanging(connection) == hangs
    with open_move(folder, mongo_db.url, pg_db.url) as move:
        move.copy()
        pg_db.execute("INSERT INTO audit VALUES (2, 3)")
        with pytest.raises(CrossfadeError, match="audit"):
            move.reset()
        assert pg_db.execute("SELECT count(*) FROM audit") == [(2,)]
        assert move.status().finished


LIVE = {"users": "SELECT u._id AS id FROM users AS u", "posts": MAPPING["posts"]}


@pytest.mark.parametrize("live", [False, True])
def test_a_table_that_cannot_be_counted_is_not_taken_for_one_that_is_gone(
    mongo_db: MongoScratch, pg_db: PostgresScratch, tmp_path: Path, live: bool
) -> None:
    """The view in its place fails whenever it is read."""
    tables = "CREATE TABLE users (id int PRIMARY KEY); CREATE TABLE posts (id int PRIMARY KEY, author int)"
    mongo_db.db.users.insert_many([{"_id": i} for i in range(5)])
    mongo_db.db.posts.insert_many([{"_id": i, "author": i} for i in range(5)])
    if live:
        pg_db.execute(tables)
    folder = shop.small_project(tmp_path / "p", "" if live else tables, LIVE, live=live)
    with open_move(folder, mongo_db.url, pg_db.url) as move:
        move.survey()
        move.copy()
        pg_db.execute(
            "ALTER TABLE posts RENAME TO kept;"
            "CREATE VIEW posts AS SELECT id, 1 / (id - id) AS author FROM kept WHERE 1 / (id - id) > 0"
        )
        for attempt in (move.plan_reset, move.reset):
            with pytest.raises(Refused, match="division by zero"):
                attempt()
        assert pg_db.execute("SELECT (SELECT count(*) FROM users), (SELECT count(*) FROM kept)") == [(5, 5)]
        pg_db.execute("DROP VIEW posts")  # gone indeed: nothing to delete of it
        done = move.reset()
        assert done is not None
        assert done.rows == {"users": 5}
        assert pg_db.execute("SELECT count(*) FROM kept") == [(5,)]


WAITS = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


@pytest.mark.parametrize("live", [False, True])
def test_a_row_that_comes_in_while_it_waits_stops_it(
    mongo_db: MongoScratch, pg_db: PostgresScratch, tmp_path: Path, live: bool
) -> None:
    tables = "CREATE TABLE users (id int PRIMARY KEY); CREATE TABLE posts (id int PRIMARY KEY, author int)"
    mongo_db.db.users.insert_many([{"_id": i} for i in range(5)])
    mongo_db.db.posts.insert_many([{"_id": i, "author": i} for i in range(5)])
    if live:
        pg_db.execute(tables)
    folder = shop.small_project(tmp_path / "p", "" if live else tables, LIVE, live=live)
    with open_move(folder, mongo_db.url, pg_db.url) as move:
        move.survey()
        move.copy()
    with psycopg.connect(pg_db.url) as strange, ThreadPoolExecutor(1) as pool:
        strange.execute("INSERT INTO users VALUES (1000)")
        with open_move(folder, mongo_db.url, pg_db.url) as move:
            assert move.plan_reset()  # waits for nobody
            waiting = pool.submit(move.reset)
            while not waiting.done() and not pg_db.execute(WAITS):
                time.sleep(0.01)
            strange.commit()
            with pytest.raises(NotEmpty, match="users: 1 row"):
                waiting.result()
    assert pg_db.execute("SELECT count(*) FROM users") == [(6,)]


def test_rows_behind_a_forced_policy_are_counted(
    mongo_db: MongoScratch, pg_db: PostgresScratch, tmp_path: Path
) -> None:
    """The move's role owns the table, and may read nothing of it."""
    role = f"owner_{pg_db.name}"
    pg_db.execute(f"CREATE ROLE {role} LOGIN")
    try:
        pg_db.execute(f"ALTER DATABASE {pg_db.name} OWNER TO {role}; GRANT ALL ON SCHEMA public TO {role}")
        url = as_user(pg_db.url, role, "")
        mongo_db.db.users.insert_many([{"_id": i} for i in range(5)])
        schema = (
            "CREATE TABLE users (id int PRIMARY KEY); ALTER TABLE users ENABLE ROW LEVEL SECURITY;"
            "ALTER TABLE users FORCE ROW LEVEL SECURITY"
        )
        folder = shop.small_project(tmp_path / "p", schema, {"users": LIVE["users"]})
        with open_move(folder, mongo_db.url, url) as move:
            move.survey()
            move.copy()
            assert pg_db.execute("SELECT relforcerowsecurity FROM pg_class WHERE relname = 'users'") == [(True,)]
            pg_db.execute("INSERT INTO users VALUES (1000)")
            for attempt in (move.plan_reset, move.reset):
                with pytest.raises(NotEmpty, match="users: 1 row"):
                    attempt()
            pg_db.execute("DELETE FROM users WHERE id = 1000")
            assert move.plan_reset()
            assert pg_db.execute("SELECT relforcerowsecurity FROM pg_class WHERE relname = 'users'") == [(True,)]
            done = move.reset()
            assert done is not None
            assert done.rows == {"users": 5}
    finally:
        pg_db.execute(f"ALTER DATABASE {pg_db.name} OWNER TO CURRENT_USER; DROP OWNED BY {role} CASCADE")
        pg_db.execute(f"DROP ROLE {role}")


def _stop_at_chunk(event: Any) -> None:
    if isinstance(event, ChunkCopied):
        raise _Stop


@pytest.mark.parametrize("action", ["CASCADE", "SET NULL"])
def test_rows_of_others_that_refer_to_a_live_table_stop_it(
    mongo_db: MongoScratch, pg_db: PostgresScratch, tmp_path: Path, action: str
) -> None:
    """What somebody built on the table after the move began: deleting the move's rows would take or change it."""
    pg_db.execute("CREATE TABLE users (id int PRIMARY KEY)")
    mongo_db.db.users.insert_many([{"_id": i} for i in range(5)])
    folder = shop.small_project(tmp_path / "p", "", {"users": LIVE["users"]}, live=True)
    with open_move(folder, mongo_db.url, pg_db.url) as move:
        move.survey()
        move.copy()
    pg_db.execute(f"CREATE TABLE orders (id int PRIMARY KEY, u int REFERENCES users (id) ON DELETE {action})")
    pg_db.execute("INSERT INTO orders VALUES (1, 3)")
    with open_move(folder, mongo_db.url, pg_db.url) as move, pytest.raises(Refused, match="orders"):
        move.reset()
    assert pg_db.execute("SELECT (SELECT count(*) FROM users), (SELECT max(u) FROM orders)") == [(5, 3)]
    pg_db.execute("DELETE FROM orders")
    with open_move(folder, mongo_db.url, pg_db.url) as move:
        assert move.reset()
    assert pg_db.execute("SELECT count(*) FROM users") == [(0,)]


def test_a_live_sqlite_file(mongo_db: MongoScratch, tmp_path: Path) -> None:
    import sqlite3

    file = tmp_path / "t.db"
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("CREATE TABLE users (id INTEGER PRIMARY KEY)")
    mongo_db.db.users.insert_many([{"_id": i} for i in range(1, 6)])
    folder = shop.small_project(tmp_path / "p", "", {"users": LIVE["users"]}, live=True)
    with open_move(folder, mongo_db.url, f"sqlite:///{file}") as move:
        move.survey()
        move.copy()
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY, u int REFERENCES users (id))")
        connection.execute("INSERT INTO orders VALUES (1, 3)")
    with open_move(folder, mongo_db.url, f"sqlite:///{file}") as move, pytest.raises(Refused, match="orders"):
        move.reset()
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("DELETE FROM orders")
    with open_move(folder, mongo_db.url, f"sqlite:///{file}") as move:
        assert move.reset()
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("SELECT count(*) FROM users").fetchone() == (0,)


def test_a_sqlite_file(mongo_db: MongoScratch, tmp_path: Path) -> None:
    import sqlite3

    schema = (
        "CREATE TABLE users (id INTEGER PRIMARY KEY AUTOINCREMENT, best int REFERENCES posts (id));"
        "CREATE TABLE posts (id INTEGER PRIMARY KEY, author int REFERENCES users (id));"
        "CREATE INDEX by_author ON posts (author); CREATE VIEW v AS SELECT id FROM posts;"
    )
    mapping = {"users": "SELECT u._id AS id, u.best AS best FROM users AS u", "posts": MAPPING["posts"]}
    mongo_db.db.users.insert_many([{"_id": i, "best": i} for i in range(1, 6)])
    mongo_db.db.posts.insert_many([{"_id": i, "author": i} for i in range(1, 6)])
    folder, file = shop.small_project(tmp_path / "p", schema, mapping), tmp_path / "t.db"
    with open_move(folder, mongo_db.url, f"sqlite:///{file}") as move:
        move.survey()
        move.copy()
        with closing(sqlite3.connect(file)) as connection, connection:
            connection.execute("INSERT INTO users VALUES (77, NULL)")
        with pytest.raises(NotEmpty, match="users: 1 row"):
            move.reset()
        with closing(sqlite3.connect(file)) as connection, connection:
            connection.execute("DELETE FROM users WHERE id = 77")
        assert move.reset()
    with closing(sqlite3.connect(file)) as connection, connection:
        assert connection.execute("SELECT name FROM sqlite_master WHERE name NOT LIKE 'sqlite%'").fetchall() == []
    with open_move(folder, mongo_db.url, f"sqlite:///{file}") as move:
        assert move.copy().finished


@pytest.mark.parametrize(
    ("id_", "sql", "drop"),
    [
        ("table t", "CREATE UNLOGGED TABLE IF NOT EXISTS a.\"T x\" (id int)", 'DROP TABLE IF EXISTS a."T x"'),
        ("function f(a integer)", "CREATE OR REPLACE FUNCTION f(a int DEFAULT 1)",
         "DROP FUNCTION IF EXISTS f(a integer)"),
        ("materialized view v", "CREATE MATERIALIZED VIEW v AS SELECT 1", "DROP MATERIALIZED VIEW IF EXISTS v"),
        ("foreign key t.k", "ALTER TABLE ONLY t ADD CONSTRAINT k FOREIGN KEY (a) REFERENCES t (a) NOT VALID",
         "ALTER TABLE IF EXISTS t DROP CONSTRAINT IF EXISTS k"),
        ("index i", "CREATE UNIQUE INDEX i ON t (a)", None),
        ("comment on table t", "COMMENT ON TABLE t IS 'CREATE TABLE x'", None),
        ("comment on schema public", "COMMENT ON SCHEMA public IS 'x'",
         "COMMENT ON SCHEMA public IS 'standard public schema'"),
        ("data of materialized view v", "REFRESH MATERIALIZED VIEW v", None),
        ("validate t.k", "ALTER TABLE t VALIDATE CONSTRAINT k", None),
    ],
)  # fmt: skip
def test_a_step_and_its_undoing(id_: str, sql: str, drop: str | None) -> None:
    undo = undo_of(Step(id_, sql))
    assert (None if undo is None else undo.sql) == drop
