"""Databases for trying things out: none stays, and what a killed run left goes with the next one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from crossfade.stores.postgresql.scratch import PREFIX, scratch
from crossfade.testing import with_database
from scratch import PostgresScratch


@pytest.fixture
def left(pg_db: PostgresScratch) -> Iterator[str]:
    """A scratch database, as a killed run leaves it behind."""
    name = f"{PREFIX}{'0' * 6}{pg_db.name[-6:]}"
    with administered(pg_db) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
        try:
            yield name
        finally:
            connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)".encode())


@contextmanager
def administered(database: PostgresScratch) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database.url, autocommit=True) as connection:
        yield connection


def is_there(database: PostgresScratch, name: str) -> bool:
    return bool(database.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]))


def try_out(database: PostgresScratch) -> None:
    with scratch(database.url) as connection:
        connection.execute("CREATE TABLE t ()")


def test_what_a_killed_run_left_goes(pg_db: PostgresScratch, left: str) -> None:
    try_out(pg_db)
    assert not is_there(pg_db, left)


def test_what_another_run_works_with_stays(pg_db: PostgresScratch, left: str, postgresql_url: str) -> None:
    """Its maker may be connected to another database of the server."""
    with psycopg.connect(postgresql_url, autocommit=True) as maker:
        maker.execute("SELECT pg_advisory_lock(%s)", [int(left.removeprefix(PREFIX), 16)])
        try_out(pg_db)
        assert is_there(pg_db, left)
    try_out(pg_db)
    assert not is_there(pg_db, left)


def test_what_somebody_looks_at_stays(pg_db: PostgresScratch, left: str) -> None:
    with psycopg.connect(with_database(pg_db.url, left)):
        try_out(pg_db)
        assert is_there(pg_db, left)


def test_a_scratch_database_is_held_while_it_is_used(pg_db: PostgresScratch) -> None:
    with scratch(pg_db.url) as connection:
        row = connection.execute("SELECT current_database()").fetchone()
        assert row is not None
        connection.close()
        try_out(pg_db)
        assert is_there(pg_db, row[0])
    assert not is_there(pg_db, row[0])
