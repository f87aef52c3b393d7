"""Records are written into a store that is closed, by the run that has taken over, and by no other."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import Any

import psycopg
import pymongo
import pytest

from crossfade.errors import Unreachable
from crossfade.records.bson.ejson import to_bson
from crossfade.records.rows.raw import RawRow, write
from crossfade.stores.contract import RecordChange, RecordRefused, RecordWriter, Replaced, Store, need
from crossfade.stores.mongodb.records import MongoRecordWriter
from crossfade.stores.open import open_store
from crossfade.stores.postgresql.records import PostgresRecordWriter
from crossfade.testing import with_database
from crossfade.testing.mongod import mongodb
from following import wait_for
from scratch import PostgresScratch

Read = Callable[[], list[Any]]
Closed = tuple[Callable[[], Store], Callable[[int, str, int | None], bytes], Read]


@pytest.fixture(params=["mongodb", "mongodb with logins", "postgresql"])
def closed(request: pytest.FixtureRequest) -> Iterator[Closed]:
    """A store with the records 1 and 2, closed; how its records look; and what it holds."""
    if request.param == "postgresql":
        scratch: PostgresScratch = request.getfixturevalue("pg_db")
        yield from _postgresql(scratch.url)
        return
    yield from _mongodb(request.getfixturevalue("logins" if "logins" in request.param else "plain"))


@pytest.fixture(scope="module")
def plain() -> Iterator[str]:
    """A server for one module: who blocks writes blocks them in all databases."""
    with mongodb() as server:
        yield server


@pytest.fixture(scope="module")
def logins() -> Iterator[str]:
    with mongodb(auth=True) as server:
        yield server


def _postgresql(url: str) -> Iterator[Closed]:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE things (id int PRIMARY KEY, name text UNIQUE, up int REFERENCES things)")
        connection.execute("CREATE TABLE log (n int)")
        connection.execute("INSERT INTO things VALUES (1, 'one', NULL), (2, 'two', 1)")
        connection.execute("CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN DELETE FROM log; END'")
        connection.execute("CREATE TRIGGER own BEFORE INSERT ON things FOR EACH ROW EXECUTE FUNCTION f()")

        def raw(n: int, name: str, up: int | None) -> bytes:
            return write(RawRow([str(n)], {"id": str(n), "name": name, "up": None if up is None else str(up)}))

        def rows() -> list[Any]:
            return connection.execute("SELECT id, name, up FROM things ORDER BY id").fetchall()

        yield from _fenced(lambda: open_store(url), raw, rows)


def _mongodb(server: str) -> Iterator[Closed]:
    with pymongo.MongoClient[Any](server) as client:
        client.drop_database("shop")
        client.shop.things.insert_many([{"_id": 1, "name": "one", "up": None}, {"_id": 2, "name": "two", "up": 1}])
        client.shop.things.create_index("name", unique=True)

        def rows() -> list[Any]:
            return [tuple(one.values()) for one in client.shop.things.find().sort("_id")]

        def raw(n: int, name: str, up: int | None) -> bytes:
            return to_bson({"_id": n, "name": name, "up": up})

        yield from _fenced(lambda: open_store(with_database(server, "shop")), raw, rows)
        assert "crossfade" not in client.list_database_names()
        assert not [u for u in client.admin.command("usersInfo", 1)["users"] if "back" in u["user"]]


def _fenced(opened: Callable[[], Store], raw: Callable[[int, str, int | None], bytes], rows: Read) -> Iterator[Closed]:
    with closing(opened()) as store:
        fence = need(store.fence, store, "refuse writes")
        fence.take_over(1)
        fence.close(1, seconds=120)
        yield opened, raw, rows
        assert fence.state().closed
        need(store.record_writer, store, "be written").remove("slot")
        fence.remove()


def change(store: Store, before: bytes | None, after: bytes | None) -> RecordChange:
    assert store.codec is not None
    key = store.codec.key(after or before or b"")
    assert key is not None
    return RecordChange("things", key, before, after)


def _writer(store: Store, number: int) -> RecordWriter:
    writer = need(store.record_writer, store, "be written")
    assert list(writer.check(["things"])) == []
    writer.take_over("slot", number, ["things"])
    return writer


def test_written_behind_the_fence(closed: Closed) -> None:
    opened, raw, rows = closed
    with closing(opened()) as store:
        writer = _writer(store, 1)
        changes = [
            change(store, raw(2, "two", 1), raw(2, "deux", 1)),
            change(store, None, raw(4, "four", 3)),
            change(store, None, raw(3, "three", None)),
        ]
        assert writer.write("slot", 1, changes) == {}
        assert rows() == [(1, "one", None), (2, "deux", 1), (3, "three", None), (4, "four", 3)]
        assert writer.write("slot", 1, [change(store, raw(4, "four", 3), None)]) == {}
        assert len(rows()) == 3


def test_one_that_is_refused_keeps_no_other_out(closed: Closed) -> None:
    opened, raw, rows = closed
    with closing(opened()) as store:
        writer = _writer(store, 1)
        refused = writer.write(
            "slot", 1, [change(store, None, raw(3, "one", None)), change(store, None, raw(4, "four", None))]
        )
        assert {place: one.reason for place, one in refused.items()} == {0: "unique"}
        assert rows()[2:] == [(4, "four", None)]


def test_unique_values_pass_from_one_to_another(closed: Closed) -> None:
    """Along a chain and round in a circle, beside one that cannot be written, in any order."""
    opened, raw, rows = closed
    with closing(opened()) as store:
        writer = _writer(store, 1)
        added = [change(store, None, raw(n, str(n), None)) for n in (3, 4, 5, 6, 7)]
        assert writer.write("slot", 1, added) == {}
        changes = [
            change(store, raw(7, "7", None), raw(7, "6", 1)),
            change(store, raw(1, "one", None), raw(1, "two", None)),
            change(store, raw(2, "two", 1), raw(2, "3", 1)),
            change(store, raw(3, "3", None), raw(3, "one", None)),
            change(store, None, raw(8, "5", None)),
            change(store, raw(4, "4", None), raw(4, "new", None)),
            change(store, raw(5, "5", None), raw(5, "4", None)),
        ]
        assert {place: one.reason for place, one in writer.write("slot", 1, changes).items()} == {0: "unique"}
        assert [row[:2] for row in rows()] == [
            (1, "two"), (2, "3"), (3, "one"), (4, "new"), (5, "4"), (6, "6"), (7, "7"), (8, "5")
        ]  # fmt: skip


def test_a_connection_lost_while_values_pass(pg_db: PostgresScratch, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is undone then is undone by the server; it is said as any lost connection is."""

    def lost(_: object, connection: psycopg.Connection[Any], place: int, __: object) -> dict[int, RecordRefused]:
        with psycopg.connect(pg_db.url, autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(%s, 120000)", [connection.info.backend_pid])
        return {place: RecordRefused("unique", "")}

    with contextmanager(_postgresql)(pg_db.url) as (opened, raw, rows), closing(opened()) as store:
        writer = _writer(store, 1)
        monkeypatch.setattr(PostgresRecordWriter, "_tried", lost)
        changes = [
            change(store, raw(1, "one", None), raw(1, "two", None)),
            change(store, raw(2, "two", 1), raw(2, "one", 1)),
        ]
        with pytest.raises(Unreachable):
            writer.write("slot", 1, changes)
        assert [row[:2] for row in rows()] == [(1, "one"), (2, "two")]


def test_who_was_replaced_writes_nothing(closed: Closed) -> None:
    opened, raw, rows = closed
    with closing(opened()) as store, closing(opened()) as other:
        older, newer = _writer(store, 1), _writer(other, 2)
        with pytest.raises((Replaced, Unreachable)):
            older.write("slot", 1, [change(store, None, raw(3, "three", None))])
        with pytest.raises(Replaced):
            older.write("slot", 1, [change(store, None, raw(3, "three", None))])
        with pytest.raises(Replaced):
            older.take_over("slot", 1, ["things"])
        newer.write("slot", 2, [change(store, None, raw(4, "four", None))])
        assert [row[0] for row in rows()] == [1, 2, 4]


def test_a_deletion_takes_no_other_record_with_it(pg_db: PostgresScratch) -> None:
    """What refers to it is deleted by the same write, or changed first. What is not moved is the database's own."""
    pg_db.execute("""
        CREATE TABLE parts (id int PRIMARY KEY);
        CREATE TABLE things (id int PRIMARY KEY, name text, up int REFERENCES things ON DELETE CASCADE,
            main int REFERENCES parts ON DELETE SET NULL);
        ALTER TABLE parts ADD of int REFERENCES things ON DELETE CASCADE;
        CREATE TABLE sessions (id int PRIMARY KEY, of int REFERENCES things ON DELETE CASCADE);
        INSERT INTO things VALUES (1, '1', NULL), (2, '2', 1), (3, '3', 2), (4, '4', 4), (5, '5', NULL), (6, '6', NULL);
        INSERT INTO parts VALUES (1, 5), (2, 6);
        UPDATE things SET main = id - 4 WHERE id > 4;
        INSERT INTO sessions VALUES (1, 2), (2, 3)
    """)

    def thing(n: int, up: int | None, main: int | None = None) -> bytes:
        return write(RawRow([str(n)], {"id": str(n), "name": str(n), "up": _text(up), "main": _text(main)}))

    def part(n: int, of: int) -> RecordChange:
        raw = write(RawRow([str(n)], {"id": str(n), "of": str(of)}))
        return replace(change(store, raw, None), entity="parts")

    with closing(open_store(pg_db.url)) as store:
        writer = need(store.record_writer, store, "be written")
        writer.take_over("slot", 1, ["things", "parts"])
        first = [
            change(store, thing(1, None), None),  # 2 refers to it
            change(store, thing(3, 2), None),
            change(store, thing(4, 4), None),  # refers to itself
            change(store, thing(5, None, 1), None),  # a part refers to it, and it to the part
            part(1, 5),
            change(store, thing(6, None, 2), None),  # a part refers to it
        ]
        refused = writer.write("slot", 1, first)
        assert {place: one.reason for place, one in refused.items()} == {0: "foreign_key", 5: "foreign_key"}
        assert pg_db.execute("SELECT id FROM things ORDER BY id") == [(1,), (2,), (6,)]
        assert pg_db.execute("SELECT id, of FROM parts") == [(2, 6)]
        assert pg_db.execute("SELECT id FROM sessions") == [(1,)]
        second = [change(store, thing(1, None), None), change(store, thing(2, 1), thing(2, 6))]
        assert writer.write("slot", 1, second) == {}
        assert pg_db.execute("SELECT id, up FROM things ORDER BY id") == [(2, 6), (6, None)]
        assert pg_db.execute("SELECT id FROM sessions") == [(1,)]
        writer.remove("slot")


def test_arrays_come_back_as_they_were(pg_db: PostgresScratch) -> None:
    """Also those that are not separated by commas, and those whose elements are cast to another text."""
    pg_db.execute("CREATE TABLE things (id int PRIMARY KEY, b box[], i inet[], c char(3)[])")
    pg_db.execute("INSERT INTO things VALUES (1, '{(3,4),(1,2);NULL}', '{10.0.0.1,::1}', '{a,\"b c\"}')")
    pg_db.execute("INSERT INTO things VALUES (2, '[0:1]={(3,4),(1,2);(2,2),(1,1)}', '{}', '{{a},{b}}')")
    before = pg_db.execute("SELECT t::text FROM things AS t ORDER BY id")
    with closing(open_store(pg_db.url)) as store:
        reader, writer = need(store.reader, store, "read"), need(store.record_writer, store, "be written")
        raws = b"".join(reader.scan("things")).splitlines(keepends=True)
        empty = [write(RawRow([n], {"id": n, "b": None, "i": None, "c": None})) for n in "12"]
        writer.take_over("slot", 1, ["things"])
        assert writer.write("slot", 1, [change(store, *both) for both in zip(raws, empty, strict=True)]) == {}
        assert pg_db.execute("SELECT DISTINCT num_nulls(b, i, c) FROM things") == [(3,)]
        assert writer.write("slot", 1, [change(store, *both) for both in zip(empty, raws, strict=True)]) == {}
        assert pg_db.execute("SELECT t::text FROM things AS t ORDER BY id") == before
        writer.remove("slot")


def test_a_deletion_takes_no_record_by_way_of_a_table_that_is_not_moved(pg_db: PostgresScratch) -> None:
    """Nor is a record changed unnoticed with what it refers to there."""
    pg_db.execute("""
        CREATE TABLE things (id int PRIMARY KEY, name text UNIQUE);
        CREATE TABLE carts (id int PRIMARY KEY, of int REFERENCES things ON DELETE CASCADE,
            name text UNIQUE REFERENCES things (name) ON UPDATE CASCADE);
        CREATE TABLE "No" (id int PRIMARY KEY, cart int REFERENCES carts ON DELETE CASCADE,
            name text REFERENCES carts (name) ON UPDATE SET NULL);
        CREATE TABLE notes (id int PRIMARY KEY, "No" int REFERENCES "No" ON DELETE SET NULL);
        INSERT INTO things VALUES (1, 'a'), (2, 'b'), (3, 'c');
        INSERT INTO carts VALUES (1, 1, 'a'), (2, 2, 'b');
        INSERT INTO "No" VALUES (7, 1, 'a'), (8, NULL, 'b');
    """)

    def thing(n: int, name: str) -> bytes:
        return write(RawRow([str(n)], {"id": str(n), "name": name}))

    with closing(open_store(pg_db.url)) as store:
        writer = need(store.record_writer, store, "be written")
        writer.take_over("slot", 1, ["things", "No"])
        deleted = [change(store, thing(n, name), None) for n, name in ((1, "a"), (2, "b"), (3, "c"))]
        refused = writer.write("slot", 1, deleted)
        assert {place: one.reason for place, one in refused.items()} == {0: "foreign_key", 1: "foreign_key"}
        pg_db.execute("UPDATE carts SET name = NULL WHERE id = 2; UPDATE things SET name = 'x' WHERE id = 2")
        assert writer.write("slot", 1, [change(store, thing(2, "x"), None)]) == {}
        assert pg_db.execute("SELECT id FROM carts") == [(1,)]
        renamed = [change(store, thing(1, "a"), thing(1, "z"))]
        assert set(writer.changes_with(renamed)) == {("No", '["7"]')}
        assert set(writer.changes_with([change(store, None, thing(9, "a"))])) == set()
        assert writer.write("slot", 1, renamed) == {}
        assert pg_db.execute('SELECT id, name FROM "No" ORDER BY id') == [(7, None), (8, None)]
        writer.remove("slot")


@pytest.mark.parametrize("auth", [False, True])
@pytest.mark.parametrize("meanwhile", ["another takes over", "another removes it"])
def test_a_removal_of_documents_way_back_beside_another(
    auth: bool, meanwhile: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It leaves no login that passes the block. Who finds that another one has removed all of it has nothing to do."""
    server: str = request.getfixturevalue("logins" if auth else "plain")
    opened_by, done = MongoRecordWriter._opened, list[str]()

    def logins() -> list[str]:
        return [str(u["user"]) for u in client.admin.command("usersInfo", 1)["users"] if "back" in u["user"]]

    with (
        pymongo.MongoClient[Any](server) as client,
        closing(open_store(with_database(server, "shop"))) as store,
        closing(open_store(with_database(server, "shop"))) as another,
    ):
        writer, other = (need(one.record_writer, one, "be written") for one in (store, another))

        def interrupted(one: MongoRecordWriter, slot: str, name: str) -> Any:
            opened = opened_by(one, slot, name)
            if one is writer and not done:
                done.append(name)
                other.take_over("slot", 7, []) if "over" in meanwhile else other.remove("slot")
            return opened

        writer.take_over("slot", 1, [])
        monkeypatch.setattr(MongoRecordWriter, "_opened", interrupted)
        if "over" in meanwhile:
            with pytest.raises(Replaced):
                writer.remove("slot")
            assert logins() == (["crossfade_back_slot_00000007"] if auth else [])
            assert other.write("slot", 7, []) == {}
            with pytest.raises(Replaced):
                writer.take_over("slot", 6, [])
            assert logins() == (["crossfade_back_slot_00000007"] if auth else [])
        writer.remove("slot")
        assert done
        assert logins() == []
        assert "crossfade" not in client.list_database_names()
        assert not client.admin.command("rolesInfo", "crossfade_back_slot")["roles"]


WAITS = "SELECT 1 FROM pg_locks WHERE NOT granted AND relation = 'crossfade.back'::regclass"


def test_the_number_of_another_move_stays(pg_db: PostgresScratch) -> None:
    """Another move takes over while the last one known is removed, and the table that they share with it."""
    with closing(open_store(pg_db.url)) as store, psycopg.connect(pg_db.url) as other:
        writer = need(store.record_writer, store, "be written")
        writer.take_over("slot", 1, [])
        other.execute("INSERT INTO crossfade.back VALUES ('other', 5, 0)")
        removing = threading.Thread(target=writer.remove, args=("slot",))
        removing.start()
        wait_for(lambda: pg_db.execute(WAITS))
        other.commit()
        removing.join()
        assert pg_db.execute("SELECT slot, number FROM crossfade.back") == [("other", 5)]
        writer.remove("other")
        assert pg_db.execute("SELECT to_regnamespace('crossfade') IS NULL") == [(True,)]


def _text(value: int | None) -> str | None:
    return None if value is None else str(value)
