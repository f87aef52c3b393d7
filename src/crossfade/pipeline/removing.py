"""Delete rows of the target, and what the journal has noted about them."""

from __future__ import annotations

from collections.abc import Sequence

from crossfade.journal import loaded
from crossfade.pipeline.ownership import OwnedRows
from crossfade.runtime.session import Session
from crossfade.stores.contract import TargetTransaction


def delete_rows(s: Session, tx: TargetTransaction, part: OwnedRows, beside: Sequence[OwnedRows] = ()) -> int:
    """Delete these rows by their primary keys. Return how many there were. `beside`: rows that are deleted too."""
    keys = part.rows.select(list(part.table.primary_key))
    others = [(one.table, one.rows.select(list(one.table.primary_key))) for one in beside if one is not part]
    deleted = tx.delete(part.table, keys, beside=others)
    loaded.note_gone(tx, part.table, keys)
    if any(part.table.name in s.owners[entity].ledger for entity, _ in part.owners):
        s.ledger.forget(tx, part.table, keys)
    return deleted
