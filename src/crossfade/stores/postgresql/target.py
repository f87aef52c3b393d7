"""Writes to PostgreSQL: binary COPY for new rows, one transaction for everything that belongs together."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any

import psycopg
import pyarrow as pa
import pyarrow.compute as pc
from psycopg import sql

from crossfade.model.canonical import only_changed
from crossfade.model.described import Described
from crossfade.model.target import ColumnType, TargetTable
from crossfade.stores.contract import OtherRows, RecordRows, RowRejected, TargetTransaction, Writer
from crossfade.stores.postgresql import errors as failures
from crossfade.stores.postgresql.catalog.column_types import CatalogType, column_types
from crossfade.stores.postgresql.catalog.describe import describe
from crossfade.stores.postgresql.catalog.own_rows import of_kind
from crossfade.stores.postgresql.fence import PASSES
from crossfade.stores.postgresql.meaning.checks import unusual_columns
from crossfade.stores.postgresql.session import rights
from crossfade.stores.postgresql.session.connect import connect, group_of, journal_tables
from crossfade.stores.postgresql.session.default_schema import PUBLIC, default_schema, note
from crossfade.stores.postgresql.session.lock import end_with_client, lock_is_held, release_lock, take_lock
from crossfade.stores.postgresql.writing import copy_in, owned, record_by_record, statements, table_rows
from crossfade.stores.postgresql.writing.altered import require_unaltered
from crossfade.stores.postgresql.writing.cascading import require_unreferred
from crossfade.stores.postgresql.writing.render import CopyRenderer, WireColumn, best_renderer
from crossfade.stores.postgresql.writing.rewritten import carried_out
from crossfade.stores.postgresql.writing.triggers import DisabledTriggers
from crossfade.stores.postgresql.writing.type_checks import WriterChecks
from crossfade.stores.sql_journal import SqlJournal

_PARALLEL = 64  # more writers would only wait for each other


class PostgresWriter:
    """One connection, opened on first use and again if it was lost."""

    def __init__(self, url: str, renderer: CopyRenderer | None = None) -> None:
        self._url, self._renderer = url, renderer or best_renderer()
        self._open: psycopg.Connection[Any] | None = None
        self._catalog: dict[str, dict[str, CatalogType]] = {}
        self._checks: WriterChecks | None = None
        self._locked = False
        self._default = PUBLIC

    @contextmanager
    def transaction(self) -> Iterator[TargetTransaction]:
        try:
            with ExitStack() as stack:
                connection = self._begin(stack)
                if self._checks is None:
                    self._checks = WriterChecks(connection)
                loader = PostgresTransaction(
                    connection, self._url, self._renderer, self._catalog, self._checks, self._default
                )
                yield loader
                loader.suspended.resume()
        except psycopg.Error as error:  # from COMMIT itself: a deferred constraint, a lost connection
            raise failures.translated(error, self._url, "", self._default) from error
        except BaseException:
            self._forget()  # discard what was looked up in the failed transaction
            raise

    def _begin(self, stack: ExitStack) -> psycopg.Connection[Any]:
        """Begin a transaction. A connection that was lost while idle is noticed here and opened again."""
        connection = self._connection()
        try:
            stack.enter_context(connection.transaction())
        except psycopg.OperationalError:
            if not connection.broken:
                raise
            connection = self._connection()
            stack.enter_context(connection.transaction())
        return connection

    @contextmanager
    def lock(self) -> Iterator[None]:
        take_lock(self._connection(), self._url)
        self._locked = True
        try:
            yield
        finally:
            self._locked = False
            if self._open is not None:
                release_lock(self._open, self._url)

    def is_locked(self) -> bool:
        return lock_is_held(self._connection(), self._url)

    def fill_rank(self) -> int:
        return _PARALLEL

    def close(self) -> None:
        if self._open is not None:
            self._open.close()
            self._open = None

    def _connection(self) -> psycopg.Connection[Any]:
        if self._open is None or self._open.closed or self._open.broken:
            self._forget()
            self._open = self._connected()
        return self._open

    def _connected(self) -> psycopg.Connection[Any]:
        connection = connect(self._url, autocommit=True)
        try:
            end_with_client(connection)
            connection.execute(PASSES)
            self._default = default_schema(connection)
            if self._locked:  # the lock was released with the lost connection
                take_lock(connection, self._url)
        except BaseException:
            connection.close()
            raise
        return connection

    def _forget(self) -> None:
        self._catalog.clear()
        self._checks = None


class PostgresTransaction:
    """Works inside the transaction that PostgresWriter opened.

    After a RowRejected the transaction can only go back, unless it happened inside `savepoint()`.
    """

    def __init__(
        self,
        connection: psycopg.Connection[Any],
        url: str,
        renderer: CopyRenderer,
        catalog: dict[str, dict[str, CatalogType]],
        checks: WriterChecks,
        default: str,
    ) -> None:
        self._connection, self._url, self._renderer = connection, url, renderer
        self._catalog, self._checks, self._default = catalog, checks, default
        self.suspended = DisabledTriggers(connection)
        self._own = journal_tables(group_of(url))
        self.journal = SqlJournal(
            self.execute, self.execute_many, f"crossfade.{self._own}", self._own, locks=True, arrays=True
        )

    @property
    def _loaded(self) -> str:
        """The journal's table of loads."""
        return f"crossfade.{self._own}loaded"

    def load(self, table: TargetTable, rows: Any) -> None:
        if not len(rows):
            return
        self._get_ready(table, rows)
        with self._translating(table.name):
            names = list(rows.column_names)
            copy_in.send(self._connection, self._renderer, _identifier(table), names, rows, self._wired(table, names))

    def load_each(self, parts: Sequence[RecordRows]) -> Mapping[int, RowRejected] | None:
        names = [_identifier(part.table).as_string(self._connection) for part in parts]
        for part in parts:
            self._get_ready(part.table, part.rows)
        can, notes = record_by_record.possible(self._connection, names, self._loaded)
        if not can:
            return None
        records = sorted({root for part in parts for root in part.roots.to_pylist()})
        try:
            staged = [
                self._stage(i, part, name, records) for i, (part, name) in enumerate(zip(parts, names, strict=True))
            ]
            record_by_record.fill(self._connection, staged, len(records), check_late=self.suspended.defers, notes=notes)
            found = record_by_record.refused(self._connection, staged, self._default)
        except psycopg.Error as error:
            ours = failures.translated(error, self._url, parts[0].table.name)
            if failures.is_state(error) or isinstance(ours, RowRejected):
                raise ours from error
            raise RowRejected(
                "bad_value", str(ours), table=parts[0].table.name
            ) from error  # of this way of loading only: the caller bisects
        return {records[number]: refusal for number, refusal in found.items()}

    def _stage(self, number: int, part: RecordRows, name: str, records: Sequence[int]) -> record_by_record.Staged:
        columns = list(part.rows.column_names)
        staged = record_by_record.stage(self._connection, number, part.table, name, columns)
        places = pc.index_in(part.roots, value_set=pa.array(records, part.roots.type))
        wired = self._wired(part.table, columns)
        own = [WireColumn(record_by_record.NUMBER, ColumnType("int4", "integer"), 0)]
        own += [replace(column, name=f"c{i}") for i, column in enumerate(wired)]
        rows = pa.table([places, *part.rows.columns], names=[column.name for column in own])
        copy_in.send(self._connection, self._renderer, staged.name, [column.name for column in own], rows, own)
        return staged

    def _get_ready(self, table: TargetTable, rows: Any) -> None:
        """Raise RowRejected with every row that a column's type would refuse or change."""
        self._require_unaltered(table)
        if unusual_columns(table, rows.column_names):
            self._require_unchanged(table, rows)
        before = self.suspended.defers
        self._suspend_triggers(table)
        if self.suspended.defers and not before:
            self._put_off()

    def _wired(self, table: TargetTable, names: Sequence[str]) -> list[WireColumn]:
        types = {c.name: c.type for c in table.columns}
        return [WireColumn(name, types[name], *self._elements(table, types[name], name)) for name in names]

    def _require_unaltered(self, table: TargetTable) -> None:
        with self._translating(table.name):
            self._in_catalog(table)

    def _suspend_triggers(self, table: TargetTable) -> None:
        with self._translating(table.name):
            self.suspended.suspend(_identifier(table).as_string(self._connection))

    def _require_unchanged(self, table: TargetTable, rows: Any) -> None:
        """Raise RowRejected with every row that holds a text which its column's type refuses or changes."""
        with self._translating(table.name):
            name = sql.Literal(_identifier(table).as_string(self._connection)).as_string(self._connection)
            refusals = self._checks.refusals(table, f"{name}::pg_catalog.regclass", rows)
        if refusals:
            first = refusals[0]
            raise RowRejected(first.reason, first.detail, table=table.name, column=first.column, rows=refusals)

    def delete(self, table: TargetTable, keys: Any, *, beside: Sequence[tuple[TargetTable, Any]] = ()) -> int:
        if not len(keys):
            return 0
        self._suspend_triggers(table)
        with self._translating(table.name):
            own = self._rows_of(table)
            require_unreferred(self._connection, table, own, keys, beside, self._type_names)
            statement = owned.delete(table, own, keys.column_names, self._type_names(table))
            gone = self._connection.execute(statement, owned.sent(table, keys)).rowcount
            return carried_out(self._connection, _identifier(table), "DELETE", gone, len(keys))

    def owned(self, table: TargetTable, by: Any, columns: Sequence[str]) -> Any:
        with self._translating(table.name):
            return owned.select(self._connection, table, self._rows_of(table), by, columns, self._type_names(table))

    def update(
        self, table: TargetTable, rows: Any, changed: Sequence[str] | None = None, *, for_now: bool = False
    ) -> int:
        if not len(rows):
            return 0
        rows = only_changed(table, rows, changed)
        self._require_unaltered(table)
        if unusual_columns(table, rows.column_names):
            self._require_unchanged(table, rows)
        self._suspend_triggers(table)
        with self._translating(table.name):
            statement = owned.update(table, self._rows_of(table), rows.column_names, self._type_names(table))
            done = self._connection.execute(statement, owned.sent(table, rows)).rowcount
            return carried_out(self._connection, _identifier(table), "UPDATE", done, len(rows))

    def _rows_of(self, table: TargetTable) -> sql.Composable:
        found = self._in_catalog(table).values()
        return of_kind(_identifier(table), partitioned=any(column.partitioned for column in found))

    def _type_names(self, table: TargetTable) -> dict[str, str]:
        return {name: found.type_name for name, found in self._in_catalog(table).items()}

    def key_name(self, table: TargetTable) -> str | None:
        with self._translating(table.name):
            return table_rows.key_name(self._connection, _identifier(table))

    def count(self, table: TargetTable, *, hold: bool) -> int | None:
        try:
            return table_rows.count(self._connection, _identifier(table), hold=hold)
        except psycopg.Error as error:
            raise failures.of_statement(error, self._url) from error

    def mark(self, table: TargetTable, rows: Any) -> bytes | None:
        """Return None: the journal's entry itself has the number of the transaction that wrote the rows."""
        return None

    @property
    def edits_show(self) -> bool:
        return True

    def pack_marks(self) -> None:
        """Put the numbers of transactions, of which each has a note, into one for each table."""
        with self._translating(""):
            self._connection.execute(table_rows.pack(self._loaded))

    def other_rows(self, table: TargetTable, *, limit: int) -> OtherRows:
        try:
            return table_rows.other_rows(self._connection, _identifier(table), limit, self._loaded)
        except psycopg.Error as error:
            raise failures.of_statement(error, self._url) from error

    def describe(self) -> Described:
        with self._translating(""):
            return describe(self._connection)

    def left_broken(self, statements: Sequence[str]) -> list[str]:
        """Return nothing: PostgreSQL itself refuses to drop what something else needs."""
        return []

    def empty(self, table: TargetTable, *, beside: Collection[TargetTable]) -> None:
        own = {(t.schema or "public", t.table) for t in beside}
        with self._translating(table.name):
            keys = [k for k in table_rows.referring(self._connection, _identifier(table)) if k[1:] not in own]
        if keys:
            raise _referred_to(table, f"{keys[0][1]}.{keys[0][2]}", keys[0][0])
        self._suspend_triggers(table)
        with self._translating(table.name):
            table_rows.empty(self._connection, _identifier(table))

    def holds(self, table: TargetTable, column: str | None = None) -> bool:
        try:
            return table_rows.holds(self._connection, _identifier(table), column)
        except psycopg.Error as error:
            raise failures.of_statement(error, self._url) from error

    def begin_journal(self) -> None:
        self.run("CREATE SCHEMA IF NOT EXISTS crossfade")

    def execute(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        """Run one statement with `:name` parameters, and return its rows."""
        try:
            return statements.execute(self._connection, sql, parameters)
        except psycopg.Error as error:
            raise failures.of_statement(error, self._url) from error

    def execute_many(self, sql: str, parameters: Sequence[Mapping[str, Any]]) -> None:
        try:
            statements.execute_many(self._connection, sql, parameters)
        except psycopg.Error as error:
            raise failures.of_statement(error, self._url) from error

    def run(self, sql: str) -> None:
        self.suspended.forget()  # the statement may create a trigger
        try:
            rights.run(self._connection, sql)
        except psycopg.Error as error:
            lacking = rights.lacking(error, self._connection, sql)
            raise lacking or failures.of_statement(error, self._url) from error

    def note_default_schema(self) -> None:
        with self._translating(""):
            note(self._connection, self._own)

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Check deferrable constraints at the end of this block: a refusal at COMMIT would belong to no batch. Until
        then all of them are deferred, so that the order of the tables does not matter.
        """
        try:
            with self._translating(""), self._connection.transaction():
                if self.suspended.defers:  # rolling back a savepoint has undone what was set in it
                    self._put_off()
                yield
                if self.suspended.defers:
                    self._connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
                    self._put_off()
        except BaseException:
            self.suspended.forget()
            raise

    def _put_off(self) -> None:
        self._connection.execute("SET CONSTRAINTS ALL DEFERRED")

    @contextmanager
    def _translating(self, table: str) -> Iterator[None]:
        try:
            yield
        except psycopg.Error as error:
            raise failures.translated(error, self._url, table, self._default) from error

    def _elements(self, table: TargetTable, kind: ColumnType, name: str) -> tuple[int, str]:
        """Return the OID of the type of an array's elements, and the sign between them."""
        if kind.kind != "array":
            return 0, ","
        found = self._in_catalog(table)[name]
        return found.element_oid, found.delimiter

    def _in_catalog(self, table: TargetTable) -> dict[str, CatalogType]:
        """Return the columns' types, read once per connection. Raises Stale if one is not that of the schema."""
        if table.name not in self._catalog:
            found = column_types(self._connection, _identifier(table).as_string(self._connection))
            require_unaltered(table, found)
            self._catalog[table.name] = found
        return self._catalog[table.name]


def _referred_to(table: TargetTable, other: str, key: str) -> RowRejected:
    said = f"rows of {other} may refer to rows of {table.name} ({key}), and {other} is not a table of this move"
    return RowRejected("foreign_key", said, table=table.name, constraint=key)


def _identifier(table: TargetTable) -> sql.Identifier:
    return sql.Identifier(table.schema, table.table) if table.schema else sql.Identifier(table.table)


_: type[Writer] = PostgresWriter
