"""Writes rows back into a PostgreSQL source: each column as the text that the database printed, or would print."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

import psycopg
from psycopg import sql

from crossfade.errors import CrossfadeError
from crossfade.model.quoting import literal
from crossfade.model.sql_files import statements
from crossfade.records.rows.raw import read
from crossfade.stores.contract import RecordChange, RecordRefused, RecordWriter, Replaced
from crossfade.stores.postgresql.changes.control import translated
from crossfade.stores.postgresql.errors import row_reason
from crossfade.stores.postgresql.fence import PASSES
from crossfade.stores.postgresql.reading.relations import PARTITIONED, TABLE, Relations
from crossfade.stores.postgresql.session.connect import RunUrl, connect
from crossfade.stores.postgresql.session.own_schema import DROP_IF_EMPTY
from crossfade.stores.postgresql.writing.cascades import Cascades, Who
from crossfade.stores.postgresql.writing.kept import WrittenRow
from crossfade.stores.postgresql.writing.record_table import RecordTable, asking
from crossfade.stores.postgresql.writing.rewritten import carried_out
from crossfade.stores.postgresql.writing.triggers import DisabledTriggers

PASSES_ON = 5
"""How often, in one transaction, records that prevent others from passing on values are left out."""


@cache
def _queries() -> dict[str, str]:
    return {name: body.strip().rstrip(";") for name, body in statements(__package__, "records.sql").items()}


class PostgresRecordWriter:
    def __init__(self, url: str) -> None:
        self._url = url
        self._own: tuple[str, int, psycopg.Connection[Any]] | None = None
        self._entities: Sequence[str] = ()
        self._cascades: Cascades | None = None
        self._tables: dict[str, RecordTable] = {}
        self._rank: dict[str, int] = {}

    def check(self, entities: Sequence[str]) -> Sequence[str]:
        with self._connected("back") as connection:
            relations = Relations(asking(connection))
            return list(_lacks(connection, relations, entities))

    def take_over(self, slot: str, number: int, entities: Sequence[str]) -> None:
        self.close()
        self._entities = tuple(entities)
        with self._connected("back") as connection:
            for name in ("schema", "table", "first"):
                connection.execute(_queries()[name].format(slot=literal(slot)).encode())
            name = literal(f"^crossfade-{_session(slot, '[0-9]+')}$")
            connection.execute(_queries()["end_older"].format(name=name, number=number).encode())
            if not connection.execute(self._query("take_over", slot, number)).fetchall():
                raise Replaced()
        self._own = slot, number, self._opened(slot, number)

    def changes_with(self, changes: Sequence[RecordChange]) -> Collection[Who]:
        updated = {(one.entity, one.key): names for one in changes if (names := _updated(one))}
        if not updated or self._own is None:
            return ()
        try:
            return self._foreign_keys(self._connection()).changed(updated)
        except psycopg.Error as error:
            raise translated(error, self._url) from error

    def write(self, slot: str, number: int, changes: Sequence[RecordChange]) -> Mapping[int, RecordRefused]:
        if self._own is None or self._own[:2] != (slot, number):
            raise Replaced()
        connection = self._connection()
        try:
            with connection.transaction():
                if not connection.execute(self._query("mine", slot, number)).fetchall():
                    raise Replaced()
                triggers = DisabledTriggers(connection)
                for entity in sorted({c.entity for c in changes}):
                    triggers.suspend(self._table(connection, entity).relation.qualified)
                refused = self._written(connection, changes)
                triggers.resume()
                return refused
        except psycopg.Error as error:
            raise translated(error, self._url) from error

    def remove(self, slot: str) -> None:
        self.close()
        with self._connected("back") as connection:
            if not connection.execute(_queries()["exists"].encode()).fetchall()[0][0]:
                return
            connection.execute(_queries()["remove"].format(slot=literal(slot)).encode())
            connection.execute(_queries()["drop_empty"].encode())
            connection.execute(DROP_IF_EMPTY.encode())

    def close(self) -> None:
        if self._own is not None:
            self._own[2].close()
            self._own = None

    # -- one transaction

    def _written(
        self, connection: psycopg.Connection[Any], changes: Sequence[RecordChange]
    ) -> dict[int, RecordRefused]:
        """Write all of them at once; if one is refused, one by one, repeatedly while that makes others possible. Return
        those that are refused.
        """
        left = self._in_order(connection, changes)
        if self._at_once(connection, changes, left):
            return {}
        connection.execute(b"SET CONSTRAINTS ALL IMMEDIATE")
        while True:
            refused = self._each(connection, changes, left)
            if not refused:
                return {}
            if len(refused) == len(left):
                return self._passed_on(connection, changes, refused)
            left = [place for place in left if place in refused]

    def _at_once(
        self, connection: psycopg.Connection[Any], changes: Sequence[RecordChange], places: Sequence[int]
    ) -> bool:
        """Write all of them, or none; return whether they were written."""
        try:
            with connection.transaction():
                connection.execute(b"SET CONSTRAINTS ALL DEFERRED")
                self._sent(connection, [changes[place] for place in places if changes[place].after is not None])
                deleted = [changes[place] for place in places if changes[place].after is None]
                if self._held(connection, deleted):
                    raise _needed()
                self._sent(connection, deleted)
                connection.execute(b"SET CONSTRAINTS ALL IMMEDIATE")
                return True
        except psycopg.Error as error:
            if row_reason(error) is None:
                raise
            return False

    def _sent(self, connection: psycopg.Connection[Any], changes: Sequence[RecordChange]) -> None:
        """Send all of them without waiting for results. Raises the error of the first that is refused."""
        failure: psycopg.Error | None = None
        written: list[WrittenRow | None] = []
        try:
            with connection.pipeline() as pipeline:
                try:
                    written = [self._one(connection, change) for change in changes]
                    pipeline.sync()
                except psycopg.Error as error:  # if it left the block, the driver would log it
                    failure = error
        except psycopg.Error as error:
            failure = failure or error
        if failure is not None:
            raise failure
        for one in written:
            if one is not None:
                one.require_kept()
        self._require_deleted(connection, changes, written)

    def _require_deleted(
        self,
        connection: psycopg.Connection[Any],
        changes: Sequence[RecordChange],
        written: Sequence[WrittenRow | None],
    ) -> None:
        """Raise Refused if a rule has kept rows. Only a DELETE ends without an error then: a rule that replaces another
        statement cannot return what was written.
        """
        deleted: dict[str, list[int]] = {}
        for change, one in zip(changes, written, strict=True):
            if one is not None and change.after is None:
                deleted.setdefault(change.entity, []).append(one.cursor.rowcount)
        for entity, found in deleted.items():
            carried_out(connection, self._table(connection, entity).name, "DELETE", sum(found), len(found))

    def _each(
        self, connection: psycopg.Connection[Any], changes: Sequence[RecordChange], places: Sequence[int]
    ) -> dict[int, RecordRefused]:
        """Write those that the store accepts, one by one; return the others."""
        refused: dict[int, RecordRefused] = {}
        held: set[Who] | None = None
        for place in places:
            try:
                with connection.transaction():
                    if changes[place].after is None:
                        if held is None:
                            held = self._held(connection, [changes[n] for n in places if changes[n].after is None])
                        if (changes[place].entity, changes[place].key) in held:
                            raise _needed()
                    if (written := self._one(connection, changes[place])) is not None:
                        written.require_kept()
                    self._require_deleted(connection, [changes[place]], [written])
            except psycopg.Error as error:
                if (reason := row_reason(error)) is None:
                    raise
                refused[place] = RecordRefused(reason, error.diag.message_primary or str(error))
        return refused

    def _passed_on(
        self, connection: psycopg.Connection[Any], changes: Sequence[RecordChange], refused: Mapping[int, RecordRefused]
    ) -> dict[int, RecordRefused]:
        """Write the refused records that only wait for each other, because unique values pass from row to row, also in
        a cycle. Each row that gives one up gets a spare value first. Return the records that are still refused.
        """
        left = self._in_order(connection, changes, refused)
        for _ in range(PASSES_ON):
            if not any(refused[place].reason == "unique" for place in left):
                break
            found = self._parked(connection, changes, left)
            if not found:
                return {place: why for place, why in refused.items() if place not in left}
            left = [place for place in left if place not in found]
        return dict(refused)

    def _parked(
        self, connection: psycopg.Connection[Any], changes: Sequence[RecordChange], places: Sequence[int]
    ) -> dict[int, RecordRefused]:
        """Write all of them, or none; return those that prevent it."""
        found: dict[int, RecordRefused] = {}
        with connection.transaction() as transaction:
            for place in places:
                parking = self._table(connection, changes[place].entity).parking(changes[place])
                found |= {} if parking is None else self._tried(connection, place, parking)
            left = [place for place in places if place not in found]
            while left and not found:
                again = self._each(connection, changes, left)
                found |= again if len(again) == len(left) else {}
                left = [place for place in left if place in again]
            # not `raise psycopg.Rollback`, which comes out of the block if the connection is lost by then
            transaction.force_rollback = bool(found)
        return found

    def _held(self, connection: psycopg.Connection[Any], deleted: Sequence[RecordChange]) -> set[Who]:
        """Return those of the records that cannot be deleted, because the database would delete or change others."""
        if not deleted:
            return set()
        keys: dict[str, list[str]] = {}
        for one in deleted:
            keys.setdefault(one.entity, []).append(one.key)
        return self._foreign_keys(connection).held(keys)

    def _foreign_keys(self, connection: psycopg.Connection[Any]) -> Cascades:
        if self._cascades is None:
            self._cascades = Cascades(connection, Relations(asking(connection)), self._entities)
        return self._cascades

    def _tried(
        self, connection: psycopg.Connection[Any], place: int, statement: tuple[sql.Composed, list[Any]]
    ) -> dict[int, RecordRefused]:
        try:
            with connection.transaction():
                connection.execute(*statement)
        except psycopg.Error as error:
            if (reason := row_reason(error)) is None:
                raise
            return {place: RecordRefused(reason, error.diag.message_primary or str(error))}
        return {}

    def _one(self, connection: psycopg.Connection[Any], change: RecordChange) -> WrittenRow | None:
        table = self._table(connection, change.entity)
        if (found := table.statement(change)) is None:
            return None
        statement, values, given = found
        return WrittenRow(connection.execute(statement, values), given, table.types)

    def _in_order(
        self, connection: psycopg.Connection[Any], changes: Sequence[RecordChange], places: Iterable[int] | None = None
    ) -> list[int]:
        """Return the places in order: parents are written first, and deleted last."""
        rank = {entity: self._rank_of(connection, entity) for entity in {c.entity for c in changes}}

        def place(n: int) -> tuple[bool, int, int]:
            gone = changes[n].after is None
            return gone, -rank[changes[n].entity] if gone else rank[changes[n].entity], n

        return sorted(range(len(changes)) if places is None else places, key=place)

    def _rank_of(self, connection: psycopg.Connection[Any], entity: str) -> int:
        if not self._rank:
            pairs = connection.execute(_queries()["references"].encode()).fetchall()
            self._rank = _ranks([(str(child), str(parent)) for child, parent in pairs])
        return self._rank.get(self._table(connection, entity).relation.oid, 0)

    def _table(self, connection: psycopg.Connection[Any], entity: str) -> RecordTable:
        if entity not in self._tables:
            self._tables[entity] = RecordTable(connection, entity)
        return self._tables[entity]

    # -- connections

    def _connection(self) -> psycopg.Connection[Any]:
        """Return the connection of the run that has taken over."""
        assert self._own is not None, "a run has taken over"
        slot, number, connection = self._own
        if connection.closed:
            connection = self._opened(slot, number)
            self._own = slot, number, connection
        return connection

    def _opened(self, slot: str, number: int) -> psycopg.Connection[Any]:
        connection = connect(RunUrl(self._url, _session(slot, str(number))), autocommit=True)
        connection.execute(PASSES)
        self._tables, self._rank, self._cascades = {}, {}, None
        return connection

    @contextmanager
    def _connected(self, name: str) -> Iterator[psycopg.Connection[Any]]:
        try:
            with connect(RunUrl(self._url, name), autocommit=True) as connection:
                yield connection
        except psycopg.Error as error:
            raise translated(error, self._url) from error

    def _query(self, name: str, slot: str, number: int) -> bytes:
        return _queries()[name].format(slot=literal(slot), number=number).encode()


def _updated(change: RecordChange) -> set[str]:
    """Return the columns that an update changes; none of other changes."""
    if change.before is None or change.after is None:
        return set()
    before, after = read(change.before).columns, read(change.after).columns
    return {name for name in before if before[name] != after.get(name)}


def _needed() -> psycopg.Error:
    return psycopg.errors.ForeignKeyViolation("the database would delete or change other records, which refer to it")


def _session(slot: str, number: str) -> str:
    return f"back-{slot}-{number}"


def _ranks(pairs: Sequence[tuple[str, str]]) -> dict[str, int]:
    """Return the depth of each table by its references; in a cycle, the length of the cycle."""
    ranks = dict.fromkeys({name for pair in pairs for name in pair}, 0)
    for _ in ranks:
        before = dict(ranks)
        for child, parent in pairs:
            ranks[child] = min(max(ranks[child], before[parent] + 1), len(ranks))
        if ranks == before:
            break
    return ranks


def _lacks(connection: psycopg.Connection[Any], relations: Relations, entities: Sequence[str]) -> Iterator[str]:
    for entity in entities:
        try:
            relation = relations.relation(entity)
        except CrossfadeError as error:
            yield error.message
            continue
        if relation.kind not in (TABLE, PARTITIONED):
            yield f"{entity} is no table: its rows cannot be written"
        elif not relations.key(relation).columns:
            yield f"{entity} has no key by which a row could be written"
        elif not connection.execute(_queries()["rights"].format(oid=relation.oid).encode()).fetchall()[0][0]:
            yield f"the login may not write to {entity}"


_: type[RecordWriter] = PostgresRecordWriter
