"""A server that is stopped and started again while a copy runs: the copy goes on, and nothing is lost."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pymongo
import pytest

import shop
from crossfade.model.events import ChunkCopied, ConnectionLost
from crossfade.testing.urls import with_database
from outcome import counts_of, open_move
from restartable import Server, mongodb_server, postgresql_server

DOCUMENTS = 40_000
SCHEMA = "CREATE TABLE people (id int PRIMARY KEY, note text);\nCREATE INDEX noted ON people (note);"
MAPPING = {"people": "SELECT p._id AS id, p.note AS note FROM people AS p"}


@pytest.fixture
def source(tmp_path: Path) -> Iterator[Server]:
    with mongodb_server(tmp_path) as server:
        yield server


@pytest.fixture
def target(tmp_path: Path) -> Iterator[Server]:
    with postgresql_server(tmp_path) as server:
        yield server


@pytest.mark.torture
@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("which", "how"),
    [
        ("source", signal.SIGTERM),
        ("source", signal.SIGKILL),
        ("target", signal.SIGINT),
        ("target", signal.SIGKILL),
    ],
)
def test_a_copy_goes_on(source: Server, target: Server, tmp_path: Path, which: str, how: int) -> None:
    url = with_database(source.url, "app")
    with pymongo.MongoClient[dict[str, Any]](url) as client:
        people = ({"_id": i, "note": f"{i} " + "." * 500} for i in range(DOCUMENTS))
        client.get_default_database()["people"].insert_many(people)
    restarted = {"source": source, "target": target}[which]
    events: list[object] = []

    def listen(event: object) -> None:
        events.append(event)
        if sum(isinstance(e, ChunkCopied) for e in events) == 3 and len(restarted.running) == 1:
            restarted.stop(how)
            restarted.start()

    folder = shop.small_project(tmp_path / "p", SCHEMA, MAPPING, chunk_mb=0.5)
    with open_move(folder, url, target.url, workers=2) as move:
        move.survey()
        status = move.copy(listen)
        assert len(restarted.running) == 2
        assert which == "source" or any(
            isinstance(e, ConnectionLost) for e in events
        )  # the driver of MongoDB waits itself
        assert counts_of(status)["people"] == (DOCUMENTS, DOCUMENTS, 0, 0)
        assert move.verify().equal
