"""Find the records whose rows the database itself may change together with others: they refer to a value that is no
primary key (which never changes), and the foreign key may be one with ON UPDATE CASCADE, SET NULL or SET DEFAULT.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from crossfade.model.canonical import python_rows
from crossfade.model.target import ForeignKey, TargetTable
from crossfade.pipeline.difference import TableChange
from crossfade.pipeline.ownership import Who
from crossfade.pipeline.spelled import as_child
from crossfade.pipeline.view import View

_Link = tuple[TargetTable, ForeignKey]


def may_cascade(view: View, changes: Sequence[TableChange]) -> bool:
    """Return whether these changes update values that a foreign key refers to."""
    return any(_updates(change, key) for change in changes for _, key in _links(view, change.table))


def referring(view: View, changes: Sequence[TableChange]) -> set[Who]:
    """Return the records with rows that refer to values which these changes may update, directly or by way of others.
    Call it before they are written. Unique values of updated rows may have another value for a moment (parking.py), so
    all values count that are referred to.
    """
    found: set[Who] = set()
    for change in changes:
        if change.updates and any(_is_other(change.table, key) for _, key in _links(view, change.table)):
            found |= set(_referring(view, change.table, change.old, ()))
    return found


def _links(view: View, table: TargetTable) -> Iterator[_Link]:
    """Yield the tables that refer to this one, each with the foreign key."""
    for child in view.s.work.tables.values():
        yield from ((child, key) for key in child.foreign_keys if key.parent == table.name)


def _is_other(table: TargetTable, key: ForeignKey) -> bool:
    return not {*key.parent_columns} <= {*table.primary_key}


def _updates(change: TableChange, key: ForeignKey) -> bool:
    referred = {*key.parent_columns} - {*change.table.primary_key}
    return any(not referred.isdisjoint(part.changed or part.rows.column_names) for part in change.updates)


def _referring(view: View, parent: TargetTable, rows: Sequence[Any], passed: tuple[str, ...]) -> Iterator[Who]:
    """Yield the records behind rows that refer to these, and behind those that refer to them in turn."""
    for child, key in _links(view, parent):
        if key.name in passed or not _is_other(parent, key):
            continue
        columns = list(key.parent_columns)
        parts = [python_rows(part.select(columns)) for part in rows if {*columns} <= {*part.column_names}]
        old = {value for part in parts for value in part if None not in value}
        values = as_child(child, key, parent, sorted(old, key=repr)) if old else None
        if values is None:
            continue
        names = {*child.primary_key, *(name for _, further in _links(view, child) for name in further.parent_columns)}
        there = view.tx.owned(child, values, [column.name for column in child.columns if column.name in names])
        if len(there):
            yield from filter(None, view.ownership.behind(view.tx, child, there))
            yield from _referring(view, child, [there], (*passed, key.name))
