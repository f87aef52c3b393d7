"""Converts `:name` parameters, the contract's form, into psycopg's `%(name)s`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

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
