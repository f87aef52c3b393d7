"""Decide which of DuckDB's types may go into which kind of column, once, before anything is written.

Single values of a permitted type may still not fit; canonical_rows.py finds those.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import duckdb

from crossfade.model.canonical import element_of
from crossfade.model.target import ColumnType, TargetTable


@dataclass(frozen=True, slots=True)
class PlanFault:
    """The type that a mapping returns for `column` cannot go into it."""

    column: str
    reason: str
    hint: str


_INTEGERS = {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "HUGEINT"}
_NUMBERS = {*_INTEGERS, "DECIMAL"}
_MOMENTS = {"TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS", "TIMESTAMP WITH TIME ZONE"}
_TEXTS = {"VARCHAR", "ENUM", "UUID"}

_TAKES: dict[str, set[str]] = {
    "int2": _NUMBERS,
    "int4": _NUMBERS,
    "int8": _NUMBERS,
    "float4": {*_NUMBERS, "FLOAT", "DOUBLE"},
    "float8": {*_NUMBERS, "FLOAT", "DOUBLE"},
    "numeric": {*_NUMBERS, "FLOAT", "DOUBLE", "VARCHAR"},
    "bool": {"BOOLEAN"},
    "text": {*_TEXTS, "JSON"},
    "char": {*_TEXTS, "JSON"},
    "enum": {"VARCHAR", "ENUM"},
    "uuid": {"UUID", "VARCHAR"},
    "timestamptz": {"TIMESTAMP WITH TIME ZONE", "DATE"},
    "timestamp": {*_MOMENTS, "DATE"},
    "date": {*_MOMENTS, "DATE"},
    "time": {"TIME"},
    "json": {"JSON", "VARCHAR"},
    "jsonb": {"JSON", "VARCHAR"},
    "bytea": {"BLOB"},
    "objectid": {"BLOB"},
    "string": {*_TEXTS, "JSON"},
    "decimal128": {*_NUMBERS, "VARCHAR"},
    "ejson": {"JSON", "VARCHAR"},
    "other": {*_TEXTS, "JSON"},
}
_HINTS = {
    "int2": "as_int(...), or parse_int(...) where text holds numbers",
    "int4": "as_int(...), or parse_int(...) where text holds numbers",
    "int8": "as_int(...), or parse_int(...) where text holds numbers",
    "float4": "as_double(...), or parse_double(...) where text holds numbers",
    "float8": "as_double(...), or parse_double(...) where text holds numbers",
    "numeric": "as_decimal(...) or as_number(...)",
    "bool": "as_bool(...), a comparison, or CAST(... AS BOOLEAN) of 0 and 1",
    "text": "as_text(...)",
    "char": "as_text(...)",
    "enum": "as_string(...), and CASE where the labels differ",
    "uuid": "uuid_of(...)",
    "timestamptz": "as_date(...), parse_date(...) of text, epoch_ms_date(...) of a number,"
    " julian_date(...) of a Julian day, timezone('Europe/Berlin', ...) of a time without a zone",
    "timestamp": "as_date(...), parse_date(...) or CAST(... AS TIMESTAMP) of text, epoch_ms_date(...) of a number,"
    " or julian_date(...) of a Julian day",
    "date": "CAST(as_date(...) AS DATE), or CAST(... AS DATE) of text",
    "time": "CAST(... AS TIME)",
    "json": "json_of(...) or ejson_of(...)",
    "jsonb": "json_of(...) or ejson_of(...)",
    "bytea": "a place that holds binary data, or encode(...) of text",
    "objectid": "oid_of(...), or oid_in(...) of a UUID that uuid_of made",
    "string": "as_text(...)",
    "decimal128": "as_decimal(...) or as_number(...)",
    "ejson": "ejson_of(...) or json_of(...)",
    "struct": "an object of its fields: {'name': value, ...}",
    "array": "a list: list_of(...), or the field itself where it holds an array",
    "other": "text in the notation of the type",
}
# The element types of a list that can become a JSON array: those with one representation in JSON.
_IN_JSON = {*_INTEGERS, "VARCHAR", "BOOLEAN", "DOUBLE", "UUID", "NULL"}
_LIST = re.compile(r"(.*)\[[0-9]*\]", re.DOTALL)


def fit_plan(mapped_types: Mapping[str, object], target: TargetTable) -> list[PlanFault]:
    """Return a fault for every column that can never hold its mapped DuckDB type, in the mapping's order.

    `mapped_types` has DuckDB's type (as DuckDB prints it) of each output. Columns that `target` does not have are
    ignored.
    """
    faults = []
    for name, mapped in mapped_types.items():
        column = target.column(name)
        if column is not None and not _fits(str(mapped), column.type):
            faults.append(_fault(name, str(mapped), column.type))
    return faults


def _fits(mapped: str, kind: ColumnType) -> bool:
    if _base(mapped) == "NULL":
        return True
    element = _LIST.fullmatch(mapped)
    if kind.kind == "struct":
        return element is None and _fits_struct(mapped, kind)
    if kind.kind == "array":
        return element is not None and _fits(element[1], element_of(kind))
    if element is not None:
        return kind.kind in ("json", "jsonb") and _base(element[1]) in _IN_JSON
    return _base(mapped) in _TAKES[kind.kind]


def _fits_struct(mapped: str, kind: ColumnType) -> bool:
    """Return whether the column has every field of the mapping, and the mapping every required field of the column."""
    if _base(mapped) != "STRUCT":
        return False
    given = {name: str(of) for name, of in duckdb.sqltype(mapped).children}
    fields = {field.name: field for field in kind.fields}
    lacking = [f.name for f in kind.fields if not f.nullable and f.name not in given]
    return not lacking and all(name in fields and _fits(of, fields[name].type) for name, of in given.items())


def _base(mapped: str) -> str:
    """Return the name of a type without parameters: DECIMAL of `DECIMAL(18,3)`, ENUM of `ENUM('a', 'b')`."""
    return mapped.partition("(")[0].strip().strip('"').upper()


def _fault(name: str, mapped: str, kind: ColumnType) -> PlanFault:
    reason = f"{mapped} cannot be stored in {name}, which is {kind.sql}"
    if mapped == "BLOB" and kind.kind in ("text", "char"):
        return PlanFault(name, reason, "oid_text(...) of an ObjectId, or encode it: to_base64(...), hex(...)")
    if _LIST.fullmatch(mapped) and kind.kind not in ("array", "struct", "json", "jsonb", "ejson"):
        hint = (
            "json_of(...) or to_json(...) into a column declared json; a table of its own; or one element, as in x[1]"
        )
        return PlanFault(name, reason, hint)
    inner = element_of(kind) if kind.kind == "array" and _LIST.fullmatch(mapped) else kind
    hint = _HINTS[inner.kind]
    return PlanFault(name, reason, hint if inner is kind else f"list_transform(...) with {hint}")
