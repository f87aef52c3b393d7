"""A server that is stopped and started again while a copy runs: the copy goes on, and nothing is lost."""

from __future__ import annotations

import os
import pwd
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pymongo
import pytest

import shop
from crossfade.model.events import ChunkCopied, ConnectionLost
from crossfade.testing.mongod import _options, _ready, binary
from crossfade.testing.postgres import _environment, _initdb, _reachable, _settings, installation
from crossfade.testing.servers import HOST, free_port, new_home
from crossfade.testing.urls import with_database
from outcome import counts_of, open_move

DOCUMENTS = 40_000
SCHEMA = "CREATE TABLE people (id int PRIMARY KEY, note text);\nCREATE INDEX noted ON people (note);"
MAPPING = {"people": "SELECT p._id AS id, p.note AS note FROM people AS p"}


@dataclass
class Server:
    """One that can be stopped and started again, on the same port and with the same data."""

    command: list[str]
    log: Path
    account: int | None = None
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self) -> None:
        with self.log.open("ab") as log:
            started = subprocess.Popen(
                self.command, stdout=log, stderr=log, cwd="/", env=_environment(), user=self.account
            )
        self.running.append(started)

    def stop(self, number: int) -> None:
        self.running[-1].send_signal(number)
        self.running[-1].wait(60)


def until(there: Any) -> None:
    end = time.monotonic() + 60
    while not there():
        assert time.monotonic() < end, "the server did not start"
        time.sleep(0.1)


@pytest.fixture
def source(tmp_path: Path) -> Iterator[tuple[str, Server]]:
    home, port = new_home(tmp_path, None), free_port()
    server = Server([str(binary()), *_options(home, port), "--replSet", "rs0"], home / "log")
    server.start()
    url = f"mongodb://{HOST}:{port}/?replicaSet=rs0&directConnection=true"
    until(lambda: _ready(url, replica_set=True))
    yield with_database(url, "app"), server
    server.stop(signal.SIGKILL)


@pytest.fixture
def target(tmp_path: Path) -> Iterator[tuple[str, Server]]:
    account = (pwd.getpwnam("nobody").pw_uid, pwd.getpwnam("nobody").pw_gid) if os.geteuid() == 0 else None
    user = account[0] if account else None  # PostgreSQL refuses to run as root
    home, port = new_home(tmp_path, account), free_port()
    programs = _reachable(installation(), home, account)
    subprocess.run(_initdb(programs, home), check=True, capture_output=True, cwd="/", env=_environment(), user=user)
    server = Server([str(programs / "postgres"), *_settings(home, port)], home / "log", user)
    (home / "log").touch()
    server.start()
    url = f"postgresql://postgres@{HOST}:{port}/postgres"
    until(lambda: _takes_connections(url))
    yield url, server
    server.stop(signal.SIGQUIT)


def _takes_connections(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=5).close()
    except psycopg.OperationalError:
        return False
    return True


@pytest.mark.torture
@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("which", "how"),
    [
        ("source", signal.SIGTERM),
        ("source", signal.SIGKILL),
        ("target", signal.SIGINT),  # SIGTERM waits for the sessions to end
        ("target", signal.SIGKILL),
    ],
)
def test_a_copy_goes_on(
    source: tuple[str, Server], target: tuple[str, Server], tmp_path: Path, which: str, how: int
) -> None:
    with pymongo.MongoClient[dict[str, Any]](source[0]) as client:
        people = ({"_id": i, "note": f"{i} " + "." * 500} for i in range(DOCUMENTS))
        client.get_default_database()["people"].insert_many(people)
    restarted = {"source": source, "target": target}[which][1]
    events: list[object] = []

    def listen(event: object) -> None:
        events.append(event)
        if sum(isinstance(e, ChunkCopied) for e in events) == 3 and len(restarted.running) == 1:
            restarted.stop(how)
            restarted.start()

    folder = shop.small_project(tmp_path / "p", SCHEMA, MAPPING, chunk_mb=0.5)
    with open_move(folder, source[0], target[0], workers=2) as move:
        move.survey()
        status = move.copy(listen)
        assert len(restarted.running) == 2
        assert which == "source" or any(
            isinstance(e, ConnectionLost) for e in events
        )  # the driver of MongoDB waits itself
        assert counts_of(status)["people"] == (DOCUMENTS, DOCUMENTS, 0, 0)
        assert move.verify().equal
