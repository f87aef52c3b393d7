"""Find the records whose rows the database itself may change together with others: they refer to a value that is no
primary key (which never changes), and the foreign key may be one with ON UPDATE CASCADE, SET NULL or SET DEFAULT.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from crossfade.model.canonical import python_rows
from crossfade.model.target import ForeignKey, TargetTable
from crossfade.pipeline.difference import TableChange
from crossfade.pipeline.ownership import Who
from crossfade.pipeline.spelled import as_child
from crossfade.pipeline.view import View


def referring(view: View, changes: Sequence[TableChange]) -> set[Who]:
    """Return the records with rows that refer to values which these changes update. Call it before they are written."""
    tables = view.s.work.tables.values()
    return {
        who
        for change in changes
        for child in tables
        for key in child.foreign_keys
        if key.parent == change.table.name and _updates(change, key)
        for who in _referring(view, child, key, change)
    }


def _updates(change: TableChange, key: ForeignKey) -> bool:
    referred = {*key.parent_columns} - {*change.table.primary_key}
    return any(not referred.isdisjoint(part.changed or part.rows.column_names) for part in change.updates)


def _referring(view: View, child: TargetTable, key: ForeignKey, change: TableChange) -> Iterator[Who]:
    columns = list(key.parent_columns)
    parts = [python_rows(rows.select(columns)) for rows in change.old if {*columns} <= {*rows.column_names}]
    old = {value for part in parts for value in part if None not in value}
    values = as_child(child, key, change.table, sorted(old, key=repr)) if old else None
    if values is not None:
        rows = view.tx.owned(child, values, list(child.primary_key))
        yield from filter(None, view.ownership.behind(view.tx, child, rows) if len(rows) else ())
