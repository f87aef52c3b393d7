"""A connection through ADBC that only reads, opened on first use and again if it was lost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any

import pyarrow as pa

from crossfade.errors import CrossfadeError, Unreachable, may_pass
from crossfade.model.urls import hide_password
from crossfade.stores.postgresql import errors as failures
from crossfade.stores.postgresql.session.connect import adbc_conninfo, conninfo, schema_in
from crossfade.stores.postgresql.session.no_connection import no_connection
from crossfade.stores.postgresql.session.settings import fix_settings


def _driver() -> Any:
    """Loaded with the first connection: a copy reads no rows back."""
    import adbc_driver_postgresql.dbapi

    return adbc_driver_postgresql.dbapi


def _connected(url: str) -> Any:
    try:
        return _driver().connect(adbc_conninfo(url), autocommit=True)
    except _driver().Error as error:
        if "startup parameter" not in str(error):  # how PgBouncer refuses options
            raise
        return _driver().connect(conninfo(url), autocommit=True)


class AdbcConnection:
    """`begin` are the statements that each new connection begins with, after its settings are made."""

    def __init__(self, url: str, begin: Sequence[str] = ()) -> None:
        self.url, self._begin = url, begin
        self._open: Any = None
        self.opened = 0
        """How often it was opened: what a session was told is gone with it."""

    def batches(self, statement: str) -> Iterator[Any]:
        """Yield the rows of a SELECT as pyarrow.RecordBatches. Raises CrossfadeError, Unreachable if it was lost."""
        try:
            with closing(self._connection().cursor()) as cursor:
                cursor.execute(statement)
                with closing(cursor.fetch_record_batch()) as reader:
                    yield from reader
        except (_driver().Error, pa.ArrowException, OSError) as error:
            self.close()
            raise _translated(error, self.url) from error

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
                self._begin_anew()
            except BaseException:
                self.close()
                raise
            self.opened += 1
        return self._open

    def _begin_anew(self) -> None:
        try:
            for statement in self._begin:
                self._ask(statement)
        except _driver().Error as error:
            if "snapshot" not in str(error):
                raise
            raise may_pass(
                Unreachable(
                    f"the snapshot in which this run reads {hide_password(self.url)} is gone with its connection",
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
