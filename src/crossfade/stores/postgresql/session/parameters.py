"""Converts `:name` parameters, the contract's form, into psycopg's; lists of bytes become binary arrays."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from struct import pack
from typing import Any

import psycopg
from psycopg.adapt import Dumper
from psycopg.postgres import types
from psycopg.pq import Format

# Where a colon is no parameter: strings, quoted names, comments, dollar quotes; and casts.
_TOKENS = re.compile(
    r"""(?P<skip>'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|/\*.*?\*/|\$(?P<tag>\w*)\$.*?\$(?P=tag)\$|::)"""
    r"""|:(?P<name>[A-Za-z_]\w*)|(?P<percent>%)""",
    re.DOTALL,
)


def for_psycopg(statement: str, values: Mapping[str, Any] | None) -> tuple[str, dict[str, Any] | None]:
    """Return the statement and the values to bind. Without values the statement is unchanged.

    >>> for_psycopg("SELECT :a::int, ':a' WHERE 5 % 2 = 1", {"a": 1})
    ("SELECT %(a)s::int, ':a' WHERE 5 %% 2 = 1", {'a': 1})
    """
    if not values:
        return statement, None

    def replace(found: re.Match[str]) -> str:
        name = found["name"]
        if name is not None and name in values:
            return f"%({name})s"
        return found[0].replace("%", "%%")

    return _TOKENS.sub(replace, statement), dict(values)


class BytesArray:
    """A bytea[] without NULL."""

    def __init__(self, values: Sequence[bytes]) -> None:
        self.values = values


class _BytesArrayDumper(Dumper):
    format = Format.BINARY
    oid = types["bytea"].array_oid

    def dump(self, obj: BytesArray) -> bytes:
        """Its head is: dimensions, whether there are NULLs, the type, the length, the first index."""
        head = pack("!iiIii", 1, 0, types["bytea"].oid, len(obj.values), 1)
        return head + b"".join([part for value in obj.values for part in (pack("!i", len(value)), value)])


def know_arrays(connection: psycopg.Connection[Any]) -> None:
    """Let a connection accept a BytesArray as a parameter."""
    connection.adapters.register_dumper(BytesArray, _BytesArrayDumper)
