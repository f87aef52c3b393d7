"""DuckDB as the engine of mappings: embedded, one connection a process, Arrow in and Arrow out.

Nothing is read from or written to disk, no extension is fetched, time zones are UTC, and one thread runs: parallel work is the
executor's, a chunk a process.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources
from typing import Any

import duckdb
import pyarrow as pa

EngineError = duckdb.Error
"""A record's value was refused by SQL: a cast, an as_... function, an overflow."""


class Engine:
    def __init__(self) -> None:
        self._con = duckdb.connect(":memory:", config={"threads": 1, "memory_limit": "256MB"})
        self._con.execute("SET TimeZone = 'UTC'")
        self._con.execute("SET autoinstall_known_extensions = false; SET autoload_known_extensions = false")
        self._con.execute("SET enable_external_access = false")
        self._con.execute(macros())
        self._con.execute("SET lock_configuration = true")

    def run(self, sql: str, tables: Mapping[str, pa.Table]) -> pa.Table:
        """The result of `sql` over Arrow tables, by name. Raises EngineError."""
        for name, table in tables.items():
            self._con.register(name, table)
        try:
            return self._con.sql(sql).to_arrow_table()
        finally:
            for name in tables:
                self._con.unregister(name)

    def types(self, sql: str, tables: Mapping[str, pa.Table]) -> Mapping[str, str]:
        """Column -> DuckDB type of the result, without running it."""
        for name, table in tables.items():
            self._con.register(name, table)
        try:
            relation = self._con.sql(sql)
            return dict(zip(relation.columns, map(str, relation.types), strict=True))
        finally:
            for name in tables:
                self._con.unregister(name)

    def close(self) -> None:
        self._con.close()


def macros() -> str:
    return resources.files("crossfade.mapping").joinpath("macros.sql").read_text(encoding="utf-8")


def reason_of(error: Exception) -> str:
    """DuckDB's message without its own frame."""
    first = str(error).strip().splitlines()[0]
    for prefix in ("Invalid Input Error: ", "Conversion Error: ", "Out of Range Error: ", "Binder Error: "):
        first = first.removeprefix(prefix)
    return first


__all__: list[Any] = ["Engine", "EngineError", "macros", "reason_of"]
