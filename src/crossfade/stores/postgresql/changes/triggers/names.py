"""The names of the objects of a feed by triggers: its tables in the schema `crossfade`, and its triggers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

from crossfade.model.quoting import identifier, literal
from crossfade.model.sql_files import named_queries
from crossfade.stores.postgresql.changes.tables import Followed
from crossfade.stores.postgresql.reading.relations import Ask

SCHEMA = "crossfade"
"""Journals are in this schema too, so that no move mistakes it for data."""


@cache
def queries() -> dict[str, str]:
    return named_queries(__package__, "triggers.sql")


def head(name: str) -> str:
    """Return the table with the state of a feed."""
    return f"{SCHEMA}.{identifier(name)}"


def exists(ask: Ask, name: str) -> bool:
    """Return whether there is a feed of this name."""
    return ask(queries()["head"].format(head=literal(head(name))))[0][0] is not None


def changes(name: str, number: int) -> str:
    """Return the table with the keys of one entity; its trigger function has the same name."""
    return f"{SCHEMA}.{identifier(f'{name}_{number}')}"


def pattern(name: str) -> str:
    """Return, as a literal, the regular expression of all names of a feed."""
    return literal(f"^{re.escape(name)}(_[0-9]+)?(_all)?$")


def parts(table: Followed, of: str) -> Mapping[str, str]:
    """Return the parts of the statements that depend on a table's key; its changes are in the table `of`."""
    columns = [identifier(column.name) for column in table.key]
    places = range(len(columns))
    return {
        "table": table.name,
        "changes": of,
        "names": ", ".join(f"k{i}" for i in places),
        "columns": ", ".join(f"t.{column} AS k{i}" for i, column in enumerate(columns)),
        "old": ", ".join(f"o{i}" for i in places),
        "new": ", ".join(f"n{i}" for i in places),
        "declared": " ".join(f"{side}{i} {of}.k{i}%TYPE;" for side in "on" for i in places),
        "assign_old": " ".join(f"o{i} := OLD.{column};" for i, column in enumerate(columns)),
        "assign_new": " ".join(f"n{i} := NEW.{column};" for i, column in enumerate(columns)),
    }
