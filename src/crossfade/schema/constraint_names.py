"""Names unnamed constraints: a step needs a name, and so does the message about a refused row."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa

from crossfade.schema.named_types import keep_types

_LONGEST = 63


def named(metadata: sa.MetaData) -> sa.MetaData:
    """Return a copy that names every unique constraint, foreign key and index as PostgreSQL would."""
    copy = sa.MetaData(naming_convention=metadata.naming_convention, schema=metadata.schema)
    for table in metadata.tables.values():
        keep_types(table, table.to_metadata(copy))
    for table in copy.tables.values():
        _name(table)
        _order(table)
        for column in table.columns:
            if column.computed is not None and column.computed.persisted is None:
                column.computed.persisted = True  # PostgreSQL has no other kind before version 18
    return copy


def _name(table: sa.Table) -> None:
    parts: list[Any] = [*table.constraints, *table.indexes]
    used = {part.name for part in parts if isinstance(part.name, str)}
    for constraint in _in_order(table.constraints):
        if isinstance(constraint, sa.ForeignKeyConstraint):
            columns, suffix = constraint.column_keys, "fkey"
        elif isinstance(constraint, sa.UniqueConstraint):
            columns, suffix = [c.name for c in constraint.columns], "key"
        else:
            continue
        constraint.name = sa.sql.quoted_name(_free(table.name, columns, suffix, used), None)
    for index in _in_order(table.indexes):
        columns = [c.name for c in index.columns]
        index.name = sa.sql.quoted_name(_free(table.name, columns, "idx", used), None)


def _order(table: sa.Table) -> None:
    """Copy in the same order in every process: SQLAlchemy copies a set, and CREATE TABLE uses the creation order."""
    for number, constraint in enumerate(sorted(table.constraints, key=_kind_name_and_condition)):
        constraint._creation_order = number


def _kind_name_and_condition(constraint: sa.Constraint) -> tuple[str, str, str]:
    condition = str(constraint.sqltext) if isinstance(constraint, sa.CheckConstraint) else ""
    return constraint.__visit_name__, str(constraint.name), condition


def _in_order(parts: Iterable[Any]) -> list[Any]:
    """Return the unnamed ones, always in the same order."""
    nameless = [part for part in parts if not isinstance(part.name, str)]
    return sorted(nameless, key=lambda part: [c.name for c in part.columns])


def _free(table: str, columns: Sequence[str], suffix: str, used: set[str]) -> str:
    """Return table_column_suffix, truncated to PostgreSQL's limit, numbered if it is taken."""
    number = 0
    while True:
        end = f"_{suffix}{number or ''}"
        start = "_".join([table, *columns]).encode()[: _LONGEST - len(end)].decode("utf-8", "ignore")
        if start + end not in used:
            used.add(start + end)
            return start + end
        number += 1
