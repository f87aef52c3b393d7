"""A replication connection, over psycopg's libpq: the server sends messages, and we confirm those that are durable.

The server ends a stream that has confirmed nothing for `wal_sender_timeout`. That is needed: a server that shuts down
waits until everything is confirmed, so a reader that hangs would prevent its restart.
"""

from __future__ import annotations

import select
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from struct import Struct
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg.pq import ExecStatus

from crossfade.stores.postgresql.changes import lsn
from crossfade.stores.postgresql.session.connect import bad_url, conninfo, schema_in
from crossfade.stores.postgresql.session.no_connection import no_connection
from crossfade.stores.postgresql.session.settings import fix_settings

DATA, KEEPALIVE = ord("w"), ord("k")
DATA_AT = 25
"""The offset at which the message of the plugin begins."""
_KEEPALIVE = Struct(">xQqB")
_STATUS = Struct(">cQQQqB")
_2000 = 946684800


@dataclass(frozen=True, slots=True)
class Keepalive:
    """The server has sent every transaction that committed before `lsn`, at `micros` since 2000."""

    lsn: int
    micros: int
    wants_reply: bool


def keepalive(data: bytes) -> Keepalive:
    at, micros, wants_reply = _KEEPALIVE.unpack(data)
    return Keepalive(at, micros, bool(wants_reply))


def connected(url: str) -> psycopg.Connection[Any]:
    """Open a replication connection, with the settings under which values are printed. Raises Unreachable."""
    try:
        connection = psycopg.connect(
            make_conninfo(conninfo(url), replication="database"), autocommit=True, prepare_threshold=None
        )
    except psycopg.OperationalError as error:
        raise no_connection(error, url) from None
    except psycopg.ProgrammingError as error:
        raise bad_url(error, url) from None

    def ask(statement: str) -> Sequence[tuple[str, str]]:
        cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []

    try:
        fix_settings(ask, schema=schema_in(url))
    except BaseException:
        connection.close()
        raise
    return connection


class SlotStream:
    """Messages of a slot, from one position on. The driver's errors pass through."""

    def __init__(self, connection: psycopg.Connection[Any], command: str) -> None:
        self._pgconn = connection.pgconn
        result = self._pgconn.exec_(command.encode())
        if result.status != ExecStatus.COPY_BOTH:
            raise psycopg.errors.error_from_result(result)
        self._ready = select.poll()
        self._ready.register(self._pgconn.socket, select.POLLIN)

    def received(self, seconds: float) -> Iterator[bytes]:
        """Yield the messages that have arrived; wait at most this long for the first."""
        get = self._pgconn.get_copy_data
        size, data = get(1)
        if size == 0 and self._ready.poll(max(0, int(seconds * 1000))):
            self._pgconn.consume_input()
            size, data = get(1)
        while size > 0:
            yield bytes(data)
            size, data = get(1)
            if size == 0:
                self._pgconn.consume_input()
                size, data = get(1)
        if size < 0:
            self._raise_end()

    def confirm(self, received: int, durable: int, *, ask: bool = False) -> None:
        """Tell the server what arrived and what is durable. With `ask` it replies with its position."""
        now = int((time.time() - _2000) * 1_000_000)
        said = _STATUS.pack(b"r", received, durable, durable, now, ask)
        while not self._pgconn.put_copy_data(said):
            self._flush()
        self._flush()

    def _flush(self) -> None:
        while self._pgconn.flush():
            select.select([], [self._pgconn.socket], [], 1.0)

    def _raise_end(self) -> None:
        """Raise the error that ended the stream."""
        while (result := self._pgconn.get_result()) is not None:
            if result.status == ExecStatus.FATAL_ERROR:
                raise psycopg.errors.error_from_result(result)
            if result.status == ExecStatus.COPY_IN:  # the server has ended its side: it is being shut down
                break
        raise psycopg.OperationalError("the server ended the stream")


def start_command(name: str, since: int, version: int) -> str:
    """Return the command that starts a stream; slot and publication have the same name."""
    options = {"proto_version": "1", "publication_names": f'"{name}"', "messages": "true"}
    if version >= 160000:
        options["origin"] = "none"
    listed = ", ".join(f"{name} '{value}'" for name, value in options.items())
    return f"START_REPLICATION SLOT {name} LOGICAL {lsn.text(since)} ({listed})"
