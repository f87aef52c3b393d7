"""Tables that refer to each other: in which order their rows are inserted, and which references are filled in later."""

from __future__ import annotations

import graphlib
from collections.abc import Sequence

import pyarrow as pa

from crossfade.model.canonical import arrow_type
from crossfade.model.target import ForeignKey, TargetTable


def in_order(tables: Sequence[TargetTable]) -> list[str]:
    """Return the tables, parents first. In a cycle, references that may be NULL meanwhile do not count."""
    names = {table.name for table in tables}
    parents = {t.name: {k.parent for k in t.foreign_keys if k.parent != t.name} & names for t in tables}
    while True:
        try:
            graph = {name: sorted(of) for name, of in sorted(parents.items())}
            return list(graphlib.TopologicalSorter(graph).static_order())
        except graphlib.CycleError as error:
            circle = set(error.args[1])
            within = [(t, k) for t in tables if t.name in circle for k in t.foreign_keys if k.parent in circle]
            hard = {(t.name, k.parent) for t, k in within if not _may_be_null(t, k)}
            soft = {(t.name, k.parent) for t, k in within} - hard
            for child, parent in soft or hard:
                parents[child].discard(parent)


def against(table: TargetTable, places: dict[str, int]) -> list[ForeignKey]:
    """Return the foreign keys to tables that come later in the order, if they may be NULL meanwhile."""
    own = places[table.name]
    return [k for k in table.foreign_keys if places.get(k.parent, -1) > own and _may_be_null(table, k)]


def within(table: TargetTable) -> list[ForeignKey]:
    """Return the foreign keys of a table to itself, if they may be NULL meanwhile."""
    return [k for k in table.foreign_keys if k.parent == table.name and _may_be_null(table, k)]


def _may_be_null(table: TargetTable, key: ForeignKey) -> bool:
    columns = [table.column(name) for name in key.columns]
    return all(c is not None and c.nullable and c.name not in table.primary_key for c in columns)


def with_nulls_in(table: TargetTable, rows: pa.Table, names: Sequence[str]) -> pa.Table:
    """Return the rows with NULL in these columns."""
    for name in dict.fromkeys(names):
        column = table.column(name)
        assert column is not None
        at = rows.column_names.index(name)
        rows = rows.set_column(at, name, pa.nulls(rows.num_rows, arrow_type(column.type)))
    return rows
