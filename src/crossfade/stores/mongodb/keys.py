"""Filters that find documents by canonical values of their fields, as raw BSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa
from bson.raw_bson import RawBSONDocument

from crossfade.model.rejection import Rejected
from crossfade.model.target import TargetTable
from crossfade.stores.mongodb.documents import compound_keys, values_of
from crossfade.stores.mongodb.fields import KEY, stored

_VALUES_AT_ONCE = 5000
_BYTES_AT_ONCE = 8_000_000


def filters(table: TargetTable, keys: Any) -> Iterator[RawBSONDocument]:
    """Yield filters for the documents whose fields have one of these rows of values, a bounded number at a time."""
    names = list(keys.column_names)
    if len(names) == 1:
        for some in _portions(_values(table, keys, names[0])):
            yield _in(stored(table, names[0]), some)
        return
    if set(names) == set(table.primary_key):
        for some in _portions(compound_keys(table, keys)):
            yield _in(KEY, some)
        return
    columns = [_values(table, keys, name) for name in names]
    names = [stored(table, name) for name in names]
    for some in _portions([_equal(names, row) for row in zip(*columns, strict=True)]):
        yield _document([_element(b"\x04", "$or", _array([b"\x03" + one for one in some]))])


def _values(table: TargetTable, keys: Any, name: str) -> list[bytes]:
    """Return the values of a column, each once, without NULL and values that BSON cannot represent."""
    column = table.column(name)
    assert column is not None, f"{table.name} has a column {name}"
    values = keys.column(name)
    values = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    if len(keys.column_names) == 1:
        values = values.drop_null()
    try:
        return [b"\x0a" if one is None else one for one in values_of(values, column.type)]
    except Rejected:
        single = [keys.select([name]).slice(i, 1) for i in range(len(keys))] if len(keys) > 1 else []
        return [value for one in single for value in _values(table, one, name)]


def _portions(values: Sequence[bytes]) -> Iterator[list[bytes]]:
    some: list[bytes] = []
    size = 0
    for value in dict.fromkeys(values):
        if some and (len(some) >= _VALUES_AT_ONCE or size + len(value) > _BYTES_AT_ONCE):
            yield some
            some, size = [], 0
        some.append(value)
        size += len(value)
    if some:
        yield some


def _in(name: str, values: Sequence[bytes]) -> RawBSONDocument:
    inner = _raw([_element(b"\x04", "$in", _array(values))])
    return _document([_element(b"\x03", name, inner)])


def _equal(names: Sequence[str], row: Sequence[bytes]) -> bytes:
    parts = []
    for name, value in zip(names, row, strict=True):
        parts.append(_element(b"\x03", name, _raw([_element(value[:1], "$eq", value[1:])])))
    return _raw(parts)


def _array(values: Sequence[bytes]) -> bytes:
    return _raw([_element(value[:1], str(i), value[1:]) for i, value in enumerate(values)])


def _element(code: bytes, name: str, value: bytes) -> bytes:
    return code + name.encode() + b"\0" + value


def _raw(parts: Sequence[bytes]) -> bytes:
    body = b"".join(parts)
    return (len(body) + 5).to_bytes(4, "little") + body + b"\0"


def _document(parts: Sequence[bytes]) -> RawBSONDocument:
    return RawBSONDocument(_raw(parts))
