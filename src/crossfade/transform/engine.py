"""DuckDB as the engine of mappings: embedded, one connection a process, Arrow in and Arrow out.

Nothing is read from or written to disk, no extension is fetched, time zones are UTC, and one thread runs: parallel
work is the executor's, a chunk a process.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import duckdb
import pyarrow as pa

from crossfade.model.quoting import identifier
from crossfade.transform.interrupts import interruptible
from crossfade.transform.macros import GIVEN, MARK, SUFFIXES, macros, macros_of
from crossfade.transform.memory_bound import bounded_memory

PAD = 1 << 16
"""More than a macro is long: what stands further on in a plan stands in the query itself."""

EngineError = duckdb.Error
"""Anything that DuckDB says no to."""

OutOfMemory = duckdb.OutOfMemoryException

RECORD_ERRORS: tuple[type[Exception], ...] = (
    duckdb.DataError,
    duckdb.InvalidInputException,
    duckdb.InvalidTypeException,
    duckdb.NotSupportedError,
    OutOfMemory,
)
"""SQL refused a record's value: a cast, an as_... function, an overflow. Any other error is no record's, and ends the
run.
"""


_OF_NUMBERS = re.compile(r"CAST\(\$given AS (U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|DECIMAL.*|DOUBLE|FLOAT|REAL|BOOLEAN)\)")
_SAID = 10_000
"""So many refused casts are remembered with their words."""


class Engine:
    """Opened by the first query: who plans and counts has none, nor has a mapping whose outputs are all columns."""

    def __init__(self) -> None:
        self._made: set[str] = set()
        self._ready: set[str] = set()
        """The queries whose macros are all made."""
        self._said: dict[str, str | None] = {}
        self._forms: dict[tuple[str, str], str] = {}

    @cached_property
    def _con(self) -> duckdb.DuckDBPyConnection:
        with interruptible():
            con = duckdb.connect(":memory:", config={"threads": 1, "memory_limit": "256MB"})
            con.execute("SET TimeZone = 'UTC'")
            con.execute("SET ieee_floating_point_ops = false")  # what is divided by zero is an error, not infinity
            con.execute("SET autoinstall_known_extensions = false; SET autoload_known_extensions = false")
            con.execute("SET enable_external_access = false")
            con.execute("SET lock_configuration = true")
            return con

    def open(self) -> None:
        """Opens it before the first query needs it."""
        _ = self._con

    def run(self, sql: str, tables: Mapping[str, pa.Table]) -> pa.Table:
        """The result of `sql` over Arrow tables, by name. Raises EngineError; OutOfMemory where it takes too much."""
        with self._registered(sql, tables), bounded_memory():
            try:
                return self._con.sql(sql).to_arrow_table()
            except MemoryError as error:  # of Arrow, which takes over the result
                raise OutOfMemory(str(error)) from error

    def types(self, sql: str, tables: Mapping[str, pa.Table]) -> Mapping[str, str]:
        """Column -> DuckDB type of the result, without running it."""
        with self._registered(sql, tables):
            relation = self._con.sql(sql)
            return dict(zip(relation.columns, map(str, relation.types), strict=True))

    def plan(self, sql: str, tables: Mapping[str, pa.Table]) -> Any:
        """DuckDB's plan of `sql` as it is bound, not optimized; places in it are counted from PAD on.

        Empty views stand for the tables: a plan over what lies in Python cannot be put down.
        """
        with self._registered(sql, tables):
            types = {name: self._con.sql(f"SELECT * FROM {identifier(name)}") for name in tables}
            columns = {n: dict(zip(r.columns, map(str, r.types), strict=True)) for n, r in types.items()}
        for name, of in columns.items():
            nulls = ", ".join(f"CAST(NULL AS {kind}) AS {identifier(column)}" for column, kind in of.items())
            self._con.execute(f"CREATE TEMP VIEW {identifier(name)} AS SELECT {nulls} WHERE false")
        try:
            found = self._con.execute("SELECT json_serialize_plan(?, optimize := false)", [" " * PAD + sql]).fetchone()
            plan = json.loads(found[0]) if found else {}
            if plan.get("error"):
                raise duckdb.NotImplementedException(plan.get("error_message"))
            return plan
        finally:
            for name in columns:
                self._con.execute(f"DROP VIEW {identifier(name)}")

    @contextmanager
    def _registered(self, sql: str, tables: Mapping[str, pa.Table]) -> Iterator[None]:
        """What the query names is there: its macros, which stay, and its tables."""
        with interruptible():
            if sql not in self._ready:
                for name, statement in self._missing(sql):
                    self._con.execute(statement)
                    self._made.add(name)
                self._ready.add(sql)
            try:
                for name, table in tables.items():
                    self._con.register(name, table)
                yield
            finally:
                for name in tables:
                    self._con.unregister(name)

    def _missing(self, sql: str) -> list[tuple[str, str]]:
        """The macros that the query names, and that are not there yet."""
        every = macros()
        if any(suffix in sql.lower() for suffix in SUFFIXES):
            from crossfade.transform.companions import companions  # parses SQL: only where a record was refused

            every = every | companions()
        return [(name, every[name]) for name in macros_of(sql, every) if name not in self._made]

    def refusal_of(self, told: str) -> str | None:
        """The words for a reason that a companion gave (companions.py); None where the engine refuses nothing."""
        if not told.startswith(MARK):
            return told.strip().split("\n", 1)[0].replace("\0", "\\0")  # as DuckDB's errors have it
        if told not in self._said:
            if len(self._said) >= _SAID:
                self._said.clear()
            self._said[told] = self._own_words(*told.split(MARK, 3)[1:])
        return self._said[told]

    def _own_words(self, written: str, kind: str, text: str) -> str | None:
        """What DuckDB itself says of a value: by asking it. Of text that is no number it always says the same."""
        form = self._forms.get((written, kind))
        if form is not None:
            return form.replace(GIVEN, text.split("\n", 1)[0].replace("\0", "\\0"))
        said = self._asked(written.replace(GIVEN, f"CAST(? AS {kind})"), text)
        if said is not None and kind == "VARCHAR" and _OF_NUMBERS.fullmatch(written) and said.count(text) == 1:
            self._forms[written, kind] = said.replace(text, GIVEN)
        return said

    def _asked(self, sql: str, text: str) -> str | None:
        with interruptible():
            try:
                self._con.execute(f"SELECT {sql}", [text])
            except RECORD_ERRORS as error:
                return reason_of(error)
            except EngineError:  # of a type that cannot be written so
                return None
            return None

    def close(self) -> None:
        if "_con" in self.__dict__:
            self._con.close()


_FRAME = re.compile(
    r"^(Invalid Input|Conversion|Out of Range|Binder|Catalog|Parser|Not implemented|Invalid type) Error: "
)


def reason_of(error: Exception) -> str:
    """DuckDB's message without its own frame, and without the list of everything else that it might have been."""
    first, *more = (str(error).strip() or type(error).__name__).split("\n")  # a value may hold other line ends
    reason = _FRAME.sub("", first).removesuffix(" You might need to add explicit type casts.")
    reason = reason.split(" when casting from source column", 1)[0]
    meant = next((line for line in more if line.startswith("Did you mean")), None)
    return f"{reason} {meant}" if meant else reason


__all__ = ["RECORD_ERRORS", "Engine", "EngineError", "OutOfMemory", "reason_of"]
