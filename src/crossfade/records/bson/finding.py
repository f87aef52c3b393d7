"""Finds documents by a value as a server finds them.

Values are compared by their canonical Extended JSON, numbers by their value: 5 finds 5, 5.0 and Decimal 5. Long strings
are compared by their hash.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from crossfade.model.rejection import Rejected
from crossfade.model.shape import ELEMENT, Path, unescape_step
from crossfade.records.bson.decode import decode_one
from crossfade.records.bson.ejson import canonical

_SHORT = 40


def match_key(text: str) -> bytes:
    """Return the key by which a value is found, from its canonical text: equal numbers have the same."""
    if text.startswith('{"$number'):
        text = _number(text)
    data = text.encode("utf-8", "surrogatepass")
    return data if len(data) <= _SHORT else hashlib.blake2b(data, digest_size=_SHORT // 2).digest()


def _number(text: str) -> str:
    ((kind, digits),) = json.loads(text).items()
    # A double counts as what it is exactly, not as its shortest digits: 0.1 is not the Decimal 0.1.
    value = Decimal(float(digits)) if kind == "$numberDouble" else Decimal(digits)
    if not value.is_finite():
        return f"#{value}"
    sign, figures, exponent = value.as_tuple()
    assert isinstance(exponent, int)
    bare = "".join(map(str, figures)).lstrip("0")
    short = bare.rstrip("0")
    return f"#{'-' if sign and short else ''}{short}e{exponent + len(bare) - len(short) if short else 0}"


def match_keys(document: bytes, path: Path) -> set[bytes]:
    """Return the keys by which the document is found at `path`; none if it is damaged.

    A damaged document is quarantined wherever it is read, so no lookup can find it.
    """
    try:
        return {match_key(canonical(value)) for value in _at(decode_one(document), path)}
    except Rejected:
        return set()


def _at(value: Any, path: Path) -> Iterator[Any]:
    """Yield the values at `path` as a server matches them: one value and an array of them match alike.

    So arrays are entered where the path does not say so, and single values are found where it does. An array inside an
    array is entered only where the path steps into both.
    """
    depth = next((n for n, step in enumerate(path) if step != ELEMENT), len(path))
    rest = path[depth:]
    for one in _with_elements(value, max(depth, 1)):
        if not rest:
            yield one
        elif type(one) is dict and (name := unescape_step(rest[0])) in one:
            yield from _at(one[name], rest[1:])


def _with_elements(value: Any, depth: int) -> Iterator[Any]:
    yield value
    if type(value) is list and depth:
        for each in value:
            yield from _with_elements(each, depth - 1)
