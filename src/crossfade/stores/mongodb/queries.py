"""A user's SELECT over collections: MongoDB has no SQL, so DuckDB runs it over the collections that it names.

The collections are read as the schema says (by rows.py), a batch at a time, into an engine that spills to disk.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from crossfade.errors import CrossfadeError, InvalidQuery
from crossfade.model.canonical import arrow_schema
from crossfade.model.quoting import identifier
from crossfade.model.target import TargetTable

Scan = Callable[[TargetTable, Sequence[str]], Iterator[Any]]
_MEMORY = "256MB"
_NO_VALUE = "were not provided for the following parameters"
"""What DuckDB says of `$1`."""


def run_query(sql: str, limit: int, tables: Sequence[TargetTable], scan: Scan) -> tuple[list[str], list[Any], int]:
    """Return the columns, the first rows, and the number of all. Raises CrossfadeError if the query fails."""
    named = _named(sql)
    with tempfile.TemporaryDirectory(prefix="crossfade-") as folder:
        config = {"memory_limit": _MEMORY, "temp_directory": str(Path(folder) / "spill"), "threads": 1}
        try:
            with duckdb.connect(":memory:", config=config) as engine:
                engine.execute("SET TimeZone = 'UTC'")
                for table in tables:
                    if table.name in named:
                        _fill(engine, table, scan)
                engine.execute("SET enable_external_access = false")
                found = engine.execute(sql)
                names = [column[0] for column in found.description or ()]
                rows = found.fetchmany(limit)
                return names, rows, len(rows) + _left(found)
        except duckdb.Error as error:
            is_invalid = isinstance(error, (duckdb.ParserException, duckdb.BinderException))
            is_invalid = is_invalid or _NO_VALUE in str(error)
            raise (InvalidQuery if is_invalid else CrossfadeError)(f"the query failed: {error}") from error


def _named(sql: str) -> set[str]:
    """Return the tables of a SELECT. Raises InvalidQuery for any other statement: nothing but a SELECT is run."""
    try:
        statements = sqlglot.parse(sql, read="duckdb")
    except SqlglotError as error:
        raise InvalidQuery(f"the query does not parse: {_said(error)}") from error
    if len(statements) != 1 or not isinstance(statements[0], exp.Query):
        raise InvalidQuery("the query is not one SELECT; it was not run")
    return {table.name for table in statements[0].find_all(exp.Table)}


def _said(error: SqlglotError) -> str:
    """Return where the parser stopped, without the control codes with which sqlglot underlines it in a terminal."""
    details = getattr(error, "errors", None)
    if not details:
        return "a quote or a comment is not closed"
    first = details[0]
    return f"{first['description'].rstrip('.')} at {first['highlight']!r} (line {first['line']})"


def _fill(engine: duckdb.DuckDBPyConnection, table: TargetTable, scan: Scan) -> None:
    columns = [column.name for column in table.columns]
    schema = arrow_schema(table, columns)
    reader = pa.RecordBatchReader.from_batches(schema, (batch.select(columns) for batch in scan(table, columns)))
    engine.register("#documents", reader)
    moments = {column.name for column in table.columns if column.type.kind == "timestamptz"}
    listed = (f"timezone('UTC', {n}) AS {n}" if c in moments else n for c in columns for n in [identifier(c)])
    engine.execute(f'CREATE TEMP TABLE {identifier(table.name)} AS SELECT {", ".join(listed)} FROM "#documents"')
    engine.unregister("#documents")


def _left(found: duckdb.DuckDBPyConnection) -> int:
    count = 0
    while rows := found.fetchmany(10_000):
        count += len(rows)
    return count
