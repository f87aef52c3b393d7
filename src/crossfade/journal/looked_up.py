"""Records that mappings look up, and that have changed: the records that look them up are to be applied again.

Only a feed puts records in here. A record that is applied again because of them has not changed itself, so those that
look it up need not be; otherwise entities that look each other up would be applied forever.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from crossfade.journal.dirty import Dirty, new_number
from crossfade.journal.tables import CHANGED
from crossfade.stores.contract import TargetTransaction
from crossfade.stores.contract.journal import IsNot, UpTo, Where

_COLUMNS = ("entity", "record_key", "number")


def put(tx: TargetTransaction, entity: str, keys: Iterable[str]) -> None:
    """Put records in, again if they are in already, with new numbers."""
    number = new_number()
    rows = [dict(zip(_COLUMNS, (entity, key, number), strict=True)) for key in sorted(set(keys))]
    tx.journal.upsert(CHANGED, rows)


def pending(tx: TargetTransaction, limit: int, without: Iterable[str] = ()) -> list[Dirty]:
    """Return the records that have waited longest, but none of the entities `without`."""
    where = [IsNot("entity", entity) for entity in without]
    return [Dirty(*row) for row in tx.journal.select(CHANGED, _COLUMNS, where, order=("number",), limit=limit)]


def count(tx: TargetTransaction) -> dict[str, int]:
    """Return entity -> how many of its records are not followed up; after a cutover, table -> how many rows."""
    return dict(tx.journal.count(CHANGED, ("entity",)))


def done(tx: TargetTransaction, records: Sequence[Dirty]) -> None:
    """Take records out, but not those that were put in again meanwhile."""
    tx.journal.delete_each(
        CHANGED, [{"entity": one.entity, "record_key": one.key, "number": one.number} for one in records]
    )


def newest(tx: TargetTransaction, without: Iterable[str] = ()) -> str | None:
    """Return the greatest number of a record that is not followed up, or None."""
    where = [IsNot("entity", entity) for entity in without]
    return max((number for (number,) in tx.journal.select(CHANGED, ("number",), where, distinct=True)), default=None)


def is_pending(tx: TargetTransaction, number: str, without: Iterable[str] = ()) -> bool:
    """Return whether a record with this number or a lesser one is still to be followed up."""
    where: Where = (UpTo("number", number), *(IsNot("entity", entity) for entity in without))
    return bool(tx.journal.select(CHANGED, ("number",), where, limit=1))
