"""Both servers of a journey, with the logins that a real one has: Crossfade's, and one that may only read and write."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
import pymongo
from psycopg import sql

from crossfade.testing import as_user, launch_mongodb, launch_postgresql, with_database

APPLICATION = "application"
CROSSFADE_ROLES = ("clusterAdmin", "userAdminAnyDatabase", "readWriteAnyDatabase")
"""What the fence needs, and what the way back needs. `root` would do as well: it may write past a fence."""


@dataclass(frozen=True)
class Side:
    """One database, as two logins know it."""

    crossfade: str
    application: str


@dataclass(frozen=True)
class Sides:
    """The database that the application comes from, and the one it goes to."""

    old: Side
    new: Side


@contextmanager
def two_servers(name: str) -> Iterator[Sides]:
    """Start a MongoDB and a PostgreSQL for a database of this name on each, and stop them in the end.

    Servers of the environment are not taken: a fence closes a whole MongoDB.
    """
    mongod = launch_mongodb(auth=True)
    try:
        postgres = launch_postgresql()
        try:
            yield Sides(_mongodb(mongod.url, name), _postgresql(postgres.url, name))
        finally:
            postgres.stop()
    finally:
        mongod.stop()


def _mongodb(owner: str, name: str) -> Side:
    passwords = {login: secrets.token_hex(8) for login in ("crossfade", APPLICATION)}
    roles: dict[str, list[Any]] = {
        "crossfade": list(CROSSFADE_ROLES),
        APPLICATION: [{"role": "readWrite", "db": name}],
    }
    with pymongo.MongoClient[dict[str, Any]](owner) as client:
        for login, password in passwords.items():
            client.admin.command("createUser", login, pwd=password, roles=roles[login])
    urls = {login: with_database(as_user(owner, login, password), name) for login, password in passwords.items()}
    return Side(urls["crossfade"], f"{urls[APPLICATION]}&appName={name}")


def _postgresql(owner: str, name: str) -> Side:
    """Create the database. What Crossfade's login makes in it, the application may read and write."""
    password, url = secrets.token_hex(8), with_database(owner, name)
    role = "CREATE ROLE {} LOGIN PASSWORD {} IN ROLE pg_read_all_data, pg_write_all_data"
    with psycopg.connect(owner, autocommit=True) as server:
        server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        server.execute(sql.SQL(role).format(sql.Identifier(APPLICATION), sql.Literal(password)))
    return Side(url, f"{as_user(url, APPLICATION, password)}?application_name={name}")
