"""PostgreSQL's Ddl: try schemas out and read them back, find violated constraints."""

from __future__ import annotations

import weakref
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

import psycopg

from crossfade.errors import CrossfadeError, SchemaFault
from crossfade.model.described import Described
from crossfade.model.findings import Finding
from crossfade.model.target import ForeignKey, Step, TargetSchema, TargetTable, Unique
from crossfade.schema.statements import Script, split
from crossfade.stores.contract import Ddl, NumbersBehind, Unsound
from crossfade.stores.postgresql import errors as failures
from crossfade.stores.postgresql.catalog.catalog import reflect
from crossfade.stores.postgresql.catalog.describe import describe, holding_rows, holds_values
from crossfade.stores.postgresql.catalog.existing_tables import described, user_tables
from crossfade.stores.postgresql.catalog.objects import shown
from crossfade.stores.postgresql.constraints import violations as census
from crossfade.stores.postgresql.constraints.advance import advance, numbers_behind, running_out
from crossfade.stores.postgresql.constraints.removed import outlive_removed
from crossfade.stores.postgresql.constraints.unbuildable import unbuildable
from crossfade.stores.postgresql.doubtful import doubtful
from crossfade.stores.postgresql.scratch.database import scratch
from crossfade.stores.postgresql.scratch.trial import Trial
from crossfade.stores.postgresql.session import rights
from crossfade.stores.postgresql.session.connect import connect, group_of, journal_tables
from crossfade.stores.postgresql.session.default_schema import default_schema

_TELL = "nothing was written. Remove the statement from the file and run it after the move"


_THERE = """
SELECT 'schema', quote_ident(nspname) FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'
UNION ALL SELECT 'extension', quote_ident(extname) FROM pg_extension
UNION ALL SELECT CASE prokind WHEN 'p' THEN 'procedure' WHEN 'a' THEN 'aggregate' ELSE 'function' END,
                 format('%s(%s)', p.oid::regproc, pg_get_function_identity_arguments(p.oid))
          FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace
          WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
"""


def _lacking(schema: TargetSchema, error: psycopg.Error) -> str:
    """Return what to try. A missing type or operator class may belong to an extension that a note names."""
    needed = [note for note in schema.notes if "needs the extension" in note]
    if error.sqlstate == psycopg.errors.UndefinedObject.sqlstate and needed:
        return "; ".join(needed)
    return "the schema is valid, but it could not be created again; " + _TELL


class PostgresDdl:
    """The Ddl of the database at `url`. One idle connection is reused."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._idle: list[psycopg.Connection[Any]] = []
        weakref.finalize(self, _close_all, self._idle)  # if close() is never called
        self._dropping = _one_thread()
        self._default: str | None = None

    def default_schema(self) -> str:
        """The schema of tables that name none."""
        if self._default is None:
            with self._connected() as connection:
                self._default = default_schema(connection)
        return self._default

    def close(self) -> None:
        """Close the connection, and wait until no scratch database is left."""
        _close_all(self._idle)
        self._dropping.shutdown()
        self._dropping = _one_thread()

    def is_empty(self) -> list[str]:
        """Return the existing tables outside the journal's schema, each with whether it holds rows."""
        with self._connected() as connection:
            return [described(connection, there) for there in user_tables(connection)]

    def has_journal(self) -> bool:
        """Return whether the journal's tables exist."""
        with self._connected() as connection:
            move = f"crossfade.{journal_tables(group_of(self._url))}move"
            row = connection.execute("SELECT to_regclass(%s) IS NOT NULL", [move]).fetchone()
            return bool(row and row[0])

    def there_before(self) -> list[tuple[str, str]]:
        """Return existing schemas, extensions and functions."""
        with self._connected() as connection:
            return [(kind, shown(name)) for kind, name in connection.execute(_THERE).fetchall()]

    def scratch_schema(self, statements: str, file: str) -> TargetSchema:
        """Execute SQL text in a scratch database and reflect it. Raises SchemaFault with all faults found."""
        script = split(statements)
        with self._scratch() as connection:
            try:
                with connection.transaction(force_rollback=True):
                    schema = self._tried(script, file, connection)
            except (SchemaFault, psycopg.Error):  # not everything in a file can run in one transaction
                pass
            else:
                return self._made(schema, connection)
        with self._scratch() as connection:
            schema = self._tried(script, file, connection)
        with self._scratch() as connection:
            return self._made(schema, connection)

    def _tried(self, script: Script, file: str, connection: psycopg.Connection[Any]) -> TargetSchema:
        """Return what the statements create."""
        trial = Trial(connection, script, file)
        try:
            trial.run()
        except psycopg.OperationalError as error:
            raise failures.lost(error, self._url) from None
        if trial.faults:
            raise SchemaFault(trial.faults)
        return reflect(connection, self.default_schema(), (*script.notes, *trial.notes))

    def _made(self, schema: TargetSchema, connection: psycopg.Connection[Any]) -> TargetSchema:
        """Return the schema as it is after its own steps have created it."""
        self._run_steps(schema, connection)
        made = reflect(connection, self.default_schema(), schema.notes, partial(self._metadata_of, schema))
        return replace(made, described=describe(connection))

    def _scratch(self) -> AbstractContextManager[psycopg.Connection[Any]]:
        return scratch(self._url, self._dropping.submit, self.default_schema())

    def _run_steps(self, schema: TargetSchema, connection: psycopg.Connection[Any]) -> None:
        """Run the schema's steps in a scratch database, to prove before anything is written that they succeed.

        PostgreSQL prints some expressions (`role IN ('a', 'b')` of a varchar) differently after reading its own output.
        """
        connection.execute("SET check_function_bodies TO off")
        steps = (*schema.pre, *schema.post)
        for step in steps:
            try:
                with connection.transaction():
                    rights.run(connection, step.sql)
            except psycopg.Error as error:
                if lacking := rights.lacking(error, connection, step.sql, [one.sql for one in steps]):
                    raise lacking from None
                raise self._failed(step, error, _lacking(schema, error)) from None

    def _metadata_of(self, schema: TargetSchema) -> Any:
        with self._scratch() as connection:
            self._run_steps(schema, connection)
            return _metadata_of(connection, self.default_schema())

    def _failed(self, step: Step, error: psycopg.Error, hint: str) -> CrossfadeError:
        if failures.is_lost(error):
            return failures.lost(error, self._url)
        said = " · ".join(filter(None, (error.diag.message_primary, error.diag.message_detail))) or str(error)
        return CrossfadeError(f"the step {step.id!r} of the schema failed: {said}\n  statement: {step.sql}", hint=hint)

    def describe(self) -> Described:
        """Describe the target's catalog."""
        with self._connected() as connection:
            return describe(connection)

    def describe_made(self, schema: TargetSchema) -> Described:
        """Describe the catalog of a scratch database in which the schema was created."""
        if schema.described is not None:
            return schema.described
        with self._scratch() as connection:
            self._run_steps(schema, connection)
            return describe(connection)

    def holding_rows(self, relations: Sequence[str]) -> dict[str, bool | None]:
        """Return whether each relation, by its name in a description, has a row; None if it may not be read."""
        with self._connected() as connection:
            return holding_rows(connection, relations)

    def holds_values(self, relation: str, column: str) -> bool:
        """Return whether a row has a value in the column; both by their names in a description."""
        with self._connected() as connection:
            return holds_values(connection, relation, column)

    def numbers_behind(self, tables: Sequence[TargetTable]) -> list[NumbersBehind]:
        """Return the sequences whose next number is already in use in a row of the tables."""
        with self._connected() as connection:
            return numbers_behind(connection, tables)

    def unsound(self, tables: Sequence[TargetTable]) -> list[Unsound]:
        """Return the sequences that will soon have no number left for their column. Damage is left to amcheck."""
        with self._connected() as connection:
            return running_out(connection, tables)

    def live_schema(self) -> TargetSchema:
        """Return the current schema of the target."""
        with self._connected() as connection:
            made = reflect(connection, default_schema(connection), metadata_of=self._live_metadata)
            return replace(made, notes=())  # all of its objects are included

    def _live_metadata(self) -> Any:
        with self._connected() as connection:
            return _metadata_of(connection, default_schema(connection))

    def duplicates(self, table: TargetTable, unique: Unique) -> Any:
        """Return the primary keys (canonical Arrow) of the rows to remove so that `unique` holds: all but the least."""
        with self._connected(autocommit=False) as connection:
            return census.duplicates(connection, table, unique)

    def orphans(self, table: TargetTable, key: ForeignKey) -> Any:
        """Return the primary keys (canonical Arrow) of the rows whose `key` has no parent. NULL references nothing."""
        with self._connected(autocommit=False) as connection:
            return census.orphans(connection, table, key)

    def unbuildable(self, table: TargetTable, step: Step) -> Any:
        """Return the primary keys of the rows that prevent an index or constraint, and why (see the contract)."""
        with self._connected(autocommit=False) as connection:
            return unbuildable(connection, table, step)

    def outlive_removed(self) -> None:
        """Wait for transactions that can still see removed rows. Raises Busy if they do not end."""
        with self._connected() as connection:
            outlive_removed(connection, self._url)

    def advance_sequences(self, tables: Sequence[TargetTable], headroom: int = 0) -> int:
        """Set the sequences of the tables' columns `headroom` numbers after the last one in use. Return how many."""
        with self._connected(autocommit=False) as connection:
            return advance(connection, tables, headroom)

    def doubtful(self, schema: TargetSchema, mapped: Collection[str]) -> list[Finding]:
        return list(doubtful(schema, mapped))

    @contextmanager
    def _connected(self, *, autocommit: bool = True) -> Iterator[psycopg.Connection[Any]]:
        """Lend the idle connection, or a new one if there is none. After an error it is closed."""
        try:
            with ExitStack() as closing:
                connection = closing.enter_context(self._idle_connection() or connect(self._url, autocommit=True))
                connection.autocommit = autocommit
                yield connection
                connection.commit()
                connection.autocommit = True
                if not self._idle:
                    closing.pop_all()
                    self._idle.append(connection)
        except psycopg.Error as error:
            raise failures.translated(error, self._url, "") from error

    def _idle_connection(self) -> psycopg.Connection[Any] | None:
        """Take the idle connection, unless it was lost meanwhile."""
        try:
            connection = self._idle.pop()
        except IndexError:
            return None
        try:
            connection.execute("SELECT")
        except psycopg.Error:
            connection.close()
            return None
        return connection


def _close_all(idle: list[psycopg.Connection[Any]]) -> None:
    while idle:
        idle.pop().close()


def _one_thread() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, "crossfade-drop")


def _metadata_of(connection: psycopg.Connection[Any], default: str) -> Any:
    from crossfade.stores.postgresql.catalog.metadata import metadata_of  # loads SQLAlchemy

    return metadata_of(connection, default)


_: type[Ddl] = PostgresDdl
