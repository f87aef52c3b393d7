"""What rows refused by a constraint in memory conflict with."""

from __future__ import annotations

from typing import Any

from crossfade.model.canonical import python_rows
from crossfade.model.target import ForeignKey, TargetTable, Unique
from crossfade.stores.contract import Check, Conflict, Conflicts
from crossfade.stores.memory.database import Database
from crossfade.stores.memory.table import Values
from crossfade.stores.memory.values import values_of


class MemoryConflicts:
    def __init__(self, database: Database) -> None:
        self._database = database

    def orphaned(self, table: TargetTable, key: ForeignKey, rows: Any) -> list[Conflict | None]:
        there = self._database.catalog.parents_of(key)
        found: list[Conflict | None] = []
        for values in values_of(table, rows.select(list(key.columns))):
            orphan = None not in values and values not in there
            found.append(Conflict(_printed(key.columns, values)) if orphan else None)
        return found

    def holders(self, table: TargetTable, unique: Unique, rows: Any) -> list[Conflict | None]:
        stored = self._database.catalog.table(table.table)
        columns = [expression[1:-1].replace('""', '"') for expression in unique.expressions]
        by = {stored.part(row.values, columns): key for key, row in stored.rows.items()}
        found: list[Conflict | None] = []
        for values in values_of(table, rows.select(columns)):
            if None in values:  # NULL is equal to nothing
                found.append(None)
                continue
            key = by.get(values)
            said = _printed(unique.expressions, values)
            found.append(Conflict(said) if key is None else Conflict(said, _printed(stored.primary_key, key), key))
        return found

    def check(self, table: TargetTable, name: str) -> Check | None:
        """Return nothing: there are no CHECK constraints."""
        return None

    def breaking(self, table: TargetTable, check: Check, rows: Any) -> list[Conflict | None]:
        return [None] * len(python_rows(rows))


def _printed(names: Any, values: Values) -> dict[str, str | None]:
    shown = (v.hex() if isinstance(v, bytes) else None if v is None else str(v) for v in values)
    return dict(zip(names, shown, strict=True))


_: type[Conflicts] = MemoryConflicts
