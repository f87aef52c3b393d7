"""Tables and canonical rows of every kind of column, for tests of writing and reading back."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pyarrow as pa
from hypothesis import strategies as st

from crossfade.model.canonical import arrow_type
from crossfade.model.target import ColumnType, TargetColumn, TargetTable

FIRST_MOMENT, LAST_MOMENT = -2_440_588 * 86_400_000_000, 2**63 - 2
_INTEGER = {"timestamptz": pa.int64(), "timestamp": pa.int64(), "time": pa.int64(), "date": pa.int32()}


def table(name: str, *columns: tuple[str, ColumnType], key: Sequence[str] = ("id",)) -> TargetTable:
    made = tuple(TargetColumn(c, kind, nullable=c not in key) for c, kind in columns)
    return TargetTable(name, None, name, made, tuple(key))


def ddl(of: TargetTable) -> str:
    columns = ", ".join(f'"{c.name}" {c.type.sql}' for c in of.columns)
    keys = ", ".join(f'"{name}"' for name in of.primary_key)
    return f'CREATE TABLE "{of.table}" ({columns}, PRIMARY KEY ({keys}))'


def column(values: Sequence[Any], kind: ColumnType) -> Any:
    """Canonical values from Python's; times are given as integers."""
    base = kind.of if kind.of is not None else kind
    if base.kind not in _INTEGER:
        return pa.array(values, arrow_type(kind))
    integer = _INTEGER[base.kind]
    return pa.array(values, pa.list_(integer) if kind.of is not None else integer).cast(arrow_type(kind))


def plain(rows: Any, of: TargetTable) -> list[tuple[Any, ...]]:
    """Rows as values that `==` compares exactly: floats by their repr, times as integers, jsonb by its meaning."""
    columns = [_plain_column(rows.column(c.name), c.type) for c in of.columns if c.name in rows.schema.names]
    return sorted(zip(*columns, strict=True), key=repr)


def _plain_column(values: Any, kind: ColumnType) -> list[Any]:
    base = kind.of if kind.of is not None else kind
    if base.kind in _INTEGER:
        integer = _INTEGER[base.kind]
        values = values.cast(pa.list_(integer) if kind.of is not None else integer)
    items = values.to_pylist()
    if kind.of is not None:
        return [None if v is None else [_plain(e, base) for e in v] for v in items]
    return [_plain(v, base) for v in items]


def _plain(value: Any, kind: ColumnType) -> Any:
    if value is None:
        return None
    if kind.kind in ("float4", "float8"):
        return repr(value)
    return json.loads(value, parse_float=Decimal) if kind.kind == "jsonb" else value


_TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | _TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3),
    max_leaves=8,
).map(json.dumps)


def _numeric() -> st.SearchStrategy[str]:
    digits = st.decimals(allow_nan=False, allow_infinity=False, places=None).filter(lambda d: -300 < d.adjusted() < 300)
    plain = digits.map(lambda d: format(d if d else abs(d), "f"))
    long = st.integers(0, 10**1000).map(str)
    return st.one_of(st.sampled_from(["NaN", "Infinity", "-Infinity", "0.00", "1000", "9" * 1000]), plain, long)


VALUES: dict[str, st.SearchStrategy[Any]] = {
    "int2": st.integers(-(2**15), 2**15 - 1),
    "int4": st.integers(-(2**31), 2**31 - 1),
    "int8": st.integers(-(2**63), 2**63 - 1),
    "float4": st.floats(width=32) | st.just(-0.0),
    "float8": st.floats() | st.just(-0.0),
    "numeric": _numeric(),
    "bool": st.booleans(),
    "text": _TEXT,
    "char": _TEXT.map(lambda text: text[:5].rstrip(" ")),
    "uuid": st.uuids().map(lambda value: value.bytes),
    "timestamptz": st.integers(FIRST_MOMENT, LAST_MOMENT) | st.sampled_from([FIRST_MOMENT, LAST_MOMENT, -1, 0]),
    "timestamp": st.integers(FIRST_MOMENT, LAST_MOMENT),
    "date": st.integers(-2_440_588, 2_145_031_948),
    "time": st.integers(0, 86_400_000_000),
    "json": _JSON,
    "jsonb": _JSON,
    "bytea": st.binary(max_size=20),
    "enum": st.sampled_from(["happy", "sad"]),
}


def rows(of: TargetTable, values: dict[str, st.SearchStrategy[Any]] = VALUES) -> st.SearchStrategy[Any]:
    """Canonical tables of up to 12 rows with keys that are all different."""
    one = st.tuples(*(_cell(c, values) for c in of.columns if c.name != "id"))
    return st.lists(one, min_size=1, max_size=12).map(lambda found: _table(of, found))


def _cell(of: TargetColumn, values: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[Any]:
    if of.type.of is None:
        return st.none() | values[of.type.kind]
    return st.none() | st.lists(st.none() | values[of.type.of.kind], max_size=4)


def _table(of: TargetTable, found: list[tuple[Any, ...]]) -> Any:
    key = of.column("id")
    assert key is not None
    arrays = [column([uuid.uuid4().bytes for _ in found], key.type)]
    others = [c for c in of.columns if c.name != "id"]
    arrays += [column(list(cells), c.type) for c, cells in zip(others, zip(*found, strict=True), strict=True)]
    return pa.table(arrays, names=["id", *(c.name for c in others)])
