"""DuckDB as the engine of mappings: embedded, one connection a process, Arrow in and Arrow out.

Nothing is read from or written to disk, no extension is fetched, time zones are UTC, and one thread runs: parallel
work is the executor's, a chunk a process.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property

import duckdb
import pyarrow as pa

from crossfade.mapping.interrupts import interruptible
from crossfade.mapping.macros import macros, macros_of

EngineError = duckdb.Error
"""Anything that DuckDB says no to."""

RECORD_ERRORS: tuple[type[Exception], ...] = (
    duckdb.DataError,
    duckdb.InvalidInputException,
    duckdb.InvalidTypeException,
    duckdb.NotSupportedError,
    duckdb.OutOfMemoryException,
)
"""SQL refused a record's value: a cast, an as_... function, an overflow. Any other error is no record's, and ends the
run.
"""


class Engine:
    """Opened by the first query: who plans and counts has none, nor has a mapping whose outputs are all columns."""

    def __init__(self) -> None:
        self._made: set[str] = set()

    @cached_property
    def _con(self) -> duckdb.DuckDBPyConnection:
        with interruptible():
            con = duckdb.connect(":memory:", config={"threads": 1, "memory_limit": "256MB"})
            con.execute("SET TimeZone = 'UTC'")
            con.execute("SET autoinstall_known_extensions = false; SET autoload_known_extensions = false")
            con.execute("SET enable_external_access = false")
            con.execute("SET lock_configuration = true")
            return con

    def open(self) -> None:
        """Opens it before the first query needs it."""
        _ = self._con

    def run(self, sql: str, tables: Mapping[str, pa.Table]) -> pa.Table:
        """The result of `sql` over Arrow tables, by name. Raises EngineError."""
        with self._registered(sql, tables):
            return self._con.sql(sql).to_arrow_table()

    def types(self, sql: str, tables: Mapping[str, pa.Table]) -> Mapping[str, str]:
        """Column -> DuckDB type of the result, without running it."""
        with self._registered(sql, tables):
            relation = self._con.sql(sql)
            return dict(zip(relation.columns, map(str, relation.types), strict=True))

    @contextmanager
    def _registered(self, sql: str, tables: Mapping[str, pa.Table]) -> Iterator[None]:
        """What the query names is there: its macros, which stay, and its tables."""
        with interruptible():
            for name in macros_of(sql):
                if name not in self._made:
                    self._con.execute(macros()[name])
                    self._made.add(name)
            try:
                for name, table in tables.items():
                    self._con.register(name, table)
                yield
            finally:
                for name in tables:
                    self._con.unregister(name)

    def close(self) -> None:
        if "_con" in self.__dict__:
            self._con.close()


_FRAME = re.compile(
    r"^(Invalid Input|Conversion|Out of Range|Binder|Catalog|Parser|Not implemented|Invalid type) Error: "
)


def reason_of(error: Exception) -> str:
    """DuckDB's message without its own frame, and without the list of everything else that it might have been."""
    first, *more = str(error).strip().splitlines() or [type(error).__name__]
    reason = _FRAME.sub("", first).removesuffix(" You might need to add explicit type casts.")
    reason = reason.split(" when casting from source column", 1)[0]
    meant = next((line for line in more if line.startswith("Did you mean")), None)
    return f"{reason} {meant}" if meant else reason


__all__ = ["RECORD_ERRORS", "Engine", "EngineError", "reason_of"]
