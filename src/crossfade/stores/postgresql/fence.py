"""Refuses writes by a trigger on every table, even those of its owner, of superusers and of sessions that replicate.

Creating the triggers takes a lock that waits for every transaction that has written to the table, prepared ones too,
and blocks new writers; reads go on. All of that is one transaction, with the guard, which has the controller's token.
While it waits for a lock, writers queue behind it. So it gives up before the server would look for a deadlock
(deadlock_timeout), and tries again.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

import psycopg

from crossfade.errors import Busy, Refused
from crossfade.model.quoting import literal
from crossfade.model.sql_files import named_queries
from crossfade.model.urls import hide_password
from crossfade.stores.contract import Fence, FenceState, Replaced, TargetTransaction
from crossfade.stores.postgresql.changes.control import translated
from crossfade.stores.postgresql.session.connect import RunUrl, connect
from crossfade.stores.postgresql.session.own_schema import DROP_IF_EMPTY

WAITS, WAITS_FOR_VACUUM = 0.4, 1.6
"""Seconds. A vacuum gives way to a session that has waited for one second; a writer that waits as long may be in a
deadlock.
"""
PAUSE = 0.05
PATIENCE = 30.0
"""Seconds within which it must be opened or removed. Only sessions that change tables can delay that."""
_BLOCKED = (psycopg.errors.LockNotAvailable, psycopg.errors.QueryCanceled, psycopg.errors.DeadlockDetected)
_REPLACED = "CF001"
PASSES = b"SET crossfade.writes TO 'on'"
"""The setting by which the writer of a target passes the fence."""


@cache
def _queries() -> dict[str, str]:
    return named_queries(__package__, "fence.sql")


class _Blocked(Exception):
    def __init__(self, table: str) -> None:
        self.table = table


class PostgresFence:
    """Each command has a connection of its own, which carries its token as its name."""

    _open_by_hand = "DROP SCHEMA crossfade CASCADE"

    def __init__(self, url: str) -> None:
        self._url = url
        self._session = "fence"
        """The prefix of the name of its connections; the token follows."""

    def check(self) -> Sequence[str]:
        with self._connected(0) as connection:
            tables = self._tables(connection)
            found = [
                f"the login may not create triggers on {name}: it is not a member of the role that owns the table"
                for name, owned, _ in tables
                if not owned
            ]
            if not self._one(connection, "rights"):
                found.append("the login may not create a schema in the database: GRANT CREATE ON DATABASE")
            return [*found, *self._subscribed(connection)]

    def state(self) -> FenceState:
        with self._connected(0) as connection, connection.transaction():
            connection.execute(b"SET LOCAL transaction_isolation TO 'repeatable read'")
            tables = self._tables(connection)
            guard = self._guard(connection)
            token, closed = guard[0] if guard else (0, any(fenced for *_, fenced in tables))
            passes = [f"the table {name}" for name, _, fenced in tables if not fenced]
            return FenceState(closed, token, (*passes, *self._subscribed(connection)) if closed else ())

    def take_over(self, token: int) -> None:
        with self._connected(token) as connection:
            self._require_ours(connection)
            with connection.transaction():
                for name in ("schema", "table", "first", "refuse", "command", "opening"):
                    self._run(connection, name)
            self._rows(connection, "end_older", token=token)
            if not self._rows(connection, "take_over", token=token):
                raise Replaced()

    def close(self, token: int, *, seconds: float) -> None:
        end = time.monotonic() + seconds
        with self._connected(token) as connection:
            first: list[str] = []
            while True:
                tables = _ordered([name for name, *_ in self._tables(connection)], first)
                try:
                    self._close(connection, token, tables, end - time.monotonic())
                    return
                except _Blocked as blocked:
                    first = [blocked.table, *(name for name in first if name != blocked.table)]
                if time.monotonic() + PAUSE >= end:
                    holders = [str(row[0]) for row in self._rows(connection, "holders", tables=array(tables))]
                    raise self._busy(seconds, holders)
                time.sleep(PAUSE)

    def _close(self, connection: psycopg.Connection[Any], token: int, tables: Sequence[str], left: float) -> None:
        """Close it in one transaction. Raises _Blocked with a table that others have locked."""
        vacuum = self._one(connection, "vacuums", tables=array(tables))
        end = time.monotonic() + max(0.01, min(WAITS_FOR_VACUUM if vacuum else WAITS, left))
        with connection.transaction():
            self._run(connection, "begin", token=token)
            for table in tables:
                try:
                    _limit(connection, end - time.monotonic())
                    self._run(connection, "lock", table=table)
                except _BLOCKED:
                    raise _Blocked(table) from None
            _limit(connection, 0)
            for table in tables:
                self._run(connection, "trigger", table=table)
                self._run(connection, "always", table=table)
            self._note_closed(connection, tables)

    def _note_closed(self, connection: psycopg.Connection[Any], tables: Sequence[str]) -> None:
        self._run(connection, "closed")

    def open(self, token: int) -> None:
        self._patiently(token, [self._text("open", token=token)])

    def open_within(self, tx: TargetTransaction, token: int) -> None:
        tx.run(self._text("open", token=token))

    def close_for_good(self, token: int) -> None:
        self._patiently(token, [self._text("begin", token=token), self._text("forget")])

    def remove(self, token: int | None = None) -> None:
        with self._connected(0) as connection:
            tables = self._closed_tables(connection)
        still = [] if token is None else [self._text("still", token=token)]
        dropped = [self._text("drop_trigger", table=table) for table in tables]
        self._patiently(0, [*still, *dropped, self._text("forget"), self._text("drop_refusal")])
        with self._connected(0) as connection:
            connection.execute(DROP_IF_EMPTY.encode())

    def _patiently(self, token: int, commands: Sequence[str]) -> None:
        """Run commands in one transaction that never waits long for a lock. Repeat it until it succeeds."""
        end = time.monotonic() + PATIENCE
        with self._connected(token) as connection:
            while True:
                try:
                    with connection.transaction():
                        _limit(connection, WAITS_FOR_VACUUM)
                        for command in commands:
                            connection.execute(command.encode())
                    return
                except _BLOCKED:
                    if time.monotonic() > end:
                        raise self._busy(PATIENCE, []) from None
                time.sleep(PAUSE)

    def _busy(self, seconds: float, holders: Sequence[str]) -> Busy:
        return Busy(
            f"{hide_password(self._url)} was not closed or opened within {seconds:g} s, and is as before: transactions"
            " that write did not end" + "".join(f"\n  {holder}" for holder in holders),
            hint="end those sessions, or wait until they have ended; then run the same command again",
        )

    def _require_ours(self, connection: psycopg.Connection[Any]) -> None:
        if self._one(connection, "others"):
            raise Refused(
                f"another move closes {hide_password(self._url)}, as a whole or group by group; nothing was changed",
                hint="finish that move, or reset it",
            )
        if not self._guard(connection) and any(fenced for *_, fenced in self._tables(connection)):
            raise Refused(
                f"{hide_password(self._url)} is closed for good: an earlier move was finished there",
                hint=f"to open it: {self._open_by_hand}",
            )

    def _guard(self, connection: psycopg.Connection[Any]) -> list[tuple[Any, ...]]:
        """Return the row of the guard, which has the controller's token, if there is one."""
        return self._rows(connection, "guard") if self._one(connection, "exists") else []

    def _closed_tables(self, connection: psycopg.Connection[Any]) -> list[str]:
        """Return the tables that have the trigger of this fence."""
        return [str(name) for (name,) in self._rows(connection, "triggers")]

    def _tables(self, connection: psycopg.Connection[Any]) -> list[tuple[str, bool, bool]]:
        """Return the tables, each with whether the login owns it, and whether it refuses writes."""
        return [(str(name), owned, fenced) for name, owned, fenced in self._rows(connection, "tables")]

    def _subscribed(self, connection: psycopg.Connection[Any]) -> list[str]:
        found = self._rows(connection, "subscriptions")
        return [f"the subscription {name}, by which another server writes" for (name,) in found]

    def _text(self, name: str, **parts: object) -> str:
        """Return a query by its name."""
        query = _queries()[name]
        return query.format(**parts) if parts else query

    def _run(self, connection: psycopg.Connection[Any], name: str, **parts: object) -> None:
        connection.execute(self._text(name, **parts).encode())

    def _rows(self, connection: psycopg.Connection[Any], name: str, **parts: object) -> list[tuple[Any, ...]]:
        return connection.execute(self._text(name, **parts).encode()).fetchall()

    def _one(self, connection: psycopg.Connection[Any], name: str, **parts: object) -> Any:
        return self._rows(connection, name, **parts)[0][0]

    @contextmanager
    def _connected(self, token: int) -> Iterator[psycopg.Connection[Any]]:
        try:
            with connect(RunUrl(self._url, f"{self._session}-{token}"), autocommit=True) as connection:
                yield connection
        except (psycopg.errors.UndefinedFunction, psycopg.errors.InvalidSchemaName) as error:
            raise Replaced(f"no controller has taken over the fence of {hide_password(self._url)}") from error
        except psycopg.Error as error:
            if error.sqlstate == _REPLACED:
                raise Replaced() from error
            raise translated(error, self._url) from error


def array(tables: Sequence[str]) -> str:
    return "ARRAY[" + ", ".join(map(literal, tables)) + "]"


def _ordered(tables: Sequence[str], first: Sequence[str]) -> list[str]:
    """Put tables that others have locked first: while the fence waits for these, it has no lock that others want."""
    return [*(name for name in first if name in tables), *(name for name in tables if name not in first)]


def _limit(connection: psycopg.Connection[Any], seconds: float) -> None:
    """Wait no longer for a lock; 0: for as long as it takes."""
    milliseconds = max(1, round(seconds * 1000)) if seconds else 0
    connection.execute(f"SET LOCAL lock_timeout TO '{milliseconds}ms'".encode())


_: type[Fence] = PostgresFence
