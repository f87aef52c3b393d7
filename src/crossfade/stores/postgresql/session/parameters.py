"""`:name` parameters, as the contract has them, for psycopg, which wants `%(name)s`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

# What a colon inside does not count in: strings, quoted names, comments, dollar quotes; and casts.
_TOKENS = re.compile(
    r"""(?P<skip>'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|/\*.*?\*/|\$(?P<tag>\w*)\$.*?\$(?P=tag)\$|::)"""
    r"""|:(?P<name>[A-Za-z_]\w*)|(?P<percent>%)""",
    re.DOTALL,
)


def for_psycopg(statement: str, values: Mapping[str, Any] | None) -> tuple[str, dict[str, Any] | None]:
    """The statement and what to bind. Without values the statement stays as it is.

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
