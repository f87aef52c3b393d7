"""Raw records of rows: lines of JSON with the key and the text of every column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from types import NoneType

import orjson

from crossfade.model.rejection import Rejected
from crossfade.records.rows.keys import key_of_texts

DIGEST = 16


@dataclass(frozen=True, slots=True)
class RawRow:
    """A record: the texts of its key, and of its columns. One that holds its key alone has no columns."""

    key: Sequence[str]
    columns: Mapping[str, str | None]


def write(row: RawRow) -> bytes:
    """Return the record as a line."""
    return orjson.dumps({"key": list(row.key), "row": dict(row.columns)}, option=orjson.OPT_APPEND_NEWLINE)


def read(raw: bytes) -> RawRow:
    """Return the record of a line. Raises Rejected."""
    try:
        found = orjson.loads(raw)
        key, columns = found["key"], found["row"]
        if not _are_texts(key) or not isinstance(columns, dict) or not _are_texts(columns.values(), null=True):
            raise ValueError("it holds values that are not text")
        return RawRow(key, columns)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise Rejected("broken", f"the record is not a row: {error}") from None


def _are_texts(values: object, *, null: bool = False) -> bool:
    return {*map(type, values)} <= ({str, NoneType} if null else {str})  # type: ignore[call-overload]


def split(batch: bytes) -> list[bytes]:
    """Return the records one by one."""
    return [line + b"\n" for line in batch.split(b"\n") if line]


def unseen(batch: bytes, seen: set[bytes]) -> bytes:
    """Return the records that are not among those seen before, and add them to these."""
    fresh = []
    for raw in split(batch):
        mark = blake2b(raw, digest_size=DIGEST).digest()
        if mark not in seen:
            seen.add(mark)
            fresh.append(raw)
    return b"".join(fresh)


def key_of(raw: bytes) -> str | None:
    """Return the key, or None where it cannot be read."""
    try:
        return key_of_texts(orjson.loads(raw)["key"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return None


def digests(batch: bytes, *, ordered: bool = True) -> list[bytes | None]:
    """Return the digest of each record; None for one that cannot be read."""
    return [_digest(raw, ordered=ordered) for raw in split(batch)]


def _digest(raw: bytes, *, ordered: bool) -> bytes | None:
    try:
        row = read(raw)
    except Rejected:
        return None
    columns = row.columns if ordered else dict(sorted(row.columns.items()))
    return blake2b(write(RawRow(row.key, columns)), digest_size=DIGEST).digest()
