"""Decodes BSON documents into Python values at pymongo's speed, without its losses.

pymongo's decoder silently keeps the last of duplicate keys, and reads undefined as null and a symbol as a string. Its
encoder is exact. So each document is decoded and encoded again: equal bytes prove that nothing was lost. All others are
read a second time by walk.py, which either keeps everything or says why it cannot. The same step gives a document's raw
bytes: they are what the encoder wrote.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from bson import Code, CodecOptions, decode_all, encode
from bson.codec_options import DatetimeConversion
from bson.dbref import DBRef

from crossfade.model.rejection import Rejected, Rejection
from crossfade.model.shape import format_path
from crossfade.records.bson.canonical import canonical
from crossfade.records.bson.walk import MAX_DEPTH, read_id, walk

# Naive datetimes are cheaper to create than aware ones; all of them are UTC.
_OPTIONS: CodecOptions[dict[str, Any]] = CodecOptions(
    tz_aware=False, datetime_conversion=DatetimeConversion.DATETIME_AUTO
)

PORTION = 400_000
"""The size of documents whose values fit into the processor's cache, which makes counting a fifth faster."""

_LENGTH = struct.Struct("<i")


@dataclass
class Decoded:
    """Documents and their bytes in the same order; `positions` has the position of each in the batch."""

    docs: list[dict[str, Any]] = field(default_factory=list)
    raws: list[bytes] = field(default_factory=list)
    positions: list[int] | range = field(default_factory=list)
    rejected: list[Rejection] = field(default_factory=list)


def split(batch: bytes) -> list[bytes]:
    """Split a batch into documents. After an invalid length, the rest of the batch is one piece."""
    pieces, pos, size = [], 0, len(batch)
    while pos < size:
        length = int.from_bytes(batch[pos : pos + 4], "little", signed=True)
        if length < 5 or pos + length > size:
            length = size - pos
        pieces.append(batch[pos : pos + length])
        pos += length
    return pieces


def portions(batch: bytes, size: int = PORTION) -> Iterator[bytes]:
    """Split a batch into portions of whole documents, each of `size` bytes or a little more.

    After an invalid length, the rest of the batch belongs to one portion, because it is one document for `decode`.
    """
    start, pos, end = 0, 0, len(batch)
    while pos + size < end:
        while pos - start < size:
            (length,) = _LENGTH.unpack_from(batch, pos) if pos + 4 <= end else (0,)
            pos = pos + length if 5 <= length <= end - pos else end
        yield batch[start:pos]
        start = pos
    if start < end:
        yield batch[start:]


def decode(batch: bytes) -> Decoded:
    """Decode every document of the batch without loss, or set it aside with the reason."""
    try:
        docs = decode_all(batch, _OPTIONS)
        raws = list(map(encode, docs))
    except Exception:  # any error: one bad document must not affect the others
        return _one_by_one(split(batch))
    if b"".join(raws) == batch and not _needs_care(batch, raws):
        return Decoded(docs, raws, range(len(docs)))
    return _one_by_one(split(batch))


def _needs_care(batch: bytes, raws: list[bytes]) -> bool:
    return b"$ref\0" in batch or any(map(_may_be_deep, raws))


def _may_be_deep(raw: bytes) -> bool:
    """Return whether enough bytes could open an object, an array or a scope. In most documents they do not."""
    return len(raw) > 7 * MAX_DEPTH and raw.count(b"\3") + raw.count(b"\4") + raw.count(b"\x0f") >= MAX_DEPTH


def _one_by_one(pieces: list[bytes]) -> Decoded:
    out = Decoded()
    positions: list[int] = []
    for position, raw in enumerate(pieces):
        try:
            doc = decode_one(raw)
        except Rejected as e:
            path = format_path(e.path)
            out.rejected.append(Rejection(position, e.reason, e.detail, path=path, key=key_of(raw), raw=raw))
            continue
        out.docs.append(doc)
        out.raws.append(raw)
        positions.append(position)
    out.positions = positions
    return out


def decode_one(raw: bytes) -> dict[str, Any]:
    """Decode a document without loss. Raises `Rejected`."""
    try:
        (doc,) = decode_all(raw, _OPTIONS)
        whole = encode(doc) == raw
    except Exception:  # the exact reader decides, and returns a better reason
        whole = False
    if not whole or (_may_be_deep(raw) and _depth(doc) > MAX_DEPTH):
        return walk(raw)
    return _without_refs(doc) if b"$ref\0" in raw else doc


_OID_FIRST, _INT_FIRST, _LONG_FIRST = b"\x07_id\x00", b"\x10_id\x00", b"\x12_id\x00"
"""How a document begins, after its length, whose first field is an `_id` of this type."""


def key_of(raw: bytes) -> str | None:
    """Return the canonical text of a document's `_id`, even if the rest is broken; None if it cannot be read."""
    first, size = raw[4:9], len(raw)
    if first == _OID_FIRST and size > 21:
        return f'{{"$oid":"{raw[9:21].hex()}"}}'
    if first == _INT_FIRST and size > 13:
        return f'{{"$numberInt":"{int.from_bytes(raw[9:13], "little", signed=True)}"}}'
    if first == _LONG_FIRST and size > 17:
        return f'{{"$numberLong":"{int.from_bytes(raw[9:17], "little", signed=True)}"}}'
    try:
        return canonical(read_id(raw))
    except (Rejected, RecursionError):
        return None


def _depth(doc: dict[str, Any]) -> int:
    depth, level = 0, [doc]
    while level:
        depth += 1
        level = [child for parent in level for child in _children(parent)]
    return depth


def _children(parent: Any) -> list[Any]:
    """Return the objects, arrays and scopes inside this one."""
    values = parent if type(parent) is list else parent.values()
    found = [v for v in values if type(v) in (dict, list)]
    found += [dict(v.as_doc()) for v in values if isinstance(v, DBRef)]
    return found + [dict(v.scope) for v in values if isinstance(v, Code) and v.scope is not None]


def _without_refs(value: Any) -> Any:
    """Return the value with DBRefs, which pymongo makes of `{$ref, $id}`, converted back to objects."""
    if isinstance(value, DBRef):
        value = dict(value.as_doc())
    if type(value) is dict:
        return {name: _without_refs(v) for name, v in value.items()}
    if type(value) is list:
        return [_without_refs(v) for v in value]
    if isinstance(value, Code) and value.scope is not None:
        return Code(str(value), _without_refs(dict(value.scope)))
    return value
