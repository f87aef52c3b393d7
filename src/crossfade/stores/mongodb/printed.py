"""Convert values that have several spellings to the one in which they are read back."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, DecimalException, localcontext
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from bson import Decimal128
from bson.decimal128 import create_decimal128_context

from crossfade.model.canonical import arrow_type, element_of
from crossfade.model.target import ColumnType
from crossfade.records.bson.ejson import canonical, loads_canonical
from crossfade.records.native import extension

_CONTEXT = create_decimal128_context()


def may_be_printed(kind: ColumnType) -> bool:
    """Return whether values of the type, or within it, have several spellings."""
    if kind.kind == "array":
        return may_be_printed(element_of(kind))
    if kind.kind == "struct":
        return any(may_be_printed(field.type) for field in kind.fields)
    return kind.kind in _PRINTERS


def printed(values: Any, kind: ColumnType) -> Any:
    """Return the values as they are read back; text that is not a valid value is unchanged."""
    values = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    if kind.kind in _PRINTERS:
        return _each(values, _PRINTERS[kind.kind], _SURELY[kind.kind](values))
    if not may_be_printed(kind):
        return values
    mask = values.is_null() if values.null_count else None
    if kind.kind == "array":
        parts = printed(values.flatten(), element_of(kind))
        return pa.ListArray.from_arrays(_offsets(values), parts, type=arrow_type(kind), mask=mask)
    parts = [printed(part, field.type) for part, field in zip(values.flatten(), kind.fields, strict=True)]
    return pa.StructArray.from_arrays(parts, fields=list(arrow_type(kind)), mask=mask)


def _each(values: Any, write: Callable[[str], str], known: Any) -> Any:
    """Return `known`, with its missing values printed one by one."""
    if known is None:
        return pa.array([None if v is None else write(v) for v in values.to_pylist()], pa.string())
    if known.null_count == values.null_count:
        return known
    lacking = pc.if_else(known.is_valid(), pa.scalar(None, pa.string()), values)
    return pc.coalesce(known, _each(lacking, write, None))


def _plain_decimals(values: Any) -> Any:
    """Return the decimals that are read back unchanged: those with few digits and no exponent."""
    fits = pc.match_substring_regex(values, r"^-?(?:0|[1-9][0-9]{0,27})(?:\.[0-9]{1,6})?$")
    return pc.if_else(fits, values, pa.scalar(None, pa.string()))


def _natively(values: Any) -> Any | None:
    module = extension()
    made = None if module is None else module.printed(values)
    return None if made is None else pa.record_batch(made).column(0)


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
_SURELY: dict[str, Callable[[Any], Any | None]] = {"decimal128": _plain_decimals, "ejson": _natively}
"""Returns a column with the values that are certain, and NULL for those to be printed one by one; None for all."""
