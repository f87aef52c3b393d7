"""Infer tables from mappings, if those of the target are unknown. Every column accepts the mapped type."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from crossfade.errors import Refused
from crossfade.model.program import ROOT_TABLE, Branch, Program
from crossfade.model.shape import Shape
from crossfade.model.target import ColumnType, TargetColumn, TargetTable
from crossfade.transform.engine import Engine

_KINDS = {
    "BOOLEAN": "bool",
    "FLOAT": "float4",
    "DOUBLE": "float8",
    "DECIMAL": "numeric",
    "HUGEINT": "numeric",
    "UHUGEINT": "numeric",
    "UBIGINT": "numeric",
    "VARCHAR": "text",
    "ENUM": "text",
    "JSON": "jsonb",
    "UUID": "uuid",
    "BLOB": "bytea",
    "DATE": "date",
    "TIME": "time",
    "TIMESTAMP WITH TIME ZONE": "timestamptz",
    '"NULL"': "text",
}


def tables_as_mapped(
    program: Program, shapes: Mapping[str, Shape], empty: Callable[[Shape, Sequence[Any]], Any], engine: Engine
) -> dict[str, TargetTable]:
    """Return the tables with columns of the mapped types."""
    found: dict[str, dict[str, TargetColumn]] = {}
    for branch in program.branches:
        columns = found.setdefault(branch.table, {})
        for name, kind in _types(branch, program, shapes, empty, engine).items():
            columns.setdefault(name, TargetColumn(name, kind))
    return {name: TargetTable(name, None, name, tuple(c.values()), ()) for name, c in found.items()}


def _types(
    branch: Branch,
    program: Program,
    shapes: Mapping[str, Shape],
    empty: Callable[[Shape, Sequence[Any]], Any],
    engine: Engine,
) -> dict[str, ColumnType]:
    tables = {ROOT_TABLE: empty(shapes[branch.entity], program.feeds[branch.entity].columns)}
    tables |= {lookup.table: empty(shapes[lookup.entity], lookup.columns) for lookup in branch.lookups}
    types = engine.types(branch.sql, tables)
    return {name: _kind(f"{branch.table}.{name}", types[name]) for name in branch.outputs}


def _kind(place: str, duckdb: str) -> ColumnType:
    if duckdb.endswith("[]"):
        return ColumnType("array", duckdb, of=_kind(place, duckdb[:-2]))
    base = re.sub(r"\(.*", "", duckdb).strip()
    if base.startswith(("STRUCT", "MAP", "UNION")):
        raise Refused(f"{place} is {duckdb}, which no column can store; nothing was written", hint="json_of(...)")
    if base.startswith("TIMESTAMP") and base != "TIMESTAMP WITH TIME ZONE":
        base = "TIMESTAMP"
    return ColumnType(
        _KINDS.get(base, "timestamp" if base == "TIMESTAMP" else "int8" if "INT" in base else "text"), base
    )
