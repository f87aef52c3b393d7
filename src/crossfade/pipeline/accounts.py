"""The accounts of an entity's records: copied, quarantined, discarded. All moves between them end here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from crossfade.journal import journal
from crossfade.stores.contract import TargetTransaction

COPIED, QUARANTINED, DISCARDED = "copied", "quarantined", "discarded"

Moved = tuple[str | None, str | None]
"""The account of a record before and after; None if the source did not hold it then, or no longer does."""


def note_moved(
    tx: TargetTransaction, entity: str, moved: Iterable[tuple[Moved, int]], rows: Mapping[str, int] | None = None
) -> None:
    """Record how many records moved between accounts, and by how many rows each table has grown."""
    shift: Counter[str] = Counter()
    for (before, after), count in moved:
        if before != after:
            shift[before or "came"] += count if before is None else -count
            shift[after or "gone"] += count
    counts = {account: count for account, count in shift.items() if count}
    by_table = {table: count for table, count in (rows or {}).items() if count}
    if counts or by_table:
        journal.shift_counts(tx, entity, rows=by_table, **counts)
