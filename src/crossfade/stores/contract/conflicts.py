"""What the rows refused by a constraint conflict with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from crossfade.model.target import ForeignKey, TargetTable, Unique


@dataclass(frozen=True, slots=True)
class Conflict:
    """What a refused row conflicts with. `values` are the row's own, as the target prints them.

    For a unique constraint `holder` is the printed primary key of the row with the same values, and `key` the same in
    canonical Python values; None if no row has them.
    """

    values: Mapping[str, str | None]
    holder: Mapping[str, str | None] | None = None
    key: tuple[Any, ...] | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """A CHECK constraint: its text, its expression, and the columns that it names."""

    text: str
    expression: str
    columns: tuple[str, ...]


class Conflicts(Protocol):
    """Finds what rows refused by a constraint conflict with, by its own expressions and the target's equality.

    `rows` are canonical rows of the table, which need not be in it; the result is one Conflict (or None) for each.
    """

    def orphaned(self, table: TargetTable, key: ForeignKey, rows: Any) -> list[Conflict | None]:
        """Return the rows that reference a missing row."""
        ...

    def holders(self, table: TargetTable, unique: Unique, rows: Any) -> list[Conflict | None]:
        """Return the values of the rows under `unique`, each with the row of the table that has the same.

        None for a row that conflicts with no other: outside the predicate, or with NULL among the values (unless NULLS
        NOT DISTINCT).
        """
        ...

    def check(self, table: TargetTable, name: str) -> Check | None:
        """Return the CHECK constraint of the name given in a refusal."""
        ...

    def breaking(self, table: TargetTable, check: Check, rows: Any) -> list[Conflict | None]:
        """Return the rows for which the check is false."""
        ...
