"""References whose value is spelled or typed in another way than in the row that they refer to."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from typing import Any

import pyarrow as pa

from crossfade.model.canonical import arrow_rows, arrow_schema, python_rows
from crossfade.model.target import ForeignKey, TargetTable
from crossfade.stores.contract import TargetTransaction

Key = tuple[Any, ...]


def in_view_as(
    tx: TargetTransaction,
    parent: TargetTable,
    key: ForeignKey,
    value: Key,
    own: Collection[Key],
    in_view: Iterable[Key],
) -> Key | None:
    """Return how a row of the parent spells a value that the database has found in it, if it is a row of a record in
    view (`own`: their primary keys; `in_view`: their values), else None.
    """
    names = list(dict.fromkeys([*key.parent_columns, *parent.primary_key]))
    for spelled in (value, tuple(map(str, value))):
        with suppress(pa.ArrowException, TypeError):  # the columns have other types
            rows = tx.owned(parent, arrow_rows(parent, key.parent_columns, [spelled]), names)
            if len(rows):
                is_own = python_rows(rows.select(list(parent.primary_key)))[0] in own
                return python_rows(rows.select(list(key.parent_columns)))[0] if is_own else None
    return next((one for one in in_view if _folded(one) == _folded(value)), None)  # text is found by its bytes only


def as_child(child: TargetTable, key: ForeignKey, parent: TargetTable, values: Sequence[Key]) -> Any:
    """Return values of the parent as those of the child's columns; None if its types cannot hold them."""
    with suppress(pa.ArrowException):
        rows = arrow_rows(parent, key.parent_columns, values).rename_columns(list(key.columns))
        return pa.table(rows.cast(arrow_schema(child, key.columns)))
    return None


def _folded(value: Key) -> tuple[str, ...]:
    return tuple(str(one).rstrip(" ").casefold() for one in value)
