"""A replica set of several members, for elections and reads from secondaries."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pymongo
from pymongo.errors import PyMongoError

from crossfade.errors import Unreachable
from crossfade.testing.mongod import binary, options
from crossfade.testing.servers import HOST, START_SECONDS, Running, ServerPlan, launch, listens, new_home

# Short, so that there is a primary in a second or two; and so long afterwards that a member which gets no processor for
# a while is not taken for dead: a test holds its own elections.
_SETTINGS = {"electionTimeoutMillis": 1000, "heartbeatIntervalMillis": 200, "catchUpTimeoutMillis": 2000}
_PATIENT = {"electionTimeoutMillis": 30_000}


@dataclass(frozen=True)
class ReplicaSet:
    """A running replica set. `url` names all members; each has its number as the tag `member`."""

    url: str
    members: Sequence[Running]

    def primary(self) -> str:
        """Return the address of the primary. Raises pymongo's error if there is none for long."""
        with pymongo.MongoClient[dict[str, Any]](self.url, serverSelectionTimeoutMS=20_000) as client:
            client.admin.command("ping")
            host, port = client.address or ("", 0)
            return f"{host}:{port}"

    def step_down(self) -> None:
        """Let the primary step down, and wait until another member is one."""
        before = self.primary()

        def is_another() -> bool:
            try:
                if self.primary() != before:
                    return True
                with pymongo.MongoClient[dict[str, Any]](self.url) as client:
                    client.admin.command("replSetStepDown", 20, secondaryCatchUpPeriodSecs=10)
            except PyMongoError:  # there is no primary yet, or no other member had caught up
                pass
            return False

        _wait_until(is_another, "elected another primary")

    def stop(self) -> None:
        for member in self.members:
            member.stop()


@contextmanager
def replica_set(directory: Path | str | None = None, *, members: int = 3) -> Iterator[ReplicaSet]:
    """Start a replica set with empty data directories (below `directory`). Raises Unreachable if it does not start."""
    running: list[Running] = []
    try:
        while len(running) < members:
            running.append(_member(directory))
        yield _initiated(running)
    finally:
        for member in running:
            member.stop()


def _member(directory: Path | str | None) -> Running:
    executable = binary()

    def plan(port: int) -> ServerPlan:
        home = new_home(directory, None)
        chosen = [*options(home, port), "--replSet", "rs0", "--oplogSize", "64"]
        return ServerPlan(str(home), [str(executable), *chosen], owner=os.getpid())

    return launch("MongoDB", plan, lambda port: f"mongodb://{HOST}:{port}/?directConnection=true", _answers)


def _answers(url: str) -> bool:
    if not listens(urlsplit(url).port or 0):
        return False
    with pymongo.MongoClient[dict[str, Any]](url, serverSelectionTimeoutMS=2000) as client:
        try:
            client.admin.command("ping")
        except PyMongoError:
            return False
    return True


def _initiated(running: Sequence[Running]) -> ReplicaSet:
    hosts = [urlsplit(member.url).netloc for member in running]
    config = {
        "_id": "rs0",
        "settings": _SETTINGS,
        "members": [{"_id": i, "host": host, "tags": {"member": str(i)}} for i, host in enumerate(hosts)],
    }
    with pymongo.MongoClient[dict[str, Any]](running[0].url) as client:
        client.admin.command("replSetInitiate", config)
    found = ReplicaSet(f"mongodb://{','.join(hosts)}/?replicaSet=rs0", running)
    _wait_until(lambda: _is_complete(found.url, len(running)), "became complete")
    _wait_until(lambda: _is_configured(found.url, {**config, "settings": _SETTINGS | _PATIENT}), "been configured")
    return found


def _is_configured(url: str, config: dict[str, Any]) -> bool:
    with pymongo.MongoClient[dict[str, Any]](url) as client:
        try:
            now = client.admin.command("replSetGetConfig")["config"]
            client.admin.command("replSetReconfig", {**config, "version": now["version"] + 1, "term": now["term"]})
        except PyMongoError:
            return False
    return True


def _is_complete(url: str, members: int) -> bool:
    """Return whether there is a primary, and everything that it writes reaches the others."""
    with pymongo.MongoClient[dict[str, Any]](url, serverSelectionTimeoutMS=2000) as client:
        try:
            states = [m["stateStr"] for m in client.admin.command("replSetGetStatus")["members"]]
        except PyMongoError:
            return False
    return sorted(states) == ["PRIMARY", *["SECONDARY"] * (members - 1)]


def _wait_until(done: Any, what: str) -> None:
    until = time.monotonic() + START_SECONDS
    while not done():
        if time.monotonic() > until:
            raise Unreachable(f"the replica set has not {what} within {START_SECONDS:.0f} seconds")
        time.sleep(0.1)
