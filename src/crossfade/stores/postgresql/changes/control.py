"""A connection beside the stream: to write marks, read the catalog, and create and remove objects."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from threading import RLock
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus

from crossfade.errors import CrossfadeError, Unreachable, may_pass
from crossfade.model.sql_files import named_queries
from crossfade.model.urls import hide_password
from crossfade.stores.postgresql import errors as failures
from crossfade.stores.postgresql.session.connect import connect


@cache
def queries() -> dict[str, str]:
    return named_queries(__package__, "changes.sql")


class Control:
    """Opened on first use, and again after it was lost. Several threads may use it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._open: psycopg.Connection[Any] | None = None
        self._lock = RLock()

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        """Run a statement and return its rows. Raises Unreachable, or CrossfadeError if the server refuses it.

        A connection that was lost while it was idle is opened again, so a statement outside of a transaction may run
        twice.
        """
        with self._lock:
            was_idle = self._open is not None and self._open.info.transaction_status == TransactionStatus.IDLE
            try:
                return self._rows(statement)
            except Unreachable:
                if not was_idle or not (self._open is None or self._open.closed):
                    raise
                return self._rows(statement)

    def _rows(self, statement: str) -> list[tuple[Any, ...]]:
        with self.speaking() as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    @contextmanager
    def speaking(self) -> Iterator[psycopg.Connection[Any]]:
        """Provide the connection; the driver's errors become Crossfade's."""
        with self._lock:
            try:
                yield self._connection()
            except psycopg.Error as error:
                raise translated(error, self.url) from error

    def close(self) -> None:
        with self._lock:
            if self._open is not None:
                self._open.close()
                self._open = None

    def _connection(self) -> psycopg.Connection[Any]:
        if self._open is None or self._open.closed:
            self._open = connect(self.url, autocommit=True)
            # a mark does not wait for a standby: the feed would seem dead if the standby is
            self._open.execute(b"SET synchronous_commit TO local")
        return self._open


def translated(error: psycopg.Error, url: str) -> CrossfadeError:
    """Return the error of a feed's connection."""
    said = failures.first_line(error, url)
    if error.sqlstate is None or error.sqlstate.startswith(("08", "57P")):
        return may_pass(
            Unreachable(
                f"the connection to {hide_password(url)} was lost ({said})",
                hint="nothing to do if it comes back: the feed resumes where it was",
            )
        )
    return failures.refused_reading(error.sqlstate, said, url)
