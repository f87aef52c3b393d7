"""Find where two columns of canonical values differ exactly.

Nothing is rounded or converted. Differences that the type itself ignores do not count: blanks at the end of char(n),
the order of keys in jsonb, the bits inside a NaN. A `json` column keeps its text, including the order of keys, so the
texts are compared.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from crossfade.errors import CrossfadeError
from crossfade.model.canonical import arrow_type, element_of
from crossfade.model.json_values import canonical_json, differing_json
from crossfade.model.matching import places_of
from crossfade.model.target import ColumnType, TargetTable


def differing(expected: Any, found: Any, kind: ColumnType) -> Any:
    """Return booleans: where the two arrays of equal length differ. NULL equals NULL and nothing else."""
    expected, found = one_array(expected), one_array(found)
    if expected.type != found.type:
        raise CrossfadeError(
            f"the target returned {found.type} for {kind.sql}, expected {expected.type}; nothing was compared"
        )
    if kind.kind == "jsonb":
        return differing_json(expected, found)
    if kind.kind == "array":
        return _differing_arrays(expected, found, element_of(kind))
    if kind.kind == "struct":
        return _differing_structs(expected, found, kind)
    expected, found = comparable(expected, kind), comparable(found, kind)
    return _unequal(expected, found)


def comparable(values: Any, kind: ColumnType) -> Any:
    """Return the values in a form in which equal values are identical, for a type other than jsonb and arrays."""
    if pa.types.is_floating(values.type):
        return _bits(values)
    return pc.utf8_rtrim(values, characters=" ") if kind.kind == "char" else values


def key_form(values: Any, kind: ColumnType) -> Any:
    """Return values of any type as integers, text or bytes, so that other engines group them in the same way."""
    values = one_array(values)
    if kind.kind == "jsonb":
        return pa.array([None if v is None else canonical_json(v) for v in values.to_pylist()], pa.string())
    if kind.kind == "array":
        return _array_texts(values, element_of(kind))
    if kind.kind == "struct":
        return _struct_texts(values, kind)
    if pa.types.is_temporal(values.type):
        return values.view(pa.int32() if pa.types.is_date32(values.type) else pa.int64())
    if pa.types.is_fixed_size_binary(values.type):
        return values.cast(pa.binary())
    return comparable(values, kind)


def from_key_form(values: Any, kind: ColumnType) -> Any:
    """Return values in their own type from `key_form`: an equal value, if not the same (JSON, blanks of char)."""
    own = arrow_type(kind)
    if kind.kind == "array":
        lists = [None if v is None else ast.literal_eval(v) for v in values.to_pylist()]
        parts = _from_key_forms([item for items in lists if items for item in items], element_of(kind))
        ends = [0, *accumulate(len(items or ()) for items in lists)]
        return pa.ListArray.from_arrays(pa.array(ends, pa.int32()), parts, own, mask=_is_none(lists))
    if kind.kind == "struct":
        rows = [None if v is None else ast.literal_eval(v) for v in values.to_pylist()]
        columns = [[row and row[i] for row in rows] for i in range(len(kind.fields))]
        fields = [_from_key_forms(of, field.type) for of, field in zip(columns, kind.fields, strict=True)]
        return pa.StructArray.from_arrays(fields, fields=list(own), mask=_is_none(rows))
    if values.type != own and (pa.types.is_temporal(own) or pa.types.is_floating(own)):
        return values.view(own)
    return values.cast(own)


def _from_key_forms(values: list[Any], kind: ColumnType) -> Any:
    form = key_form(pa.array([], arrow_type(kind)), kind).type
    return from_key_form(pa.array(values, form), kind)


def _is_none(values: list[Any]) -> Any:
    return pa.array([value is None for value in values], pa.bool_())


def find_keys(expected: pa.Table, found: pa.Table, table: TargetTable, keys: Sequence[str]) -> pa.Array:
    """Return, for each expected row, the index of the row with its key in `found`, or NULL if there is none."""
    kinds = [column.type for name in keys if (column := table.column(name)) is not None]
    left, right = (
        [key_form(rows.column(name), kind) for name, kind in zip(keys, kinds, strict=True)]
        for rows in (expected, found)
    )
    return places_of(left, right)


def one_array(values: Any) -> Any:
    return values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values


def _unequal(expected: Any, found: Any) -> Any:
    other = pc.not_equal(expected, found)
    if not expected.null_count and not found.null_count:
        return other
    return pc.fill_null(other, False) if _same_nulls(expected, found) else _unequal_with_nulls(expected, found, other)


def _same_nulls(expected: Any, found: Any) -> bool:
    return bool(expected.is_null().equals(found.is_null()))


def _unequal_with_nulls(expected: Any, found: Any, other: Any) -> Any:
    return pc.or_(pc.fill_null(other, False), pc.xor(expected.is_null(), found.is_null()))


def _bits(values: Any) -> Any:
    """Return floats as integers with the same bits. -0.0 differs from 0.0; all NaNs are equal."""
    integer = {16: pa.int16(), 32: pa.int32(), 64: pa.int64()}[values.type.bit_width]
    nan = pa.scalar(float("nan"), values.type)
    return pc.if_else(pc.is_nan(values), nan, values).view(integer)


def _differing_arrays(expected: Any, found: Any, of: ColumnType) -> Any:
    """Return where arrays differ: in their length, or in an element."""
    lengths = _unequal(pc.list_value_length(expected), pc.list_value_length(found))
    same = pc.indices_nonzero(pc.invert(lengths))
    left, right = expected.take(same), found.take(same)
    elements = differing(left.flatten(), right.flatten(), of)
    if not pc.any(elements).as_py():
        return lengths
    wrong = same.take(pc.unique(pc.list_parent_indices(left).filter(elements)))
    return pc.or_(lengths, pc.is_in(pa.array(range(len(lengths)), wrong.type), value_set=wrong))


def _struct_texts(values: Any, kind: ColumnType) -> Any:
    parts = [key_form(part, field.type).to_pylist() for part, field in zip(values.flatten(), kind.fields, strict=True)]
    texts = [repr(row) for row in zip(*parts, strict=True)]
    valid = values.is_valid().to_pylist()
    return pa.array([text if there else None for text, there in zip(texts, valid, strict=True)], pa.string())


def _differing_structs(expected: Any, found: Any, kind: ColumnType) -> Any:
    """Return where objects differ: one of them is NULL, or a field differs."""
    wrong = pc.xor(expected.is_null(), found.is_null())
    for left, right, field in zip(expected.flatten(), found.flatten(), kind.fields, strict=True):
        wrong = pc.or_(wrong, differing(left, right, field.type))
    return wrong


def _array_texts(values: Any, of: ColumnType) -> Any:
    elements = iter(key_form(values.flatten(), of).to_pylist())
    lengths = pc.list_value_length(values).to_pylist()
    return pa.array([None if n is None else repr([next(elements) for _ in range(n)]) for n in lengths], pa.string())
