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
from crossfade.stores.memory.tables import Key, Row, Table

_BATCH = 5_000


class MemoryRowReader:
    def __init__(self, database: Database) -> None:
        self._database = database

    def rows(self, table: TargetTable, columns: Sequence[str], keys: Any) -> Any:
        held = self._table(table)
        order = [keys.column_names.index(name) for name in held.primary_key]
        asked = (tuple(key[i] for i in order) for key in python_rows(keys))
        return _arrow(table, held, columns, [held.rows[key] for key in asked if key in held.rows])

    def printed(self, table: TargetTable, rows: Any) -> Any:
        return rows

    def scan(self, table: TargetTable, columns: Sequence[str]) -> Iterator[Any]:
        held = self._table(table)
        rows = iter(held.rows.values())
        while some := list(islice(rows, _BATCH)):
            yield from _arrow(table, held, columns, some).combine_chunks().to_batches()

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


def _arrow(table: TargetTable, held: Table, columns: Sequence[str], rows: Sequence[Row]) -> Any:
    return arrow_rows(table, columns, [held.part(row.values, columns) for row in rows])


def arrow_keys(held: Table, keys: Sequence[Key]) -> Any:
    """Return primary keys in canonical Arrow."""
    return arrow_rows(held.target, held.primary_key, list(keys))


_: type[RowReader] = MemoryRowReader
