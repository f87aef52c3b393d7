"""Positions of a change stream: a cluster time, and the resume token there.

A resume token is `{"_data": <hexadecimal digits>}`, with `_typeBits` beside it where a key is a number of some types.
The digits begin with the cluster time (type byte 0x82, then eight bytes); nothing else of a token is read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bson import Timestamp

from crossfade.errors import Unsupported
from crossfade.model.positions import Floor, Position

_TIME = re.compile(r"82([0-9A-F]{8})([0-9A-F]{8})")
_TEXT = re.compile(r"([0-9]+)\.([0-9]+)(-?)(?: ([0-9A-F]+(?::[0-9a-f]+)?))?")


@dataclass(frozen=True, slots=True)
class OplogPoint:
    """A place in the changes. `is_whole`: all changes at `time` are before it; those of a transaction have one time, so
    a token may be between them. Without a token it is the time itself. `token` is `<digits>`, or `<digits>:<type
    bits>`.
    """

    time: Timestamp
    is_whole: bool = True
    token: str | None = None

    def includes(self, other: OplogPoint) -> bool:
        """Return whether a stream at this point has named everything up to the other."""
        if self.token is not None and self.token == other.token:
            return True
        return self.time > other.time or (self.time == other.time and self.is_whole)

    def option(self) -> Mapping[str, Any]:
        """Return the option for a stream that begins after it."""
        if self.token is None:
            return {"startAtOperationTime": self.time}
        data, _, bits = self.token.partition(":")
        return {"startAfter": {"_data": data, **({"_typeBits": bytes.fromhex(bits)} if bits else {})}}

    def position(self) -> Position:
        token = "" if self.token is None else f" {self.token}"
        return Position(f"{_text(self.time)}{'' if self.is_whole else '-'}{token}", self.time.as_datetime())

    @property
    def floor(self) -> Floor:
        return Floor(_text(self.time))


def at_token(token: str, *, is_whole: bool) -> OplogPoint:
    """Return the point of a resume token. Raises Unsupported if the server's tokens have another form."""
    found = _TIME.match(token)
    if found is None:
        raise Unsupported(
            f"the resume tokens of this server have a form that is not known: {token[:80]}",
            hint="follow a MongoDB server of version 4.2 or later",
        )
    return OplogPoint(Timestamp(int(found[1], 16), int(found[2], 16)), is_whole, token)


def point_of(position: Position) -> OplogPoint:
    """Return the point of a position that `OplogPoint.position` returned."""
    found = _TEXT.fullmatch(position.token)
    assert found is not None, position
    return OplogPoint(Timestamp(int(found[1]), int(found[2])), not found[3], found[4])


def time_of(floor: Floor) -> Timestamp | None:
    """Return the cluster time that reads must have seen; None if every read will do."""
    if not floor.token:
        return None
    seconds, _, increment = floor.token.partition(".")
    return Timestamp(int(seconds), int(increment))


def _text(time: Timestamp) -> str:
    return f"{time.time}.{time.inc}"
