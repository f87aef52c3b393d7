"""The change feed of PostgreSQL when things go wrong: other tables, lost positions, cut connections."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import closing

import psycopg
import pytest
from postgresql_feed import Followed, Named, changes_of, following

from crossfade.errors import Busy, Unreachable
from crossfade.model.positions import Position
from crossfade.stores.contract.changes import PositionLost
from crossfade.stores.postgresql.changes import slot
from crossfade.stores.postgresql.changes.control import Control
from crossfade.stores.postgresql.changes.requirements import lacking
from crossfade.stores.postgresql.store import open_postgresql
from crossfade.testing import launch_postgresql
from following import wait_for
from scratch import PostgresScratch, role


@pytest.fixture
def items(pg_db: PostgresScratch) -> PostgresScratch:
    pg_db.execute("CREATE TABLE item (id int PRIMARY KEY, v text)")
    pg_db.execute("INSERT INTO item SELECT i, 'v' || i FROM generate_series(1, 5) i")
    return pg_db


@pytest.fixture
def followed(items: PostgresScratch) -> Iterator[Followed]:
    with following(items.url, ["item"]) as found:
        yield found


# -- tables that are not what they were


@pytest.mark.parametrize(
    "statement",
    [
        "TRUNCATE item",
        "ALTER TABLE item ADD COLUMN more int DEFAULT 7",
        "ALTER TABLE item DROP COLUMN v",
        "ALTER TABLE item ALTER v TYPE varchar(40)",
        "ALTER TABLE item RENAME TO thing",
        "DROP TABLE item",
        "ALTER TABLE item RENAME id TO number",
        "ALTER TABLE item DROP CONSTRAINT item_pkey, ADD PRIMARY KEY (id, v)",
    ],
)
def test_a_table_that_is_not_what_it_was(items: PostgresScratch, followed: Followed, statement: str) -> None:
    items.execute("UPDATE item SET v = 'x'")
    began = followed.feed.start()
    items.execute(statement)
    assert redefined_soon(followed, began.position) == {"item"}


def redefined_soon(followed: Followed, since: object) -> set[str]:
    """Return what is redefined within some seconds, without any write to the tables."""
    found: set[str] = set()
    deadline = time.monotonic() + 60
    stream = followed.feed.changes(since)  # type: ignore[arg-type]
    for batch in stream:
        found |= set(batch.redefined)
        followed.feed.durable(batch.position)
        if found or time.monotonic() > deadline:
            break
    stream.close()  # type: ignore[attr-defined]
    return found


def test_a_table_that_replaces_another_is_followed(items: PostgresScratch, followed: Followed) -> None:
    began = followed.feed.start()
    named, stream = Named(began.position), followed.feed.changes(began.position)
    items.execute("ALTER TABLE item RENAME TO old_item")
    items.execute("CREATE TABLE item (id bigint PRIMARY KEY, v text)")
    while not named.redefined:
        named.add(next(stream))
        followed.feed.durable(named.position)
    items.execute("INSERT INTO item VALUES (99, 'x')")
    mark = followed.feed.heartbeat()
    while not followed.feed.reached(named.position, mark):
        named.add(next(stream))
    assert named.keys == {"item": {("99",)}}


def test_a_redefinition_is_named_until_the_journal_holds_it(items: PostgresScratch, followed: Followed) -> None:
    began = followed.feed.start()
    items.execute("ALTER TABLE item ADD COLUMN more int")
    assert followed.read(began.position).redefined == {"item"}
    again = followed.read(began.position, confirm=True)
    assert again.redefined == {"item"}
    assert followed.read(again.position).redefined == set()


def test_a_table_whose_writers_would_fail_is_taken_out(items: PostgresScratch, followed: Followed) -> None:
    began = followed.feed.start()
    items.execute("ALTER TABLE item REPLICA IDENTITY FULL")
    with pytest.raises(psycopg.Error):
        items.execute("UPDATE item SET v = 'y'")
    assert redefined_soon(followed, began.position) == {"item"}
    items.execute("UPDATE item SET v = 'y'")


def test_partitions_that_come_and_go(pg_db: PostgresScratch) -> None:
    pg_db.execute("CREATE TABLE part (a int PRIMARY KEY) PARTITION BY LIST (a)")
    pg_db.execute("CREATE TABLE part1 PARTITION OF part FOR VALUES IN (1)")
    pg_db.execute("INSERT INTO part VALUES (1)")
    for statement in ("TRUNCATE part1", "ALTER TABLE part DETACH PARTITION part1"):
        with following(pg_db.url, ["part"]) as followed:
            began = followed.feed.start()
            pg_db.execute(statement)
            assert redefined_soon(followed, began.position) == {"part"}


def test_the_rows_of_a_partition_that_is_attached(pg_db: PostgresScratch) -> None:
    """A new partition is nothing special; the rows that it brings are in no message of the log."""
    pg_db.execute("CREATE TABLE part (a int PRIMARY KEY) PARTITION BY LIST (a)")
    with following(pg_db.url, ["part"]) as followed:
        began = followed.feed.start()
        pg_db.execute("CREATE TABLE part1 PARTITION OF part FOR VALUES IN (1)")
        pg_db.execute("INSERT INTO part VALUES (1)")
        pg_db.execute("CREATE TABLE part2 (a int PRIMARY KEY)")
        pg_db.execute("INSERT INTO part2 VALUES (2)")
        pg_db.execute("ALTER TABLE part ATTACH PARTITION part2 FOR VALUES IN (2)")
        named = followed.read(began.position, confirm=True)
        assert named.keys == {"part": {("1",), ("2",)}}
        assert not named.redefined
        assert followed.read(named.position).keys == {}


# -- positions that are lost


def test_a_slot_that_was_dropped(items: PostgresScratch, followed: Followed) -> None:
    began = followed.feed.start()
    items.execute(
        "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = current_database()"
    )
    with pytest.raises(PositionLost):
        next(followed.feed.changes(began.position))


def test_a_slot_that_is_ahead_of_the_journal(items: PostgresScratch, followed: Followed) -> None:
    """The server would skip what is between, in silence."""
    began = followed.feed.start()
    items.execute("DELETE FROM item")
    items.execute(
        "SELECT pg_replication_slot_advance(slot_name, pg_current_wal_lsn()) FROM pg_replication_slots"
        " WHERE database = current_database()"
    )
    with pytest.raises(PositionLost):
        next(followed.feed.changes(began.position))


def test_a_journal_that_is_ahead_of_the_server(items: PostgresScratch, followed: Followed) -> None:
    began = followed.feed.start()
    ((later,),) = items.execute("SELECT pg_current_wal_lsn() + 100000000::numeric")
    with pytest.raises(PositionLost):
        next(followed.feed.changes(type(began.position)(f"{later}@1")))


def test_a_publication_that_was_dropped_while_it_is_read(items: PostgresScratch, followed: Followed) -> None:
    """From version 18 on the server passes over what it published, in silence."""
    began = followed.feed.start()
    ((name,),) = items.execute("SELECT pubname FROM pg_publication")
    stream = followed.feed.changes(began.position)
    next(stream)
    items.execute(f"DROP PUBLICATION {name}")
    items.execute("DELETE FROM item")
    with pytest.raises(PositionLost):
        list(stream)


# -- connections


def test_a_stream_that_is_cut(items: PostgresScratch, followed: Followed) -> None:
    began = followed.feed.start()
    stream = followed.feed.changes(began.position)
    next(stream)
    items.execute(
        "SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE database = current_database()"
    )
    items.execute("DELETE FROM item WHERE id = 1")
    with pytest.raises(Unreachable):
        list(stream)
    assert followed.read(began.position).keys == {"item": {("1",)}}


def test_a_stream_that_is_cut_after_it_confirmed(items: PostgresScratch, followed: Followed) -> None:
    """The slot is behind nothing that the journal has, whatever the stream began with."""
    began = followed.feed.start()
    stream = followed.feed.changes(began.position)
    items.execute("DELETE FROM item WHERE id = 1")
    for batch in stream:
        followed.feed.durable(batch.position)
        confirmed = (
            "SELECT confirmed_flush_lsn > %s::pg_lsn FROM pg_replication_slots WHERE database = current_database()"
        )
        if items.execute(confirmed, [began.position.token.partition("@")[0]]) == [(True,)]:
            break
    items.execute(
        "SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE database = current_database()"
    )
    with pytest.raises(Unreachable):
        list(stream)


def test_a_controller_that_was_replaced(items: PostgresScratch) -> None:
    """The slot has one reader: the newer one."""
    with following(items.url, ["item"], "one") as old, following(items.url, ["item"], "one") as new:
        began = old.feed.start()
        stream = old.feed.changes(began.position)
        next(stream)
        items.execute("DELETE FROM item WHERE id = 1")
        assert new.read(began.position).keys == {"item": {("1",)}}
        with pytest.raises(Unreachable):
            list(stream)


# -- what is kept, and what is confirmed


def is_confirmed(items: PostgresScratch, position: Position) -> bool:
    """Whether the server has read by now that it was told so."""
    query = "SELECT confirmed_flush_lsn >= %s::pg_lsn FROM pg_replication_slots WHERE database = current_database()"
    return items.execute(query, [position.token.partition("@")[0]]) == [(True,)]


def test_only_what_is_durable_is_confirmed(items: PostgresScratch, followed: Followed) -> None:
    began = followed.feed.start()
    items.execute("DELETE FROM item")
    first = followed.read(began.position)
    assert followed.read(began.position).keys == first.keys
    second = followed.read(began.position, confirm=True)
    assert second.keys == first.keys
    wait_for(lambda: is_confirmed(items, second.position))
    with pytest.raises(PositionLost):
        next(followed.feed.changes(began.position))
    assert followed.read(second.position).keys == {}


def test_the_slot_advances_while_others_write(items: PostgresScratch, followed: Followed) -> None:
    items.execute("CREATE TABLE other (v text)")
    began = followed.feed.start()
    items.execute("INSERT INTO other SELECT repeat('x', 1000) FROM generate_series(1, 20000)")
    kept = followed.feed.backlog()
    assert kept is not None
    assert kept > 10_000_000
    named = followed.read(began.position, confirm=True)
    assert named.keys == {}
    wait_for(lambda: is_confirmed(items, named.position))


def test_a_position_is_never_inside_a_transaction(items: PostgresScratch, followed: Followed) -> None:
    began = followed.feed.start()
    items.execute("INSERT INTO item SELECT i, 'x' FROM generate_series(100, 60000) i")
    named = followed.read(began.position)
    batches = [batch for batch in named.batches if batch.changed]
    sizes = [sum(len(listed.keys) for listed in batch.changed) for batch in batches]
    assert sum(sizes) == 59901
    assert max(sizes) <= 12_000
    assert len({batch.position.token for batch in batches[:-1]}) == 1
    assert len(batches) > 4
    assert len(followed.read(batches[0].position).keys["item"]) == 59901


# -- reading


def test_keys_are_named_when_a_new_snapshot_sees_them() -> None:
    """A commit that waits for a standby is in the log, and in no snapshot."""
    server = launch_postgresql()
    try:
        with psycopg.connect(server.url, autocommit=True) as connection, following(server.url, ["t"]) as followed:
            connection.execute("CREATE TABLE t (id int PRIMARY KEY)")
            began = followed.feed.start()
            connection.execute("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
            connection.execute("SELECT pg_reload_conf()")
            wait_for(lambda: _fetched(server.url, "SHOW synchronous_standby_names") == "nobody")
            writer = threading.Thread(target=_write, args=(server.url, "INSERT INTO t VALUES (1)"), daemon=True)
            writer.start()
            waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
            wait_for(lambda: _fetched(server.url, waits) == 1)
            mark = followed.feed.heartbeat()
            stream, until = followed.feed.changes(began.position), time.monotonic() + 1
            for batch in stream:
                assert not batch.changed
                assert not followed.feed.reached(batch.position, mark)
                if time.monotonic() > until:
                    break
            connection.execute("ALTER SYSTEM RESET synchronous_standby_names")
            connection.execute("SELECT pg_reload_conf()")
            writer.join()
            assert next(batch for batch in stream if batch.changed).changed[0].keys == ('["1"]',)
    finally:
        server.stop()


def _fetched(url: str, query: str) -> object:
    with psycopg.connect(url) as connection:
        row = connection.execute(query.encode()).fetchone()
        return row and row[0]


def _write(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement)


def test_what_a_copy_must_have_seen_is_what_the_feed_does_not_name(items: PostgresScratch, followed: Followed) -> None:
    """Transactions that run while the feed begins are either in the floor, or named."""
    stop = threading.Event()

    def write(number: int) -> None:
        with psycopg.connect(items.url, autocommit=True) as connection:
            at = number
            while not stop.is_set():
                at += 10
                connection.execute("INSERT INTO item VALUES (%s, 'x')", [at])

    writers = [threading.Thread(target=write, args=(number,)) for number in range(1000, 1004)]
    for writer in writers:
        writer.start()
    try:
        time.sleep(0.3)
        began = followed.feed.start()
        with changes_of(followed.store).reading(began.floor) as reader:
            copied = {raw for piece in reader.keys("item") for raw in piece.splitlines()}
        time.sleep(0.3)
    finally:
        stop.set()
        for writer in writers:
            writer.join()
    named = followed.read(began.position).keys["item"]
    there = {str(key) for (key,) in items.execute("SELECT id FROM item")}
    seen = {raw.split(b'"')[3].decode() for raw in copied}
    assert seen | {key for (key,) in named} == there


def test_a_transaction_that_does_not_end(
    items: PostgresScratch, followed: Followed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server makes no slot while it is open; nothing is left of the attempt."""
    with psycopg.connect(items.url) as writer:
        writer.execute("DELETE FROM item")
        with monkeypatch.context() as patch:
            patch.setattr(slot, "WAIT_SECONDS", 1)
            with pytest.raises(Busy):
                followed.feed.start()
        left = "SELECT (SELECT count(*) FROM pg_publication), (SELECT count(*) FROM pg_replication_slots s"
        assert items.execute(f"{left} WHERE s.database = current_database())") == [(0, 0)]
    began = followed.feed.start()
    assert followed.read(began.position).keys == {}


# -- what is missing


def test_a_server_without_logical_decoding() -> None:
    server = launch_postgresql(settings={"wal_level": "replica", "max_replication_slots": "0"})
    try:
        with psycopg.connect(server.url, autocommit=True) as connection:
            connection.execute("CREATE TABLE t (id int PRIMARY KEY)")
        with closing(Control(server.url)) as control:
            level, slots = lacking(control, ["t"])
        assert level.startswith("wal_level is replica")
        assert "slots" in slots
        with open_postgresql(server.url) as store:
            assert changes_of(store).check(["t"]) == []  # triggers do instead
            assert len(changes_of(store).check(["t", "none"])) == 3
    finally:
        server.stop()


def test_a_role_without_rights(items: PostgresScratch) -> None:
    with role(items, "NOINHERIT") as name:
        items.execute(f"GRANT pg_read_all_data TO {name} WITH INHERIT TRUE")
        url = items.url.replace("postgres@", f"{name}:secret@")
        with open_postgresql(url) as store:
            replicate, create, owner = changes_of(store).check(["item"])
        assert "REPLICATION" in replicate
        assert "CREATE" in create
        assert "owner" in owner
