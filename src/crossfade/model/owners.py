"""How the rows of an entity lead back to its records, as values (mapping/owners.py determines them)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from crossfade.model.program import Narrow


@dataclass(frozen=True)
class Owners:
    """How the rows of an entity lead back: by a column of some tables, and by the ledger for the others.

    All the columns hold the same function of the key. `narrow` computes it from a record's key; None if all tables use
    the ledger.
    """

    entity: str
    columns: Mapping[str, str]
    ledger: frozenset[str]
    narrow: Narrow | None = None
    tells_key: bool = False
    """Whether the value holds the whole key, which is then read from it without asking the source."""

    @property
    def tables(self) -> tuple[str, ...]:
        return (*self.columns, *sorted(self.ledger))
