"""Convert single values to PostgreSQL's binary form in plain Python: the reference, and used for numerics and arrays.

A form is a function from a canonical Python value (times as integers, UUIDs as 16 bytes) to the bytes of its field,
without the length before it.
"""

from __future__ import annotations

import functools
import struct
from collections.abc import Callable, Sequence
from typing import Any

from crossfade.model.target import ColumnType

EPOCH_DAYS = 10_957  # from 1970 to 2000, PostgreSQL's epoch
EPOCH_MICROS = EPOCH_DAYS * 86_400_000_000

Form = Callable[[Any], bytes]

_SPECIAL = {
    "NaN": struct.pack(">hhHH", 0, 0, 0xC000, 0),
    "Infinity": struct.pack(">hhHH", 0, 0, 0xD000, 0),
    "-Infinity": struct.pack(">hhHH", 0, 0, 0xF000, 0),
}
_NEGATIVE = 0x4000


@functools.lru_cache(maxsize=16_384)  # prices and quantities repeat
def numeric(text: str) -> bytes:
    """Return the number of groups of four digits, the weight of the first group, the sign, the scale, and the groups.

    >>> numeric("-1.10").hex()
    '0002000040000002000103e8'
    """
    if text in _SPECIAL:
        return _SPECIAL[text]
    whole, _, fraction = text.lstrip("-").partition(".")
    digits = whole.zfill(-(-len(whole) // 4) * 4) + fraction + "0" * (-len(fraction) % 4)
    groups = [int(digits[at : at + 4]) for at in range(0, len(digits), 4)]
    weight = -(-len(whole) // 4) - 1
    first = next((i for i, group in enumerate(groups) if group), len(groups))
    last = next((i for i in range(len(groups), first, -1) if groups[i - 1]), first)
    if first == last:
        return struct.pack(">hhHH", 0, 0, 0, len(fraction))
    sign = _NEGATIVE if text.startswith("-") else 0
    used = groups[first:last]
    return struct.pack(f">hhHH{len(used)}H", len(used), weight - first, sign, len(fraction), *used)


def array(elements: Sequence[bytes | None], oid: int) -> bytes:
    """Return an array with one dimension, counted from 1. An empty array has no dimension."""
    if not elements:
        return struct.pack(">iiI", 0, 0, oid)
    with_nulls = int(any(e is None for e in elements))
    head = struct.pack(">iiIii", 1, with_nulls, oid, len(elements), 1)
    return head + b"".join(map(field, elements))


def field(value: bytes | None) -> bytes:
    """Return a value preceded by its length. NULL has the length -1."""
    return b"\xff\xff\xff\xff" if value is None else struct.pack(">i", len(value)) + value


def _text(value: str) -> bytes:
    return value.encode()


def _jsonb(value: str) -> bytes:
    return b"\x01" + value.encode()  # the version of the format, then the text


FORMS: dict[str, Form] = {
    "int2": struct.Struct(">h").pack,
    "int4": struct.Struct(">i").pack,
    "int8": struct.Struct(">q").pack,
    "float4": struct.Struct(">f").pack,
    "float8": struct.Struct(">d").pack,
    "numeric": numeric,
    "bool": struct.Struct(">?").pack,
    "text": _text,
    "char": _text,
    "uuid": bytes,
    "timestamptz": lambda micros: struct.pack(">q", micros - EPOCH_MICROS),
    "timestamp": lambda micros: struct.pack(">q", micros - EPOCH_MICROS),
    "date": lambda days: struct.pack(">i", days - EPOCH_DAYS),
    "time": struct.Struct(">q").pack,
    "json": _text,
    "jsonb": _jsonb,
    "bytea": bytes,
    "enum": _text,
}


def form(kind: ColumnType, element_oid: int = 0) -> Form:
    """Return the form for values of the type. `element_oid` is needed only for arrays."""
    if kind.kind != "array" or kind.of is None:
        return FORMS[kind.kind]
    inner = FORMS[kind.of.kind]
    return lambda values: array([None if v is None else inner(v) for v in values], element_oid)
