"""A connection through ADBC that only reads, opened on first use and again if it was lost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from functools import cache
from typing import Any

import pyarrow as pa

from crossfade.errors import CrossfadeError, Unreachable, may_pass
from crossfade.model.urls import hide_password
from crossfade.stores.postgresql import errors as failures
from crossfade.stores.postgresql.session import pooler
from crossfade.stores.postgresql.session.connect import adbc_conninfo, connect, conninfo, schema_in
from crossfade.stores.postgresql.session.no_connection import no_connection
from crossfade.stores.postgresql.session.settings import fix_settings


def _driver() -> Any:
    """Load the driver with the first connection, because a copy reads no rows back."""
    import adbc_driver_postgresql.dbapi

    return adbc_driver_postgresql.dbapi


@cache
def _require_session(url: str) -> None:
    """Raise Misused if the URL leads to a pooler whose clients share sessions. Once for each process: the driver does
    not tell which server process answers.
    """
    connect(url).close()


def _connected(url: str) -> Any:
    _require_session(url)
    try:
        return _driver().connect(adbc_conninfo(url), autocommit=True)
    except _driver().Error as error:
        if "startup parameter" not in str(error):  # how PgBouncer refuses options
            raise
        return _driver().connect(conninfo(url), autocommit=True)


class AdbcConnection:
    """`begin`: the statements that each new connection begins with, after its settings."""

    def __init__(self, url: str, begin: Sequence[str] = ()) -> None:
        self.url, self._begin = url, begin
        self._open: Any = None
        self._reading = 0
        self.opened = 0
        """How often it was opened: the settings of a session end with it."""

    def batches(self, statement: str) -> Iterator[Any]:
        """Yield the rows of a SELECT as pyarrow.RecordBatches. Raises CrossfadeError, Unreachable if it was lost."""
        self._reading += 1
        try:
            with closing(self._connection().cursor()) as cursor:
                cursor.execute(statement)
                with closing(cursor.fetch_record_batch()) as reader:
                    yield from reader
        except (_driver().Error, pa.ArrowException, OSError) as error:
            self.close()
            raise _translated(error, self.url) from error
        finally:
            self._reading -= 1

    @property
    def is_reading(self) -> bool:
        """Return whether the rows of a statement are being read: no other statement can run until that ends."""
        return self._reading > 0

    def run(self, statement: str) -> None:
        """Run a statement without a result."""
        try:
            self._connection()
            self._ask(statement)
        except (_driver().Error, pa.ArrowException, OSError) as error:
            self.close()
            raise _translated(error, self.url) from error

    def text_rows(self, statement: str) -> list[tuple[str | None, ...]]:
        """Return the rows of a SELECT whose columns are all text."""
        batches = ([column.to_pylist() for column in batch.columns] for batch in self.batches(statement))
        return [row for columns in batches for row in zip(*columns, strict=True)]

    def begin_again(self, begin: Sequence[str]) -> None:
        """End the transaction, and begin another one with these statements. New connections also begin with them."""
        self._begin = begin
        if self._open is None:
            return
        try:
            self._ask("COMMIT")
            self._begin_again()
        except (_driver().Error, pa.ArrowException, OSError) as error:
            self.close()
            raise _translated(error, self.url) from error
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        if self._open is not None:
            self._open.close()
            self._open = None

    def _connection(self) -> Any:
        if self._open is None:
            try:
                self._open = _connected(self.url)
            except _driver().Error as error:
                raise no_connection(error, self.url) from None
            try:
                fix_settings(self._ask, reading=True, schema=schema_in(self.url))
                self._begin_again()
            except BaseException:
                self.close()
                raise
            self.opened += 1
        return self._open

    def _begin_again(self) -> None:
        try:
            for statement in self._begin:
                self._ask(statement)
        except _driver().Error as error:
            if "snapshot" not in str(error):
                raise
            raise may_pass(
                Unreachable(
                    f"the snapshot in which this run reads {hide_password(self.url)} was lost with its connection",
                    hint="run the same command again: it resumes where it stopped",
                )
            ) from error

    def _ask(self, statement: str) -> list[tuple[Any, ...]]:
        with closing(self._open.cursor()) as cursor:
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []


def _translated(error: Exception, url: str) -> CrossfadeError:
    state = getattr(error, "sqlstate", None)
    said = failures.first_line(error, url)
    if pooler.NO_TRANSACTIONS in said:
        return pooler.refused("statement", url)
    if state and not state.startswith(("08", "57P", "00")):
        return failures.refused_reading(state, said, url)
    if not state and "ERROR:  " in said and "terminating connection" not in said:
        return failures.refused_reading("", said, url)  # in mid-stream Arrow's errors have no SQLSTATE
    return may_pass(
        Unreachable(
            f"the connection to {hide_password(url)} was lost while reading ({said}); nothing was changed",
            hint="run the same command again when the server is back",
        )
    )
