"""The records that are to be applied: named by a feed, a person or a verification, or made possible by other records.

A record is claimed by number. A transaction that applies it reads its number, then the record in the source, and writes
only if the number is still the same: a record that was put in again meanwhile is left to the next one. If the source is
followed, a claimed record stays in as applied, until a verification compares it (journal/verified.py).
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from crossfade.journal.tables import APPLIED, CHANGED, DIRTY
from crossfade.stores.contract import TargetTransaction
from crossfade.stores.contract.journal import After, Is, IsNot, OneOf, UpTo, Where

_PENDING = After(("number",), (APPLIED,))


@dataclass(frozen=True, slots=True)
class Dirty:
    """A record that is to be applied. Without a `number` it is not in the journal, so no other transaction knows it."""

    entity: str
    key: str
    number: str | None = None


def put(tx: TargetTransaction, entity: str, keys: Iterable[str]) -> list[Dirty]:
    """Put records in, again if they are in already, with new numbers."""
    number = new_number()
    found = [Dirty(entity, key, number) for key in sorted(set(keys))]
    tx.journal.upsert(DIRTY, [_row(one) for one in found])
    return found


def put_all(tx: TargetTransaction, records: Collection[tuple[str, str]]) -> None:
    """Put records in that are named by entity and key."""
    for entity in sorted({entity for entity, _ in records}):
        put(tx, entity, [key for of, key in records if of == entity])


def new_number() -> str:
    """Return a number that was never used. It is greater than earlier ones of this process, and, as far as clocks
    agree, than those of other processes: only the order in which records are applied depends on that.
    """
    global _last
    with _lock:
        _last = max(_last + 1, time.time_ns())
        return f"{_last:016x}{secrets.token_hex(4)}"


_last = 0
_lock = threading.Lock()


def all_dirty(tx: TargetTransaction) -> list[Dirty]:
    """Return the pending records, by entity and key."""
    rows = tx.journal.select(DIRTY, _COLUMNS, (_PENDING,), order=("entity", "record_key"))
    return [Dirty(*row) for row in rows]


def pending(tx: TargetTransaction, limit: int, without: Iterable[str] = ()) -> list[Dirty]:
    """Return the pending records that have waited longest, but none of the entities `without`."""
    where: Where = (_PENDING, *(IsNot("entity", entity) for entity in without))
    return [Dirty(*row) for row in tx.journal.select(DIRTY, _COLUMNS, where, order=("number",), limit=limit)]


def pending_of(tx: TargetTransaction, entity: str, keys: Iterable[str]) -> list[Dirty]:
    """Return the pending ones of these records."""
    return [Dirty(*row) for row in tx.journal.select(DIRTY, _COLUMNS, (*_of(entity, keys), _PENDING))]


def newest(tx: TargetTransaction, without: Iterable[str] = ()) -> str | None:
    """Return the greatest number of a pending record, or None if none is pending."""
    where: Where = (_PENDING, *(IsNot("entity", entity) for entity in without))
    return max((number for (number,) in tx.journal.select(DIRTY, ("number",), where, distinct=True)), default=None)


def is_pending(tx: TargetTransaction, number: str, without: Iterable[str] = ()) -> bool:
    """Return whether a record with this number or a lesser one is still to be applied."""
    where: Where = (_PENDING, UpTo("number", number), *(IsNot("entity", entity) for entity in without))
    return bool(tx.journal.select(DIRTY, ("number",), where, limit=1))


def count(tx: TargetTransaction) -> dict[str, int]:
    """Return entity -> how many of its records are pending, or are looked up and not yet followed up (looked_up.py)."""
    own = dict(tx.journal.count(DIRTY, ("entity",), (_PENDING,)))
    looked_up = dict(tx.journal.count(CHANGED, ("entity",)))
    return {entity: max(own.get(entity, 0), looked_up.get(entity, 0)) for entity in sorted({*own, *looked_up})}


def count_own(tx: TargetTransaction) -> dict[str, int]:
    """Return entity -> how many of its records are pending."""
    return dict(tx.journal.count(DIRTY, ("entity",), (_PENDING,)))


def claim(tx: TargetTransaction, wanted: Sequence[Dirty], *, keep: bool = False) -> list[Dirty]:
    """Claim records for this transaction; return those that were not put in again or claimed meanwhile. With `keep`
    they stay in as applied.

    A record that was put in again has a number that is not in `wanted`: so keys and numbers can be compared separately.
    """
    mine = {(one.entity, one.key) for one in wanted if one.number is None}
    for entity in sorted({one.entity for one in wanted if one.number is not None}):
        own = [one for one in wanted if one.entity == entity and one.number is not None]
        numbers = OneOf("number", sorted({one.number or "" for one in own}))
        where = (*_of(entity, [one.key for one in own]), numbers)
        claimed = {key for (key,) in tx.journal.take(DIRTY, {"number": APPLIED}, where, ("record_key",))}
        if not keep:
            tx.journal.delete(DIRTY, (*_of(entity, claimed), Is("number", APPLIED)))
        mine |= {(entity, key) for key in claimed}
    return [one for one in wanted if (one.entity, one.key) in mine]


def _of(entity: str, keys: Iterable[str]) -> Where:
    return (Is("entity", entity), OneOf("record_key", sorted(set(keys))))


_COLUMNS = ("entity", "record_key", "number")


def _row(one: Dirty) -> dict[str, str | None]:
    return {"entity": one.entity, "record_key": one.key, "number": one.number}
