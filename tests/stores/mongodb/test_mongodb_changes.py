"""The change feed of a real server: what it names, where it begins, and what becomes of it when things break."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Iterator
from typing import Any

import pymongo
import pytest
from bson import Int64, ObjectId, Timestamp
from bson.raw_bson import RawBSONDocument
from feeding import Heard, changes_of, feed_of, heard, keys
from pymongo.errors import PyMongoError

from crossfade.errors import Stale, Unreachable
from crossfade.model.keys import Listed
from crossfade.model.positions import NO_FLOOR, Floor, Position
from crossfade.records.bson.codec import BSON
from crossfade.records.bson.ejson import to_bson
from crossfade.stores.contract import PositionLost, Store
from crossfade.stores.mongodb import changes, stream
from crossfade.stores.mongodb.events import key_text
from crossfade.stores.mongodb.position import OplogPoint, at_token, point_of
from crossfade.stores.mongodb.store import open_mongodb
from crossfade.testing import Proxy, as_user, launch_mongodb, mongodb, through, with_database
from crossfade.testing.mongod import SMALL_OPLOG
from keys_of_all_types import KEYS, SYMBOLS
from scratch import MongoScratch


@pytest.fixture
def store(mongo_db: MongoScratch) -> Iterator[Store]:
    with open_mongodb(mongo_db.url) as opened:
        yield opened


def test_every_kind_of_write_is_named_and_nothing_else(mongo_db: MongoScratch, store: Store) -> None:
    things = mongo_db.db.things
    things.insert_many([{"_id": n} for n in range(10)])
    feed = feed_of(store, "things")
    started = feed.start()
    things.insert_one({"_id": "new"})
    things.update_one({"_id": 1}, {"$set": {"a": 1}})
    things.replace_one({"_id": 2}, {"b": 1})
    things.delete_one({"_id": 3})
    things.update_many({"_id": {"$gt": 7}}, {"$push": {"list": 1}})
    mongo_db.db.others.insert_one({"_id": "other"})
    found = heard(feed, started.position)
    assert found.keys == {"things": keys("new", 1, 2, 3, 8, 9)}
    assert found.redefined == []


def test_keys_of_every_type_are_those_of_the_documents(mongo_db: MongoScratch, store: Store) -> None:
    feed = feed_of(store, "things")
    started = feed.start()
    documents = [to_bson({"_id": key}) for key in (*KEYS, *SYMBOLS)]
    mongo_db.db.things.insert_many([RawBSONDocument(one) for one in documents])
    assert heard(feed, started.position).keys == {"things": {BSON.key(one) for one in documents}}
    mongo_db.db.things.delete_many({})
    assert heard(feed, started.position).keys == {"things": {BSON.key(one) for one in documents}}


@pytest.mark.parametrize("key", [ObjectId(), ObjectId(b"\0" * 12), 7, Int64(7), "x" * 9])
def test_the_short_way_to_a_key_is_the_same_key(key: Any) -> None:
    raw = to_bson({"_id": key})
    assert key_text(raw) == BSON.key(raw)


@pytest.mark.parametrize("text", ["", "x" * 3000])  # of a large document the event describes what changed in it
def test_a_key_that_gets_another_type_is_named_as_both(mongo_db: MongoScratch, store: Store, text: str) -> None:
    """A document can be replaced by one whose `_id` is the same number; what is stored then has the new type."""
    things = mongo_db.db.things
    things.insert_many([{"_id": 5, "text": text}, {"_id": 6, "text": text}])
    feed = feed_of(store, "things")
    started = feed.start()
    things.replace_one({"_id": 5}, {"_id": Int64(5), "a": 1})
    things.update_one({"_id": 6}, [{"$set": {"_id": 6.0, "a": 1}}])
    assert {type(one["_id"]) for one in things.find()} == {Int64, float}
    assert heard(feed, started.position).keys == {"things": keys(5, Int64(5), 6, 6.0)}


def test_a_feed_goes_on_behind_every_position(mongo_db: MongoScratch, store: Store) -> None:
    feed = feed_of(store, "things")
    started = feed.start()
    mongo_db.db.things.insert_many([{"_id": n} for n in range(20)])
    first = heard(feed, started.position)
    mongo_db.db.things.insert_many([{"_id": n} for n in range(20, 40)])
    assert heard(feed, first.position).keys == {"things": keys(*range(20, 40))}
    assert heard(feed, started.position).keys == {"things": keys(*range(40))}
    assert feed.reached(heard(feed, first.position).position, first.position)
    assert not feed.reached(started.position, first.position)


def test_a_position_amid_a_transaction_has_not_reached_its_time(
    mongo_db: MongoScratch, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All changes of a transaction have one time, and replies of two events cut it into pieces."""
    monkeypatch.setattr(stream, "EVENTS_A_REPLY", 2)
    feed = feed_of(store, "things")
    started = feed.start()
    with mongo_db.db.client.start_session() as session, session.start_transaction():
        for n in range(7):
            mongo_db.db.things.insert_one({"_id": n}, session=session)
    assert session.operation_time is not None
    mark = OplogPoint(session.operation_time).position()  # of the server's last write others may be the authors
    found = heard(feed, started.position, mark)
    assert found.keys == {"things": keys(*range(7))}
    amid = [batch.position for batch in found.batches[:-1] if point_of(batch.position).time == point_of(mark).time]
    assert len(amid) >= 2
    for position in amid:  # and from each the rest is named
        seen = found.batches[: [b.position for b in found.batches].index(position) + 1]
        named = {key for batch in seen for listed in batch.changed for key in listed.keys}
        assert named | heard(feed, position, mark).keys.get("things", set()) == keys(*range(7))


def test_points_include_one_another() -> None:
    early, late = Timestamp(5, 1), Timestamp(5, 2)
    assert OplogPoint(late).includes(OplogPoint(early))
    assert not OplogPoint(early).includes(OplogPoint(late))
    assert OplogPoint(early).includes(OplogPoint(early))
    assert OplogPoint(early, token="82AB:8180").option() == {"startAfter": {"_data": "82AB", "_typeBits": b"\x81\x80"}}
    amid = OplogPoint(early, is_whole=False, token="8200000005000000012B")
    assert not amid.includes(OplogPoint(early))
    assert amid.includes(amid)
    assert OplogPoint(early, token="82").includes(amid)
    for point in (OplogPoint(early), amid, OplogPoint(late, token="82AB:8180")):
        assert point_of(point.position()) == point
    assert point_of(amid.position()).floor == Floor("5.1")


def test_what_happens_to_collections(mongo_db: MongoScratch, store: Store) -> None:
    db = mongo_db.db
    for name in ("dropped", "renamed", "replaced", "filled", "capped", "kept"):
        db[name].insert_one({"_id": 1})
    db.new.insert_one({"_id": 2})
    db.kept.create_index("a")
    feed = feed_of(store, "dropped", "renamed", "replaced", "filled", "capped", "kept")
    started = feed.start()
    db.dropped.drop()
    db.renamed.rename("moved")
    db.new.rename("replaced", dropTarget=True)
    db.kept.aggregate([{"$out": "filled"}])
    db.command("convertToCapped", "capped", size=10_000)
    db.kept.create_index("b")
    db.kept.drop_index("a_1")
    db.command("collMod", "kept", validator={"a": {"$exists": False}})
    db.kept.insert_one({"_id": 2})
    found = heard(feed, started.position)
    assert set(found.redefined) == {"dropped", "renamed", "replaced", "filled", "capped"}
    assert found.keys["kept"] == keys(2)


def test_a_feed_survives_its_database(mongo_db: MongoScratch, store: Store) -> None:
    """The stream ends with the database, and another begins behind the end."""
    mongo_db.db.things.insert_one({"_id": 1})
    feed = feed_of(store, "things", "others")
    started = feed.start()
    mongo_db.db.client.drop_database(mongo_db.name)
    mongo_db.db.things.insert_one({"_id": 2})
    found = heard(feed, started.position)
    assert set(found.redefined) == {"things", "others"}
    assert found.keys == {"things": keys(2)}
    for batch in found.batches:  # from wherever it resumes
        after = heard(feed, batch.position)
        assert found.keys.items() <= {**found.keys, **after.keys}.items()
        assert feed.reached(after.position, found.position)


def test_what_a_capped_collection_discards_is_named(mongo_db: MongoScratch, store: Store) -> None:
    mongo_db.db.create_collection("log", capped=True, size=100_000, max=5)
    mongo_db.db.log.insert_many([{"_id": n} for n in range(5)])
    feed = feed_of(store, "log")
    started = feed.start()
    mongo_db.db.log.insert_many([{"_id": n} for n in range(5, 8)])
    assert heard(feed, started.position).keys == {"log": keys(0, 1, 2, 5, 6, 7)}


@pytest.mark.torture
def test_an_event_larger_than_any_reply_passes(mongo_db: MongoScratch, store: Store) -> None:
    """A document of 16 MB with each half replaced: the event has the new ones and the document."""
    half = 8_000_000
    mongo_db.db.things.insert_one({"_id": 1, "a": "x" * half, "b": "x" * half})
    feed = feed_of(store, "things")
    started = feed.start()
    mongo_db.db.things.insert_one({"_id": 2, "a": "y" * half, "b": "y" * half})
    mongo_db.db.things.update_one({"_id": 1}, {"$set": {"a": "y" * half, "b": "y" * half}})
    assert heard(feed, started.position).keys == {"things": keys(1, 2)}


NOTED_BY_ITSELF = 10
"""Seconds after which a quiet server notes in its oplog that it lives."""


def test_a_quiet_feed_has_later_positions(mongo_db: MongoScratch, store: Store) -> None:
    """Positions move with what is written elsewhere, and a mark is reached at once."""
    feed = feed_of(store, "things")
    started = feed.start()
    mongo_db.db.others.insert_many([{"_id": n} for n in range(10)])
    mark = feed.heartbeat()
    assert not feed.reached(started.position, mark)
    began = time.monotonic()
    found = heard(feed, started.position, mark)
    assert time.monotonic() - began < NOTED_BY_ITSELF
    assert found.keys == {}
    assert feed.reached(feed.position(), mark)


def test_a_feed_whose_connections_are_cut_names_everything(mongo_db: MongoScratch) -> None:
    host, port = str(mongo_db.db.client.address[0]), int(mongo_db.db.client.address[1])  # type: ignore[index]
    with Proxy(host, port) as proxy, open_mongodb(through(mongo_db.url, proxy)) as store:
        feed = feed_of(store, "things")
        found = Heard(feed.start().position)
        done, written, cuts = threading.Event(), list[int](), 0

        def write() -> None:
            while not done.is_set() and (len(written) < 400 or cuts < 4):
                written.append(len(written))
                mongo_db.db.things.insert_one({"_id": written[-1]})
            done.set()

        writer = threading.Thread(target=write)
        writer.start()
        try:
            while not done.is_set():
                proxy.cut_after(3000)
                try:
                    for batch in feed.changes(found.position):
                        found.add(batch)
                        if len(found.batches) % 3 == 0:
                            proxy.cut()
                            cuts += 1
                        if done.is_set():
                            break
                except Unreachable:
                    cuts += 1
        finally:
            done.set()
            writer.join()
        proxy.cut_after(10**9)  # not into what comes now
        rest = heard(feed, found.position)
    assert found.keys.get("things", set()) | rest.keys.get("things", set()) == keys(*written)


def test_a_refused_connection_is_unreachable(mongo_db: MongoScratch) -> None:
    host, port = mongo_db.db.client.address or ("", 0)
    with Proxy(host, port) as proxy, open_mongodb(through(mongo_db.url, proxy) + "&serverSelectionTimeoutMS=3000") as s:
        feed = feed_of(s, "things")
        started = feed.start()
        proxy.refuse()
        proxy.cut()
        with pytest.raises(Unreachable) as caught:
            next(iter(feed.changes(started.position)))
        assert caught.value.passing
        with pytest.raises(Unreachable):
            feed.heartbeat()


@pytest.mark.parametrize("token", ["4000000000.1", "4000000000.1 82EE6B2800000000012B0229296E04"])
def test_a_position_of_a_source_that_was_restored_is_lost(
    store: Store, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The source is at an earlier time. Its stream would wait for that one, without what is written until then."""
    monkeypatch.setattr(changes, "PATIENCE", 0.3)
    with pytest.raises(PositionLost):
        next(iter(feed_of(store, "things").changes(Position(token, Timestamp(1, 1).as_datetime()))))


def test_a_position_that_the_oplog_has_discarded_is_lost(tmp_path_factory: pytest.TempPathFactory) -> None:
    small = launch_mongodb(tmp_path_factory.mktemp("small"), more=SMALL_OPLOG)
    url = with_database(small.url, "app")
    with open_mongodb(url) as store, pymongo.MongoClient[dict[str, Any]](url) as client:
        feed = feed_of(store, "things")
        started = feed.start()
        client.app.things.insert_one({"_id": 1})
        position = heard(feed, started.position).position
        oplog = client.local["oplog.rs"]
        while oplog.find_one({}, sort=[("$natural", 1)])["ts"] < point_of(position).time:  # type: ignore[index]
            client.app.others.insert_many([{"text": "x" * 10_000} for _ in range(100)])
        for lost in (started.position, position):
            with pytest.raises(PositionLost):
                next(iter(feed.changes(lost)))
        assert heard(feed, feed.start().position).keys == {}
    small.stop()


def test_a_token_of_another_history_is_lost(mongo_db: MongoScratch, store: Store) -> None:
    """An event that this oplog does not hold, at a time that it covers."""
    with mongo_db.db.watch() as events:
        mongo_db.db.things.insert_one({"_id": 1})
        token = next(events)["_id"]["_data"]
    doctored = token[:40] + ("0" if token[40] != "0" else "1") + token[41:]
    with pytest.raises(PositionLost):
        for _ in feed_of(store, "things").changes(at_token(doctored, is_whole=True).position()):
            pass


def test_a_reader_has_seen_the_floor(mongo_db: MongoScratch, store: Store) -> None:
    feed = feed_of(store, "things")
    started = feed.start()
    mongo_db.db.things.insert_many([{"_id": n} for n in range(5)])
    found = heard(feed, started.position)
    for floor in (found.floor, started.floor, NO_FLOOR):
        with changes_of(store).reading(floor) as reader:
            assert reader.count("things") == 5
            (chunk,) = reader.chunks("things", target_bytes=1_000_000)
            assert chunk.count == 5
            for replies in (reader.raw(chunk), reader.scan("things"), reader.keys("things")):
                assert len(BSON.split(b"".join(replies))) == 5
            assert len(b"".join(reader.fetch("things", ("_id",), list(keys(1, 2, 9)))))


def test_a_floor_of_another_source_is_stale(store: Store) -> None:
    with pytest.raises(Stale), changes_of(store).reading(Floor("4000000000.1")):
        pass


def test_nothing_is_lacking(mongo_db: MongoScratch, store: Store) -> None:
    mongo_db.db.create_collection("log", capped=True, size=1000)
    assert changes_of(store).check(["things", "log"]) == []


def test_what_no_stream_names_is_said(mongo_db: MongoScratch, store: Store) -> None:
    mongo_db.db.create_collection("measured", timeseries={"timeField": "t"})
    mongo_db.db.create_collection("some", viewOn="things", pipeline=[])
    said = changes_of(store).check(["things", "measured", "some"])
    assert len(said) == 2
    assert "measured" in said[0]
    assert "some" in said[1]


def test_a_standalone_server_has_no_changes(standalone_db: str) -> None:
    with open_mongodb(standalone_db) as store:
        (said,) = changes_of(store).check(["things"])
        assert "rs.initiate" in said


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with mongodb(tmp_path_factory.mktemp("changes"), auth=True) as url:
        with pymongo.MongoClient[dict[str, Any]](url) as owner:
            owner.app.things.insert_one({"_id": 1})
        yield url


def _login(server: str, *roles: Any) -> str:
    name = "u" + secrets.token_hex(4)
    with pymongo.MongoClient[dict[str, Any]](server) as owner:
        owner.admin.command("createUser", name, pwd="secret", roles=list(roles))
    return as_user(with_database(server, "app"), name, "secret")


def _role(server: str, *privileges: tuple[dict[str, Any], list[str]]) -> str:
    name = "r" + secrets.token_hex(4)
    listed = [{"resource": resource, "actions": actions} for resource, actions in privileges]
    with pymongo.MongoClient[dict[str, Any]](server) as owner:
        owner.admin.command("createRole", name, privileges=listed, roles=[])
    return name


def test_the_role_read_is_enough(guarded: str) -> None:
    """Without the right to write notes the newest write is the mark."""
    with (
        open_mongodb(_login(guarded, {"role": "read", "db": "app"})) as store,
        pymongo.MongoClient[dict[str, Any]](guarded) as owner,
    ):
        assert changes_of(store).check(["things"]) == []
        feed = feed_of(store, "things")
        started = feed.start()
        owner.app.things.insert_one({"_id": 2})
        mark = feed.heartbeat()
        assert feed.heartbeat() is not None
        found = heard(feed, started.position, mark)
        assert found.keys == {"things": keys(2)}
        with changes_of(store).reading(found.floor) as reader:
            assert reader.count("things") >= 2
        owner.app.things.delete_one({"_id": 2})


def test_a_login_that_may_only_find_is_told_what_it_lacks(guarded: str) -> None:
    role = _role(guarded, ({"db": "app", "collection": "things"}, ["find"]))
    with open_mongodb(_login(guarded, role)) as store:
        (said,) = changes_of(store).check(["things"])
        assert "role read" in said


def test_notes_work_while_writes_are_blocked(guarded: str) -> None:
    role = _role(guarded, ({"cluster": True}, ["appendOplogNote"]))
    url = _login(guarded, role, {"role": "read", "db": "app"})
    with open_mongodb(url) as store, pymongo.MongoClient[dict[str, Any]](guarded) as owner:
        feed = feed_of(store, "things")
        owner.admin.command({"setUserWriteBlockMode": 1, "global": True})
        try:
            with (
                pytest.raises(PyMongoError),
                pymongo.MongoClient[dict[str, Any]](_login(guarded, {"role": "readWrite", "db": "app"})) as application,
            ):
                application.app.things.insert_one({"_id": 99})
            before = feed.position()
            mark = feed.heartbeat()
            assert not feed.reached(before, mark)
            assert heard(feed, before, mark).keys == {}
        finally:
            owner.admin.command({"setUserWriteBlockMode": 1, "global": False})


def test_listed_keys_are_coalesced(mongo_db: MongoScratch, store: Store) -> None:
    feed = feed_of(store, "things")
    started = feed.start()
    mongo_db.db.things.insert_one({"_id": 1})
    for n in range(50):
        mongo_db.db.things.update_one({"_id": 1}, {"$set": {"n": n}})
    (batch, *_) = (one for one in heard(feed, started.position).batches if one.changed)
    (only,) = keys(1)
    assert batch.changed == (Listed("things", (only,)),)
