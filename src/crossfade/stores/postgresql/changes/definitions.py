"""The definitions of the tables of a feed. The log does not show that a table was replaced, renamed or got a column,
nor that a partition was truncated, detached or attached.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from crossfade.stores.postgresql.changes.control import Control, queries
from crossfade.stores.postgresql.changes.tables import Followed
from crossfade.stores.postgresql.reading.lookup import text_array


@dataclass(frozen=True)
class Definition:
    """A digest of a table, and the state of each of its partitions (by OID)."""

    digest: str
    partitions: Mapping[str, str] = field(default_factory=dict)

    def added(self, before: Definition) -> list[str] | None:
        """Return the new partitions if nothing else differs, or None."""
        known = {oid: state for oid, state in self.partitions.items() if oid in before.partitions}
        if self.digest != before.digest or known != before.partitions:
            return None
        return [oid for oid in self.partitions if oid not in before.partitions]


def definitions(control: Control, tables: Sequence[Followed]) -> dict[str, Definition]:
    """Return the definition of each table that exists under its name."""
    if not tables:
        return {}
    statement = queries()["definitions"].format(
        entities=text_array([table.entity for table in tables]),
        schemas=text_array([table.relation.schema for table in tables]),
        tables=text_array([table.relation.table for table in tables]),
    )
    return {
        str(entity): Definition(str(digest), json.loads(partitions))
        for entity, digest, partitions in control.rows(statement)
    }


def as_text(found: Mapping[str, Definition]) -> str:
    """Return definitions as one text."""
    stored = {entity: [one.digest, dict(one.partitions)] for entity, one in found.items()}
    return json.dumps(stored, ensure_ascii=False)


def from_text(text: str) -> dict[str, Definition]:
    return {entity: Definition(*of) for entity, of in json.loads(text or "{}").items()}
