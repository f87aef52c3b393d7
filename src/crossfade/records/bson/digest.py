"""Documents by their digests: what two copies of a document have in common, and two different ones have not.

A digest is BLAKE2b, 128 bits, over the document as BSON with nothing left to chance: the indexes of arrays count up
from 0, and where the order of fields is to mean nothing, the fields of every object (and of every scope) are sorted by
name. All else stays as it is: types, the order of elements, minus zero, the bytes of NaN and of decimals.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

from bson import Code

from crossfade.records.bson.decode import decode
from crossfade.records.bson.encode import to_bson
from crossfade.records.bson.native import extension

SIZE = 16


def digests(batch: bytes, *, ordered: bool = True) -> list[bytes | None]:
    """The digest of each document of a batch, in order; None for one that cannot be read.

    `ordered`: whether documents differ that differ in the order of their fields alone.
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
    """The same in Python, whatever is installed: what the native one is held against."""
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
