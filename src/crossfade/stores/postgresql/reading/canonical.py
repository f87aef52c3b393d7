"""Columns of PostgreSQL as canonical Arrow (model/target.CANONICAL), read through ADBC."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from crossfade.model.canonical import arrow_type, element_of
from crossfade.model.target import ColumnType

AS_TEXT = ("numeric", "json", "jsonb", "text", "char", "enum", "other")
"""Kinds that are read as text, by the cast of their type."""
_EPOCH_MICROS, _EPOCH_DAYS = 946_684_800_000_000, 10_957  # ADBC adds them, without an overflow check
_FIRST_MOMENT, _FIRST_DAY = -2_440_588 * 86_400_000_000, -2_440_588


# The expressions that are selected: every type in a form that ADBC transfers unchanged.


def expression(kind: ColumnType, column: str) -> str:
    """Return the SQL that selects a column in such a form."""
    if kind.kind == "array":
        return _array_expression(kind, column)
    return f"{column}::text" if kind.kind in AS_TEXT else column


def _array_expression(kind: ColumnType, column: str) -> str:
    """Append a NULL to arrays that ADBC flattens (several dimensions) or refuses (not from 1), so that they differ."""
    cast = "::text[]" if element_of(kind).kind in (*AS_TEXT, "array") else ""
    flat = f"array_append(ARRAY(SELECT unnest({column})){cast}, NULL)"
    return f"CASE WHEN {is_plain(column)} THEN {column}{cast} ELSE {flat} END"


def is_plain(column: str) -> str:
    """Return the SQL that says whether an array is empty, or has one dimension that begins at 1."""
    return f"(coalesce(array_ndims({column}), 1) = 1 AND coalesce(array_lower({column}, 1), 1) = 1)"


# The values that are received: ADBC's Arrow into canonical Arrow.


def canonical(values: Any, kind: ColumnType) -> Any:
    """Return the received values of a column as canonical Arrow."""
    to = arrow_type(kind)
    if isinstance(values, pa.ExtensionArray):
        values = values.storage
    if kind.kind == "array":
        return _list(values, element_of(kind), to)
    if pa.types.is_timestamp(values.type):
        return _unwrapped(values.cast(pa.int64()), _EPOCH_MICROS, _FIRST_MOMENT, 2**63).cast(to)
    if pa.types.is_date32(values.type):
        return _unwrapped(values.cast(pa.int32()), _EPOCH_DAYS, _FIRST_DAY, 2**31).cast(to)
    return values if values.type == to else values.cast(to)


def _unwrapped(numbers: Any, epoch: int, first: int, size: int) -> Any:
    """Correct infinity and values beyond our range, which overflowed in ADBC's sum, to the first or last number."""
    beyond = pc.less(numbers, pa.scalar(first, numbers.type))
    if not pc.any(beyond).as_py():
        return numbers
    minus = pc.equal(numbers, pa.scalar(-size + epoch, numbers.type))
    ends = pc.if_else(minus, pa.scalar(-size, numbers.type), pa.scalar(size - 1, numbers.type))
    return pc.if_else(beyond, ends, numbers)


def _list(values: Any, of: ColumnType, to: Any) -> Any:
    offsets = values.offsets
    elements = canonical(values.values, of)
    return pa.ListArray.from_arrays(offsets, elements, type=to, mask=values.is_null() if values.null_count else None)
