"""One read transaction on a SQLite file that is opened read-only.

It sees one state of the file for as long as it is open. In WAL mode other processes go on writing meanwhile; in the
other journal modes they wait until it ends.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import chain
from sys import getsizeof
from typing import Any

from crossfade.errors import CrossfadeError, Unreachable
from crossfade.records.rows.dynamic.values import BadText
from crossfade.stores.sqlite.connect import connect, failure, path_of, primary_code

Rows = list[tuple[Any, ...]]

ROWS_AT_ONCE = 10_000
BYTES_AT_ONCE = 8 * 1024 * 1024
_STEP, _STEP_BYTES = 200, 2 * 1024 * 1024  # the most rows and bytes that are fetched before the size is measured
_NOT_TEXT = "Could not decode to UTF-8"


class ReadTransaction:
    """Begins with the first statement. Raises Unreachable if the file cannot be opened."""

    def __init__(self, url: str) -> None:
        self._url = url

    @cached_property
    def _connection(self) -> sqlite3.Connection:
        found = connect(self._url, write=False)
        found.text_factory = str  # fast; a text that is not UTF-8 is an error, after which `_lossless` decodes
        try:
            found.execute("BEGIN")
            found.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        except sqlite3.Error as error:
            found.close()
            raise reading_failure(error, self._url) from error
        return found

    def begin(self) -> None:
        _ = self._connection

    def close(self) -> None:
        if (found := self.__dict__.pop("_connection", None)) is not None:
            found.close()

    def all(self, statement: str, parameters: Sequence[Any] = ()) -> Rows:
        return [row for rows in self.rows(statement, parameters) for row in rows]

    def rows(self, statement: str, parameters: Sequence[Any] = ()) -> Iterator[Rows]:
        """Yield the rows of a SELECT, at most about 8 MB (or one row) at a time."""
        done = 0
        try:
            try:
                for rows in self._rows(statement, parameters):
                    yield rows
                    done += len(rows)
            except sqlite3.OperationalError as error:
                if _NOT_TEXT not in str(error):
                    raise
                self._connection.text_factory = _lossless
                yield from self._rows(statement, parameters, done)
        except sqlite3.Error as error:
            raise reading_failure(error, self._url) from error

    def _rows(self, statement: str, parameters: Sequence[Any], skip: int = 0) -> Iterator[Rows]:
        cursor, step = self._connection.execute(statement, parameters), 1
        while skip:
            skip -= len(cursor.fetchmany(min(skip, _STEP)))
        waiting, size = Rows(), 0
        while found := cursor.fetchmany(step):
            waiting += found
            measured = sum(map(getsizeof, chain.from_iterable(found)))
            size += measured
            step = max(1, min(_STEP, 2 * step, _STEP_BYTES * len(found) // max(1, measured)))
            if size >= BYTES_AT_ONCE or len(waiting) >= ROWS_AT_ONCE:
                yield waiting
                waiting, size = Rows(), 0
        if waiting:
            yield waiting


def _lossless(raw: bytes) -> str | bytes:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return BadText(raw)


def reading_failure(error: sqlite3.Error, url: str) -> CrossfadeError:
    """Convert an error of reading into one of crossfade's."""
    path = path_of(url)
    if primary_code(error) in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN):
        return Unreachable(
            f"SQLite file {path} cannot be read without writing beside it ({error}); nothing was read",
            hint="open it once with its application or with sqlite3, which recovers what a crash has left; "
            "or give the folder write permission, which a file in WAL mode needs",
        )
    return failure(error, path)
