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


@contextmanager
def role(database: PostgresScratch, options: str) -> Iterator[str]:
    """A login of its own; what it owns is the server's owner's afterwards."""
    name = "role_" + secrets.token_hex(4)
    database.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'secret' {options}")
    try:
        yield name
    finally:
        database.execute(f"REASSIGN OWNED BY {name} TO CURRENT_USER")
        database.execute(f"DROP OWNED BY {name} CASCADE")
        database.execute(f"DROP ROLE {name}")
