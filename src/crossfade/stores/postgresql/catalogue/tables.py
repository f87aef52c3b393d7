"""Convert rows of the catalog to TargetTables, which mappings fill and verification reads."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from crossfade.model.target import ColumnType, ForeignKey, TargetColumn, TargetTable, Unique
from crossfade.schema.column_types import postgresql_type

Rows = Callable[[str], list[Any]]


def target_tables(rows: Rows, default: str) -> tuple[TargetTable, ...]:
    """Return all tables, sorted by name, without partitions, whose rows are their parent's.

    `default` is the schema of tables with bare names in mapping files.
    """
    types = named_types(rows("named_types"), default)
    columns, uniques, keys = _by_table(rows("columns")), _by_table(rows("indexes")), _by_table(rows("constraints"))
    names = {row.oid: called(row.schema, row.name, default) for row in rows("tables")}
    found = [
        TargetTable(
            name=names[row.oid],
            schema=row.schema,
            table=row.name,
            columns=tuple(_column(c, types) for c in columns[row.oid]),
            primary_key=next((tuple(k.columns) for k in keys[row.oid] if k.kind == "p"), ()),
            uniques=tuple(_unique(i) for i in uniques[row.oid] if i.is_unique and not i.is_primary),
            foreign_keys=tuple(_foreign_key(k, names) for k in keys[row.oid] if k.kind == "f"),
        )
        for row in rows("tables")
        if not row.is_partition
    ]
    return tuple(sorted(found, key=lambda table: table.name))


def called(schema: str, name: str, default: str) -> str:
    """Return the name of a table in mapping files."""
    return name if schema == default else f"{schema}.{name}"


def named_types(rows: Iterable[Any], default: str) -> dict[str, ColumnType]:
    """Return enums, domains (as their base type) and citext by the names that format_type prints."""
    found: dict[str, ColumnType] = {}
    for row in rows:
        if row.kind == "e":
            found[row.name] = ColumnType("enum", row.name, labels=tuple(row.labels))
        elif row.plain == "citext":
            spelled = "citext" if row.schema in (default, "public") else row.name
            found[row.name] = ColumnType("text", spelled)
    domains = {row.name: row.base for row in rows if row.kind == "d"}
    for name in domains:
        found[name] = replace(postgresql_type(_base(name, domains), found), sql=name)
    return found


def _base(name: str, domains: Mapping[str, str]) -> str:
    while name in domains:
        name = domains[name]
    return name


def _by_table(rows: Iterable[Any]) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = defaultdict(list)
    for row in rows:
        found[row.table].append(row)
    return found


def _column(row: Any, types: Mapping[str, ColumnType]) -> TargetColumn:
    return TargetColumn(
        name=row.name,
        type=postgresql_type(row.type, types),
        nullable=not row.not_null,
        has_default=not row.generated and (row.default is not None or row.type_default or bool(row.identity)),
        generated=bool(row.generated),
    )


def _unique(row: Any) -> Unique:
    return Unique(row.name, tuple(row.expressions), row.predicate, not row.nulls_not_distinct)


def _foreign_key(row: Any, names: Mapping[int, str]) -> ForeignKey:
    return ForeignKey(row.name, tuple(row.columns), names[row.parent], tuple(row.parent_columns))
