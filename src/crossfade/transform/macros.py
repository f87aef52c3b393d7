"""The macros of macros.sql, one by one: an engine makes those that its queries name."""

from __future__ import annotations

import re
from functools import cache

from crossfade.model.sql_files import statements

VALUE, REASON = SUFFIXES = "__value", "__reason"
"""What the names of a macro's companions end with (companions.py)."""

MARK, GIVEN = "\x01", "$given"
"""A reason that is DuckDB's own: MARK SQL in which GIVEN stands for a value MARK type of the value MARK the value."""

_BEGINNING = r"^(?=CREATE MACRO (\w+))"
_NAMES = re.compile(r"\bcf_\w+", re.IGNORECASE)  # sqlglot prints some in capitals


@cache
def macros() -> dict[str, str]:
    """Name -> the statement that makes it; those that it calls are before it."""
    return statements(__package__, "macros.sql", _BEGINNING)


def macros_of(sql: str, every: dict[str, str] | None = None) -> tuple[str, ...]:
    """The names of the macros that `sql` calls, and of those that they call, in the order in which they are made."""
    every = every or macros()
    wanted = _named(sql)
    for name in reversed(every):  # a macro calls only those before it
        if name in wanted:
            wanted |= _named(every[name])
    return tuple(name for name in every if name in wanted)


def _named(sql: str) -> set[str]:
    return {name.lower() for name in _NAMES.findall(sql)}
