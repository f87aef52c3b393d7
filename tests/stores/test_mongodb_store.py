from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pymongo
import pytest
from pymongo.errors import ServerSelectionTimeoutError

from crossfade.errors import CrossfadeError, Misused, Unreachable
from crossfade.stores.mongodb import store as mongodb_store
from crossfade.stores.mongodb.errors import translated
from crossfade.stores.mongodb.store import open_mongodb
from crossfade.testing import Proxy, as_user, mongodb, mongodb_reader, through, with_database
from crossfade.testing.servers import free_port
from scratch import MongoScratch


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server that asks for logins, as its owner."""
    with mongodb(tmp_path_factory.mktemp("guarded"), auth=True) as url:
        yield url


def test_the_url_that_is_shown_has_no_password(guarded: str) -> None:
    url = mongodb_reader(guarded, "app")
    with open_mongodb(url) as store:
        assert ":***@" in store.url
        assert "%40" not in store.url
        assert store.scheme == "mongodb"


def test_a_user_who_may_read_may_do_all_that_a_source_is_for(guarded: str) -> None:
    with pymongo.MongoClient[dict[str, Any]](guarded) as owner:
        owner.app.users.insert_many([{"_id": n} for n in range(5)])
        owner.app.users.create_index("name")
    with open_mongodb(mongodb_reader(guarded, "app")) as store:
        assert store.inspector is not None
        assert store.reader is not None
        (users,) = store.inspector.entities()
        assert (users.name, users.count, users.indexes) == ("users", 5, ("name_1 (name 1)",))
        chunks = list(store.reader.chunks("users", target_bytes=1))
        assert sum(chunk.count for chunk in chunks) == 5
        assert all(list(store.reader.raw(chunk)) for chunk in chunks)
        assert list(store.reader.fetch("users", ("_id",), ['{"$numberInt":"3"}']))


def test_a_wrong_password_is_reported_and_not_shown(guarded: str) -> None:
    url = as_user(with_database(guarded, "app"), "owner", "hunter2")
    with pytest.raises(Unreachable, match="refused the login") as caught:
        open_mongodb(url)
    assert "hunter2" not in str(caught.value)
    assert "authSource" in (caught.value.hint or "")


def test_a_login_without_rights_is_told_which_it_needs(guarded: str) -> None:
    url = with_database(mongodb_reader(guarded, "app"), "other")
    with open_mongodb(url) as store:
        assert store.inspector is not None
        with pytest.raises(Unreachable, match="permission denied") as caught:
            store.inspector.entities()
    assert "role read" in (caught.value.hint or "")
    assert "lsid" not in caught.value.message  # the raw command, with its session


def test_a_server_that_does_not_answer_is_said_within_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    assert mongodb_store.SELECTION_TIMEOUT_MS == 5000
    monkeypatch.setattr(mongodb_store, "SELECTION_TIMEOUT_MS", 3000)
    with pytest.raises(Unreachable, match=r"mongodb://me:\*\*\*@127\.0\.0\.1.*refused") as caught:
        open_mongodb(f"mongodb://me:secret@127.0.0.1:{free_port()}/app")
    assert "Timeout: 3.0s" in str(caught.value.__cause__)


def test_why_no_connection_was_made_is_said_of_a_member_of_a_replica_set_too(mongo_db: MongoScratch) -> None:
    """The driver says only that the server is no member."""
    direct = "directConnection=true&replicaSet=rs0&serverSelectionTimeoutMS=3000"
    with pytest.raises(Unreachable, match="refused") as caught:
        open_mongodb(f"mongodb://me:secret@127.0.0.1:{free_port()}/app?{direct}")
    assert "host and port" in (caught.value.hint or "")
    assert "secret" not in caught.value.message
    host, port = mongo_db.db.client.address or ("", 0)
    with pytest.raises(Unreachable) as caught:
        open_mongodb(f"mongodb://{host}:{port}/app?{direct}&tls=true")
    assert "tls=false" in (caught.value.hint or "")


def test_the_url_may_say_how_long_to_wait() -> None:
    with pytest.raises(Unreachable) as caught:
        open_mongodb(f"mongodb://127.0.0.1:{free_port()}/app?serverSelectionTimeoutMS=300")
    assert "Timeout: 0.3s" in str(caught.value.__cause__)


def test_a_server_that_disappears_is_reported(mongo_db: MongoScratch) -> None:
    host, port = mongo_db.db.client.address or ("", 0)
    mongo_db.db.c.insert_one({"_id": 1})
    with Proxy(host, port) as proxy:
        url = through(mongo_db.url, proxy) + "&serverSelectionTimeoutMS=3000"
        with open_mongodb(url) as store:
            proxy.stop()
            assert store.inspector is not None
            with pytest.raises(Unreachable, match="no answer from MongoDB"):
                store.inspector.entities()


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("mongodb://localhost:27017", "names no database"),
        ("mongodb://localhost:27017/?appName=x", "names no database"),
        ("mongodb://me:p@ss:w/rd@localhost/app", "not a MongoDB URL: mongodb://me:***@localhost/app"),
        ("mongodb://me:100%zz@localhost/app", "mongodb://me:***@localhost/app"),
        ("mongodb:///app", "mongodb:///app"),
        (
            "mongodb://localhost:port/app",
            "not a MongoDB URL: mongodb://localhost:***",
        ),  # what is no port may be a password
        ("mongodb://localhost/app?tls=true&tls=false", "rejects the URL"),
        ("mongodb://localhost/app?tls=maybe", "rejects the URL"),
        ("mongodb://localhost/app?tls=true&tlsCAFile=/no/such.pem", "tlsCAFile=/no/such.pem: "),
        ("mongodb://localhost/a$b.c/d", "mongodb://localhost/a$b.c/d"),
    ],
)
def test_a_wrong_url_is_wrong_usage(url: str, said: str) -> None:
    with pytest.raises(Misused) as caught:
        open_mongodb(url)
    assert said in caught.value.message
    assert not any(secret in caught.value.message for secret in ("p@ss", "w/rd", "100%zz"))


@pytest.mark.parametrize(
    ("option", "meant"),
    [("authsorce=admin", "authSource"), ("readPreferance=primary", "readPreference"), ("zzz=1", "")],
)
def test_a_misspelt_option_is_not_passed_over(option: str, meant: str) -> None:
    with pytest.raises(Misused, match=option.partition("=")[0]) as caught:
        open_mongodb(f"mongodb://localhost/app?tls=false&{option}")
    assert meant in (caught.value.hint or "")


def test_an_option_of_other_drivers_does_no_harm(mongo_db: MongoScratch) -> None:
    with open_mongodb(mongo_db.url + "&useNewUrlParser=true") as store:
        assert store.inspector is not None


def test_an_unknown_host_is_unreachable() -> None:
    with pytest.raises(CrossfadeError) as caught:
        open_mongodb("mongodb://me:secret@no-such-host.invalid/app?serverSelectionTimeoutMS=500")
    assert caught.value.exit_status == 3
    assert "no-such-host.invalid" in caught.value.message
    assert "secret" not in caught.value.message


def test_a_certificate_that_is_not_trusted_has_its_own_hint() -> None:
    """What the driver said of a server whose certificate another CA had signed."""
    said = "localhost:27017: [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed certificate"
    error = translated(ServerSelectionTimeoutError(said), "mongodb://localhost/app?tls=true", "connecting")
    assert error.exit_status == 3
    assert "tlsCAFile" in str(error.hint)


def test_a_standalone_server_serves_too(standalone_db: str) -> None:
    with pymongo.MongoClient[dict[str, Any]](standalone_db) as client:
        client.get_default_database().c.insert_many([{"_id": n} for n in range(3)])
    with open_mongodb(standalone_db) as store:
        assert store.inspector is not None
        assert store.reader is not None
        assert "standalone" in store.inspector.version()
        assert len(list(store.reader.chunks("c", target_bytes=1))) == 3
        assert b"".join(store.reader.scan("c"))


def test_a_store_whose_server_is_gone_is_closed_soon() -> None:
    """The driver would look for it for half a minute, for each client."""
    with mongodb() as server:
        store = open_mongodb(with_database(server, "app"))
        assert store.record_writer is not None
        store.record_writer.take_over("slot", 1, ["c"])
    began = time.monotonic()
    store.close()
    assert time.monotonic() - began < 25
