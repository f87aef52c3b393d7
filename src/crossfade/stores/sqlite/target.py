"""Writes to a SQLite file: one writer, one transaction for everything that belongs together."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from crossfade.model.canonical import only_changed
from crossfade.model.described import Described
from crossfade.model.quoting import identifier
from crossfade.model.rejection import Rejection
from crossfade.model.target import ColumnType, TargetTable
from crossfade.stores.contract import OtherRows, RecordRows, RowRejected, TargetTransaction, Writer
from crossfade.stores.sql_journal import SqlJournal
from crossfade.stores.sqlite import other_rows
from crossfade.stores.sqlite.connect import connect, path_of
from crossfade.stores.sqlite.describe import describe
from crossfade.stores.sqlite.errors import translated
from crossfade.stores.sqlite.forms import Unstorable, stored, unstorable
from crossfade.stores.sqlite.lock import is_locked, locked
from crossfade.stores.sqlite.rows import canonical_table
from crossfade.stores.sqlite.triggers import DroppedTriggers


class SqliteWriter:
    """One connection, opened when first needed."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._open: sqlite3.Connection | None = None

    @contextmanager
    def transaction(self) -> Iterator[TargetTransaction]:
        connection, path = self._connection(), path_of(self._url)
        try:
            connection.execute("BEGIN IMMEDIATE")
            loader = SqliteTransaction(connection, path)
            yield loader
            loader.suspended.resume()
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            _roll_back(connection)
            raise translated(error, path, "") from error
        except BaseException:
            _roll_back(connection)
            raise

    @contextmanager
    def lock(self) -> Iterator[None]:
        self._connection()  # raises a clear error if the file cannot be created
        with locked(path_of(self._url)):
            yield

    def is_locked(self) -> bool:
        return is_locked(path_of(self._url))

    def fill_rank(self) -> int:
        return 1

    def close(self) -> None:
        if self._open is not None:
            self._open.close()
            self._open = None

    def _connection(self) -> sqlite3.Connection:
        if self._open is None:
            self._open = connect(self._url, write=True)
        return self._open


class SqliteTransaction:
    """Works inside the transaction that SqliteWriter opened."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self._connection, self._path = connection, path
        self._depth = 0
        self.journal = SqlJournal(self.execute, self.execute_many, "crossfade_", "crossfade_")
        self.suspended = DroppedTriggers(connection)

    def load(self, table: TargetTable, rows: Any) -> None:
        values = self._values(table, rows)
        with self._translating(table.name), self.savepoint():
            self.suspended.suspend(table.table)
            self._connection.executemany(_insert(table, rows.column_names), zip(*values, strict=True))

    def load_each(self, parts: Sequence[RecordRows]) -> Mapping[int, RowRejected] | None:
        records: dict[int, list[tuple[RecordRows, str, tuple[Any, ...]]]] = {}
        for part in parts:
            values, statement = self._values(part.table, part.rows), _insert(part.table, part.rows.column_names)
            with self._translating(part.table.name):
                self.suspended.suspend(part.table.table)
            for root, *row in zip(part.roots.to_pylist(), *values, strict=True):
                records.setdefault(root, []).append((part, statement, tuple(row)))
        refused: dict[int, RowRejected] = {}
        for root in sorted(records):
            try:
                self._load_record(records[root])
            except RowRejected as refusal:
                refused[root] = refusal
        return refused

    def _load_record(self, rows: Sequence[tuple[RecordRows, str, tuple[Any, ...]]]) -> None:
        """Insert the rows of one record, all or none. A single row needs no savepoint."""
        with nullcontext() if len(rows) == 1 else self.savepoint():
            for part, statement, values in rows:
                with self._translating(part.table.name):
                    self._connection.execute(statement, values)

    def delete(self, table: TargetTable, keys: Any, *, beside: Sequence[tuple[TargetTable, Any]] = ()) -> int:
        if not len(keys):
            return 0
        with self._translating(table.name):
            self.suspended.suspend(table.table)
            where = self._given(table, keys)
            return self._connection.execute(f"DELETE FROM {identifier(table.table)} WHERE {where}").rowcount

    def owned(self, table: TargetTable, by: Any, columns: Sequence[str]) -> Any:
        with self._translating(table.name):
            listed = ", ".join(map(identifier, columns))
            where = self._given(table, by)
            rows = self._connection.execute(f"SELECT {listed} FROM {identifier(table.table)} WHERE {where}").fetchall()
        return canonical_table(table, columns, rows)

    def update(
        self, table: TargetTable, rows: Any, changed: Sequence[str] | None = None, *, for_now: bool = False
    ) -> int:
        rows = only_changed(table, rows, changed)
        names = rows.column_names
        others = [n for n in names if n not in table.primary_key] or list(table.primary_key[:1])
        values = dict(zip(names, self._values(table, rows), strict=True))
        sets = ", ".join(f"{identifier(n)} = ?" for n in others)
        same = " AND ".join(f"{identifier(n)} = ?" for n in table.primary_key)
        with self._translating(table.name), self.savepoint():
            self.suspended.suspend(table.table)
            bound = zip(*(values[n] for n in (*others, *table.primary_key)), strict=True)
            return self._connection.executemany(
                f"UPDATE OR ABORT {identifier(table.table)} SET {sets} WHERE {same}", bound
            ).rowcount

    def _given(self, table: TargetTable, keys: Any) -> str:
        """Put the values into a temporary table, and return a condition for the rows with them. Text is compared by
        bytes.
        """
        names = [f"k{i}" for i in range(len(keys.column_names))]
        self._connection.execute("DROP TABLE IF EXISTS temp.crossfade_sent")
        self._connection.execute(f"CREATE TEMP TABLE crossfade_sent ({', '.join(names)})")
        self._connection.executemany(
            f"INSERT INTO temp.crossfade_sent VALUES ({_marks(names)})", zip(*self._values(table, keys), strict=True)
        )
        columns = ", ".join(f"{identifier(name)} COLLATE BINARY" for name in keys.column_names)
        return f"({columns}) IN (SELECT {', '.join(names)} FROM temp.crossfade_sent)"

    def key_name(self, table: TargetTable) -> str | None:
        return ", ".join(f"{table.table}.{name}" for name in table.primary_key)

    def count(self, table: TargetTable, *, hold: bool) -> int | None:
        """Count rows. The transaction is immediate, so no one else writes until it ends, with or without `hold`."""
        there = "SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE type = 'table' AND lower(name) = lower(?))"
        with self._translating(table.name):
            (found,) = self._connection.execute(there, [table.table]).fetchone()
            if not found:
                return None
            (rows,) = self._connection.execute(f"SELECT count(*) FROM {identifier(table.table)}").fetchone()
            return int(rows)

    def mark(self, table: TargetTable, rows: Any) -> bytes | None:
        return other_rows.mark(table, rows)

    @property
    def edits_show(self) -> bool:
        return False

    def pack_marks(self) -> None:
        """Do nothing: changes in place are not noted, so there are few notes."""

    def other_rows(self, table: TargetTable, *, limit: int) -> OtherRows:
        with self._translating(table.name):
            return other_rows.other_rows(self._connection, table, limit)

    def describe(self) -> Described:
        with self._translating(""):
            return describe(self._connection)

    def left_broken(self, statements: Sequence[str]) -> list[str]:
        with self._translating(""):
            return other_rows.left_broken(self._connection, statements)

    def empty(self, table: TargetTable, *, beside: Collection[TargetTable]) -> None:
        own = {t.table.lower() for t in beside}
        for other in self._referring(table.table):
            if other.lower() not in own:
                said = f"rows of {other} may refer to rows of {table.name}, and {other} is not a table of this move"
                raise RowRejected("foreign_key", said, table=table.name)
        with self._translating(table.name):
            self.suspended.suspend(table.table)
            self._connection.execute(f"DELETE FROM {identifier(table.table)}")

    def _referring(self, name: str) -> list[str]:
        """Return the tables that have rows and a foreign key to this one."""
        with self._translating(name):
            query = (
                "SELECT DISTINCT m.name FROM sqlite_master m, pragma_foreign_key_list(m.name) k"
                " WHERE m.type = 'table' AND lower(k.\"table\") = lower(?) ORDER BY 1"
            )
            found = [str(row[0]) for row in self._connection.execute(query, [name]).fetchall()]
            holds = "SELECT EXISTS (SELECT 1 FROM {})"
            return [t for t in found if self._connection.execute(holds.format(identifier(t))).fetchone()[0]]

    def holds(self, table: TargetTable, column: str | None = None) -> bool:
        named = column if column is None or column.startswith('"') else identifier(column)
        given = "" if named is None else f" WHERE {named} IS NOT NULL"
        with self._translating(table.name):
            query = f"SELECT EXISTS (SELECT 1 FROM {identifier(table.table)}{given})"
            return bool(self._connection.execute(query).fetchone()[0])

    def begin_journal(self) -> None:
        """Do nothing: its tables have a prefix."""

    def execute(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        """Run one statement with `:name` parameters, and return its rows."""
        with self._translating(""):
            return self._connection.execute(sql, parameters or {}).fetchall()

    def execute_many(self, sql: str, parameters: Sequence[Mapping[str, Any]]) -> None:
        with self._translating(""):
            self._connection.executemany(sql, parameters)

    def run(self, sql: str) -> None:
        with self._translating(""):
            self._connection.execute(sql)

    def note_default_schema(self) -> None:
        """Do nothing: a file has no schemas."""

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        name = f"crossfade_{self._depth}"
        self._depth += 1
        try:
            with self._translating(""):
                self._connection.execute(f"SAVEPOINT {name}")
            yield
        except BaseException:
            if self._connection.in_transaction:  # a full disk has already rolled everything back
                self._connection.execute(f"ROLLBACK TO {name}")
                self._connection.execute(f"RELEASE {name}")
            raise
        else:
            self._connection.execute(f"RELEASE {name}")
        finally:
            self._depth -= 1

    def _values(self, table: TargetTable, rows: Any) -> list[list[Any]]:
        """Raise RowRejected with every row that SQLite would change."""
        types = {c.name: c.type for c in table.columns}
        try:
            return [stored(rows.column(name), types[name]) for name in rows.column_names]
        except Unstorable:
            refusals = _refusals(rows, types)
        first = refusals[0]
        raise RowRejected(first.reason, first.detail, table=table.name, column=first.column, rows=refusals)

    @contextmanager
    def _translating(self, table: str) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise translated(error, self._path, table) from error


def _refusals(rows: Any, types: Mapping[str, ColumnType]) -> list[Rejection]:
    found: dict[int, Rejection] = {}
    for name in rows.column_names:
        for row, of in unstorable(rows.column(name), types[name]).items():
            found.setdefault(row, Rejection(row, of.reason, of.message, column=name))
    return [found[row] for row in sorted(found)]


def _insert(table: TargetTable, names: list[str]) -> str:
    """Return the statement, by which a conflict is an error, whatever the table's constraints do with one."""
    columns = ", ".join(map(identifier, names))
    return f"INSERT OR ABORT INTO {identifier(table.table)} ({columns}) VALUES ({_marks(names)})"


def _marks(names: list[str]) -> str:
    return ", ".join("?" * len(names))


def _roll_back(connection: sqlite3.Connection) -> None:
    if connection.in_transaction:
        connection.execute("ROLLBACK")


_: type[Writer] = SqliteWriter
