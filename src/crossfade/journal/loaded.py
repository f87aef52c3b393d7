"""Record what the move wrote, in the same savepoint, so that a reset can distinguish its rows from those of others."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from typing import Any

from crossfade.journal.tables import LOADED
from crossfade.model.target import TargetTable
from crossfade.stores.contract import TargetTransaction


def note(tx: TargetTransaction, loads: Iterable[tuple[TargetTable, Any]]) -> None:
    """Record rows that were loaded. Call it inside the savepoint that loaded them."""
    marks = [(table, tx.mark(table, rows)) for table, rows in loads]
    tx.journal.insert(LOADED, [_values(table, 0, mark) for table, mark in marks if mark is not None])
    unmarked = {table.name: table for table, mark in marks if mark is None}  # one for all rows of a table is enough
    tx.journal.insert(LOADED, [_values(table, 0, None) for table in unmarked.values()])


def note_changed(tx: TargetTransaction, changes: Iterable[tuple[TargetTable, Any]]) -> None:
    """Record rows that were changed in place, if the store needs that. Call it like `note`."""
    if tx.edits_show:
        note(tx, changes)


def pack(tx: TargetTransaction) -> None:
    """Make the record smaller. Nothing else is loaded meanwhile."""
    tx.pack_marks()


def note_gone(tx: TargetTransaction, table: TargetTable, keys: Any) -> None:
    """Record rows that were deleted again, because another row may have the same key later."""
    mark = tx.mark(table, keys)
    if mark is not None:  # if rows need no mark, deleted rows need no record
        tx.journal.insert(LOADED, [_values(table, 1, mark)])


def _values(table: TargetTable, gone: int, mark: bytes | None) -> dict[str, Any]:
    """Return the values of a record. It has an id, because PostgreSQL refuses to delete from a table without a key if a
    publication FOR ALL TABLES exists.
    """
    return {"id": secrets.token_hex(12), "table_name": table.name, "gone": gone, "mark": mark}
