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
    wholes = {row.oid: names.get(row.root, names[row.oid]) for row in rows("tables")}
    parts = _by_root(rows("tables"))
    found = [
        TargetTable(
            name=names[row.oid],
            schema=row.schema,
            table=row.name,
            columns=tuple(_column(c, types) for c in columns[row.oid]),
            primary_key=next((tuple(k.columns) for k in keys[row.oid] if k.kind == "p"), ()),
            uniques=(
                *(_unique(i) for i in uniques[row.oid] if i.is_unique and not i.is_primary),
                *(_unique(i, part.rows_of_part) for part in parts[row.oid] for i in uniques[part.oid] if _is_own(i)),
            ),
            foreign_keys=tuple(_foreign_key(k, names, wholes) for k in keys[row.oid] if k.kind == "f" and k.enforced),
            excludes=any(k.kind == "x" for k in keys[row.oid]),
            keys_of_parts=tuple(
                replace(_foreign_key(k, names, wholes), predicate=part.rows_of_part)
                for part in parts[row.oid]
                for k in keys[part.oid]
                if k.kind == "f" and k.enforced
            ),
        )
        for row in rows("tables")
        if not row.is_partition
    ]
    return tuple(sorted(found, key=lambda table: table.name))


def _by_root(tables: Iterable[Any]) -> dict[int, list[Any]]:
    """Return, by table, its partitions whose rows an expression tells; the one of a hash names a table by its number,
    which is another one in each database.
    """
    found: dict[int, list[Any]] = defaultdict(list)
    for row in tables:
        if row.rows_of_part and "satisfies_hash_partition" not in row.rows_of_part:
            found[row.root].append(row)
    return found


def _is_own(row: Any) -> bool:
    """Return whether a unique index of a partition is not one of its table's."""
    return bool(row.is_unique and not row.is_primary and not row.is_attached)


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


def _unique(row: Any, rows_of_part: str = "") -> Unique:
    """Return a unique index. One that only a partition has holds for the rows of that partition."""
    predicates = [f"({one})" for one in (rows_of_part, row.predicate) if one] if rows_of_part else [row.predicate]
    predicate = None if predicates == [None] else " AND ".join(predicates)
    return Unique(row.name, tuple(row.expressions), predicate, not row.nulls_not_distinct)


def _foreign_key(row: Any, names: Mapping[int, str], wholes: Mapping[int, str]) -> ForeignKey:
    columns, of_parent = tuple(row.columns), tuple(row.parent_columns)
    name, whole = names[row.parent], wholes[row.parent]
    part = name if name != whole else None
    return ForeignKey(row.name, columns, whole, of_parent, match_full=row.match_full, parent_part=part)
