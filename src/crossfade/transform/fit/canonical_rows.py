"""Convert the result of a mapping (DuckDB's Arrow) to canonical rows of the target: exactly, or not at all.

A value that does not fit its column is a rejection with a reason. It never becomes NULL, and is never truncated or
rounded; its row is left out of the result. Each kind of column has a function `(values, type, rejections) -> canonical
values` in one of the files of this folder. plan.py decides before whether a type may go into a column at all.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from crossfade.errors import Misused
from crossfade.model.canonical import arrow_type, element_of
from crossfade.model.rejection import Rejection
from crossfade.model.target import ColumnType, TargetColumn, TargetTable
from crossfade.transform.fit.documents import (
    fit_decimal128,
    fit_ejson,
    fit_objectid,
    fit_string,
    refuse_ambiguous,
)
from crossfade.transform.fit.numbers import fit_bool, fit_float, fit_int, not_of_type
from crossfade.transform.fit.numeric import fit_numeric
from crossfade.transform.fit.rejections import Rejections, shown
from crossfade.transform.fit.text import (
    fit_bytea,
    fit_char,
    fit_enum,
    fit_json,
    fit_other,
    fit_text,
    fit_uuid,
    printed_json_fits,
)
from crossfade.transform.fit.times import fit_date, fit_time, fit_timestamp

Fitter = Callable[[Any, ColumnType, Rejections], Any]


@dataclass(frozen=True)
class Fitted:
    """`table` has the canonical rows that fit; row i was row `rows[i]` of the input. The others are in `rejections`.

    Columns that the table does not have and whose names begin with "#" belong to the caller and are passed through
    unchanged.
    """

    table: Any
    rows: Any
    rejections: tuple[Rejection, ...]


def fit(table: Any, target: TargetTable, *, printed: Collection[str] = (), plain: Collection[str] = ()) -> Fitted:
    """Check every value of `table` (a pyarrow.Table of DuckDB's types) against its column of `target`.

    `printed` are the columns whose JSON Crossfade's reader printed: it is valid and has no duplicate names. `plain` are
    those that hold plain JSON: where the target reads Extended JSON, an object that could be read as a value of another
    type does not fit. Raises Misused if `table` has a column that the target does not have.
    """
    rejections: list[Rejection] = []
    columns = [_column(table, name, target, rejections, name in printed, name in plain) for name in table.column_names]
    fitted = pa.table(columns, names=table.column_names) if columns else table
    return _without(fitted, rejections)


def _column(table: Any, name: str, target: TargetTable, rejections: list[Rejection], printed: bool, plain: bool) -> Any:
    values = _one_array(table.column(name))
    column = target.column(name)
    if column is None and name.startswith("#"):
        return values
    if column is None:
        raise Misused(f"the mapping of {target.name} returns a column {name!r} that the table does not have")
    found = Rejections()
    fits = printed and column.type.kind in ("json", "jsonb") and printed_json_fits(values)
    fitted = values if fits and (column.nullable or not values.null_count) else fit_column(values, column, found)
    if plain:
        refuse_ambiguous(fitted, column.type, found)
    rejections.extend(Rejection(row, *why, column=name) for row, why in sorted(found.found.items()))
    return fitted


def fit_column(values: Any, column: TargetColumn, rejections: Rejections) -> Any:
    """Return the canonical values of a column, with NULL where `rejections` has an entry."""
    if not column.nullable and values.null_count:
        for row in pc.indices_nonzero(pc.is_null(values)).to_pylist():
            rejections.add(row, "not_null", f"NULL in the column {column.name}, which is NOT NULL")
    return fit_values(values, column.type, rejections)


def fit_values(values: Any, kind: ColumnType, rejections: Rejections) -> Any:
    values = _plain(values)
    if pa.types.is_null(values.type):
        return pa.nulls(len(values), arrow_type(kind))
    return FITTERS[kind.kind](values, kind, rejections)


def _fit_array(values: Any, kind: ColumnType, rejections: Rejections) -> Any:
    """Fit element by element. An element that does not fit makes its row a rejection."""
    if not pa.types.is_list(values.type):
        return not_of_type(values, kind, rejections, "a list, or list_of(...)")
    elements, inside = values.flatten(), Rejections()
    fitted = fit_values(elements, element_of(kind), inside)
    parents = pc.list_parent_indices(values)
    for place, (reason, message) in inside.found.items():
        rejections.add(parents[place].as_py(), reason, f"an element of the array: {message}")
    return _list_of(values, fitted)


def _fit_struct(values: Any, kind: ColumnType, rejections: Rejections) -> Any:
    """Fit field by field. A field that does not fit makes its row a rejection; a field that is missing is NULL."""
    if not pa.types.is_struct(values.type):
        return not_of_type(values, kind, rejections, "an object: {'name': value, ...}")
    given = {field.name: part for field, part in zip(values.type, values.flatten(), strict=True)}
    parts = [_fit_field(values, given.get(field.name), field, rejections) for field in kind.fields]
    mask = values.is_null() if values.null_count else None
    return pa.StructArray.from_arrays(parts, fields=list(arrow_type(kind)), mask=mask)


def _fit_field(whole: Any, part: Any, field: TargetColumn, rejections: Rejections) -> Any:
    values = pa.nulls(len(whole)) if part is None else part
    inside = Rejections()
    if not field.nullable and values.null_count:
        lacking = pc.and_(values.is_null(), whole.is_valid())
        for row in pc.indices_nonzero(lacking).to_pylist():
            inside.add(row, "not_null", f"NULL in the field {field.name}, which is required")
    fitted = fit_values(values, field.type, inside)
    for row, (reason, message) in inside.found.items():
        rejections.add(row, reason, message if reason == "not_null" else f"the field {field.name}: {message}")
    return fitted


def _list_of(values: Any, elements: Any) -> Any:
    lengths = pc.fill_null(pc.list_value_length(values), 0).cast(pa.int64())
    ends = pc.cumulative_sum(lengths).cast(pa.int32())
    offsets = pa.concat_arrays([pa.array([0], pa.int32()), ends])
    return pa.ListArray.from_arrays(
        offsets, elements, type=pa.list_(elements.type), mask=values.is_null() if values.null_count else None
    )


def _one_array(column: Any) -> Any:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _plain(values: Any) -> Any:
    """Convert Arrow's alternative forms of the same values: extensions, dictionaries, large and view types."""
    if isinstance(values, pa.ExtensionArray):
        values = values.storage
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if pa.types.is_large_string(values.type) or pa.types.is_string_view(values.type):
        return values.cast(pa.string())
    if pa.types.is_large_binary(values.type) or pa.types.is_binary_view(values.type):
        return values.cast(pa.binary())
    if pa.types.is_large_list(values.type) or pa.types.is_fixed_size_list(values.type):
        return values.cast(pa.list_(values.type.value_type))
    return values


def _without(table: Any, rejections: list[Rejection]) -> Fitted:
    everything = pa.arange(0, len(table))
    if not rejections:
        return Fitted(table, everything, ())
    bad = pa.array(sorted({m.row for m in rejections}), pa.int64())
    good = pc.invert(pc.is_in(everything, value_set=bad))
    return Fitted(table.filter(good), everything.filter(good), tuple(sorted(rejections, key=lambda m: m.row)))


FITTERS: dict[str, Fitter] = {
    "int2": fit_int,
    "int4": fit_int,
    "int8": fit_int,
    "float4": fit_float,
    "float8": fit_float,
    "numeric": fit_numeric,
    "bool": fit_bool,
    "text": fit_text,
    "char": fit_char,
    "uuid": fit_uuid,
    "timestamptz": fit_timestamp,
    "timestamp": fit_timestamp,
    "date": fit_date,
    "time": fit_time,
    "json": fit_json,
    "jsonb": fit_json,
    "bytea": fit_bytea,
    "enum": fit_enum,
    "array": _fit_array,
    "struct": _fit_struct,
    "objectid": fit_objectid,
    "string": fit_string,
    "decimal128": fit_decimal128,
    "ejson": fit_ejson,
    "other": fit_other,
}

__all__ = ["FITTERS", "Fitted", "fit", "fit_column", "fit_values", "shown"]
