"""Where a run takes place: two servers that can be restarted, with a connection to each that can be cut."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pymongo

from crossfade.testing import Proxy, through, with_database
from restartable import Server, mongodb_server, postgresql_server
from scratch import create_database, drop_database

PAIRS = ("mongodb-postgresql", "postgresql-postgresql", "postgresql-mongodb")
KINDS = {"mongodb": mongodb_server, "postgresql": postgresql_server}


@dataclass
class Side:
    """A database: `direct` for writers and for the oracle, `url` (by way of the proxy) for the move. `server` is None
    where others use it too.
    """

    server: Server | None
    proxy: Proxy
    direct: str
    url: str

    @property
    def of_rows(self) -> bool:
        return self.direct.startswith("postgresql")


@dataclass
class Ground:
    source: Side
    target: Side


@contextmanager
def servers(pair: str, directory: Path) -> Iterator[tuple[Server, Server]]:
    """Start the servers of a pair. Both sides of one kind have a server each."""
    with ExitStack() as stack:
        kinds = pair.split("-")
        source, target = (stack.enter_context(KINDS[kind](directory)) for kind in kinds)
        yield source, target


@contextmanager
def ground(running: Sequence[Server | str], name: str) -> Iterator[Ground]:
    """Make an empty database on both servers (or urls of them), and remove both at the end."""
    with ExitStack() as stack:
        source, target = (stack.enter_context(_side(server, f"{name}_{n}")) for n, server in enumerate(running))
        yield Ground(source, target)


@contextmanager
def _side(server: Server | str, name: str) -> Iterator[Side]:
    url, own = (server, None) if isinstance(server, str) else (server.url, server)
    direct, at = with_database(url, name), urlsplit(url)
    if direct.startswith("postgresql"):
        with psycopg.connect(url, autocommit=True) as connection:
            create_database(connection, name)
    with Proxy(at.hostname or "", at.port or 0) as proxy:
        yield Side(own, proxy, direct, through(direct, proxy))
    if own is not None:
        own.wait()
    _remove(url, name)


def _remove(url: str, name: str) -> None:
    if url.startswith("mongodb"):
        with pymongo.MongoClient[dict[str, object]](url) as client:
            client.drop_database(name)
        return
    with psycopg.connect(url, autocommit=True) as connection:
        drop_database(connection, name)
