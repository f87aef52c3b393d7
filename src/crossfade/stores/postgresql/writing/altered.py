"""Detects columns whose type is no longer the one in the schema: their values would be misread.

COPY silently reads the bits of a double as a bigint, and rounds for a numeric that now has fewer digits.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crossfade.errors import Stale
from crossfade.model.target import ColumnType, TargetTable
from crossfade.schema.column_types import postgresql_type
from crossfade.stores.postgresql.catalog.column_types import CatalogType


def require_unaltered(table: TargetTable, found: Mapping[str, CatalogType]) -> None:
    """Raise Stale if a column of the table has another type in the catalog than in the schema."""
    for column in table.columns:
        there = found.get(column.name)
        if there is not None and not _same(column.type, there.printed):
            raise Stale(
                f"the column {table.name}.{column.name} is {there.printed} in the target, and {column.type.sql} in the"
                " schema; nothing of this chunk was written",
                hint="change it back: rows copied before would also be compared with another type",
            )


def _same(expected: ColumnType, found: str) -> bool:
    """Return whether the types are the same: by name, with or without a schema, or by their values."""
    if found == expected.sql or found.rpartition(".")[2] == expected.sql.rpartition(".")[2]:
        return True
    there = postgresql_type(found)
    return there.kind != "other" and _holds(there) in (_holds(expected), _holds(postgresql_type(expected.sql)))


def _holds(kind: ColumnType) -> tuple[Any, ...]:
    return kind.kind, kind.length, kind.precision, kind.scale, kind.of and _holds(kind.of)
