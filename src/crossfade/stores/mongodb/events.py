"""Reads the keys that a change stream names from the bytes of a reply, without an object for each event.

Our pipeline leaves only the token of an event, its kind, its collections and its key, so few types occur.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from crossfade.records.bson.codec import BSON
from crossfade.stores.mongodb.position import OplogPoint, at_token

_EMPTY = b"\x05\0\0\0\0"
_INT32 = struct.Struct("<i")
_FIXED = {0x01: 8, 0x07: 12, 0x08: 1, 0x09: 8, 0x0A: 0, 0x10: 4, 0x11: 8, 0x12: 8}
_PREFIXED = {0x02: 4, 0x03: 0, 0x04: 0, 0x05: 5}
"""Types that begin with their length, and how many bytes it does not count."""


@dataclass
class Named:
    """The keys that one reply names, up to `point`. `count` is the number of its events."""

    point: OplogPoint
    count: int = 0
    keys: dict[str, dict[str, None]] = field(default_factory=dict)
    redefined: dict[str, None] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.keys or self.redefined)


def read_reply(cursor: bytes, entities: Sequence[str]) -> tuple[int, Named | None]:
    """Return the id of the cursor, 0 if the stream has ended, and what the reply names; None if it has no position."""
    found = fields(cursor)
    number = int.from_bytes(found["id"], "little")
    batch = found["nextBatch"] if "nextBatch" in found else found["firstBatch"]
    events = [fields(event) for _, event in _elements(batch)]
    token = found.get("postBatchResumeToken") if number else None
    if token is None:  # that of the last event, after which another stream begins
        token = events[-1]["_id"] if events else None
    if token is None:
        return number, None
    is_whole = not events or token != events[-1]["_id"]
    named = Named(at_token(_token(token), is_whole=is_whole), len(events))
    _fill(named, events, entities)
    return number, named


def _fill(named: Named, events: Sequence[dict[str, bytes]], entities: Sequence[str]) -> None:
    by_place: dict[bytes, dict[str, None]] = {}
    for event in events:
        if (key := event.get("documentKey")) is None:
            named.redefined.update(dict.fromkeys(_redefined(event, entities)))
            continue
        place = event["ns"]
        keys = by_place.get(place)
        if keys is None:
            keys = by_place[place] = named.keys.setdefault(_collection(place), {})
        for one in {key, *_other_keys(event)}:
            if (text := key_text(one)) is None:  # a key that has no text: anything may have changed
                named.redefined[_collection(place)] = None
            else:
                keys[text] = None


def _other_keys(event: dict[str, bytes]) -> Iterator[bytes]:
    """Yield the key of a new document: if an old one had the same number of another type, the event names that one."""
    if (replaced := event.get("fullDocument", _EMPTY)) != _EMPTY:
        yield replaced
    if (described := event.get("updateDescription", _EMPTY)) != _EMPTY:
        updated = fields(described).get("updatedFields", _EMPTY)
        if updated != _EMPTY:
            yield updated


def _redefined(event: dict[str, bytes], entities: Sequence[str]) -> list[str]:
    """Return the entities that are concerned by an event other than a write."""
    if _text(event["operationType"]) not in ("drop", "rename"):
        return list(entities)  # the database was dropped
    places = [_collection(event[name]) for name in ("ns", "to") if name in event]
    return [place for place in places if place in entities]


def _collection(place: bytes) -> str:
    return _text(fields(place)["coll"])


def _token(document: bytes) -> str:
    found = fields(document)
    bits = f":{found['_typeBits'][5:].hex()}" if "_typeBits" in found else ""
    return _text(found["_data"]) + bits


_OBJECT_ID = b"\x16\0\0\0\x07_id\0"


def key_text(raw: bytes) -> str | None:
    """Return the key of a document that has no other field; quickly for an ObjectId, which most are."""
    if len(raw) == 22 and raw.startswith(_OBJECT_ID):
        return '{"$oid":"' + raw[9:21].hex() + '"}'
    return BSON.key(raw)


def fields(document: bytes) -> dict[str, bytes]:
    """Return the bytes of each value of a document; those of text and binary data include their lengths."""
    return dict(_elements(document))


def _elements(document: bytes) -> Iterator[tuple[str, bytes]]:
    at, end = 4, len(document) - 1
    while at < end:
        kind = document[at]
        start = document.index(b"\0", at + 1) + 1
        if (size := _FIXED.get(kind)) is None:
            size = _INT32.unpack_from(document, start)[0] + _PREFIXED[kind]
        yield document[at + 1 : start - 1].decode(), document[start : start + size]
        at = start + size


def _text(value: bytes) -> str:
    return value[4:-1].decode()
