"""Reads back the rows in memory that are committed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from crossfade.errors import Unsupported
from crossfade.model.canonical import arrow_rows, python_rows
from crossfade.model.target import TargetTable
from crossfade.stores.contract import RowReader
from crossfade.stores.memory.database import Database
from crossfade.stores.memory.table import Key, StoredRow, Table

_BATCH = 5_000


class MemoryRowReader:
    def __init__(self, database: Database) -> None:
        self._database = database

    def rows(self, table: TargetTable, columns: Sequence[str], keys: Any) -> Any:
        stored = self._table(table)
        order = [keys.column_names.index(name) for name in stored.primary_key]
        asked = (tuple(key[i] for i in order) for key in python_rows(keys))
        return _arrow(table, stored, columns, [stored.rows[key] for key in asked if key in stored.rows])

    def owned(self, table: TargetTable, columns: Sequence[str], by: Any) -> Any:
        stored, wanted = self._table(table), set(python_rows(by))
        found = [row for row in list(stored.rows.values()) if stored.part(row.values, by.column_names) in wanted]
        return _arrow(table, stored, columns, found)

    def printed(self, table: TargetTable, rows: Any) -> Any:
        return rows

    def scan(self, table: TargetTable, columns: Sequence[str]) -> Iterator[Any]:
        stored = self._table(table)
        rows = iter(stored.rows.values())
        while some := list(islice(rows, _BATCH)):
            yield from _arrow(table, stored, columns, some).combine_chunks().to_batches()

    def count(self, table: TargetTable) -> int:
        return len(self._table(table).rows)

    def has_insert_trigger(self, table: TargetTable) -> bool:
        return False

    def query(
        self, sql: str, *, limit: int, tables: Sequence[TargetTable] = ()
    ) -> tuple[list[str], list[tuple[Any, ...]], int]:
        raise Unsupported("memory cannot run a rule's query: its tables do not speak SQL")

    def _table(self, table: TargetTable) -> Table:
        return self._database.catalog.table(table.table)


def _arrow(table: TargetTable, stored: Table, columns: Sequence[str], rows: Sequence[StoredRow]) -> Any:
    return arrow_rows(table, columns, [stored.part(row.values, columns) for row in rows])


def arrow_keys(stored: Table, keys: Sequence[Key]) -> Any:
    """Return primary keys in canonical Arrow."""
    return arrow_rows(stored.target, stored.primary_key, list(keys))


_: type[RowReader] = MemoryRowReader
