"""What the rows that a constraint refused clash with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from crossfade.model.target import ForeignKey, TargetTable, Unique


@dataclass(frozen=True, slots=True)
class Clash:
    """Why a row may not stand: what it clashes with. `values` are the row's own, as the target prints them.

    Of a unique constraint `holder` are the primary key's columns of the row that has the same, printed, and `key` the
    same in canonical Python values; None where no row has it.
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


class Clashes(Protocol):
    """Says what rows clash with that a constraint refused: its own expressions and the target's equality decide.

    `rows` are canonical rows of the table, which need not be in it; the answer is one Clash (or None) for each.
    """

    def orphaned(self, table: TargetTable, key: ForeignKey, rows: Any) -> list[Clash | None]:
        """The rows whose foreign key finds no parent."""
        ...

    def holders(self, table: TargetTable, unique: Unique, rows: Any) -> list[Clash | None]:
        """The values of the rows under `unique`, with the row of the table that has the same."""
        ...

    def check(self, table: TargetTable, name: str) -> Check | None:
        """The CHECK constraint that a refusal calls so."""
        ...

    def breaking(self, table: TargetTable, check: Check, rows: Any) -> list[Clash | None]:
        """The rows for which the check is false."""
        ...
