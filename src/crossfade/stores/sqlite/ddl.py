"""SQLite's Ddl: the same abilities as PostgreSQL's, in a file or in memory."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any

from crossfade.errors import Fault, SchemaFault
from crossfade.model.described import Described, by
from crossfade.model.findings import Finding
from crossfade.model.quoting import identifier
from crossfade.model.target import ForeignKey, Step, TargetSchema, TargetTable, Unique
from crossfade.schema.leave_out import notes_of, only_drops, why_left_out
from crossfade.schema.statements import Script, Statement, split
from crossfade.schema.tokens import tokens
from crossfade.stores.contract import Ddl, NumbersBehind, Unsound
from crossfade.stores.sqlite.catalog import JOURNAL_PREFIX, reflect
from crossfade.stores.sqlite.connect import connect, failure, path_of
from crossfade.stores.sqlite.describe import describe, describe_made, holds_rows, holds_values
from crossfade.stores.sqlite.doubtful_columns import doubtful_columns
from crossfade.stores.sqlite.soundness import unsound
from crossfade.stores.sqlite.unbuildable import unbuildable
from crossfade.stores.sqlite.violations import duplicates, orphans


class SqliteDdl:
    """The Ddl of the file at `url`. Every call opens its own connection and closes it."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._path = path_of(url)

    def default_schema(self) -> str:
        return ""

    def is_empty(self) -> list[str]:
        """Return the tables other than the journal's, each with whether it holds rows."""
        if not self._path.exists():  # a read must not create the file
            return []
        with self._connected() as connection:
            return [_described(connection, name) for name in _tables(connection)]

    def has_journal(self) -> bool:
        """Return whether the journal's tables exist."""
        if not self._path.exists():
            return False
        with self._connected() as connection:
            query = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?"
            return connection.execute(query, (f"{JOURNAL_PREFIX}move",)).fetchone() is not None

    def there_before(self) -> list[tuple[str, str]]:
        """Return nothing: a SQLite file has no schemas, extensions or functions."""
        return []

    def scratch_schema(self, statements: str, file: str) -> TargetSchema:
        """Execute SQL text in an in-memory database and reflect it. Raises SchemaFault with every fault found."""
        script = split(statements)
        with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
            notes, faults = _tried(connection, script, file)
            if faults:
                raise SchemaFault(faults)
            return reflect(connection, (*script.notes, *notes))

    def describe(self) -> Described:
        """Describe the file's schema."""
        if not self._path.exists():
            return Described(by("SQLite"), ())
        with self._connected(write=False) as connection:  # writing would switch the file to WAL mode
            return describe(connection)

    def describe_made(self, schema: TargetSchema) -> Described:
        """Describe an in-memory database in which the schema was created."""
        return describe_made(schema)

    def holding_rows(self, relations: Sequence[str]) -> dict[str, bool | None]:
        """Return whether each of the tables has a row."""
        with self._connected() as connection:
            return {name: holds_rows(connection, name) for name in relations}

    def holds_values(self, relation: str, column: str) -> bool:
        """Return whether a row has a value in the column; both by their names in a description."""
        with self._connected() as connection:
            return holds_values(connection, relation, column)

    def numbers_behind(self, tables: Sequence[TargetTable]) -> list[NumbersBehind]:
        """Return nothing: SQLite continues after the greatest number by itself."""
        return []

    def unsound(self, tables: Sequence[TargetTable]) -> list[Unsound]:
        """Return what SQLite's own checks of the file find, and exhausted AUTOINCREMENT counters."""
        with self._connected() as connection:
            return unsound(connection, self._path.name, {t.table.lower() for t in tables})

    def live_schema(self) -> TargetSchema:
        """Return the current schema of the target."""
        with self._connected() as connection:
            return reflect(connection)

    def duplicates(self, table: TargetTable, unique: Unique) -> Any:
        """Return the primary keys (canonical Arrow) of the rows to remove so that `unique` holds: all but the least."""
        with self._connected() as connection:
            return duplicates(connection, table, unique)

    def orphans(self, table: TargetTable, key: ForeignKey) -> Any:
        """Return the primary keys (canonical Arrow) of the rows whose `key` has no parent. NULL references nothing."""
        with self._connected() as connection:
            return orphans(connection, table, key)

    def unbuildable(self, table: TargetTable, step: Step) -> Any:
        """Return the primary keys of the rows that prevent an index, and why (see the contract)."""
        with self._connected() as connection:
            return unbuildable(connection, table, step)

    def outlive_removed(self) -> None:
        """Do nothing: an index in SQLite contains only the current rows."""

    def advance_sequences(self, tables: Sequence[TargetTable], headroom: int = 0) -> int:
        """Do nothing: SQLite continues after the greatest number by itself."""
        return 0

    def doubtful(self, schema: TargetSchema, mapped: Collection[str]) -> list[Finding]:
        """Return a note for each doubtful column: SQLite accepts any type name and stores values by affinity."""
        return list(doubtful_columns(schema, mapped))

    @contextmanager
    def _connected(self, *, write: bool = True) -> Iterator[sqlite3.Connection]:
        with closing(connect(self._url, write=write)) as connection:
            try:
                yield connection
            except sqlite3.Error as error:
                raise failure(error, self._path) from None


def _tables(connection: sqlite3.Connection) -> list[str]:
    query = (
        "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type IN ('table', 'virtual')"
        f" AND name NOT LIKE 'sqlite~_%' ESCAPE '~' AND substr(name, 1, {len(JOURNAL_PREFIX)}) <> '{JOURNAL_PREFIX}'"
        " ORDER BY name"
    )
    return [name for (name,) in connection.execute(query)]


def _described(connection: sqlite3.Connection, name: str) -> str:
    (holds,) = connection.execute(f"SELECT EXISTS (SELECT 1 FROM {identifier(name)})").fetchone()
    return f"{name} ({'has rows' if holds else 'no rows'})"


def _tried(connection: sqlite3.Connection, script: Script, file: str) -> tuple[list[str], list[Fault]]:
    left_out: list[tuple[int, str]] = []
    faults: list[Fault] = []
    for statement in script.statements:
        reason = why_left_out(statement)
        if reason:
            left_out.append((statement.line, reason))
        if reason is not None:
            continue
        try:
            connection.execute(statement.text)
        except sqlite3.Error as error:
            if "no such" in str(error) and (what := only_drops(statement)):
                left_out.append((statement.line, f"{what} is skipped: there is nothing to drop yet"))
            else:
                faults.append(_fault(statement, error, file))
    return notes_of(left_out), faults


def _fault(statement: Statement, error: sqlite3.Error, file: str) -> Fault:
    """Point at the first token that SQLite names: it does not report a position."""
    said = str(error)
    near = said.split('near "', 1)[1].split('"', 1)[0] if 'near "' in said else ""
    found = next((t.start for t in tokens(statement.text) if near and t.text == near), None)
    line, column = (statement.line, statement.column) if found is None else statement.place(found)
    hint = "look for a missing comma or parenthesis before it" if near else None
    return Fault(file, line, column, f"SQLite rejects this statement (SQLite: {said})", statement.text, None, hint)


_: type[Ddl] = SqliteDdl
