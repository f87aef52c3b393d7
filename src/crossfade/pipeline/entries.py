"""Entries in quarantine: made from what rejected the record, and changed when the record is tried again.

Each change of an entry deletes what it waited for (`journal.waiting`), because that may no longer be true.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from crossfade.journal import journal, waiting
from crossfade.journal.identities import Identities
from crossfade.journal.journal import Entry
from crossfade.model.rejection import Rejection
from crossfade.runtime.records import NO_KEY
from crossfade.runtime.session import Session
from crossfade.stores.contract import TargetTransaction


def entry_of(entity: str, key: str | None, why: Rejection, phase: str, chunk: int = journal.LATER) -> Entry:
    """Return a new entry without an id. `key` is the record's key, or that of the ledger."""
    return Entry(
        id="",
        entity=entity,
        chunk=chunk,
        key=None if key is None or key.startswith(NO_KEY) else key,
        reason=why.reason,
        detail=why.said,
        table=why.table,
        column=why.column,
        phase=phase,
        constraint=why.constraint,
        row_key=why.row_key,
    )


def again(entry: Entry, why: Rejection) -> Entry:
    """Return the entry of a record that is rejected again. Its conflict has to be explained again."""
    known = is_same(entry, why)
    return replace(
        entry,
        reason=why.reason,
        detail=why.said,
        table=why.table,
        column=why.column or ((entry.column or None) if known else None),
        constraint=why.constraint or (entry.constraint if known else None),
        parent=None,
        waits_for=None,
        row_key=why.row_key,
        cause=None,
    )


def is_same(entry: Entry, why: Rejection) -> bool:
    """Return whether the same constraint rejects the record again, so that what is known about it is still true."""
    unnamed = why.constraint is None or entry.constraint == why.constraint
    return unnamed and (entry.reason, entry.table) == (why.reason, why.table)


EntryWithRecord = tuple[Entry, bytes]
"""An entry, and the record itself."""


def quarantine(s: Session, tx: TargetTransaction, entity: str, new: Sequence[EntryWithRecord]) -> list[EntryWithRecord]:
    """Put records of an entity into quarantine, and return their entries with ids. Call it once in a transaction, which
    gives numbers to identical records.
    """
    named = Identities(entity, s.source.traits.has_unique_keys).named(tx, new)
    journal.quarantine_all(tx, named)
    return named


def reject_again(tx: TargetTransaction, found: Sequence[tuple[Entry, bytes | None]]) -> None:
    """Update entries whose records were rejected again, with the records as they are now; None: they are the same."""
    journal.update_reasons(tx, found)
    waiting.forget(tx, [entry.id for entry, _ in found])


def close(tx: TargetTransaction, found: Iterable[Entry], state: str) -> None:
    """Close entries: their records were `retried`, and are in the target now, or are `discarded`."""
    found = list(found)
    journal.resolve_all(tx, found, state)
    waiting.forget(tx, [entry.id for entry in found])


def forget(tx: TargetTransaction, found: Iterable[Entry]) -> None:
    """Delete entries."""
    found = list(found)
    journal.forget_all(tx, found)
    waiting.forget(tx, [entry.id for entry in found])
