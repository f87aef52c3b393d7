"""The values that entries wait for. When a row with such a value appears, or the value becomes free, their records are
applied again.

A value is a text (`pipeline/waits.py` makes it). Entries of a copy have none until they are tried again: any change of
the table wakes them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from crossfade.journal.entries import OPEN
from crossfade.journal.tables import QUARANTINE, WAITING
from crossfade.stores.contract import TargetTransaction
from crossfade.stores.contract.journal import IsNot, OneOf

REASONS = ("foreign_key", "unique", "exclusion")
"""Reasons of entries that wait for something in the target."""


def note(tx: TargetTransaction, waits: Mapping[str, Collection[str]]) -> None:
    """Record what each entry (by id) waits for, in place of what it waited for before."""
    forget(tx, waits)
    tx.journal.insert(WAITING, [{"id": id_, "value": value} for id_, values in waits.items() for value in values])


def forget(tx: TargetTransaction, ids: Iterable[str]) -> None:
    tx.journal.delete_each(WAITING, [{"id": id_} for id_ in ids])


def noted(tx: TargetTransaction, ids: Collection[str]) -> dict[str, set[str]]:
    """Return what these entries wait for, of those that have noted it."""
    found: dict[str, set[str]] = {}
    for id_, value in tx.journal.select(WAITING, ("id", "value"), (OneOf("id", sorted(ids)),)) if ids else ():
        found.setdefault(id_, set()).add(value)
    return found


def is_any(tx: TargetTransaction) -> bool:
    """Return whether there is an open entry that may wait for something."""
    where = (OPEN, OneOf("reason", REASONS), IsNot("record_key", None))
    return bool(tx.journal.select(QUARANTINE, ("id",), where, limit=1))


def all_waiting(tx: TargetTransaction) -> list[tuple[str, str]]:
    """Return entity and key of all open entries that may wait for something: it may have come, or become free, without
    a run that noticed it.
    """
    where = (OPEN, OneOf("reason", REASONS), IsNot("record_key", None))
    return [(entity, key) for entity, key in tx.journal.select(QUARANTINE, ("entity", "record_key"), where)]


def woken(
    tx: TargetTransaction, values: Collection[str], tables: Mapping[str, Collection[str]]
) -> set[tuple[str, str]]:
    """Return entity and key of the open entries that wait for one of the values; also of those for which nothing is
    noted, if their reason and table are in `tables` (reason -> tables).
    """
    columns = ("id", "entity", "record_key", "reason", "target_table")
    known = IsNot("record_key", None)
    if not values:
        return set()
    ids = {id_ for (id_,) in tx.journal.select(WAITING, ("id",), (OneOf("value", sorted(values)),))}
    found = tx.journal.select(QUARANTINE, columns, (OPEN, known, OneOf("id", sorted(ids)))) if ids else []
    may_wait = [r for r in REASONS if tables.get(r)]
    if may_wait:
        asked = tx.journal.select(QUARANTINE, columns, (OPEN, known, OneOf("reason", may_wait)))
        asked = [row for row in asked if row[4] is None or row[4] in tables[row[3]]]
        clear = noted(tx, [row[0] for row in asked])
        found += [row for row in asked if row[0] not in clear]
    return {(entity, key) for _, entity, key, _, _ in found}
