"""Statements with `:name` parameters, as the journal uses them, in databases of every encoding."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import psycopg

from crossfade.stores.postgresql.session.parameters import for_psycopg
from crossfade.stores.postgresql.writing.narrow import escaped, is_narrow, restored

Connection = psycopg.Connection[Any]


def execute(connection: Connection, sql: str, parameters: Mapping[str, Any] | None) -> list[tuple[Any, ...]]:
    """Run one statement, and return its rows."""
    statement, bound = for_psycopg(sql, parameters)
    narrow = _is_narrow(connection)
    cursor = connection.execute(statement.encode(), escaped(bound) if narrow else bound)
    rows = cursor.fetchall() if cursor.description else []
    return restored(rows) if narrow else rows


def execute_many(connection: Connection, sql: str, parameters: Sequence[Mapping[str, Any]]) -> None:
    """Run one statement for each of the parameters, without a round trip each."""
    if parameters:
        statement, _ = for_psycopg(sql, parameters[0])
        narrow = _is_narrow(connection)
        with connection.cursor() as cursor:
            cursor.executemany(statement.encode(), (escaped(one) or {} if narrow else one for one in parameters))


def _is_narrow(connection: Connection) -> bool:
    return is_narrow(connection.info.parameter_status("server_encoding"))
