"""Databases for single tests, as provided by the fixtures `mongo_db` and `pg_db`.

Not in conftest.py: every folder may have one of those, and an import by that name would find any of them.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from pymongo.database import Database

from crossfade.testing import with_database
from following import wait_for


@dataclass(frozen=True)
class MongoScratch:
    """An empty MongoDB database: its name, its url (the name is in the path), and an open handle."""

    name: str
    url: str
    db: Database[dict[str, Any]]


@dataclass(frozen=True)
class PostgresScratch:
    """An empty PostgreSQL database: its name and its url."""

    name: str
    url: str

    def execute(self, query: str, parameters: list[Any] | Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        """Run one statement on a connection of its own, commit, and return the rows if it has any."""
        with psycopg.connect(self.url) as connection:
            cursor = connection.execute(query, parameters)
            return cursor.fetchall() if cursor.description else []


def create_database(connection: psycopg.Connection[Any], name: str) -> None:
    """Through the log, the default of PostgreSQL 15 and later; a copy of files takes twice as long."""
    connection.execute(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'".encode())


def drop_database(connection: psycopg.Connection[Any], name: str) -> None:
    """With its replication slots. The server does not wait for who reads one, and only five seconds for other sessions
    to end, which is too little for a machine that is busy.
    """
    ended = "SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE database = %s"

    def is_dropped() -> bool:
        connection.execute(ended, [name])
        try:
            connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)".encode())
        except psycopg.errors.ObjectInUse:
            return False
        return True

    wait_for(is_dropped)


@contextmanager
def scratch_postgresql(server: str) -> Iterator[PostgresScratch]:
    """A database of its own on the server."""
    name = "cf_" + secrets.token_hex(6)
    with psycopg.connect(server, autocommit=True) as connection:
        create_database(connection, name)
        try:
            yield PostgresScratch(name, with_database(server, name))
        finally:
            drop_database(connection, name)


def _drop_databases_of(url: str, role: str) -> None:
    """Drop the scratch databases that the role left behind: what they hold would keep it from being dropped."""
    with psycopg.connect(url, autocommit=True) as connection:
        query = "SELECT datname FROM pg_database WHERE datdba = %s::regrole AND datname ^@ 'crossfade_scratch_'"
        for (name,) in connection.execute(query, [role]).fetchall():
            drop_database(connection, name)


@contextmanager
def role(database: PostgresScratch, options: str) -> Iterator[str]:
    """A login of its own; what it owns is the server's owner's afterwards."""
    name = "role_" + secrets.token_hex(4)
    database.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'secret' {options}")
    try:
        yield name
    finally:
        _drop_databases_of(database.url, name)
        database.execute(f"REASSIGN OWNED BY {name} TO CURRENT_USER")
        database.execute(f"DROP OWNED BY {name} CASCADE")
        database.execute(f"DROP ROLE {name}")
