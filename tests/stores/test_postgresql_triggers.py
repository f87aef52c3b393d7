"""The change feed by triggers, on a server without logical decoding."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Iterator

import psycopg
import pytest
from postgresql_feed import Followed, changes_of, following

from crossfade.errors import Refused
from crossfade.records.rows.raw import key_of, split
from crossfade.stores.contract.changes import PositionLost
from crossfade.stores.postgresql.changes.triggers import install, polling
from crossfade.stores.postgresql.store import open_postgresql
from crossfade.testing import launch_postgresql, with_database
from scratch import PostgresScratch, drop_database, role

LEFT = """
SELECT (SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal),
       (SELECT count(*) FROM pg_proc p WHERE p.pronamespace = n.oid),
       (SELECT count(*) FROM pg_class c WHERE c.relnamespace = n.oid), n.oid
FROM (SELECT to_regnamespace('crossfade')::oid) AS n(oid)
"""


@pytest.fixture(scope="module")
def plain_url() -> Iterator[str]:
    server = launch_postgresql(settings={"wal_level": "replica", "max_wal_senders": "0"})
    yield server.url
    server.stop()


@pytest.fixture
def items(plain_url: str) -> Iterator[PostgresScratch]:
    name = "cf_" + secrets.token_hex(6)
    with psycopg.connect(plain_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        scratch = PostgresScratch(name, with_database(plain_url, name))
        scratch.execute("CREATE TABLE item (id int PRIMARY KEY, v text)")
        scratch.execute("INSERT INTO item SELECT i, 'v' || i FROM generate_series(1, 5) i")
        yield scratch
        drop_database(connection, name)


@pytest.fixture
def followed(items: PostgresScratch) -> Iterator[Followed]:
    with following(items.url, ["item"]) as found:
        assert changes_of(found.store).check(["item"]) == []
        yield found


def test_what_is_written_is_named_by_its_key(items: PostgresScratch, followed: Followed) -> None:
    began = followed.feed.start()
    items.execute("INSERT INTO item VALUES (6, 'new')")
    items.execute("UPDATE item SET v = 'changed' WHERE id = 2")
    items.execute("DELETE FROM item WHERE id = 3")
    items.execute("UPDATE item SET id = 40 WHERE id = 4")
    with psycopg.connect(items.url) as writer:
        writer.execute("DELETE FROM item WHERE id = 1")
        writer.rollback()
    named = followed.read(began.position)
    assert named.keys == {"item": {("6",), ("2",), ("3",), ("4",), ("40",)}}
    assert followed.read(named.position).keys == {}


def test_a_table_that_a_crash_empties_is_not_followed(items: PostgresScratch) -> None:
    """No trigger fires for that, so the target would keep the rows."""
    items.execute("ALTER TABLE item SET UNLOGGED")
    with following(items.url, ["item"]) as found:
        assert [said for said in changes_of(found.store).check(["item"]) if "SET LOGGED" in said]
        with pytest.raises(Refused):
            found.feed.start()


def test_a_transaction_that_commits_late_is_named(items: PostgresScratch, followed: Followed) -> None:
    """It wrote before a position, and committed after it."""
    began = followed.feed.start()
    with psycopg.connect(items.url) as writer:
        writer.execute("DELETE FROM item WHERE id = 1")
        items.execute("DELETE FROM item WHERE id = 2")
        first = followed.read(began.position, confirm=True)
        writer.commit()
    assert first.keys == {"item": {("2",)}}
    assert followed.read(first.position).keys == {"item": {("1",)}}


def test_keys_of_many_types_and_odd_names(items: PostgresScratch) -> None:
    items.execute('CREATE SCHEMA "A.b"')
    items.execute(
        'CREATE TABLE "A.b"."t ""x" ("the id" timestamptz, "B" char(5), c bool, d numeric, e bytea, f inet,'
        ' PRIMARY KEY ("B", "the id", c, d, e, f))'
    )
    entity = 'A.b.t "x'
    with following(items.url, [entity]) as followed:
        began = followed.feed.start()
        with psycopg.connect(items.url) as writer:
            writer.execute("SET DateStyle = 'German'; SET TimeZone = 'Asia/Tokyo'; SET bytea_output = 'escape'")
            writer.execute("""INSERT INTO "A.b"."t ""x" VALUES (now(), 'a"', true, 1.50, '\\x00ff', '10.0.0.1')""")
        named = followed.read(began.position)
        with changes_of(followed.store).reading(named.floor) as reader:
            read = {key_of(raw) for piece in reader.keys(entity) for raw in split(piece)}
    assert {key for batch in named.batches for listed in batch.changed for key in listed.keys} == read


def test_partitions(items: PostgresScratch) -> None:
    items.execute("CREATE TABLE part (a int PRIMARY KEY, v int) PARTITION BY LIST (a)")
    items.execute("CREATE TABLE part1 PARTITION OF part FOR VALUES IN (1)")
    with following(items.url, ["part"]) as followed:
        began = followed.feed.start()
        items.execute("INSERT INTO part1 VALUES (1)")
        items.execute("CREATE TABLE part2 (a int PRIMARY KEY, v int)")
        items.execute("INSERT INTO part2 VALUES (2)")
        items.execute("ALTER TABLE part ATTACH PARTITION part2 FOR VALUES IN (2)")
        named = followed.read(began.position, confirm=True)
        assert named.keys == {"part": {("1",), ("2",)}}
        assert not named.redefined
        items.execute("UPDATE part2 SET v = 1")
        assert followed.read(named.position).keys == {"part": {("2",)}}


@pytest.mark.parametrize(
    "statement",
    [
        "TRUNCATE item",
        "ALTER TABLE item ADD COLUMN more int DEFAULT 7",
        "ALTER TABLE item RENAME id TO number",
        "ALTER TABLE item ALTER id TYPE bigint",
        "ALTER TABLE item DISABLE TRIGGER USER",
    ],
)
def test_a_table_that_is_not_what_it_was(items: PostgresScratch, followed: Followed, statement: str) -> None:
    """It is told, and writers go on."""
    began = followed.feed.start()
    items.execute(statement)
    items.execute("INSERT INTO item SELECT 99")
    items.execute("UPDATE item SET v = 'x'")
    named = followed.read(began.position, confirm=True)
    assert named.redefined == {"item"}
    items.execute("INSERT INTO item SELECT 100")
    again = followed.read(named.position)
    assert again.keys == {"item": {("100",)}}
    assert again.redefined == set()


@pytest.mark.parametrize(
    "statement",
    [
        "DROP TRIGGER {name} ON item",
        "ALTER TABLE item DISABLE TRIGGER {name}",
        "DROP TABLE crossfade.{name}",
        "CREATE OR REPLACE FUNCTION crossfade.{name}() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
    ],
)
def test_a_feed_that_somebody_has_damaged(items: PostgresScratch, followed: Followed, statement: str) -> None:
    """It is known before the next batch, which tells that every row may have changed."""
    began = followed.feed.start()
    assert not followed.feed.unreported()
    ((name,),) = items.execute("SELECT tgname FROM pg_trigger WHERE tgtype & 1 = 1 AND NOT tgisinternal")
    items.execute(statement.format(name=name))
    assert followed.feed.unreported() == ["item"]
    named = followed.read(began.position, confirm=True)
    assert named.redefined == {"item"}
    assert not followed.feed.unreported()


def test_nobody_else_deletes_what_was_noted(items: PostgresScratch, followed: Followed) -> None:
    began = followed.feed.start()
    ((name,),) = items.execute("SELECT tgname FROM pg_trigger WHERE tgtype & 1 = 1 AND NOT tgisinternal")
    items.execute("INSERT INTO item VALUES (6, 'new')")
    for statement in ("DELETE FROM", "TRUNCATE"):
        with pytest.raises(psycopg.errors.RaiseException, match="has changes that Crossfade has not read"):
            items.execute(f"SET session_replication_role = replica; {statement} crossfade.{name}")
    assert followed.read(began.position).keys == {"item": {("6",)}}


def test_a_feed_whose_head_is_empty_is_lost(items: PostgresScratch, followed: Followed) -> None:
    followed.feed.start()
    ((name,),) = items.execute("SELECT relname FROM pg_class WHERE relnamespace = 'crossfade'::regnamespace LIMIT 1")
    items.execute(f"DELETE FROM crossfade.{name.removesuffix('_1')}")
    with pytest.raises(PositionLost, match="is gone or empty"):
        followed.feed.unreported()


def test_a_position_of_an_earlier_feed_is_lost(items: PostgresScratch, followed: Followed) -> None:
    """As after a run that was killed when it had begun anew, and had not told the journal."""
    earlier = followed.feed.start().position
    items.execute("INSERT INTO item VALUES (6, 'noted by the earlier one alone')")
    began = followed.feed.start().position
    with pytest.raises(PositionLost, match="created again after the journal's position"):
        followed.read(earlier)
    items.execute("INSERT INTO item VALUES (7, 'new')")
    assert followed.read(began).keys == {"item": {("7",)}}


def test_a_session_that_replicates_is_followed_too(items: PostgresScratch, followed: Followed) -> None:
    began = followed.feed.start()
    with psycopg.connect(items.url) as writer:
        writer.execute("SET session_replication_role = replica")
        writer.execute("DELETE FROM item WHERE id = 1")
    assert followed.read(began.position).keys == {"item": {("1",)}}


def test_a_writer_needs_no_rights(items: PostgresScratch, followed: Followed) -> None:
    began = followed.feed.start()
    with role(items, "NOINHERIT") as name:
        items.execute(f"GRANT INSERT, SELECT ON item TO {name}")
        with psycopg.connect(items.url.replace("postgres@", f"{name}:secret@")) as writer:
            writer.execute("INSERT INTO item VALUES (7)")
        assert followed.read(began.position).keys == {"item": {("7",)}}


def test_the_footprint_is_removed(items: PostgresScratch, followed: Followed) -> None:
    before = items.execute(LEFT)
    followed.feed.finish()
    assert list(followed.feed.created()) == []
    followed.feed.start()
    followed.feed.start()
    assert any("trigger" in text and "item" in text for text in followed.feed.created())
    assert items.execute(LEFT)[0][:2] == (3, 2)
    with open_postgresql(items.url) as store:
        assert store.inspector is not None
        assert [info.name for info in store.inspector.entities()] == ["item"]
    followed.feed.finish()
    followed.feed.finish()
    assert items.execute(LEFT) == before


def test_what_is_durable_is_deleted(
    items: PostgresScratch, followed: Followed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(polling, "PURGE_SECONDS", 0)
    began = followed.feed.start()
    items.execute("INSERT INTO item SELECT i FROM generate_series(10, 3000) i")
    size = followed.feed.backlog()
    assert size is not None
    assert size > 100_000
    named = followed.read(began.position, confirm=True)
    assert len(named.keys["item"]) == 2991
    ((name,),) = items.execute(
        "SELECT relname FROM pg_class WHERE relnamespace = 'crossfade'::regnamespace AND relname ~ '_1$'"
    )
    assert items.execute(f"SELECT count(*) FROM crossfade.{name}") == [(0,)]
    with pytest.raises(PositionLost):
        next(followed.feed.changes(began.position))
    assert followed.read(named.position).keys == {}


def test_tables_of_changes_that_were_dropped(items: PostgresScratch, followed: Followed) -> None:
    began = followed.feed.start()
    stream = followed.feed.changes(began.position)
    next(stream)
    items.execute("DROP SCHEMA crossfade CASCADE")
    with pytest.raises(PositionLost):
        list(stream)


def test_installing_blocks_no_writer(
    items: PostgresScratch, followed: Followed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While a long transaction writes, whoever else writes waits for a fifth of a second at most."""
    monkeypatch.setattr(install, "PAUSE_SECONDS", 0.3)
    waits: list[float] = []
    with psycopg.connect(items.url) as long:
        long.execute("UPDATE item SET v = 'x' WHERE id = 1")
        started = threading.Thread(target=followed.feed.start)
        started.start()
        with psycopg.connect(items.url, autocommit=True) as writer:
            until = time.monotonic() + 120
            while len(waits) < 20 or (max(waits) < 0.1 and time.monotonic() < until):
                at = time.monotonic()
                writer.execute("UPDATE item SET v = 'y' WHERE id = 2")
                waits.append(time.monotonic() - at)
                time.sleep(0.02)
        assert started.is_alive()
    started.join()
    assert 0.1 <= max(waits) < 20  # else for as long as the other lasts
