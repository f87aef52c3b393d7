"""The macros of macros.sql and inverse.sql, one by one. An engine creates those that its queries use."""

from __future__ import annotations

import re
from functools import cache

from crossfade.model.sql_files import statements

VALUE, REASON = SUFFIXES = "__value", "__reason"
"""The suffixes of the names of a macro's companions (companions.py)."""

MARK, GIVEN = "\x01", "$given{}$"
FIRST = GIVEN.format(1)
"""The format of a refusal by DuckDB: MARK, SQL with GIVEN for each value (numbered from 1), MARK, and JSON: the type of
each value, and the value.
"""

_BEGINNING = r"^(?=CREATE MACRO (\w+))"
_NAMES = re.compile(r"\bcf_\w+", re.IGNORECASE)  # sqlglot prints some in upper case


@cache
def macros() -> dict[str, str]:
    """Return the statements that create the macros, by name. A macro follows those that it calls."""
    return statements(__package__, "macros.sql", _BEGINNING)


@cache
def inverse_macros() -> dict[str, str]:
    """Return the statements that create the functions of an inverse, by name."""
    return statements(__package__, "inverse.sql", _BEGINNING)


def macros_of(sql: str, every: dict[str, str] | None = None) -> tuple[str, ...]:
    """Return the names of the macros that `sql` calls, directly or indirectly, in the order of their creation."""
    every = every or macros()
    wanted = _named(sql)
    for name in reversed(every):  # a macro calls only those before it
        if name in wanted:
            wanted |= _named(every[name])
    return tuple(name for name in every if name in wanted)


def _named(sql: str) -> set[str]:
    return {name.lower() for name in _NAMES.findall(sql)}
