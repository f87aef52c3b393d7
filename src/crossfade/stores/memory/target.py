"""Writes to tables in memory: one transaction at a time, committed together with the journal."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from crossfade.errors import Busy, CrossfadeError
from crossfade.model.canonical import arrow_rows, python_rows
from crossfade.model.described import Described
from crossfade.model.target import TargetTable
from crossfade.stores.contract import OtherRows, RecordRows, RowRejected, TargetTransaction, Writer
from crossfade.stores.memory.database import Database
from crossfade.stores.memory.describe import describe
from crossfade.stores.memory.journal import MemoryJournal
from crossfade.stores.memory.noted import NotedRows
from crossfade.stores.memory.statements import UnknownStatement, read
from crossfade.stores.memory.table import Key
from crossfade.stores.memory.tables import Catalog
from crossfade.stores.memory.values import values_of
from crossfade.stores.patience import patiently


class MemoryWriter:
    def __init__(self, database: Database) -> None:
        self._database = database

    @contextmanager
    def transaction(self) -> Iterator[TargetTransaction]:
        database = self._database
        database.writing.take()
        try:
            transaction = MemoryTransaction(database)
            yield transaction
            database.reach("before commit")
            database.catalog = transaction.catalog.begin()
            database.reach("after commit")
        finally:
            database.writing.leave()

    @contextmanager
    def lock(self) -> Iterator[None]:
        running = self._database.running
        if patiently(lambda: running.acquire(blocking=False) or None) is None:
            raise Busy(f"another run of crossfade is working in memory://{self._database.name}; nothing was written",
                       hint="wait until it ends")  # fmt: skip
        try:
            yield
        finally:
            running.release()

    def is_locked(self) -> bool:
        return self._database.running.locked()

    def fill_rank(self) -> int:
        return 1


class MemoryTransaction:
    """Works inside the transaction that MemoryWriter began."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.catalog: Catalog = database.catalog.begin()
        database.transactions += 1
        self._number = database.transactions
        self.journal = MemoryJournal(self.catalog, database.reach)

    # -- rows in

    def load(self, table: TargetTable, rows: Any) -> None:
        with self.savepoint():
            if (noted := NotedRows.of(self.catalog, table)) is not None:
                noted.load(rows)
                return
            keys = [self._insert(table, values) for values in self._rows(table, rows)]
            self.catalog.require_parents(table.table, keys)

    def load_each(self, parts: Sequence[RecordRows]) -> Mapping[int, RowRejected] | None:
        records: dict[int, list[tuple[TargetTable, tuple[object, ...]]]] = {}
        for part in parts:
            for root, values in zip(part.roots.to_pylist(), self._rows(part.table, part.rows), strict=True):
                records.setdefault(root, []).append((part.table, values))
        refused: dict[int, RowRejected] = {}
        for root in sorted(records):
            try:
                with self.savepoint():
                    for table, values in records[root]:
                        self.catalog.require_parents(table.table, [self._insert(table, values)])
            except RowRejected as refusal:
                refused[root] = refusal
        return refused

    def update(
        self, table: TargetTable, rows: Any, changed: Sequence[str] | None = None, *, for_now: bool = False
    ) -> int:
        stored, names = self.catalog.table(table.table), rows.column_names
        found = 0
        with self.savepoint():
            for given in values_of(stored.target, rows):
                new = dict(zip(names, given, strict=True))
                key = tuple(new[name] for name in stored.primary_key)
                row = self.catalog.table(table.table).rows.get(key)
                if row is not None:
                    values = tuple(new.get(c.name, old) for c, old in zip(stored.columns, row.values, strict=True))
                    self.catalog.update(table.table, key, values, self._number)
                    self.catalog.require_parents(table.table, [key])
                    found += 1
            self.catalog.require_no_children(table.table)
        return found

    def _insert(self, table: TargetTable, values: tuple[object, ...]) -> Key:
        return self.catalog.insert(table.table, values, self._number)

    def _rows(self, table: TargetTable, rows: Any) -> list[tuple[object, ...]]:
        """Return the rows in the order of the table's own columns; missing values are NULL."""
        stored = self.catalog.table(table.table)
        place = {name: i for i, name in enumerate(rows.column_names)}
        order = [place.get(c.name) for c in stored.columns]
        given = values_of(stored.target, rows)
        return [tuple(None if i is None else values[i] for i in order) for values in given]

    # -- rows out

    def delete(self, table: TargetTable, keys: Any, *, beside: Sequence[tuple[TargetTable, Any]] = ()) -> int:
        if (noted := NotedRows.of(self.catalog, table)) is not None:
            return noted.delete(keys)
        found = self._found(table, keys)
        with self.savepoint():
            for key in found:
                self.catalog.delete(table.table, key)
            if found:
                self.catalog.require_no_children(table.table)
        return len(found)

    def owned(self, table: TargetTable, by: Any, columns: Sequence[str]) -> Any:
        if (noted := NotedRows.of(self.catalog, table)) is not None:
            return noted.owned(by, columns)
        stored = self.catalog.table(table.table)
        return arrow_rows(table, columns, [stored.part(stored.rows[k].values, columns) for k in self._found(table, by)])

    def _found(self, table: TargetTable, by: Any) -> list[Key]:
        stored, wanted = self.catalog.table(table.table), set(python_rows(by))
        places = stored.places(by.column_names)
        return [k for k, row in stored.rows.items() if tuple(row.values[i] for i in places) in wanted]

    def empty(self, table: TargetTable, *, beside: Collection[TargetTable]) -> None:
        own = {t.table for t in beside}
        for other in self.catalog.referring(table.table):
            if other not in own:
                said = f"rows of {other} may refer to rows of {table.name}, and {other} is not a table of this move"
                raise RowRejected("foreign_key", said, table=table.name)
        for key in list(self.catalog.table(table.table).rows):
            self.catalog.delete(table.table, key)

    # -- questions

    def holds(self, table: TargetTable, column: str | None = None) -> bool:
        stored = self.catalog.table(table.table)
        if column is None:
            return bool(stored.rows)
        (place,) = stored.places([column.removeprefix(f"{table.table}.")])
        return any(row.values[place] is not None for row in stored.rows.values())

    def key_name(self, table: TargetTable) -> str | None:
        return f"{table.table}_pkey"

    def count(self, table: TargetTable, *, hold: bool) -> int | None:
        """Count rows. No other transaction writes until this one ends, with or without `hold`."""
        stored = self.catalog.tables.get(table.table)
        return None if stored is None else len(stored.rows)

    def mark(self, table: TargetTable, rows: Any) -> bytes | None:
        """Return the number of this transaction, which every row that it wrote has."""
        return str(self._number).encode()

    @property
    def edits_show(self) -> bool:
        return True

    def pack_marks(self) -> None:
        """Do nothing: a process does not live long enough."""

    def other_rows(self, table: TargetTable, *, limit: int) -> OtherRows:
        noted = self.catalog.notes.get("loaded", {}).values()
        own = {int(row["mark"]) for row in noted if row["table_name"] == table.name and not row["gone"]}
        stored = self.catalog.table(table.table)
        others = [key for key, row in stored.rows.items() if row.writer not in own]
        shown = tuple(", ".join(map(_shown, key)) for key in others[:limit])
        return OtherRows(len(others), shown, edits_show=True)

    def describe(self) -> Described:
        return describe(self.catalog)

    def left_broken(self, statements: Sequence[str]) -> list[str]:
        """Return nothing: what another table needs cannot be dropped."""
        return []

    def run(self, sql: str) -> None:
        self._database.reach("before step")
        try:
            changes = read(sql)
        except UnknownStatement as error:
            raise CrossfadeError(str(error)) from None
        with self.savepoint():
            for change in changes:
                self.catalog.change(change)
        self._database.reach("after step")

    def begin_journal(self) -> None:
        """Do nothing: the journal's tables need no place."""

    def note_default_schema(self) -> None:
        """Do nothing: there are no schemas."""

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        mark = self.catalog.mark
        try:
            yield
        except BaseException:
            self.catalog.back_to(mark)
            raise


def _shown(value: object) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)


_: type[Writer] = MemoryWriter
