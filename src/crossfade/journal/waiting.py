"""What entries wait for, by value: when it comes, or is free, their records are to be applied again.

A value is a text (`pipeline/waits.py` makes it). Entries of a copy have none yet: they are asked by their table.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from crossfade.journal.entries import OPEN
from crossfade.journal.tables import QUARANTINE, WAITING
from crossfade.stores.contract import TargetTransaction
from crossfade.stores.contract.journal import IsNot, OneOf

REASONS = ("foreign_key", "unique", "exclusion")
"""Of entries that wait for something in the target."""


def note(tx: TargetTransaction, waits: Mapping[str, Collection[str]]) -> None:
    """Note what each entry (by id) waits for, in place of what it waited for before."""
    forget(tx, waits)
    tx.journal.insert(WAITING, [{"id": id_, "value": value} for id_, values in waits.items() for value in values])


def forget(tx: TargetTransaction, ids: Iterable[str]) -> None:
    tx.journal.delete_each(WAITING, [{"id": id_} for id_ in ids])


def woken(
    tx: TargetTransaction, values: Collection[str], tables: Mapping[str, Collection[str]]
) -> set[tuple[str, str]]:
    """Return entity and key of the open entries that wait for one of the values; also of those of which it is not known
    what they wait for, if their reason and table are in `tables` (reason -> tables).
    """
    reasons = OneOf("reason", REASONS)
    columns = ("id", "entity", "record_key", "reason", "target_table")
    known = IsNot("record_key", None)
    if not values or not tx.journal.select(QUARANTINE, ("id",), (OPEN, reasons, known), limit=1):
        return set()
    ids = {id_ for (id_,) in tx.journal.select(WAITING, ("id",), (OneOf("value", sorted(values)),))}
    found = tx.journal.select(QUARANTINE, columns, (OPEN, known, OneOf("id", sorted(ids)))) if ids else []
    may_wait = [r for r in REASONS if tables.get(r)]
    if may_wait:
        asked = tx.journal.select(QUARANTINE, columns, (OPEN, known, OneOf("reason", may_wait)))
        asked = [row for row in asked if row[4] is None or row[4] in tables[row[3]]]
        noted = [row[0] for row in asked]
        clear = {id_ for (id_,) in tx.journal.select(WAITING, ("id",), (OneOf("id", noted),))} if noted else set()
        found += [row for row in asked if row[0] not in clear]
    return {(entity, key) for _, entity, key, _, _ in found}
