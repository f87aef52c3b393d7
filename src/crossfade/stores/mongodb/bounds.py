"""Computes where one chunk of keys ends and the next begins.

A range of keys is read by the index itself (`min` and `max` on `_id_`), never by `$gte` and `$lt`, because those
compare within one type only and would silently skip keys of other types. A bound is passed as text and must be read
back as the same key, so a Symbol, a DBPointer or a NaN with a payload is never a bound: any other key serves, and the
chunk is a little longer. `MaxKey` is not a bound either, because the server reads a missing `max` as "up to MaxKey,
exclusive": see `_last_key` in source.py.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from typing import Any

from bson import encode
from bson.errors import BSONError
from bson.max_key import MaxKey
from pymongo.client_session import ClientSession
from pymongo.collection import Collection
from pymongo.cursor import RawBatchCursor

from crossfade.model.rejection import Rejected
from crossfade.records.bson.decode import decode_one
from crossfade.records.bson.ejson import canonical, loads_canonical

ID = [("_id", 1)]
KEYS_A_REPLY = 50_000
LONGEST_SEARCH = 1_000_000


def documents(batch: bytes) -> Iterator[bytes]:
    """Split a batch into the bytes of each document."""
    at = 0
    while at < len(batch):
        (size,) = struct.unpack_from("<i", batch, at)
        yield batch[at : at + size]
        at += size


def ranges(
    collection: Collection[dict[str, Any]], size: int, session: ClientSession | None = None
) -> Iterator[tuple[str | None, str | None, int]]:
    """Yield (lower, upper, count) of consecutive ranges of about `size` documents each.

    Every range takes a query of its own, so that no cursor stays open while the caller works on a range.
    """
    lower: str | None = None
    while True:
        upper, count = _next_range(collection, lower, size, session)
        yield lower, upper, count
        if upper is None:
            return
        lower = upper


def _next_range(
    collection: Collection[dict[str, Any]], lower: str | None, size: int, session: ClientSession | None
) -> tuple[str | None, int]:
    """Return the upper bound of the range that starts at `lower` (None: it is the last), and its number of documents.

    The server skips `size` keys along the index and returns the next one, three times as fast as it sends them all. The
    keys themselves are read only if there is no such key or it cannot be a bound.
    """
    behind = [_bound(key) for key in _keys(collection, session, lower, 1, skip=size)]
    if behind and behind[0] not in (None, lower):  # a sharded collection can hold a key twice
        return behind[0], size
    wanted = size + 1
    while True:
        keys = _keys(collection, session, lower, wanted)
        if len(keys) < wanted:
            return None, len(keys)
        at, bound = _last_bound(keys, lower)
        if bound is not None:
            return bound, at
        if wanted > LONGEST_SEARCH:  # no key of the rest can be a bound: the rest is one range
            return None, len(keys)
        wanted *= 2


def _keys(
    collection: Collection[Any], session: ClientSession | None, lower: str | None, limit: int, skip: int = 0
) -> list[bytes]:
    cursor: RawBatchCursor[Any] = collection.find_raw_batches(
        {}, {"_id": 1}, sort=ID, hint=ID, skip=skip, limit=limit, batch_size=min(limit, KEYS_A_REPLY), session=session
    )
    if lower is not None:
        cursor = cursor.min([("_id", loads_canonical(lower))])
    return [key for batch in cursor for key in documents(batch)]


def _last_bound(keys: Sequence[bytes], lower: str | None) -> tuple[int, str | None]:
    """Return the last key other than the first that can be a bound, and its place."""
    for at in range(len(keys) - 1, 0, -1):
        bound = _bound(keys[at])
        if bound is not None and keys[at] != keys[0]:  # a sharded collection can hold a key twice
            return at, bound
    return 0, None


def _bound(key: bytes) -> str | None:
    """Return the text of a key that can be read back from it unchanged, or None."""
    try:
        value = decode_one(key)["_id"]
        text = canonical(value)
        same = encode({"_id": loads_canonical(text)}) == key
    except (
        Rejected,
        BSONError,
        ValueError,
        TypeError,
        OverflowError,
    ):  # pymongo's classes cannot represent every value
        return None
    return text if same and not isinstance(value, MaxKey) else None
