"""Reads the tables of a SQLite file by ranges of their keys.

Every reader reads in one transaction, so that it sees one state. SQLite cannot hand that state to another connection:
whether all readers of a run saw the same is found out afterwards (`changed`).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

from crossfade.errors import Stale
from crossfade.model.batch import Batch, Chunk, Column
from crossfade.model.quoting import identifier
from crossfade.model.rejection import Rejection
from crossfade.model.shape import Path, Shape, format_path, unescape_step
from crossfade.records.rows.dynamic.columns import Arrangement, Held
from crossfade.records.rows.dynamic.reader import Misfit, is_worse, misfits
from crossfade.records.rows.dynamic.values import text_of
from crossfade.records.rows.keys import key_of_texts
from crossfade.records.rows.raw import Row, key_of, split, write
from crossfade.records.rows.types import key_names
from crossfade.stores.contract import Reader
from crossfade.stores.sqlite.connect import connect
from crossfade.stores.sqlite.reading.key_ranges import Condition, lists, within
from crossfade.stores.sqlite.reading.tables import Key, SourceColumn, SourceTable, Tables
from crossfade.stores.sqlite.reading.transaction import ReadTransaction, Rows, reading_failure

ROWS_A_CHUNK = 200_000  # the most rows in a chunk
_SAMPLE = 1_000  # rows by which the size of one is estimated


class SqliteReader:
    """Reads one file. Every method that reads an entity raises Refused if it does not exist, Unreachable if the file
    cannot be opened.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self.transaction = ReadTransaction(url)
        self.tables = Tables(self.transaction)
        self._watcher: tuple[sqlite3.Connection, int] | None = None

    def snapshot(self) -> str:
        """Begin to watch the file: `changed` says what was written since. The state has no name for others."""
        while self._watcher is None:
            watcher = connect(self._url, write=False)
            before = _version(watcher)
            self.transaction.begin()
            if _version(watcher) == before:
                self._watcher = watcher, before
            else:
                watcher.close()
                self.transaction.close()
        return ""

    def changed(self) -> Sequence[str]:
        """Return the names of the tables that were written since `snapshot`; none if nothing was."""
        try:
            if self._watcher is None or _version(self._watcher[0]) == self._watcher[1]:
                return ()
        except sqlite3.Error as error:
            raise reading_failure(error, self._url) from error
        now = SqliteReader(self._url)
        try:
            names = sorted({*self._readable(), *now._readable()})
            return [name for name in names if self._digest(name) != now._digest(name)]
        finally:
            now.close()

    def close(self) -> None:
        self.transaction.close()
        if self._watcher is not None:
            self._watcher[0].close()
            self._watcher = None

    def _readable(self) -> list[str]:
        return [name for name, table in self.tables.by_name.items() if table.kind == "table"]

    def _digest(self, name: str) -> int | None:
        """Return a number that differs where the rows or the columns of the table do; None without the table."""
        if name not in self.tables.by_name:
            return None
        table = self.tables.table(name)
        digest = hash(tuple(column.name for column in self.tables.columns(table)))
        for rows in self.transaction.rows(f"SELECT * FROM {table.rows}"):
            digest = hash((digest, *rows))
        return digest

    # -- the contract

    def chunks(self, entity: str, *, target_bytes: int) -> Iterator[Chunk]:
        table, key = self.keyed(entity)
        total = self.count(entity)
        size = max(1, min(ROWS_A_CHUNK, target_bytes // max(1, self.row_size(table))))
        bounds = list(self._bounds(table, key, size, total))
        for number, lower in enumerate(bounds):
            upper = bounds[number + 1] if number + 1 < len(bounds) else None
            yield Chunk(entity, number, lower, upper, min(size, total - number * size))

    def raw(self, chunk: Chunk) -> Iterator[bytes]:
        _, key = self.keyed(chunk.entity)
        condition = within(key.parts, chunk.lower, chunk.upper)
        yield from self._lines(chunk.entity, condition, f" ORDER BY {', '.join(key.parts)}")

    def batches(self, chunk: Chunk, shape: Shape, columns: Sequence[Column]) -> Iterator[Batch]:
        table, key = self.keyed(chunk.entity)
        self._require_surveyed(table, key, shape)
        reading = _Reading(Arrangement(shape, columns), partial(self.records, chunk.entity))
        condition = within(key.parts, chunk.lower, chunk.upper)
        statement = f"SELECT {reading.selected} FROM {table.rows} WHERE {condition.sql} ORDER BY {', '.join(key.parts)}"
        for rows in self.transaction.rows(statement, condition.parameters):
            yield reading.batch(rows)

    def count(self, entity: str) -> int:
        ((number,),) = self.transaction.all(f"SELECT count(*) FROM {self.tables.table(entity).rows}")
        return int(number)

    def scan(self, entity: str) -> Iterator[bytes]:
        yield from self._lines(entity, Condition("true"))

    def keys(self, entity: str) -> Iterator[bytes]:
        table, key = self.keyed(entity)
        for rows in self.transaction.rows(f"SELECT {', '.join(key.parts)} FROM {table.rows}"):
            yield b"".join(write(Row([text_of(value) for value in row], {})) for row in rows)

    def fetch(self, entity: str, path: Path, values: Sequence[str]) -> Iterator[bytes]:
        table, key = self.keyed(entity)
        parts = (table.compared(self._column(table, path).sql),) if path else key.parts
        for condition in lists(parts, values):
            yield from self._lines(entity, condition)

    # -- ranges and columns

    def keyed(self, entity: str) -> tuple[SourceTable, Key]:
        table = self.tables.table(entity)
        return table, self.tables.key(table)

    def row_size(self, table: SourceTable) -> int:
        """Return the bytes of a row, by the first ones."""
        lengths = " + ".join(f"coalesce(length(CAST({c.sql} AS BLOB)), 1)" for c in self.tables.columns(table))
        some = f"(SELECT {lengths} AS size FROM {table.rows} LIMIT {_SAMPLE})"
        ((size,),) = self.transaction.all(f"SELECT avg(size) FROM {some}")
        return int(size or 0)

    def _bounds(self, table: SourceTable, key: Key, size: int, total: int) -> Iterator[str | None]:
        """Yield the lower bounds of ranges of `size` rows, the first of them open; none if there are no rows."""
        if not total:
            return
        yield None
        if total <= size:
            return
        ordered, number = ", ".join(key.parts), 0
        for rows in self.transaction.rows(f"SELECT {ordered} FROM {table.rows} ORDER BY {ordered}"):
            first = -number % size or (0 if number else size)
            yield from (key_of_texts([text_of(value) for value in row]) for row in rows[first::size])
            number += len(rows)

    def _column(self, table: SourceTable, path: Path) -> SourceColumn:
        name = unescape_step(path[0])
        found = next((c for c in self.tables.columns(table) if c.name == name), None)
        if found is None or len(path) > 1:
            raise Stale(f"{table.name} has no column {format_path(path)}; nothing was read", hint="crossfade survey")
        return found

    def _require_surveyed(self, table: SourceTable, key: Key, shape: Shape) -> None:
        """Raise Stale if the table has other columns or another key than the survey saw: rows would lose what is in
        them.
        """
        now, then = {c.name for c in self.tables.columns(table)}, set(shape.root.by_name)
        changed = sorted(now ^ then)
        if not changed and key.columns != key_names(shape):
            changed = ["its key"]
        if changed and then:
            raise Stale(
                f"{table.name} has changed since the survey ({', '.join(changed)}); nothing was read from it",
                hint="crossfade survey, then crossfade check",
            )

    # -- raw records

    def _lines(self, entity: str, condition: Condition, order: str = "") -> Iterator[bytes]:
        table, key = self.keyed(entity)
        names = [column.name for column in self.tables.columns(table)]
        selected = ", ".join([*key.parts, *(column.sql for column in self.tables.columns(table))])
        statement = f"SELECT {selected} FROM {table.rows} WHERE {condition.sql}{order}"
        for rows in self.transaction.rows(statement, condition.parameters):
            yield b"".join(_line(row, len(key.parts), names) for row in rows)

    def records(self, entity: str, keys: Sequence[str]) -> list[bytes]:
        """Return the raw records with these keys, in their order."""
        found = {key_of(raw): raw for piece in self.fetch(entity, (), keys) for raw in split(piece)}
        return [found[key] for key in keys]


def _version(connection: sqlite3.Connection) -> int:
    """Return a number that changes whenever another connection commits."""
    return int(connection.execute("PRAGMA data_version").fetchone()[0])


def _line(row: Sequence[Any], parts: int, names: Sequence[str]) -> bytes:
    texts = [None if value is None else text_of(value) for value in row]
    return write(Row([text or "" for text in texts[:parts]], dict(zip(names, texts[parts:], strict=True))))


class _Reading:
    """One statement's columns."""

    def __init__(self, arranged: Arrangement, records: Callable[[Sequence[str]], list[bytes]]) -> None:
        self._arranged, self._records = arranged, records
        self._names = [node.name for node in arranged.nodes]
        self.selected = ", ".join(f"t.{identifier(name)}" for name in self._names) or "NULL"

    def batch(self, rows: Rows) -> Batch:
        columns: list[Any] = list(zip(*rows, strict=True))
        held: Held = dict(zip(self._names, columns, strict=False))
        keys = _Keys([held[node.name] for node in self._arranged.key], len(rows))
        wrong: dict[int, Misfit] = {}
        for node in self._arranged.nodes:
            wrong |= {row: why for row, why in misfits(node, held[node.name]).items() if is_worse(why, wrong.get(row))}
        if not wrong:
            return Batch(self._arranged.table(held, len(rows)), _Raws(keys, self._records), (), keys)
        return self._without(held, keys, wrong)

    def _without(self, held: Held, keys: _Keys, wrong: dict[int, Misfit]) -> Batch:
        out = sorted(wrong)
        raws = self._records([keys[row] for row in out])
        aside = tuple(
            Rejection(row, wrong[row][0], wrong[row][1], path=wrong[row][2], key=keys[row], raw=raw)
            for row, raw in zip(out, raws, strict=True)
        )
        good = [row for row in range(len(keys)) if row not in wrong]
        left = [keys[row] for row in good]
        some = {name: [values[row] for row in good] for name, values in held.items()}
        return Batch(self._arranged.table(some, len(good)), _Raws(left, self._records), aside, left)


class _Keys(Sequence[str]):
    """The keys of the rows, each made when it is asked for."""

    def __init__(self, parts: Sequence[Sequence[Any]], size: int) -> None:
        self._parts, self._size = parts, size

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, at: Any) -> Any:
        if isinstance(at, slice):
            return [self[row] for row in range(self._size)[at]]
        return key_of_texts([text_of(column[at]) for column in self._parts])


class _Raws(Sequence[bytes]):
    """The raw records of the rows, fetched by their keys when they are asked for (model.batch.MadeLater)."""

    def __init__(self, keys: Sequence[str], fetch: Callable[[Sequence[str]], list[bytes]]) -> None:
        self._keys, self._fetch = keys, fetch

    def __len__(self) -> int:
        return len(self._keys)

    def __getitem__(self, at: Any) -> Any:
        return self.of(range(len(self))[at]) if isinstance(at, slice) else self.of([at])[0]

    def of(self, rows: Sequence[int]) -> list[bytes]:
        return self._fetch([self._keys[row] for row in rows]) if rows else []


_: type[Reader] = SqliteReader
