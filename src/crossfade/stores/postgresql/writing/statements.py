"""Statements with `:name` parameters, as the journal uses them, in databases of every encoding."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import NoneType
from typing import Any

import psycopg

from crossfade.stores.postgresql.session.parameters import BytesArray, for_psycopg
from crossfade.stores.postgresql.text_form import array
from crossfade.stores.postgresql.writing.narrow import escaped, is_narrow, restored

Connection = psycopg.Connection[Any]


def execute(connection: Connection, sql: str, parameters: Mapping[str, Any] | None) -> list[tuple[Any, ...]]:
    """Run one statement, and return its rows."""
    statement, bound = for_psycopg(sql, parameters)
    narrow = _is_narrow(connection)
    cursor = connection.execute(statement.encode(), _sent(escaped(bound) if narrow else bound))
    rows = cursor.fetchall() if cursor.description else []
    return restored(rows) if narrow else rows


def execute_many(connection: Connection, sql: str, parameters: Sequence[Mapping[str, Any]]) -> None:
    """Run one statement for each of the parameters, without a round trip each."""
    if parameters:
        statement, _ = for_psycopg(sql, parameters[0])
        narrow = _is_narrow(connection)
        with connection.cursor() as cursor:
            cursor.executemany(statement.encode(), (escaped(one) or {} if narrow else one for one in parameters))


def _sent(bound: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return the parameters, with lists of text as the text of an array, and lists of bytes in binary form."""
    if bound is None:
        return None
    return {name: _list(value) if isinstance(value, list) else value for name, value in bound.items()}


def _list(value: list[Any]) -> Any:
    """Convert a list faster than the driver, which inspects each element."""
    kinds = set(map(type, value))
    if kinds == {bytes}:
        return BytesArray(value)
    return array(value) if all(issubclass(kind, str | NoneType) for kind in kinds) else value


def _is_narrow(connection: Connection) -> bool:
    return is_narrow(connection.info.parameter_status("server_encoding"))
