"""Digests of documents: equal for copies of a document, different for different documents.

A digest is BLAKE2b, 128 bits, over the document as normalized BSON: the indexes of arrays count up from 0, and if the
order of fields is not significant, the fields of every object (and of every scope) are sorted by name. Everything else
is unchanged: types, the order of elements, minus zero, the bytes of NaN and of decimals.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

from bson import Code

from crossfade.records.bson.decode import decode
from crossfade.records.bson.encode import to_bson
from crossfade.records.native import extension

SIZE = 16


def digests(batch: bytes, *, ordered: bool = True) -> list[bytes | None]:
    """Return the digest of each document of a batch in order, None for one that cannot be read.

    `ordered`: whether the order of fields is significant.
    """
    module = extension()
    if module is None:
        return python_digests(batch, ordered=ordered)
    found: bytes
    broken: list[int]
    found, broken = module.digests(batch, ordered)
    out: list[bytes | None] = [found[at : at + SIZE] for at in range(0, len(found), SIZE)]
    for position in broken:
        out[position] = None
    return out


def python_digests(batch: bytes, *, ordered: bool = True) -> list[bytes | None]:
    """Return the same, but always computed in Python: the reference for the native implementation."""
    decoded = decode(batch)
    out: list[bytes | None] = [None] * (len(decoded.docs) + len(decoded.rejected))
    for position, doc in zip(decoded.positions, decoded.docs, strict=True):
        out[position] = blake2b(to_bson(doc if ordered else _sorted(doc)), digest_size=SIZE).digest()
    return out


def _sorted(value: Any) -> Any:
    if type(value) is dict:
        return {name: _sorted(value[name]) for name in sorted(value)}
    if type(value) is list:
        return [_sorted(v) for v in value]
    if isinstance(value, Code) and value.scope is not None:
        return Code(str(value), _sorted(dict(value.scope)))
    return value
