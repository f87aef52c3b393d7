"""Tables created by others: their constraints are dropped during the copy and restored after it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import psycopg
import pytest

import shop
from crossfade.errors import NotEmpty, Stale
from outcome import Outcome, Shop, counts_of, hanging, open_move, outcome
from scratch import MongoScratch, PostgresScratch
from victim import killed_in

MORE = """
CREATE TABLE visits (id int PRIMARY KEY, who uuid REFERENCES users (id), at timestamptz UNIQUE);
INSERT INTO visits VALUES (1, NULL, now());
CREATE TABLE offices (id int PRIMARY KEY);
INSERT INTO offices VALUES (1);
ALTER TABLE teams ADD COLUMN office int DEFAULT 1 REFERENCES offices (id);
CREATE FUNCTION shout() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.name := upper(NEW.name); RETURN NEW; END $$;
CREATE TRIGGER shouting BEFORE INSERT OR UPDATE OF name ON teams FOR EACH ROW EXECUTE FUNCTION shout();
CREATE TRIGGER silent BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION shout();
ALTER TABLE users DISABLE TRIGGER silent;
ALTER TABLE posts ADD CONSTRAINT "One Title" EXCLUDE USING btree (id WITH =);
CREATE INDEX "Odd ""Index" ON posts (title text_pattern_ops) WHERE number > 0;
COMMENT ON INDEX "Odd ""Index" IS 'odd';
COMMENT ON CONSTRAINT "One Title" ON posts IS 'one';
CREATE VIEW loud AS SELECT upper(title) FROM posts;
"""


@pytest.fixture
def live_shop(shop_copy: Shop) -> Shop:
    settings = shop_copy.folder / "crossfade.toml"
    settings.write_text(settings.read_text().replace('"schema.sql"', '"live"'))
    (shop_copy.folder / "schema.sql").unlink()
    return shop_copy


def made(target: PostgresScratch) -> PostgresScratch:
    target.execute(shop.SCHEMA)
    target.execute(MORE)
    return target


def test_live_tables(live_shop: Shop, undisturbed: Outcome, pg_db: PostgresScratch) -> None:
    before = everything_hanging(made(pg_db))
    seen: list[str] = []
    with open_move(live_shop.folder, live_shop.source, pg_db.url) as move:
        status = move.copy(lambda event: seen.append(type(event).__name__))
        same_as(undisturbed, outcome(pg_db.url, status))
        assert move.verify().equal
    assert seen.index("StepDone") < seen.index("ChunkCopied")
    assert everything_hanging(pg_db) == before
    with open_move(live_shop.folder, live_shop.source, pg_db.url) as move:
        assert counts_of(move.copy()) == undisturbed.counts  # nothing is left to do, and nothing is refused


def test_killed_while_things_are_away(live_shop: Shop, undisturbed: Outcome, pg_db: PostgresScratch) -> None:
    before = everything_hanging(made(pg_db))
    moments = [("note_step", 4), ("finish_chunk", 2), ("note_step", 14)]  # the last one is of those put back
    for moment, times in moments:
        assert killed_in(moment, times, live_shop.folder, live_shop.source, pg_db.url), moment
    assert everything_hanging(pg_db) != before
    with open_move(live_shop.folder, live_shop.source, pg_db.url, workers=2) as move:
        same_as(undisturbed, outcome(pg_db.url, move.copy()))
    assert everything_hanging(pg_db) == before


def same_as(undisturbed: Outcome, found: Outcome) -> None:
    tables = {name: [row[:4] if name == "teams" else row for row in rows] for name, rows in found.tables.items()}
    assert {name: tables[name] for name in undisturbed.tables} == undisturbed.tables
    assert (found.counts, found.rows, found.quarantine) == (
        undisturbed.counts,
        undisturbed.rows,
        undisturbed.quarantine,
    )


def everything_hanging(target: PostgresScratch) -> list[tuple[object, ...]]:
    with psycopg.connect(target.url) as connection:
        comments = connection.execute("SELECT description FROM pg_description WHERE description IN ('odd', 'one')")
        return [*hanging(connection), *sorted(comments.fetchall())]


def test_rows_that_are_there_are_refused(live_shop: Shop, pg_db: PostgresScratch) -> None:
    before = everything_hanging(made(pg_db))
    pg_db.execute("INSERT INTO handles VALUES ('mine', gen_random_uuid())")
    with (
        open_move(live_shop.folder, live_shop.source, pg_db.url) as move,
        pytest.raises(NotEmpty, match="already has rows in handles; nothing was written"),
    ):
        move.copy()
    assert everything_hanging(pg_db) == before
    assert pg_db.execute("SELECT to_regclass('crossfade.move')") == [(None,)]


def test_a_table_that_changed_on_the_way_is_refused(live_shop: Shop, pg_db: PostgresScratch) -> None:
    made(pg_db)
    assert killed_in("finish_chunk", 3, live_shop.folder, live_shop.source, pg_db.url)
    pg_db.execute("ALTER TABLE users ADD COLUMN more text")
    with open_move(live_shop.folder, live_shop.source, pg_db.url) as move, pytest.raises(Stale, match="table users"):
        move.copy()


def test_a_copy_into_live_tables_starts_over(live_shop: Shop, undisturbed: Outcome, pg_db: PostgresScratch) -> None:
    before = everything_hanging(made(pg_db))
    assert killed_in("finish_chunk", 6, live_shop.folder, live_shop.source, pg_db.url)
    with open_move(live_shop.folder, live_shop.source, pg_db.url) as move:
        move.restart()
        same_as(undisturbed, outcome(pg_db.url, move.copy()))
    assert everything_hanging(pg_db) == before
    assert pg_db.execute("SELECT count(*) FROM visits") == [(1,)]


def test_a_live_sqlite_file(mongo_db: MongoScratch, tmp_path: Path) -> None:
    file = tmp_path / "live.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript(
            """
            CREATE TABLE People (Id INTEGER PRIMARY KEY, mail TEXT, name TEXT);
            CREATE UNIQUE INDEX "One Mail" ON people (lower(mail));
            CREATE TRIGGER Shout AFTER INSERT ON People BEGIN UPDATE People SET name = upper(name); END;
            CREATE TABLE other (id INTEGER PRIMARY KEY, x TEXT UNIQUE);
            INSERT INTO other VALUES (1, 'a');
            """
        )
        catalog = connection.execute("SELECT type, name, sql FROM sqlite_schema ORDER BY 1, 2").fetchall()
    mongo_db.db.people.insert_many([{"_id": 1, "mail": "a", "name": "x"}, {"_id": 2, "mail": "A", "name": "y"}])
    mapping = {"People": "SELECT p._id AS Id, p.mail AS mail, p.name AS name FROM people AS p"}
    folder = shop.small_project(tmp_path / "p", "", mapping, live=True)
    with open_move(folder, mongo_db.url, f"sqlite:///{file}") as move:
        move.survey()
        status = move.copy()
        assert counts_of(status) == {"people": (2, 1, 1, 0)}
    with closing(sqlite3.connect(file)) as connection:
        after = connection.execute(
            "SELECT type, name, sql FROM sqlite_schema WHERE name NOT LIKE '%crossfade_%' ORDER BY 1, 2"
        ).fetchall()
        assert after == catalog
        assert connection.execute("SELECT * FROM people").fetchall() == [(1, "a", "x")]


def test_two_moves_do_not_share_live_tables(live_shop: Shop, pg_db: PostgresScratch) -> None:
    made(pg_db)
    with open_move(live_shop.folder, live_shop.source, pg_db.url) as move:
        move.apply_schema()
    settings = live_shop.folder / "crossfade.toml"
    settings.write_text(settings.read_text().replace('name = "shop"', 'name = "other"'))
    with (
        open_move(live_shop.folder, live_shop.source, pg_db.url) as move,
        pytest.raises(NotEmpty, match="belongs to the move 'shop'"),
    ):
        move.copy()
