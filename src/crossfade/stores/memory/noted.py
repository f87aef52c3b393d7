"""A table of the journal that is written and read like a table of the target: in Arrow, by any of its columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from crossfade.model.canonical import arrow_rows, python_rows
from crossfade.model.target import TargetTable
from crossfade.stores.contract import RowRejected
from crossfade.stores.memory.table import Key, Notes
from crossfade.stores.memory.tables import Catalog

_PREFIX = "crossfade_"


class NotedRows:
    """The rows of one table of the journal, in the catalog of one transaction."""

    def __init__(self, catalog: Catalog, table: TargetTable) -> None:
        self._catalog, self._table = catalog, table
        self._name = table.table.removeprefix(_PREFIX)

    @classmethod
    def of(cls, catalog: Catalog, table: TargetTable) -> NotedRows | None:
        """Return the rows if the table is one of the journal."""
        is_own = table.table in catalog.tables or not table.table.startswith(_PREFIX)
        return None if is_own or table.table.removeprefix(_PREFIX) not in catalog.notes else cls(catalog, table)

    def load(self, rows: Any) -> None:
        """Add rows. Raises RowRejected for a key that is there."""
        names = rows.column_names
        for values in python_rows(rows):
            row = dict(zip(names, values, strict=True))
            key = tuple(row[name] for name in self._table.primary_key)
            if key in self._notes:
                raise RowRejected("unique", f"the journal has the row {key} already", table=self._table.name)
            self._catalog.note(self._name, key, row)

    def owned(self, by: Any, columns: Sequence[str]) -> Any:
        found = [tuple(self._notes[key][name] for name in columns) for key in self._found(by)]
        return arrow_rows(self._table, columns, found)

    def delete(self, by: Any) -> int:
        found = self._found(by)
        for key in found:
            self._catalog.note(self._name, key, None)
        return len(found)

    @property
    def _notes(self) -> Notes:
        return self._catalog.notes[self._name]

    def _found(self, by: Any) -> list[Key]:
        names, wanted = by.column_names, set(python_rows(by))
        return [key for key, row in self._notes.items() if tuple(row[name] for name in names) in wanted]
