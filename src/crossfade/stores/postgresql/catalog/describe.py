"""Read the catalog of a PostgreSQL database as facts that can be compared."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

import psycopg

from crossfade.model.described import Described, Thing, by
from crossfade.stores.postgresql.catalog.catalog import plainly, queries_of


def describe(connection: psycopg.Connection[Any]) -> Described:
    """Describe all schemas except PostgreSQL's own and the journal's, and extensions without their members."""
    with plainly(connection):
        found = [_thing(*row) for query in _queries().values() for row in connection.execute(query.encode()).fetchall()]
    return Described(by(f"PostgreSQL {connection.info.server_version // 10000}"), tuple(found))


@cache
def _queries() -> dict[str, str]:
    return queries_of("describe.sql")


def _thing(kind: str, name: str, of: str, facts: dict[str, str | None]) -> Thing:
    return Thing(kind, name, of, {fact: value for fact, value in facts.items() if value is not None})


def holding_rows(connection: psycopg.Connection[Any], relations: Iterable[str]) -> dict[str, bool | None]:
    """Return whether each relation, named as by `describe`, has a row; None if not all rows may be read."""
    with plainly(connection):
        return {name: _holds_rows(connection, name) for name in relations}


def _holds_rows(connection: psycopg.Connection[Any], relation: str) -> bool | None:
    try:
        return _exists(connection, f"SELECT FROM {relation}")
    except psycopg.errors.InsufficientPrivilege:  # row_security is off, so a policy that hides rows raises it, too
        return None


def holds_values(connection: psycopg.Connection[Any], relation: str, column: str) -> bool:
    """Return whether a row has a value in the column; both are named as by `describe`."""
    short = column.removeprefix(relation + ".")
    with plainly(connection):
        return _exists(connection, f"SELECT FROM {relation} AS t WHERE t.{short} IS DISTINCT FROM NULL")


def _exists(connection: psycopg.Connection[Any], query: str) -> bool:
    row = connection.execute(f"SELECT EXISTS ({query})".encode()).fetchone()
    return bool(row and row[0])
