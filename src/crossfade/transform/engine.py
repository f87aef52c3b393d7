"""DuckDB as the engine of mappings: embedded, with Arrow as input and output.

It does not access the disk, loads no extensions, uses UTC, and runs one thread: the executor provides parallelism, with
one chunk in each process.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import duckdb
import pyarrow as pa

from crossfade.model.quoting import identifier
from crossfade.transform.interrupts import interruptible, require_not_stopped
from crossfade.transform.macros import FIRST, GIVEN, MARK, SUFFIXES, inverse_macros, macros, macros_of
from crossfade.transform.memory_bound import bounded_memory

PAD = 1 << 16
"""More than the length of a macro: a larger position in a plan is a position in the query itself."""

EngineError = duckdb.Error
"""Any error of DuckDB."""

OutOfMemory = duckdb.OutOfMemoryException

NOT_BOUND = (duckdb.BinderException, duckdb.CatalogException, duckdb.ParserException)
"""The query itself is wrong, whatever the records are."""

RECORD_ERRORS: tuple[type[Exception], ...] = (
    duckdb.DataError,
    duckdb.InvalidInputException,
    duckdb.InvalidTypeException,
    duckdb.NotSupportedError,
    duckdb.SyntaxException,  # of an escape or the like among the values; a query has a ParserException
    OutOfMemory,
)
"""Errors about the value of a record: a cast, an as_... function, an overflow. Any other error ends the run."""


_NUMBERS = r"U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|DECIMAL.*|DOUBLE|FLOAT|REAL|BOOLEAN"
_ONE_MESSAGE = re.compile(rf"CAST\({re.escape(FIRST)} AS ({_NUMBERS})\)")
"""Calls that have one message for all text that they refuse."""
_SAID = 10_000
"""The number of refused casts whose messages are cached."""


class Engine:
    """An engine that opens with the first query. Planning, counting and mappings of plain columns do not need it."""

    def __init__(self) -> None:
        self._made: set[str] = set()
        self._ready: set[str] = set()
        """The queries whose macros have all been created."""
        self._said: dict[str, str | None] = {}
        self._forms: dict[tuple[str, tuple[str, ...]], str] = {}

    @cached_property
    def _con(self) -> duckdb.DuckDBPyConnection:
        try:
            con, self._made = _idle.pop()
        except IndexError:
            con = _connected()
        return con

    def open(self) -> None:
        """Open the engine before the first query needs it."""
        _ = self._con

    def run(self, sql: str, tables: Mapping[str, pa.Table]) -> pa.Table:
        """Return the result of `sql` over named Arrow tables. Raises EngineError; OutOfMemory at the memory limit;
        KeyboardInterrupt if queries were stopped.
        """
        require_not_stopped()
        with self._registered(sql, tables), _bounded(), _classified():
            return self._con.sql(sql).to_arrow_table()

    def types(self, sql: str, tables: Mapping[str, pa.Table]) -> Mapping[str, str]:
        """Return the DuckDB type of each column of the result, without running the query. Raises EngineError;
        OutOfMemory at the memory limit, because DuckDB evaluates constant expressions when it binds them.
        """
        with self._registered(sql, tables), _bounded():
            relation = self._con.sql(sql)
            return dict(zip(relation.columns, map(str, relation.types), strict=True))

    def plan(self, sql: str, tables: Mapping[str, pa.Table]) -> Any:
        """Return DuckDB's bound plan of `sql`, not optimized. Positions in it start at PAD.

        The tables are replaced by empty views, because a plan over Python objects cannot be serialized.
        """
        with self._registered(sql, tables):
            types = {name: self._con.sql(f"SELECT * FROM {identifier(name)}") for name in tables}
            columns = {n: dict(zip(r.columns, map(str, r.types), strict=True)) for n, r in types.items()}
        for name, of in columns.items():
            nulls = ", ".join(f"CAST(NULL AS {kind}) AS {identifier(column)}" for column, kind in of.items())
            self._con.execute(f"CREATE TEMP VIEW {identifier(name)} AS SELECT {nulls} WHERE false")
        try:
            with _bounded():
                plan_of = "SELECT json_serialize_plan(?, optimize := false)"
                found = self._con.execute(plan_of, [" " * PAD + sql]).fetchone()
            plan = json.loads(found[0]) if found else {}
            if plan.get("error"):
                raise duckdb.NotImplementedException(plan.get("error_message"))
            return plan
        finally:
            for name in columns:
                self._con.execute(f"DROP VIEW {identifier(name)}")

    @contextmanager
    def _registered(self, sql: str, tables: Mapping[str, pa.Table]) -> Iterator[None]:
        """Provide what the query refers to: its macros, which stay, and its tables."""
        self.open()
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
        """Return the macros that the query names and that have not been created yet."""
        every = macros() | inverse_macros()
        if any(suffix in sql.lower() for suffix in SUFFIXES):
            from crossfade.transform.companions import companions  # here: needed only when a record was refused

            every = every | companions()
        return [(name, every[name]) for name in macros_of(sql, every) if name not in self._made]

    def refusal_of(self, told: str) -> str | None:
        """Return the message for a reason from a companion (companions.py), or None if the engine refuses nothing."""
        if not told.startswith(MARK):
            return told.strip().split("\n", 1)[0].replace("\0", "\\0")  # as in DuckDB's errors
        if told not in self._said:
            if len(self._said) >= _SAID:
                self._said.clear()
            template, given = told[1:].rsplit(MARK, 1)  # in JSON, the mark is escaped
            types_and_texts = json.loads(given)
            self._said[told] = self._message_of(template, types_and_texts[::2], types_and_texts[1::2])
        return self._said[told]

    def _message_of(self, template: str, types: Sequence[str], texts: Sequence[str | None]) -> str | None:
        """Return DuckDB's own message for values by running the call. Messages for text that is not a number
        differ only in the text, and are made from a template.
        """
        key = template, tuple(types)
        if key in self._forms and texts[0] is not None:
            return self._forms[key].replace(FIRST, texts[0].split("\n", 1)[0].replace("\0", "\\0"))
        called = template
        for number, kind in enumerate(types, 1):
            called = called.replace(GIVEN.format(number), f"CAST(? AS {kind})")
        said = self._asked(called, texts)
        if said is not None and types == ["VARCHAR"] and _ONE_MESSAGE.fullmatch(template):
            (text,) = texts
            if text is not None and said.count(text) == 1:
                self._forms[key] = said.replace(text, FIRST)
        return said

    def _asked(self, sql: str, texts: Sequence[str | None]) -> str | None:
        with interruptible():
            try:
                with _classified():
                    self._con.execute(f"SELECT {sql}", list(texts))
            except RECORD_ERRORS as error:
                return reason_of(error)
            except EngineError:  # the type cannot be written in this way
                return None
            return None

    def close(self) -> None:
        """Keep the connection for the engine that opens next, if it works and no other is kept."""
        con = self.__dict__.pop("_con", None)
        if con is None:
            return
        if not _idle and _works(con):
            _idle.append((con, self._made))
        else:
            con.close()


_idle: list[tuple[duckdb.DuckDBPyConnection, set[str]]] = []
"""A connection that no engine uses, and its macros: opening one takes 20 ms, and a move uses several, one by one."""


def _connected() -> duckdb.DuckDBPyConnection:
    with interruptible():
        con = duckdb.connect(":memory:", config={"threads": 1, "memory_limit": "256MB"})
        con.execute("SET TimeZone = 'UTC'")
        con.execute("SET ieee_floating_point_ops = false")  # division by zero is an error, not infinity
        con.execute("SET autoinstall_known_extensions = false; SET autoload_known_extensions = false")
        con.execute("SET enable_external_access = false")
        con.execute("SET lock_configuration = true")
        return con


@contextmanager
def _classified() -> Iterator[None]:
    """Raise an error for which DuckDB's client has no class as one about a value (list_reduce of an empty list)."""
    try:
        yield
    except EngineError as error:
        if type(error) is not EngineError:
            raise
        raise duckdb.DataError(str(error)) from error


@contextmanager
def _bounded() -> Iterator[None]:
    """Limit the memory of a query. Arrow, which receives the result, and Python raise MemoryError at the limit."""
    with bounded_memory():
        try:
            yield
        except MemoryError as error:
            raise OutOfMemory(str(error)) from error


def _works(con: duckdb.DuckDBPyConnection) -> bool:
    """Return whether the connection can be used: a fatal error of DuckDB breaks it for good."""
    with interruptible():
        try:
            con.execute("SELECT 1").fetchall()
        except EngineError:
            return False
        return True


_FRAME = re.compile(
    r"^(Invalid Input|Conversion|Out of Range|Binder|Catalog|Parser|Not implemented|Invalid type) Error: "
)


def reason_of(error: Exception) -> str:
    """Return DuckDB's message without its prefix, and without the list of candidates."""
    first, *more = (str(error).strip() or type(error).__name__).split("\n")  # a value may contain other line ends
    reason = _FRAME.sub("", first).removesuffix(" You might need to add explicit type casts.")
    reason = reason.split(" when casting from source column", 1)[0]
    reason = reason.split(" in expression (", 1)[0]  # the expression as DuckDB rewrote it, with advice on DuckDB
    meant = next((line for line in more if line.startswith("Did you mean")), None)
    return f"{reason} {meant}" if meant else reason


__all__ = ["NOT_BOUND", "RECORD_ERRORS", "Engine", "EngineError", "OutOfMemory", "reason_of"]
