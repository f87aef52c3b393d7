"""Where one chunk of keys ends and the next begins.

A range of keys is read by the index itself (`min` and `max` on `_id_`), never by `$gte` and `$lt`, because those
compare within one type only and would skip keys of other types without a word. A bound travels as text and has to
come back as the very key that it was, so only keys that do (no Symbol, no DBPointer, no NaN with a payload) become
bounds: any key will do, and a chunk that is a little longer harms nobody. `MaxKey` is no bound either, because the
server reads a missing `max` as "up to MaxKey, without it": see `_last_key` in source.py.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from typing import Any

from bson import encode
from bson.errors import BSONError
from bson.max_key import MaxKey
from pymongo.collection import Collection
from pymongo.cursor import RawBatchCursor

from crossfade.records.bson.decode import decode_one
from crossfade.records.bson.ejson import canonical, loads_canonical
from crossfade.records.bson.walk import Unreadable

ID = [("_id", 1)]
KEYS_A_REPLY = 50_000
LONGEST_SEARCH = 1_000_000


def documents(batch: bytes) -> Iterator[bytes]:
    """The documents of a batch, each as its own bytes."""
    at = 0
    while at < len(batch):
        (size,) = struct.unpack_from("<i", batch, at)
        yield batch[at : at + size]
        at += size


def ranges(collection: Collection[dict[str, Any]], size: int) -> Iterator[tuple[str | None, str | None, int]]:
    """(lower, upper, count) of consecutive ranges that hold about `size` documents each.

    Every range is asked for with a query of its own, so that no cursor stays open while others work on what was found.
    """
    lower: str | None = None
    while True:
        upper, count = _next_range(collection, lower, size)
        yield lower, upper, count
        if upper is None:
            return
        lower = upper


def _next_range(collection: Collection[dict[str, Any]], lower: str | None, size: int) -> tuple[str | None, int]:
    """The upper bound of the range that starts at `lower` (None: it is the last), and its number of documents.

    The server is asked for the key behind so many others, which it counts along the index three times as fast as it
    sends them. Only where there is none, or it cannot be a bound, the keys themselves are looked at.
    """
    behind = [_bound(key) for key in _keys(collection, lower, 1, skip=size)]
    if behind and behind[0] not in (None, lower):  # a sharded collection can hold a key twice
        return behind[0], size
    wanted = size + 1
    while True:
        keys = _keys(collection, lower, wanted)
        if len(keys) < wanted:
            return None, len(keys)
        at, bound = _last_bound(keys, lower)
        if bound is not None:
            return bound, at
        if wanted > LONGEST_SEARCH:  # nothing but keys that cannot be bounds: the rest is one range
            return None, len(keys)
        wanted *= 2


def _keys(collection: Collection[Any], lower: str | None, limit: int, skip: int = 0) -> list[bytes]:
    cursor: RawBatchCursor[Any] = collection.find_raw_batches(
        {}, {"_id": 1}, sort=ID, hint=ID, skip=skip, limit=limit, batch_size=min(limit, KEYS_A_REPLY)
    )
    if lower is not None:
        cursor = cursor.min([("_id", loads_canonical(lower))])
    return [key for batch in cursor for key in documents(batch)]


def _last_bound(keys: Sequence[bytes], lower: str | None) -> tuple[int, str | None]:
    """The last key that can be a bound, but for the first of all, and where it stands."""
    for at in range(len(keys) - 1, 0, -1):
        bound = _bound(keys[at])
        if bound is not None and keys[at] != keys[0]:  # a sharded collection can hold a key twice
            return at, bound
    return 0, None


def _bound(key: bytes) -> str | None:
    """The text of a key that comes back from its text as it was, or None."""
    try:
        value = decode_one(key)["_id"]
        text = canonical(value)
        same = encode({"_id": loads_canonical(text)}) == key
    except (Unreadable, BSONError, ValueError, TypeError, OverflowError):  # pymongo's classes cannot say every value
        return None
    return text if same and not isinstance(value, MaxKey) else None
