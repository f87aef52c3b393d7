"""Rows that prevent an index: each row is inserted into an empty copy of the table that has the same index."""

from __future__ import annotations

import sqlite3
from typing import Any

import pyarrow as pa

from crossfade.model.quoting import identifier
from crossfade.model.target import Step, TargetTable
from crossfade.schema.live import place_of_table
from crossfade.schema.tokens import meaningful
from crossfade.stores.sqlite.connect import primary_code
from crossfade.stores.sqlite.violations import keys_of, listed_key

_PROBE = "crossfade_probe"
_OF_A_ROW = {sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_MISMATCH, sqlite3.SQLITE_TOOBIG}
"""Errors that are about a row. Any other is about the file or the machine."""


def unbuildable(connection: sqlite3.Connection, table: TargetTable, step: Step) -> Any:
    """Return the primary keys of the rows to remove. Rows are tried in key order: of two, the lesser key stays."""
    connection.execute("SAVEPOINT crossfade_unbuildable")
    try:
        _make(connection, table, step)
        return _refused(connection, table, step)
    finally:
        if connection.in_transaction:  # a full disk has already rolled everything back
            connection.execute("ROLLBACK TO crossfade_unbuildable")
            connection.execute("RELEASE crossfade_unbuildable")


def _make(connection: sqlite3.Connection, table: TargetTable, step: Step) -> None:
    query = "SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = ?"
    (made,) = connection.execute(query, (table.table,)).fetchone()
    words = meaningful(made)
    name = words[next(i for i, word in enumerate(words) if word.word == "TABLE") + 1]
    connection.execute(f"{made[: name.start]}{_PROBE}{made[name.end :]}")
    start, end = place_of_table(step)
    connection.execute(f"{step.sql[:start]}{_PROBE}{step.sql[end:]}")


def _refused(connection: sqlite3.Connection, table: TargetTable, step: Step) -> Any:
    key = listed_key(table)
    columns = ", ".join(identifier(c.name) for c in table.columns if not c.generated)
    where = " AND ".join(f"{identifier(name)} IS ?" for name in table.primary_key)
    insert = f"INSERT OR ABORT INTO {_PROBE} ({columns}) SELECT {columns} FROM {identifier(table.table)} WHERE {where}"
    rows: list[tuple[Any, ...]] = []
    said: list[tuple[str, str]] = []
    for row in connection.execute(f"SELECT {key} FROM {identifier(table.table)} ORDER BY {key}").fetchall():
        try:
            connection.execute(insert, row)
        except sqlite3.IntegrityError as error:
            rows.append(row)
            said.append(("unique", str(error)))
        except sqlite3.Error as error:
            if primary_code(error) not in _OF_A_ROW:
                raise
            rows.append(row)
            said.append(("bad_value", str(error)))
    keys = keys_of(table, rows)
    for name, place in (("#reason", 0), ("#detail", 1)):
        keys = keys.append_column(name, pa.array([one[place] for one in said], pa.string()))
    return keys.append_column("#column", pa.nulls(len(keys), pa.string()))
