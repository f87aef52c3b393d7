"""What a reset would delete although the move did not create it is named, and kept."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

import shop
from crossfade.errors import NotEmpty, Refused
from crossfade.model.events import ChunkCopied
from crossfade.move import Move
from outcome import open_move
from scratch import MongoScratch, PostgresScratch

SCHEMA = """
CREATE FUNCTION twice(n int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT n * 2';
CREATE TABLE users (id int PRIMARY KEY, name text);
CREATE TABLE posts (id int PRIMARY KEY, author int);
CREATE TABLE days (id int, part int, PRIMARY KEY (id, part)) PARTITION BY LIST (part);
CREATE TABLE days_1 PARTITION OF days FOR VALUES IN (1);
CREATE VIEW authors AS SELECT id FROM users;
"""
MAPPING = {
    "users": "SELECT u._id AS id, u.name AS name FROM users AS u",
    "posts": "SELECT p._id AS id, p.author AS author FROM posts AS p",
    "days": "SELECT d._id AS id, 1 AS part FROM days AS d",
}
SWAP = "DELETE FROM users WHERE id = 3; INSERT INTO users VALUES (1003, 'theirs')"

OTHERS = {  # what others do, how it is undone, and what is said of it
    "a row changed": ("UPDATE posts SET author = 77 WHERE id = 3", "", {"posts": "3"}),
    "a column": ("ALTER TABLE posts ADD note text", "ALTER TABLE posts DROP note", {"posts": "note"}),
    "an index": ("CREATE INDEX theirs ON posts (author)", "DROP INDEX theirs", {"posts": "theirs"}),
    "a check": (
        "ALTER TABLE posts ADD CONSTRAINT theirs CHECK (id > 0)",
        "ALTER TABLE posts DROP CONSTRAINT theirs",
        {"posts": "theirs"},
    ),
    "a partition": ("CREATE TABLE days_2 PARTITION OF days DEFAULT", "DROP TABLE days_2", {"days": "days_2"}),
    "a sequence": ("CREATE SEQUENCE theirs OWNED BY posts.id", "DROP SEQUENCE theirs", {"posts": "theirs"}),
    "a view replaced": (
        "CREATE OR REPLACE VIEW authors AS SELECT id FROM users WHERE id > 1",
        "CREATE OR REPLACE VIEW authors AS SELECT id FROM users",
        {"authors": "definition"},
    ),
    "a function replaced": (
        "CREATE OR REPLACE FUNCTION twice(n int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT n + n'",
        "CREATE OR REPLACE FUNCTION twice(n int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT n * 2'",
        {"twice(n integer)": "definition"},
    ),
    "rows swapped one for one": (SWAP, "", {"users": "1003"}),
}


@pytest.fixture
def folder(mongo_db: MongoScratch, tmp_path: Path) -> Path:
    mongo_db.db.users.insert_many([{"_id": i, "name": f"u{i}"} for i in range(1, 30)])
    mongo_db.db.posts.insert_many([{"_id": i, "author": i} for i in range(1, 30)])
    mongo_db.db.days.insert_many([{"_id": i} for i in range(3)])
    return shop.small_project(tmp_path / "p", SCHEMA, MAPPING, chunk_mb=0.001)


@pytest.fixture
def move(folder: Path, mongo_db: MongoScratch, pg_db: PostgresScratch) -> Iterator[Move]:
    with open_move(folder, mongo_db.url, pg_db.url) as move:
        move.survey()
        move.copy()
        yield move


def refused(move: Move, including: tuple[str, ...] = ()) -> str:
    said = []
    for attempt in (move.plan_reset, move.reset):
        with pytest.raises(NotEmpty) as error:
            attempt(including)
        said.append(error.value.message)
    assert said[0] == said[1]
    return said[0]


def test_each_is_named_and_all_stays_until_it_is_told_precisely(move: Move, pg_db: PostgresScratch) -> None:
    with psycopg.connect(pg_db.url, autocommit=True) as connection:
        for statement in ("VACUUM (FULL, FREEZE) users", "VACUUM (FREEZE) posts"):  # rows are known all the same
            connection.execute(statement)
    assert move.plan_reset() is not None
    known: dict[str, str] = {}  # what stays
    for do, undo, wanted in OTHERS.values():
        pg_db.execute(do)
        said = refused(move)
        lines = {line.strip().partition(":")[0]: line for line in said.splitlines()[1:]}
        assert lines.keys() == {**known, **wanted}.keys(), said
        assert all(what in lines[name] for name, what in wanted.items()), said
        if undo:
            pg_db.execute(undo)
        else:
            known |= wanted
    assert "users" in refused(move, ("posts",))
    assert pg_db.execute("SELECT count(*) FROM users WHERE id = 1003") == [(1,)]
    done = move.reset(("posts", "users"))
    assert done is not None
    assert done.rows == {"users": 29, "posts": 29, "days": 3}


def test_another_table_of_its_name(move: Move, pg_db: PostgresScratch) -> None:
    pg_db.execute("DROP VIEW authors; ALTER TABLE users RENAME TO ours; CREATE TABLE users (LIKE ours INCLUDING ALL)")
    pg_db.execute("INSERT INTO users SELECT id, 'theirs' FROM ours")
    assert "users: 29 rows" in refused(move)
    assert pg_db.execute("SELECT DISTINCT name FROM users") == [("theirs",)]


def test_records_that_came_in_later_are_the_moves(folder: Path, mongo_db: MongoScratch, pg_db: PostgresScratch) -> None:
    """A record refused, halves of batches, duplicate keys that are decided anew, a retry."""
    mongo_db.db.more.insert_many([{"_id": i, "id": i % 7} for i in range(9)])
    mongo_db.db.users.insert_one({"_id": 500, "name": 5})
    (folder / "mapping" / "posts.sql").write_text(
        MAPPING["posts"] + " UNION ALL SELECT 1000 + m.id AS id, m._id AS author FROM more AS m"
    )
    (folder / "mapping" / "users.sql").write_text("SELECT u._id AS id, as_text(u.name) AS name FROM users AS u")
    schema = SCHEMA.replace("name text", "name text CHECK (id < 500)")
    (folder / "schema.sql").write_text(schema)
    with open_move(folder, mongo_db.url, pg_db.url) as move:
        move.survey()
        move.copy()
        assert sum(1 for e in move.quarantine() if e.state == "open") == 3
        mongo_db.db.more.delete_many({"_id": {"$lt": 2}})
        move.retry()
        assert move.plan_reset() is not None
        pg_db.execute("INSERT INTO posts VALUES (77777)")
        assert "77777" in refused(move)


class _Stop(Exception):
    pass


def test_a_copy_that_starts_over_takes_no_rows_of_others(
    folder: Path, mongo_db: MongoScratch, pg_db: PostgresScratch
) -> None:
    def stop(event: object) -> None:
        if isinstance(event, ChunkCopied):
            raise _Stop

    with open_move(folder, mongo_db.url, pg_db.url) as move:
        move.survey()
        with pytest.raises(_Stop):
            move.copy(stop)
        pg_db.execute("INSERT INTO users VALUES (1003, 'theirs')")
        with pytest.raises(NotEmpty, match="1003"):
            move.restart()
        pg_db.execute("DELETE FROM users WHERE id = 1003")
        move.restart()
        move.copy()
        assert move.reset() is not None


@pytest.mark.parametrize("live", [False, True])
def test_a_sqlite_file(mongo_db: MongoScratch, tmp_path: Path, live: bool) -> None:
    tables = (
        "CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT);"
        "CREATE TABLE posts (id TEXT, part INT, author INT, PRIMARY KEY (id, part));"
    )
    mapping = {
        "users": MAPPING["users"],
        "posts": "SELECT CAST(p._id AS varchar) AS id, 1 AS part, p.author AS author FROM posts AS p",
    }
    mongo_db.db.users.insert_many([{"_id": i, "name": f"u{i}"} for i in range(1, 6)])
    mongo_db.db.posts.insert_many([{"_id": i, "author": i} for i in range(1, 6)])
    file = tmp_path / "t.db"
    if live:
        execute(file, tables)
    folder = shop.small_project(tmp_path / "p", "" if live else tables, mapping, live=live)
    with open_move(folder, mongo_db.url, f"sqlite:///{file}") as move:
        move.survey()
        move.copy()
        for do, undo, table, what in (
            (SWAP, "DELETE FROM users WHERE id = 1003; INSERT INTO users VALUES (3, 'u3')", "users", "1003"),
            ("UPDATE posts SET part = 2 WHERE id = '4'", "UPDATE posts SET part = 1", "posts", "4, 2"),
            ("ALTER TABLE posts ADD note; UPDATE posts SET note = 1", "ALTER TABLE posts DROP note", "posts", "note"),
        ):
            execute(file, do)
            said = refused(move)
            assert f"{table}:" in said
            assert what in said
            execute(file, undo)
        assert move.plan_reset() is not None
        execute(file, SWAP)
        done = move.reset(("users",))
        assert done is not None
        assert done.rows == {"users": 5, "posts": 5}


def test_what_needs_the_tables_of_a_sqlite_file_is_found_first(mongo_db: MongoScratch, tmp_path: Path) -> None:
    """SQLite drops a table under views, triggers and foreign keys without a word."""
    schema = (
        "CREATE TABLE users (id INTEGER PRIMARY KEY, best int REFERENCES posts (id));"
        "CREATE TABLE posts (id INTEGER PRIMARY KEY, author int REFERENCES users (id));"
        "CREATE VIEW v AS SELECT id FROM posts;"
    )
    mapping = {"users": "SELECT u._id AS id FROM users AS u", "posts": MAPPING["posts"]}
    mongo_db.db.users.insert_many([{"_id": i} for i in range(1, 6)])
    mongo_db.db.posts.insert_many([{"_id": i, "author": i} for i in range(1, 6)])
    file = tmp_path / "t.db"
    folder = shop.small_project(tmp_path / "p", schema, mapping)
    with open_move(folder, mongo_db.url, f"sqlite:///{file}") as move:
        move.survey()
        move.copy()
        execute(file, "CREATE TABLE log (users int); CREATE VIEW broken AS SELECT * FROM nowhere")
        execute(file, "CREATE TRIGGER harmless AFTER INSERT ON log BEGIN SELECT 'posts'; END")
        for do, undo, what in (
            ("CREATE VIEW theirs AS SELECT count(*) FROM users", "DROP VIEW theirs", "view theirs"),
            ("CREATE VIEW theirs AS SELECT * FROM v", "DROP VIEW theirs", "view theirs"),
            (
                "CREATE TRIGGER theirs AFTER UPDATE OF users ON log BEGIN DELETE FROM posts; END",
                "DROP TRIGGER theirs",
                "trigger theirs of log",
            ),
            ("CREATE TABLE t (u int REFERENCES Users (id))", "DROP TABLE t", "foreign key of t to users"),
        ):
            execute(file, do)
            for attempt in (move.plan_reset, move.reset):
                with pytest.raises(Refused, match=what):
                    attempt()
            execute(file, undo)
        assert move.reset() is not None
    with closing(sqlite3.connect(file)) as connection:
        left = connection.execute("SELECT name FROM sqlite_schema WHERE name NOT LIKE 'sqlite%'").fetchall()
        assert {name for (name,) in left} == {"log", "broken", "harmless"}


def execute(file: Path, statements: str) -> None:
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript(statements)
