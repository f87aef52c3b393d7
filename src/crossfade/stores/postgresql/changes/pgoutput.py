"""The messages of pgoutput, protocol version 1: the changes of a transaction, after it has committed.

Rows stay bytes here: a row is a tuple as it was sent, and `values` extracts texts from it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from struct import Struct

BEGIN, COMMIT, RELATION, INSERT, UPDATE, DELETE, TRUNCATE = (ord(c) for c in "BCRIUDT")
TYPE, ORIGIN, MESSAGE = (ord(c) for c in "YOM")
NEW, _NULL, _UNCHANGED = ord("N"), ord("n"), ord("u")

_BEGIN = Struct(">xQqI")
_COMMIT = Struct(">xxQQq")
_TRUNCATE = Struct(">xIB")
_U32, _U16 = Struct(">I"), Struct(">H")

UNCHANGED = object()
"""An unchanged value in TOAST storage, which is not sent."""

Value = bytes | None | object


class UnknownMessage(ValueError):
    """a message that this version of the protocol does not have"""


@dataclass(frozen=True, slots=True)
class Begin:
    """The start of a transaction, which committed at `lsn`. `xid` has 32 bits."""

    lsn: int
    micros: int
    xid: int


@dataclass(frozen=True, slots=True)
class Commit:
    """The end of a transaction. Everything that committed later is after `end`."""

    lsn: int
    end: int
    micros: int


@dataclass(frozen=True, slots=True)
class PublishedRelation:
    """A table whose rows follow, with the columns that are published, in their order."""

    oid: int
    schema: str
    table: str
    identity: str
    columns: tuple[str, ...]


def begin(data: bytes) -> Begin:
    return Begin(*_BEGIN.unpack(data))


def commit(data: bytes) -> Commit:
    return Commit(*_COMMIT.unpack(data))


def relation(data: bytes) -> PublishedRelation:
    (oid,) = _U32.unpack_from(data, 1)
    schema, at = _text(data, 5)
    table, at = _text(data, at)
    identity = chr(data[at])
    (count,) = _U16.unpack_from(data, at + 1)
    at += 3
    columns = []
    for _ in range(count):
        name, at = _text(data, at + 1)  # after its flags
        columns.append(name)
        at += 8  # its type and modifier
    return PublishedRelation(oid, schema, table, identity, tuple(columns))


def truncated(data: bytes) -> list[int]:
    """Return the tables that were truncated."""
    count, _ = _TRUNCATE.unpack_from(data)
    return [_U32.unpack_from(data, 6 + 4 * i)[0] for i in range(count)]


def rows(data: bytes) -> tuple[bytes | None, bytes | None]:
    """Return the row before and the row after an INSERT, UPDATE or DELETE. None if it was not sent."""
    if data[5] == NEW:
        return None, data[6:]
    if data[0] == DELETE:
        return data[6:], None
    end = _end(data, 6)
    if data[end] != NEW:
        raise UnknownMessage(f"{chr(data[end])!r} where a new row was expected")
    return data[6:end], data[end + 1 :]


def values(row: bytes, places: Sequence[int]) -> list[Value]:
    """Return the values at these places of a row: text, None (NULL), or UNCHANGED."""
    found: list[Value] = []
    (count,) = _U16.unpack_from(row)
    at = 2
    for _ in range(count):
        kind = row[at]
        if kind in (_NULL, _UNCHANGED):
            found.append(None if kind == _NULL else UNCHANGED)
            at += 1
            continue
        end = at + 5 + _U32.unpack_from(row, at + 1)[0]
        found.append(row[at + 5 : end])
        at = end
    return [found[place] for place in places]


def _end(data: bytes, at: int) -> int:
    """Return where the row that starts at `at` ends."""
    (count,) = _U16.unpack_from(data, at)
    at += 2
    for _ in range(count):
        at += 1 if data[at] in (_NULL, _UNCHANGED) else 5 + _U32.unpack_from(data, at + 1)[0]
    return at


def _text(data: bytes, at: int) -> tuple[str, int]:
    end = data.index(0, at)
    return data[at:end].decode(), end + 1
