"""Refuses writes by triggers on every table. A file has one writing transaction at a time, so all earlier ones have
ended when the triggers are created.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from urllib.parse import quote

from crossfade.errors import Busy
from crossfade.model.quoting import identifier, literal
from crossfade.stores.contract import Fence, FenceState, Replaced, TargetTransaction
from crossfade.stores.sqlite.connect import failure, path_of
from crossfade.stores.sqlite.errors import translated

GUARD = "crossfade_fence"
PREFIX = f"{GUARD}_"
_WRITES = ("INSERT", "UPDATE", "DELETE")
_MADE = f"""CREATE TABLE IF NOT EXISTS {GUARD} (
    id INTEGER PRIMARY KEY CHECK (id = 1), token INTEGER NOT NULL, closed INTEGER NOT NULL)"""
_TABLES = """SELECT name, sql LIKE 'CREATE VIRTUAL%' FROM sqlite_schema
WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name NOT LIKE 'crossfade\\_%' ESCAPE '\\'
ORDER BY name"""
_TRIGGERS = f"SELECT name, tbl_name FROM sqlite_schema WHERE type = 'trigger' AND substr(name, 1, {len(PREFIX)}) = ?"
PATIENCE = 30.0
"""Seconds that a command waits for the transactions of others."""


class SqliteFence:
    """Each command has a connection and a transaction of its own."""

    def __init__(self, url: str) -> None:
        self._url = url

    def check(self) -> Sequence[str]:
        with self._begun(PATIENCE) as connection:
            return _virtual(connection)

    def state(self) -> FenceState:
        with self._begun(PATIENCE) as connection:
            fenced = {table for _, table in _triggers(connection)}
            token, closed = _guard(connection) or (0, bool(fenced))
            out = [f"the table {name}" for name in _names(connection) if name not in fenced]
            return FenceState(closed, token, (*out, *_virtual(connection)) if closed else ())

    def take_over(self, token: int) -> None:
        with self._begun(PATIENCE) as connection:
            connection.execute(_MADE)
            connection.execute(f"INSERT INTO {GUARD} VALUES (1, 0, 0) ON CONFLICT DO NOTHING")
            if not connection.execute(f"UPDATE {GUARD} SET token = ? WHERE token <= ?", (token, token)).rowcount:
                raise Replaced()

    def close(self, token: int, *, seconds: float) -> None:
        with self._begun(seconds) as connection:
            _require(connection, token)
            there = {name for name, _ in _triggers(connection)}
            for number, table in enumerate(_names(connection)):
                for write in _WRITES:
                    if (name := f"{PREFIX}{write.lower()}_{number}_{table}") not in there:
                        connection.execute(_trigger(name, write, table))
            connection.execute(f"UPDATE {GUARD} SET closed = 1")

    def open(self, token: int) -> None:
        with self._begun(PATIENCE) as connection:
            _require(connection, token)
            for statement in _opening(connection):
                connection.execute(statement)

    def open_within(self, tx: TargetTransaction, token: int) -> None:
        """See the contract. The triggers are read before the transaction: the tables of a closed file do not change."""
        with closing(_connected(self._url, PATIENCE)) as connection:
            _require(connection, token)
            for statement in _opening(connection):
                tx.run(statement)

    def close_for_good(self, token: int) -> None:
        with self._begun(PATIENCE) as connection:
            _require(connection, token)
            connection.execute(f"DROP TABLE {GUARD}")

    def remove(self, token: int | None = None) -> None:
        with self._begun(PATIENCE) as connection:
            guard = _guard(connection)
            if token is not None and token != (guard[0] if guard else 0):
                raise Replaced()
            for name, _ in _triggers(connection):
                connection.execute(f"DROP TRIGGER {identifier(name)}")
            connection.execute(f"DROP TABLE IF EXISTS {GUARD}")

    @contextmanager
    def _begun(self, seconds: float) -> Iterator[sqlite3.Connection]:
        """Begin the only writing transaction. Raises Busy if another one does not end within `seconds`."""
        with closing(_connected(self._url, seconds)) as connection:
            try:
                connection.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                raise Busy(
                    f"{path_of(self._url)} was not closed or opened within {seconds:g} s, and is as before: another"
                    f" process writes to it ({error})",
                    hint="wait until it has ended; then run the same command again",
                ) from error
            try:
                yield connection
                connection.execute("COMMIT")
            except sqlite3.Error as error:
                raise translated(error, path_of(self._url), "") from error


def _connected(url: str, seconds: float) -> sqlite3.Connection:
    """Open a connection that changes no setting of the file, which may be the source."""
    path = path_of(url)
    try:
        name = f"file:{quote(os.fsencode(path))}?mode=rw"
        return sqlite3.connect(name, uri=True, timeout=seconds, isolation_level=None)
    except sqlite3.Error as error:
        raise failure(error, path) from None


def _trigger(name: str, write: str, table: str) -> str:
    refusal = literal("this database takes no writes: crossfade has closed it")
    return (
        f"CREATE TRIGGER {identifier(name)} BEFORE {write} ON {identifier(table)}"
        f" BEGIN SELECT RAISE(ABORT, {refusal}); END"
    )


def _opening(connection: sqlite3.Connection) -> list[str]:
    dropped = [f"DROP TRIGGER IF EXISTS {identifier(name)}" for name, _ in _triggers(connection)]
    return [*dropped, f"UPDATE {GUARD} SET closed = 0"]


def _names(connection: sqlite3.Connection) -> list[str]:
    return [str(name) for name, virtual in connection.execute(_TABLES) if not virtual]


def _virtual(connection: sqlite3.Connection) -> list[str]:
    return [
        f"the virtual table {name}, which has no triggers" for name, virtual in connection.execute(_TABLES) if virtual
    ]


def _triggers(connection: sqlite3.Connection) -> list[tuple[str, str]]:
    return [(str(name), str(table)) for name, table in connection.execute(_TRIGGERS, (PREFIX,))]


def _guard(connection: sqlite3.Connection) -> tuple[int, bool] | None:
    if not connection.execute("SELECT 1 FROM sqlite_schema WHERE name = ?", (GUARD,)).fetchone():
        return None
    token, closed = connection.execute(f"SELECT token, closed FROM {GUARD}").fetchone()
    return int(token), bool(closed)


def _require(connection: sqlite3.Connection, token: int) -> None:
    guard = _guard(connection)
    if guard is None or guard[0] != token:
        raise Replaced()


_: type[Fence] = SqliteFence
