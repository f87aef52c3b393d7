"""Canonical rows as BSON documents, column by column and byte by byte: no object is created for a value.

A column gives for each row the bytes of its element (type, name, value); a document is its elements joined. A missing
field is an element of no bytes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from decimal import Decimal, Inexact, InvalidOperation, Overflow, localcontext
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from bson import Decimal128
from bson.decimal128 import create_decimal128_context

from crossfade.model.canonical import arrow_type, element_of
from crossfade.model.rejection import Rejected, Rejection
from crossfade.model.target import ColumnType, TargetColumn, TargetTable
from crossfade.records.bson.ejson import loads_canonical, to_bson
from crossfade.stores.contract import RowRejected
from crossfade.stores.mongodb.encoded import encoded
from crossfade.stores.mongodb.fields import KEY, is_compound, key_type, stored

MOST_BYTES = 16_777_216
MOST_DEPTH = 100
_DECIMAL128 = create_decimal128_context()
_PLAIN = re.compile(r"(-)?([0-9]+)(?:\.([0-9]+))?")
_DIGITS, _BIAS = 34, 6176
_NULL = b"\x0a"
_SHOWN = 80

Values = list[bytes | None]
"""For each row, the byte of the BSON type and the value; None for NULL."""


def documents(table: TargetTable, rows: Any) -> list[bytes]:
    """Return the documents of rows, their fields in the order of the schema. Raises RowRejected with every row that
    MongoDB cannot store.
    """
    parts = list(_parts(table, rows))
    made = encoded([array for array, _, _ in parts], [field for _, field, _ in parts])
    return _encoded(table, parts) if made is None else made


Part = tuple[Any, TargetColumn, str]
"""A field of the documents: its values, what it is, and the column that it comes from."""


def _parts(table: TargetTable, rows: Any) -> Iterator[Part]:
    if is_compound(table):
        yield _compound_keys(table, rows), TargetColumn(KEY, key_type(table), nullable=False), KEY
    for column in table.columns:
        if column.name in rows.column_names or not column.absent:
            yield _column(rows, column), replace(column, name=stored(table, column.name)), column.name


def _encoded(table: TargetTable, parts: Sequence[Part]) -> list[bytes]:
    """Return the documents by the reference implementation, which also names the rows that do not fit."""
    refusals: dict[int, Rejection] = {}
    bodies = [_elements(values, field, column, refusals) for values, field, column in parts]
    for body, (_, field, column) in zip(bodies, parts, strict=True):
        _refuse_empty_timestamps(body, field, column, refusals)
    found = [_document(each) for each in zip(*bodies, strict=True)] if bodies else []
    for row, document in enumerate(found):
        if len(document) > MOST_BYTES:
            message = f"the document has {len(document):,} bytes, more than {MOST_BYTES:,}"
            refusals.setdefault(row, Rejection(row, "too_long", message))
    if refusals:
        listed = [refusals[row] for row in sorted(refusals)]
        raise RowRejected(listed[0].reason, listed[0].detail, table=table.name, column=listed[0].column, rows=listed)
    return found


def _refuse_empty_timestamps(
    body: Sequence[bytes], field: TargetColumn, column: str, refusals: dict[int, Rejection]
) -> None:
    """MongoDB puts the present time in the place of an empty timestamp, in all fields of a document but _id."""
    if field.type.kind != "ejson" or field.name == KEY:
        return
    empty = b"\x11" + field.name.encode() + bytes(9)
    for row, element in enumerate(body):
        if element == empty:
            message = "MongoDB would put the present time in the place of the empty timestamp"
            refusals.setdefault(row, Rejection(row, "bad_value", message, column=column))


def compound_keys(table: TargetTable, rows: Any) -> list[bytes]:
    """Return the keys of several columns, as values."""
    return [value for value in values_of(_compound_keys(table, rows), key_type(table)) if value is not None]


def _compound_keys(table: TargetTable, rows: Any) -> Any:
    kind = key_type(table)
    return pa.StructArray.from_arrays([_column(rows, c) for c in kind.fields], fields=list(arrow_type(kind)))


def _column(rows: Any, column: TargetColumn) -> Any:
    if column.name not in rows.column_names:
        return pa.nulls(len(rows), arrow_type(column.type))
    values = rows.column(column.name)
    return values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values


def values_of(values: Any, kind: ColumnType) -> Values:
    """Return the values as BSON. Raises Rejected for one that BSON cannot represent."""
    refusals: dict[int, Rejection] = {}
    found = _values(values, kind, "", refusals)
    for refusal in refusals.values():
        raise Rejected(refusal.reason, refusal.detail)
    return found


def _document(parts: Sequence[bytes]) -> bytes:
    body = b"".join(parts)
    return (len(body) + 5).to_bytes(4, "little") + body + b"\0"


def _elements(values: Any, field: TargetColumn, column: str, refusals: dict[int, Rejection]) -> list[bytes]:
    """Return the bytes of a field in each row. The field is the column itself, or within it."""
    name = field.name.encode() + b"\0"
    null = b"" if field.absent else _NULL + name
    found = _values(values, field.type, column, refusals)
    return [null if one is None else one[:1] + name + one[1:] for one in found]


def _values(values: Any, kind: ColumnType, column: str, refusals: dict[int, Rejection]) -> Values:
    if not len(values):
        return []
    if kind.kind == "struct":
        found = _structs(values, kind, column, refusals)
    elif kind.kind == "array":
        found = _arrays(values, kind, column, refusals)
    elif kind.kind in _FIXED:
        found = _fixed(values, kind)
    elif kind.kind in _ONE_BY_ONE:
        return _one_by_one(values, _ONE_BY_ONE[kind.kind], column, refusals)
    elif kind.kind == "bool":
        return [None if v is None else b"\x08\x01" if v else b"\x08\x00" for v in values.to_pylist()]
    elif kind.kind == "bytea":
        return _binary(values, kind.subtype or 0)
    else:
        found = _strings(values)
    if values.null_count:
        return [one if valid else None for one, valid in zip(found, values.is_valid().to_pylist(), strict=True)]
    return found


_FIXED: dict[str, tuple[bytes, int]] = {
    "int4": (b"\x10", 4),
    "int8": (b"\x12", 8),
    "float8": (b"\x01", 8),
    "timestamptz": (b"\x09", 8),
    "objectid": (b"\x07", 12),
    "uuid": (b"\x05\x10\x00\x00\x00\x04", 16),
}


def _fixed(values: Any, kind: ColumnType) -> Values:
    head, width = _FIXED[kind.kind]
    if kind.kind == "timestamptz":  # whole milliseconds: finer times were refused before
        values = pc.divide(values.cast(pa.int64()), 1000)
    data = values.buffers()[1]
    first = values.offset * width
    raw = (
        memoryview(data)[first : first + len(values) * width].tobytes()
        if data is not None
        else bytes(len(values) * width)
    )
    return [head + raw[at : at + width] for at in range(0, len(raw), width)]


def _strings(values: Any) -> Values:
    return [
        b"\x02" + (len(text) + 1).to_bytes(4, "little") + text + b"\0"
        for text in (b"" if v is None else v for v in values.cast(pa.binary()).to_pylist())
    ]


def _binary(values: Any, subtype: int) -> Values:
    def one(data: bytes) -> bytes:
        inner = len(data).to_bytes(4, "little") + data if subtype == 2 else data  # the old form says its length twice
        return b"\x05" + len(inner).to_bytes(4, "little") + bytes([subtype]) + inner

    return [None if data is None else one(data) for data in values.to_pylist()]


def _structs(values: Any, kind: ColumnType, column: str, refusals: dict[int, Rejection]) -> Values:
    inner = [
        _elements(part, field, column, refusals) for part, field in zip(values.flatten(), kind.fields, strict=True)
    ]
    if not inner:
        return [b"\x03\x05\x00\x00\x00\x00"] * len(values)
    return [b"\x03" + _document(parts) for parts in zip(*inner, strict=True)]


def _arrays(values: Any, kind: ColumnType, column: str, refusals: dict[int, Rejection]) -> Values:
    inside: dict[int, Rejection] = {}
    elements = _values(values.flatten(), element_of(kind), column, inside)
    parents = pc.list_parent_indices(values)
    for place, refusal in inside.items():
        row = parents[place].as_py()
        refusals.setdefault(row, Rejection(row, refusal.reason, f"an element: {refusal.detail}", column=column))
    found: Values = []
    at = 0
    for length in pc.fill_null(pc.list_value_length(values), 0).to_pylist():
        parts = [_indexed(i, one) for i, one in enumerate(elements[at : at + length])]
        found.append(b"\x04" + _document(parts))
        at += length
    return found


def _indexed(index: int, value: bytes | None) -> bytes:
    name = str(index).encode() + b"\0"
    return _NULL + name if value is None else value[:1] + name + value[1:]


def _one_by_one(values: Any, encode: Callable[[str], bytes], column: str, refusals: dict[int, Rejection]) -> Values:
    found: Values = []
    for row, value in enumerate(values.to_pylist()):
        try:
            found.append(None if value is None else encode(value))
        except Rejected as error:
            refusals.setdefault(row, error.at(row, column=column or None))
            found.append(None)
    return found


def _decimal(text: str) -> bytes:
    """Return a plain number by its digits (IEEE 754's form with a binary coefficient), any other by the driver."""
    found = _PLAIN.fullmatch(text)
    if found is not None and len(digits := found[2] + (found[3] or "")) <= _DIGITS:
        bits = int(digits) | (_BIAS - len(found[3] or "")) << 113 | bool(found[1]) << 127
        return b"\x13" + bits.to_bytes(16, "little")
    try:
        with localcontext(_DECIMAL128):
            return b"\x13" + Decimal128(Decimal(text)).bid
    except (Inexact, InvalidOperation, Overflow):
        raise Rejected(
            "precision", f"{text[:_SHOWN]} has more than the 34 digits of a Decimal128, or is beyond it"
        ) from None


def _any(text: str) -> bytes:
    """Return the value of canonical Extended JSON."""
    try:
        value = loads_canonical(text)
        document = to_bson({"": value})
    except (ValueError, TypeError, RecursionError) as error:
        raise Rejected("not_json", f"{text[:_SHOWN]!r} is not Extended JSON: {error}") from None
    if (depth := _depth(value)) > MOST_DEPTH - 1:
        raise Rejected("too_deep", f"the value is nested {depth} levels deep, and MongoDB takes {MOST_DEPTH}")
    return document[4:5] + document[6:-1]


def _depth(value: Any) -> int:
    deepest, level = 0, [value]
    while level := [v for v in level if isinstance(v, dict | list)]:
        deepest += 1
        level = [v for one in level for v in (one.values() if isinstance(one, dict) else one)]
    return deepest


_ONE_BY_ONE: dict[str, Callable[[str], bytes]] = {"decimal128": _decimal, "ejson": _any}
