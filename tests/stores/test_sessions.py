"""Who has a session with a server, as it shows it to a login."""

from __future__ import annotations

from typing import Any

import psycopg
import pymongo
import pytest
from psycopg.conninfo import make_conninfo

from crossfade.errors import Refused
from crossfade.stores.contract import Sessions
from crossfade.stores.mongodb.store import open_mongodb
from crossfade.stores.postgresql.store import open_postgresql
from crossfade.testing.mongod import mongodb
from following import wait_for
from scratch import PostgresScratch, role


def test_postgresql(pg_db: PostgresScratch) -> None:
    """Others are shown by login and name, our own not; a limit of the database counts."""
    with open_postgresql(pg_db.url, "here") as store, open_postgresql(pg_db.url, "there") as own:
        assert store.sessions is not None
        assert own.sessions is not None
        assert own.sessions.others() == []
        assert store.sessions.others() == []
        with psycopg.connect(pg_db.url, application_name="nightly job"), psycopg.connect(pg_db.url) as other:
            login = other.info.user
            assert store.sessions.others() == [Sessions(login, "", 1), Sessions(login, "nightly job", 1)]
            assert store.sessions.free() > 0
            other.execute(f"ALTER DATABASE {pg_db.name} CONNECTION LIMIT 9".encode())
            other.commit()
            assert store.sessions.free() == 9 - 4


def test_postgresql_shows_them_to_a_login_without_rights(pg_db: PostgresScratch) -> None:
    with role(pg_db, "") as login:
        url = make_conninfo(pg_db.url, user=login, password="secret")
        with open_postgresql(url) as store, psycopg.connect(pg_db.url, application_name="nightly job"):
            sessions = store.sessions
            assert sessions is not None
            # the server shows the one that made the login until it has ended
            wait_for(lambda: [(one.application, one.count) for one in sessions.others()] == [("nightly job", 1)])
            assert sessions.free() > 0


def test_mongodb() -> None:
    """By login and name; a login that may not see others is told so."""
    with mongodb(auth=True) as server, pymongo.MongoClient[Any](server) as client:
        for name, role in (("application", "readWriteAnyDatabase"), ("seer", "clusterMonitor")):
            client.admin.command("createUser", name, pwd="x", roles=[role])
        host = server.partition("@")[2].partition("/")[0]
        urls = [
            f"mongodb://{who}:x@{host}/shop?directConnection=true&authSource=admin" for who in ("seer", "application")
        ]
        with (
            pymongo.MongoClient[Any](urls[1], appname="nightly job") as job,
            open_mongodb(urls[0]) as store,
            open_mongodb(urls[1]) as blind,
        ):
            job.shop.things.insert_one({})
            sessions = store.sessions
            assert sessions is not None
            wait_for(lambda: any((o.login, o.application) == ("application", "nightly job") for o in sessions.others()))
            shown = {(o.login, o.application) for o in sessions.others()}  # not what the driver watches with
            assert shown == {("application", "nightly job"), ("owner", "")}
            assert sessions.free() > 0
            assert blind.sessions is not None
            with pytest.raises(Refused):
                blind.sessions.others()
