"""Digests of the mappings and shapes with which tables and entities were copied, and entities that are copied again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from crossfade.journal.tables import (
    AGAIN,
    AGREED,
    CHANGED,
    CHUNK,
    CLEARING,
    DIRTY,
    LEDGER,
    LOADED,
    QUARANTINE,
    SUSPECT,
    VERIFIED,
    WAITING,
)
from crossfade.stores.contract import TargetTransaction
from crossfade.stores.contract.journal import Is

TABLE, ENTITY = "table", "entity"

Part = tuple[str, str]
"""TABLE or ENTITY, and its name."""


def note(tx: TargetTransaction, digests: Mapping[Part, str]) -> None:
    """Record the digests of the mappings and shapes with which these parts were copied."""
    rows = [{"kind": kind, "name": name, "digest": digest} for (kind, name), digest in digests.items()]
    tx.journal.upsert(AGREED, rows)


def find(tx: TargetTransaction) -> dict[Part, str]:
    return {(kind, name): digest for kind, name, digest in tx.journal.select(AGREED, ("kind", "name", "digest"))}


def forget_copy(tx: TargetTransaction) -> None:
    """Forget all digests: the copy of everything starts over."""
    for table in (CHUNK, LOADED, CLEARING, QUARANTINE, LEDGER, AGAIN, DIRTY, CHANGED, WAITING, SUSPECT, VERIFIED):
        tx.journal.delete(table)


def begin_again(tx: TargetTransaction, entities: Iterable[str], tables: Iterable[str]) -> None:
    """Forget the copy of these entities and tables."""
    for entity in entities:
        for table in (CHUNK, QUARANTINE, LEDGER, DIRTY, SUSPECT):
            tx.journal.delete(table, (Is("entity", entity),))
        tx.journal.upsert(AGAIN, [{"entity": entity}])
    for name in tables:
        tx.journal.delete(LOADED, (Is("table_name", name),))
    for table in (CLEARING, VERIFIED, WAITING):  # an entry of the new copy may wait for something else
        tx.journal.delete(table)
    unexplained = dict.fromkeys(("cause", "parent", "waits_for"))  # a parent in quarantine may be copied now
    tx.journal.update(QUARANTINE, unexplained, (Is("state", "open"), Is("reason", "foreign_key")))


def being_copied_again(tx: TargetTransaction) -> set[str]:
    """Return the entities that are copied again while the others stay; none in a copy of everything."""
    return {entity for (entity,) in tx.journal.select(AGAIN, ("entity",))}


def end_again(tx: TargetTransaction) -> None:
    tx.journal.delete(AGAIN)
