"""Values that have several spellings, in the one in which they are read back."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, DecimalException, localcontext
from typing import Any

import pyarrow as pa
from bson import Decimal128
from bson.decimal128 import create_decimal128_context

from crossfade.model.canonical import arrow_type, element_of
from crossfade.model.target import ColumnType
from crossfade.records.bson.ejson import canonical, loads_canonical

_CONTEXT = create_decimal128_context()


def may_be_printed(kind: ColumnType) -> bool:
    """Return whether values of the type, or within it, have several spellings."""
    if kind.kind == "array":
        return may_be_printed(element_of(kind))
    if kind.kind == "struct":
        return any(may_be_printed(field.type) for field in kind.fields)
    return kind.kind in _PRINTERS


def printed(values: Any, kind: ColumnType) -> Any:
    """Return the values as they are read back; text that says no value is unchanged."""
    values = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    if kind.kind in _PRINTERS:
        write = _PRINTERS[kind.kind]
        return pa.array([None if v is None else write(v) for v in values.to_pylist()], pa.string())
    if not may_be_printed(kind):
        return values
    mask = values.is_null() if values.null_count else None
    if kind.kind == "array":
        parts = printed(values.flatten(), element_of(kind))
        return pa.ListArray.from_arrays(_offsets(values), parts, type=arrow_type(kind), mask=mask)
    parts = [printed(part, field.type) for part, field in zip(values.flatten(), kind.fields, strict=True)]
    return pa.StructArray.from_arrays(parts, fields=list(arrow_type(kind)), mask=mask)


def _offsets(values: Any) -> Any:
    at, offsets = 0, [0]
    for length in values.value_lengths().fill_null(0).to_pylist():
        at += length
        offsets.append(at)
    return pa.array(offsets, pa.int32())


def _decimal(text: str) -> str:
    try:
        with localcontext(_CONTEXT):
            return str(Decimal128(Decimal(text)))
    except DecimalException:
        return text


def _any(text: str) -> str:
    try:
        return canonical(loads_canonical(text))
    except (ValueError, TypeError, RecursionError):
        return text


_PRINTERS: dict[str, Callable[[str], str]] = {"decimal128": _decimal, "ejson": _any}
