"""Where a document keeps the columns of its table: a key of one column is `_id`, one of several is an object there."""

from __future__ import annotations

from crossfade.model.target import ColumnType, TargetTable
from crossfade.schema.documents.commands import KEY, column_of


def stored(table: TargetTable, name: str) -> str:
    """Return the field that holds the column."""
    return KEY if table.primary_key == (name,) else name


def path_of(table: TargetTable, expression: str) -> str:
    """Return the field of a unique constraint's expression: a path, or a column's name in quotes."""
    is_quoted = len(expression) > 1 and expression[0] == expression[-1] == '"'
    return stored(table, expression[1:-1].replace('""', '"')) if is_quoted else expression


def is_compound(table: TargetTable) -> bool:
    return len(table.primary_key) > 1


def key_type(table: TargetTable) -> ColumnType:
    """Return the type of the key of several columns."""
    columns = tuple(column for name in table.primary_key if (column := table.column(name)) is not None)
    return ColumnType("struct", "object", fields=columns)


__all__ = ["KEY", "column_of", "is_compound", "key_type", "path_of", "stored"]
