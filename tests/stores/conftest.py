"""Empty databases of every kind, as many as a test needs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from matrix import Kind, Place

from scratch import MongoScratch, PostgresScratch, create_database, drop_database


@pytest.fixture
def place(pg_db: PostgresScratch, mongo_db: MongoScratch, tmp_path: Path) -> Iterator[Place]:
    """The URL of an empty database of a kind, for a role."""
    made: list[str] = []
    dropped: list[str] = []

    def of(kind: Kind, role: str) -> str:
        if kind.name == "sqlite":
            return f"sqlite:///{tmp_path / role}.db"
        if kind.name == "mongodb":
            dropped.append(f"{mongo_db.name}_{role}")
            return mongo_db.url.replace(mongo_db.name, dropped[-1])
        made.append(f"{pg_db.name}_{role}")
        with psycopg.connect(pg_db.url, autocommit=True) as connection:
            create_database(connection, made[-1])
        return pg_db.url.replace(pg_db.name, made[-1])

    yield of
    with psycopg.connect(pg_db.url, autocommit=True) as connection:
        for name in made:
            drop_database(connection, name)
    for name in set(dropped):
        mongo_db.db.client.drop_database(name)
