"""Reads the tables of a SQLite file by ranges of their keys.

Every reader reads in one transaction, so that it sees one state. SQLite cannot share that with another connection:
whether all readers of a run saw the same state is checked afterwards (`changed`).
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from hashlib import blake2b
from typing import Any

from crossfade.errors import Stale
from crossfade.model.batch import Batch, Chunk, Column
from crossfade.model.quoting import identifier
from crossfade.model.rejection import Rejection
from crossfade.model.shape import Path, Shape, format_path, unescape_step
from crossfade.records.rows.differences import differences
from crossfade.records.rows.dynamic.columns import ColumnValues, MixedColumns
from crossfade.records.rows.dynamic.reader import Misfit, is_worse, misfits
from crossfade.records.rows.dynamic.values import text_of
from crossfade.records.rows.keys import key_of_texts
from crossfade.records.rows.raw import RawRow, key_of, split, unseen, write
from crossfade.stores.contract import Reader, Written
from crossfade.stores.sqlite.connect import connect, path_of
from crossfade.stores.sqlite.reading.key_ranges import MORE_PARAMETERS, Condition, lists, within
from crossfade.stores.sqlite.reading.tables import SourceTable, SqliteColumn, TableKey, Tables
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
        """Begin to watch the file, for `changed`. The snapshot has no name, because it cannot be shared."""
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

    def changed(self) -> Written | None:
        """Return what was committed since `snapshot`, with the tables whose rows differ now. If none does, another
        reader may still have seen a state between.
        """
        try:
            if self._watcher is None or not _has_commits(*self._watcher):
                return None
        except sqlite3.Error as error:
            raise reading_failure(error, self._url) from error
        now = SqliteReader(self._url)
        try:
            names = sorted({*self._readable(), *now._readable()})
            differing = (name for name in names if self._digest(name) != now._digest(name))
            return Written(path_of(self._url).name, tuple(differing))
        finally:
            now.close()

    def close(self) -> None:
        self.transaction.close()
        if self._watcher is not None:
            self._watcher[0].close()
            self._watcher = None

    def _readable(self) -> list[str]:
        return [name for name, table in self.tables.by_name.items() if table.kind == "table"]

    def _digest(self, name: str) -> bytes | None:
        """Return bytes that differ where the rows (rowids included, if they are the key) or the columns of the table
        do; None without the table. Python's own hash would not do: 1 and 1.0 have the same, and so have -1 and -2.
        """
        if name not in self.tables.by_name:
            return None
        table = self.tables.table(name)
        columns = self.tables.columns(table)
        digest = blake2b(repr([column.name for column in columns]).encode())
        for rows in self.transaction.rows(f"SELECT {', '.join(column.sql for column in columns)} FROM {table.rows}"):
            for row in rows:
                digest.update(repr(row).encode())
        return digest.digest()

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
        self._require_surveyed(chunk.entity, shape)
        reading = _Reading(MixedColumns(shape, columns), partial(self.records, chunk.entity))
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
            yield b"".join(write(RawRow([text_of(value) for value in row], {})) for row in rows)

    def fetch(self, entity: str, path: Path, values: Sequence[str], shape: Shape | None = None) -> Iterator[bytes]:
        table, key = self.keyed(entity)
        if shape is not None:
            self._require_surveyed(entity, shape, more=True)
        seen = set[bytes]()
        for condition in self._listed(table, key, path, values):
            for piece in self._lines(entity, condition):  # what its collation calls equal may be in two portions
                if fresh := unseen(piece, seen):
                    yield fresh

    def found(
        self,
        entity: str,
        path: Path,
        values: Sequence[str],
        shape: Shape,
        columns: Sequence[Column],
        also: Sequence[tuple[Path, Sequence[str]]] = (),
    ) -> Iterator[Batch]:
        """Like `fetch`, with the records as Arrow (contract.Finder)."""
        table, key = self.keyed(entity)
        self._require_surveyed(entity, shape)
        reading = _Reading(MixedColumns(shape, columns), partial(self.records, entity))
        few = [(where, some) for where, some in also if len(also) * len(some) <= MORE_PARAMETERS]
        narrowed = [condition for where, some in few for condition in self._listed(table, key, where, some)]
        for condition in self._listed(table, key, path, values):
            where = " AND ".join(one.sql for one in (condition, *narrowed))
            parameters = [value for one in (condition, *narrowed) for value in one.parameters]
            statement = f"SELECT {reading.selected} FROM {table.rows} WHERE {where}"
            for rows in self.transaction.rows(statement, tuple(parameters)):
                yield reading.batch(rows)

    # -- ranges and columns

    def _listed(self, table: SourceTable, key: TableKey, path: Path, values: Sequence[str]) -> Iterator[Condition]:
        """Yield the conditions for some values at a time: keys, or those of one column."""
        return lists((table.compared(self._column(table, path).sql),) if path else key.parts, values)

    def keyed(self, entity: str) -> tuple[SourceTable, TableKey]:
        table = self.tables.table(entity)
        return table, self.tables.key(table)

    def row_size(self, table: SourceTable) -> int:
        """Return the average bytes of a row, estimated from the first rows."""
        lengths = " + ".join(f"coalesce(length(CAST({c.sql} AS BLOB)), 1)" for c in self.tables.columns(table))
        some = f"(SELECT {lengths} AS size FROM {table.rows} LIMIT {_SAMPLE})"
        ((size,),) = self.transaction.all(f"SELECT avg(size) FROM {some}")
        return int(size or 0)

    def _bounds(self, table: SourceTable, key: TableKey, size: int, total: int) -> Iterator[str | None]:
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

    def _column(self, table: SourceTable, path: Path) -> SqliteColumn:
        name = unescape_step(path[0])
        found = next((c for c in self.tables.columns(table) if c.name == name), None)
        if found is None or len(path) > 1:
            raise Stale(f"{table.name} has no column {format_path(path)}; nothing was read", hint="crossfade survey")
        return found

    def altered(self, entity: str, shape: Shape, *, more: bool = False) -> list[str]:
        """Return how the table differs from what the survey saw; with `more` it may have other columns in addition.
        Declared types decide nothing: the type of each value is looked at when it is read.
        """
        table, key = self.keyed(entity)
        return differences(shape, {c.name: c.declared for c in self.tables.columns(table)}, key.columns, more=more)

    def _require_surveyed(self, entity: str, shape: Shape, *, more: bool = False) -> None:
        """Raise Stale if the table has other columns or another key than the survey saw: values would be lost. With
        `more` it may have others in addition, as a raw record tells.
        """
        if found := self.altered(entity, shape, more=more):
            raise Stale(
                f"{entity} has changed since the survey ({'; '.join(found)}); nothing was read from it",
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
    """Return a number that changes whenever another connection commits, or empties the WAL file."""
    return int(connection.execute("PRAGMA data_version").fetchone()[0])


def _has_commits(watcher: sqlite3.Connection, before: int) -> bool:
    """Return whether another connection has committed since the version was `before`. A checkpoint that empties the WAL
    file is no commit. It has to leave there what was committed after an open read transaction began: so if the file is
    empty, nothing was.
    """
    if _version(watcher) == before:
        return False
    file = watcher.execute("SELECT file FROM pragma_database_list WHERE name = 'main'").fetchone()[0]
    try:
        return os.stat(f"{file}-wal").st_size > 0
    except FileNotFoundError:
        return True


def _line(row: Sequence[Any], parts: int, names: Sequence[str]) -> bytes:
    texts = [None if value is None else text_of(value) for value in row]
    return write(RawRow([text or "" for text in texts[:parts]], dict(zip(names, texts[parts:], strict=True))))


class _Reading:
    """One statement's columns."""

    def __init__(self, arranged: MixedColumns, records: Callable[[Sequence[str]], list[bytes]]) -> None:
        self._arranged, self._records = arranged, records
        self._names = [node.name for node in arranged.nodes]
        self.selected = ", ".join(f"t.{identifier(name)}" for name in self._names) or "NULL"

    def batch(self, rows: Rows) -> Batch:
        columns: list[Any] = list(zip(*rows, strict=True))
        by_name: ColumnValues = dict(zip(self._names, columns, strict=False))
        keys = _Keys([by_name[node.name] for node in self._arranged.key], len(rows))
        wrong: dict[int, Misfit] = {}
        for node in self._arranged.nodes:
            wrong |= {
                row: why for row, why in misfits(node, by_name[node.name]).items() if is_worse(why, wrong.get(row))
            }
        if not wrong:
            return Batch(self._arranged.table(by_name, len(rows)), _Raws(keys, self._records), (), keys)
        return self._without(by_name, keys, wrong)

    def _without(self, by_name: ColumnValues, keys: _Keys, wrong: dict[int, Misfit]) -> Batch:
        out = sorted(wrong)
        raws = self._records([keys[row] for row in out])
        aside = tuple(
            Rejection(row, wrong[row][0], wrong[row][1], path=wrong[row][2], key=keys[row], raw=raw)
            for row, raw in zip(out, raws, strict=True)
        )
        good = [row for row in range(len(keys)) if row not in wrong]
        left = [keys[row] for row in good]
        some = {name: [values[row] for row in good] for name, values in by_name.items()}
        return Batch(self._arranged.table(some, len(good)), _Raws(left, self._records), aside, left)


class _Keys(Sequence[str]):
    """The keys of the rows, each computed when it is used."""

    def __init__(self, parts: Sequence[Sequence[Any]], size: int) -> None:
        self._parts, self._size = parts, size

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, at: Any) -> Any:
        if isinstance(at, slice):
            return [self[row] for row in range(self._size)[at]]
        return key_of_texts([text_of(column[at]) for column in self._parts])


class _Raws(Sequence[bytes]):
    """The raw records of the rows, fetched by their keys when they are used (model.batch.MadeLater)."""

    def __init__(self, keys: Sequence[str], fetch: Callable[[Sequence[str]], list[bytes]]) -> None:
        self._keys, self._fetch = keys, fetch

    def __len__(self) -> int:
        return len(self._keys)

    def __getitem__(self, at: Any) -> Any:
        return self.of(range(len(self))[at]) if isinstance(at, slice) else self.of([at])[0]

    def of(self, rows: Sequence[int]) -> list[bytes]:
        return self._fetch([self._keys[row] for row in rows]) if rows else []


_: type[Reader] = SqliteReader
