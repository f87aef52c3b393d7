"""The records that are to be applied: what a feed named, a person or a verification, or what others made possible.

A record is claimed by number. Whoever applies it reads its number, then the record in the source, and writes only if
the number is still the same: what was put in again meanwhile is left to whoever reads that.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from crossfade.journal.tables import DIRTY
from crossfade.stores.contract import TargetTransaction
from crossfade.stores.contract.journal import Is, OneOf


@dataclass(frozen=True, slots=True)
class Dirty:
    """A record that is to be applied. Without a `number` it was never in the journal, and nobody else knows of it."""

    entity: str
    key: str
    number: str | None = None


def put(tx: TargetTransaction, entity: str, keys: Iterable[str]) -> list[Dirty]:
    """Put records in, again if they are in already, with new numbers."""
    number = secrets.token_hex(8)
    found = [Dirty(entity, key, number) for key in sorted(set(keys))]
    tx.journal.upsert(DIRTY, [{"entity": entity, "record_key": one.key, "number": number} for one in found])
    return found


def all_dirty(tx: TargetTransaction) -> list[Dirty]:
    """Return what is in, by entity and key."""
    rows = tx.journal.select(DIRTY, ("entity", "record_key", "number"), order=("entity", "record_key"))
    return [Dirty(*row) for row in rows]


def claim(tx: TargetTransaction, wanted: Sequence[Dirty]) -> list[Dirty]:
    """Take records out for this transaction; return those that have not been put in again, or taken out, meanwhile."""
    numbered = [one for one in wanted if one.number is not None]
    mine = set(numbered) & set(_locked(tx, numbered))
    tx.journal.delete_each(DIRTY, [_row(one) for one in sorted(mine, key=lambda d: (d.entity, d.key))])
    return [one for one in wanted if one.number is None or one in mine]


def _locked(tx: TargetTransaction, wanted: Sequence[Dirty]) -> list[Dirty]:
    found: list[Dirty] = []
    for entity in sorted({one.entity for one in wanted}):
        where = (Is("entity", entity), OneOf("record_key", sorted({d.key for d in wanted if d.entity == entity})))
        tx.journal.lock(DIRTY, where)
        rows = tx.journal.select(DIRTY, ("entity", "record_key", "number"), where)
        found += [Dirty(*row) for row in rows]
    return found


def _row(one: Dirty) -> dict[str, str | None]:
    return {"entity": one.entity, "record_key": one.key, "number": one.number}
