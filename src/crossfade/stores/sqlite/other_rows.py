"""Find rows and objects of a file that are not the move's. SQLite does not record who wrote a row."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import count
from typing import Any

import pyarrow as pa

from crossfade.model.quoting import identifier
from crossfade.model.target import TargetTable
from crossfade.stores.contract import OtherRows
from crossfade.stores.sqlite.catalog import table_of
from crossfade.stores.sqlite.forms import Unstorable, stored

_OPTIONS = pa.ipc.IpcWriteOptions(compression="zstd")


def mark(table: TargetTable, rows: pa.Table) -> bytes:
    """Return the primary keys of the rows, compressed."""
    sink = pa.BufferOutputStream()
    keys = rows.select(list(table.primary_key))
    with pa.ipc.new_stream(sink, keys.schema, options=_OPTIONS) as out:
        out.write_table(keys)
    return bytes(sink.getvalue())


def other_rows(connection: sqlite3.Connection, table: TargetTable, limit: int) -> OtherRows:
    """Return the rows whose primary key the move never wrote, or deleted again. A row that was changed in place keeps
    its key and counts as the move's.
    """
    there = table_of(connection, table.table)
    if not there.primary_key:
        return OtherRows(0)
    key = ", ".join(map(identifier, there.primary_key))
    with _written(connection, there, table.name) as written:
        others = f"SELECT {key} FROM {identifier(table.table)} EXCEPT SELECT {key} FROM {written}"
        (rows,) = connection.execute(f"SELECT count(*) FROM ({others})").fetchone()
        first = connection.execute(f"{others} ORDER BY {key} LIMIT ?", (limit,)).fetchall() if rows else []
    return OtherRows(rows, tuple(", ".join(_shown(value) for value in row) for row in first))


@contextmanager
def _written(connection: sqlite3.Connection, table: TargetTable, name: str) -> Iterator[str]:
    """Create a table of the keys that the move has written, with the affinities of the table's own columns."""
    keys = ", ".join(map(identifier, table.primary_key))
    connection.execute(f"CREATE TEMP TABLE crossfade_written AS SELECT {keys} FROM {identifier(table.table)} LIMIT 0")
    try:
        connection.execute(f"CREATE INDEX temp.crossfade_written_key ON crossfade_written ({keys})")
        marks = ", ".join("?" * len(table.primary_key))
        query = "SELECT gone, mark FROM crossfade_loaded WHERE table_name = ? ORDER BY rowid"
        for gone, noted in connection.execute(query, (name,)).fetchall():
            where = f"({keys}) = ({marks})"
            what = (
                "DELETE FROM temp.crossfade_written WHERE " + where
                if gone
                else f"INSERT INTO temp.crossfade_written VALUES ({marks})"
            )
            connection.executemany(what, _values(table, noted))
        yield "temp.crossfade_written"
    finally:
        connection.execute("DROP TABLE temp.crossfade_written")


def _values(table: TargetTable, noted: bytes) -> Iterator[tuple[Any, ...]]:
    """Yield the keys of a mark as SQLite stores them; none if the table now has another key."""
    rows = pa.ipc.open_stream(noted).read_all()
    types = {c.name: c.type for c in table.columns}
    if set(rows.column_names) != set(table.primary_key):
        return
    with suppress(Unstorable):  # of a column whose type was changed
        yield from zip(*(stored(rows.column(name), types[name]) for name in table.primary_key), strict=True)


def _shown(value: object) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)


def left_broken(connection: sqlite3.Connection, statements: Sequence[str]) -> list[str]:
    """Return views, triggers and foreign keys that work now and would not if the statements ran."""
    works = [(what, sql) for what, sql in _uses(connection) if _compiles(connection, sql)]
    keys = sorted(_references(connection))
    connection.execute("SAVEPOINT crossfade_trial")
    try:
        for statement in statements:
            connection.execute(statement)
        left = _tables(connection)
        there = dict.fromkeys(what for what, _ in _uses(connection))
        broken = [what for what, sql in works if what in there and not _compiles(connection, sql)]
    finally:
        connection.execute("ROLLBACK TO crossfade_trial")
        connection.execute("RELEASE crossfade_trial")
    gone = _tables(connection) - left
    broken += [f"foreign key of {child} to {parent}" for child, parent in keys if parent in gone and child in left]
    return list(dict.fromkeys(broken))


def _tables(connection: sqlite3.Connection) -> set[str]:
    return {str(name).lower() for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}


def _references(connection: sqlite3.Connection) -> Iterator[tuple[str, str]]:
    """Return pairs (table, referenced table), in lowercase."""
    query = (
        'SELECT DISTINCT lower(m.name), lower(k."table") FROM sqlite_schema m, pragma_foreign_key_list(m.name) k'
        " WHERE m.type = 'table'"
    )
    yield from connection.execute(query).fetchall()


def _uses(connection: sqlite3.Connection) -> Iterator[tuple[str, str]]:
    """Return every view and trigger, with statements that compile only while everything they name exists."""
    rows = connection.execute(
        "SELECT type, name, tbl_name FROM sqlite_schema WHERE type IN ('view', 'trigger') ORDER BY type DESC, name"
    ).fetchall()
    for kind, name, table in rows:
        if kind == "view":
            yield f"view {name}", f"SELECT * FROM {identifier(name)}"
        else:
            yield from ((f"trigger {name} of {table}", statement) for statement in _writes(connection, table))


def _writes(connection: sqlite3.Connection, table: str) -> Iterator[str]:
    """Return statements that fire each trigger of a table or view; they are compiled, not run."""
    named = identifier(table)
    columns = [name for (name,) in connection.execute("SELECT name FROM pragma_table_info(?)", (table,))]
    yield f"DELETE FROM {named}"
    if columns:
        yield f"UPDATE {named} SET {', '.join(f'{identifier(c)} = {identifier(c)}' for c in columns)}"
        nulls = ", ".join(["NULL"] * len(columns))
        yield f"INSERT INTO {named} ({', '.join(map(identifier, columns))}) VALUES ({nulls})"


_number = count()


def _compiles(connection: sqlite3.Connection, statement: str) -> bool:
    """Compile a statement. Each has its own text: the driver does not compile a cached EXPLAIN again."""
    try:
        connection.execute(f"EXPLAIN {statement} -- {next(_number)}")
    except sqlite3.Error:
        return False
    return True
