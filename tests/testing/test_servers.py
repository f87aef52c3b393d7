"""The base of the other tests: servers that start, stop and never outlive their owner; the proxy."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pymongo
import pytest
from pymongo.errors import OperationFailure

from crossfade.errors import Unreachable
from crossfade.testing import (
    MONGODB_URL,
    POSTGRESQL_URL,
    Proxy,
    as_user,
    mongodb,
    mongodb_reader,
    postgresql,
    postgresql_login,
    through,
    with_database,
)
from scratch import MongoScratch, PostgresScratch

OWNER_THAT_SLEEPS = """
import time
from crossfade.testing import mongodb, postgresql
with mongodb() as first, postgresql() as second:
    print(first, second, flush=True)
    time.sleep(100)
"""


def test_the_default_mongodb_is_a_replica_set_that_takes_writes(mongo_db: MongoScratch) -> None:
    mongo_db.db.things.insert_one({"_id": 1})
    assert mongo_db.db.client.admin.command("hello")["setName"]
    assert mongo_db.db.things.count_documents({}) == 1


def test_each_test_has_its_own_empty_databases(mongo_db: MongoScratch, pg_db: PostgresScratch) -> None:
    assert mongo_db.db.list_collection_names() == []
    assert pg_db.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == [(0,)]
    assert pg_db.execute("SELECT current_database()") == [(pg_db.name,)]


def test_postgresql_is_utf8_and_waits_for_no_disk(pg_db: PostgresScratch) -> None:
    asked = "SELECT current_setting('server_encoding'), current_setting('fsync'), lower('ÄÉ')"
    assert pg_db.execute(asked) == [("UTF8", "off", "äé")]


def test_a_database_is_dropped_although_somebody_is_connected(pg_db: PostgresScratch) -> None:
    left_open = psycopg.connect(pg_db.url)
    with psycopg.connect(with_database(pg_db.url, "postgres"), autocommit=True) as other:
        other.execute(f"DROP DATABASE {pg_db.name} WITH (FORCE)")
        other.execute(f"CREATE DATABASE {pg_db.name}")  # for the fixture to drop
    with pytest.raises(psycopg.OperationalError):
        left_open.execute("SELECT 1")
    left_open.close()


def test_a_postgresql_login_needs_its_password_and_only_reads(postgresql_url: str, pg_db: PostgresScratch) -> None:
    pg_db.execute("CREATE TABLE things AS SELECT 1 AS id")
    with postgresql_login(postgresql_url) as login:
        url = with_database(login, pg_db.name)
        with psycopg.connect(url) as connection:
            assert connection.execute("SELECT id FROM things").fetchall() == [(1,)]
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute("DELETE FROM things")
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(as_user(url, str(urlsplit(url).username), "wrong"))


def test_a_mongodb_reader_needs_its_password_and_only_reads(tmp_path: Path) -> None:
    with mongodb(tmp_path, replica_set=False, auth=True) as url:
        reader = mongodb_reader(url, "shop")
        with pymongo.MongoClient[dict[str, Any]](url) as client:
            client.shop.things.insert_one({"_id": 1})
        with pymongo.MongoClient[dict[str, Any]](reader) as client:
            assert client.get_default_database().things.count_documents({}) == 1
            with pytest.raises(OperationFailure, match="not authorized"):
                client.shop.things.delete_one({"_id": 1})
        with (
            pymongo.MongoClient[dict[str, Any]](as_user(reader, str(urlsplit(reader).username), "wrong")) as client,
            pytest.raises(OperationFailure, match="Authentication failed"),
        ):
            client.shop.things.find_one()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_no_server_outlives_its_owner(how: signal.Signals, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    for name in (MONGODB_URL, POSTGRESQL_URL):
        monkeypatch.delenv(name, raising=False)
    ports = start_and_signal(how)
    assert eventually(lambda: not any(answers(port) for port in ports))
    assert eventually(lambda: list(tmp_path.iterdir()) == [])


def start_and_signal(how: signal.Signals) -> list[int]:
    command = [sys.executable, "-c", OWNER_THAT_SLEEPS]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as owner:
        assert owner.stdout is not None
        ports = [urlsplit(url).port or 0 for url in owner.stdout.readline().split()]
        assert len(ports) == 2
        assert all(answers(port) for port in ports)
        owner.send_signal(how)
    return ports


def test_a_server_from_the_environment_is_used_and_nothing_is_started(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(MONGODB_URL, "mongodb://elsewhere/")
    monkeypatch.setenv(POSTGRESQL_URL, "postgresql://elsewhere/db")
    with mongodb(tmp_path) as first, postgresql(tmp_path) as second:
        assert (first, second) == ("mongodb://elsewhere/", "postgresql://elsewhere/db")
    assert list(tmp_path.iterdir()) == []


def test_where_no_wheel_carries_a_server_the_error_names_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (MONGODB_URL, POSTGRESQL_URL):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(Unreachable) as no_mongodb, mongodb():
        pass
    with pytest.raises(Unreachable) as no_postgresql, postgresql():
        pass
    assert MONGODB_URL in str(no_mongodb.value.hint)
    assert POSTGRESQL_URL in str(no_postgresql.value.hint)


def test_a_server_that_does_not_start_shows_its_log(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("crossfade.testing.mongod._modes", lambda *_: ["--no-such-option"])
    with pytest.raises(Unreachable, match="no-such-option"), mongodb(tmp_path, replica_set=False):
        pass
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def proxy(postgresql_url: str) -> Iterator[Proxy]:
    parts = urlsplit(postgresql_url)
    with Proxy(parts.hostname or "127.0.0.1", parts.port or 5432) as proxy:
        yield proxy


def test_a_cut_breaks_open_connections_and_lets_new_ones_in(proxy: Proxy, pg_db: PostgresScratch) -> None:
    url = through(pg_db.url, proxy)
    broken = psycopg.connect(url)
    proxy.cut()
    with pytest.raises(psycopg.OperationalError):
        broken.execute("SELECT 1")
    broken.close()
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT 1").fetchall() == [(1,)]


def test_refused_connections_fail_at_once_and_open_ones_live_on(proxy: Proxy, pg_db: PostgresScratch) -> None:
    url = through(pg_db.url, proxy)
    with psycopg.connect(url) as connection:
        proxy.refuse()
        with pytest.raises(psycopg.OperationalError, match="refused"):
            psycopg.connect(url)
        assert connection.execute("SELECT 1").fetchall() == [(1,)]
    proxy.restore()
    psycopg.connect(url).close()


def test_a_cut_can_fall_into_the_middle_of_a_result(proxy: Proxy, pg_db: PostgresScratch) -> None:
    with psycopg.connect(through(pg_db.url, proxy)) as connection:
        proxy.cut_after(100_000)
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT repeat('x', 1000) FROM generate_series(1, 1000)")
        assert 100_000 <= proxy.carried < 900_000


def test_mongodb_goes_through_the_proxy_too(mongodb_url: str, mongo_db: MongoScratch) -> None:
    mongo_db.db.things.insert_one({"_id": 1})
    parts = urlsplit(mongodb_url)
    with Proxy(parts.hostname or "", parts.port or 27017) as proxy:
        with pymongo.MongoClient[dict[str, Any]](through(mongo_db.url, proxy)) as client:
            assert client[mongo_db.name].things.count_documents({}) == 1
        assert proxy.carried > 0


def test_a_stopped_proxy_releases_everything(postgresql_url: str) -> None:
    before = len(list(Path("/proc/self/fd").iterdir())) if Path("/proc/self/fd").exists() else 0
    parts = urlsplit(postgresql_url)
    with Proxy(parts.hostname or "", parts.port or 5432) as proxy:
        psycopg.connect(through(postgresql_url, proxy)).close()
    assert not answers(proxy.port)
    if before:
        assert eventually(lambda: len(list(Path("/proc/self/fd").iterdir())) <= before)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("mongodb://h:1/?a=b", "mongodb://u%40:p%2F@h:1/x?a=b"),
        ("mongodb://a:b@h:1,i:2/?a=b", "mongodb://u%40:p%2F@h:1,i:2/x?a=b"),
        ("postgresql://me@/db?host=/socket/dir", "postgresql://u%40:p%2F@/x?host=/socket/dir"),
    ],
)
def test_urls_change_user_and_database_and_keep_the_rest(url: str, expected: str) -> None:
    assert with_database(as_user(url, "u@", "p/"), "x") == expected


def test_the_shells_urls_do_not_reach_a_test() -> None:
    assert not {"SOURCE_URL", "TARGET_URL", "PGHOST", "PGPORT"} & set(os.environ)


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def eventually(holds: Callable[[], bool], seconds: float = 60) -> bool:
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


@pytest.mark.parametrize(("option", "status"), [("--help", 0), ("--nonsense", 2)])
def test_a_question_about_the_program_starts_no_server(option: str, status: int, tmp_path: Path) -> None:
    """Where a server would be started, its folder would be made: there is none that may be."""
    command = [sys.executable, "-m", "crossfade.testing", option]
    environment = {n: v for n, v in os.environ.items() if n not in (MONGODB_URL, POSTGRESQL_URL)}
    done = subprocess.run(
        command, env={**environment, "TMPDIR": str(tmp_path)}, capture_output=True, text=True, timeout=30
    )
    assert done.returncode == status
    assert "usage: python -m crossfade.testing" in (done.stderr if status else done.stdout)
    assert list(tmp_path.iterdir()) == []
