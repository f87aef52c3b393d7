"""How the rows of an entity lead back to its records, as values (mapping/owners.py finds it out)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from crossfade.model.program import Narrow


@dataclass(frozen=True)
class Owners:
    """How the rows of one entity lead back: by a column of some tables, by the ledger for the others.

    All the columns hold the same function of the key: `narrow` computes it from a record's key, as `column` of
    `table`; None where the ledger knows all.
    """

    entity: str
    columns: Mapping[str, str]
    ledger: frozenset[str]
    narrow: Narrow | None = None
    holds_object_id: bool = False
    """Whether the value is the UUID that holds an ObjectId: then it leads to the key without a search."""

    @property
    def tables(self) -> tuple[str, ...]:
        return (*self.columns, *sorted(self.ledger))
