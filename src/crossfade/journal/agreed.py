"""What each table and entity was copied by: the digest of its mapping, or of its shape; what is copied again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from crossfade.journal.queries import queries
from crossfade.stores.contract import TargetTransaction

TABLE, ENTITY = "table", "entity"

Part = tuple[str, str]
"""TABLE or ENTITY, and its name."""


def note(tx: TargetTransaction, digests: Mapping[Part, str]) -> None:
    """These parts were copied by what has these digests."""
    values = [{"kind": kind, "name": name, "digest": digest} for (kind, name), digest in digests.items()]
    tx.execute_many(queries()["add_agreed"], values)


def find(tx: TargetTransaction) -> dict[Part, str]:
    return {(kind, name): digest for kind, name, digest in tx.execute(queries()["find_agreed"])}


def begin_again(tx: TargetTransaction, entities: Iterable[str], tables: Iterable[str]) -> None:
    """Forgets the copy of these entities, and of what they made."""
    for entity in entities:
        for query in ("forget_chunks_of", "forget_quarantine_of", "forget_ledger_of", "add_again"):
            tx.execute(queries()[query], {"entity": entity})
    for table in tables:
        tx.execute(queries()["forget_loaded_of"], {"table": table})
    tx.execute(queries()["forget_clearing"])


def being_copied_again(tx: TargetTransaction) -> set[str]:
    """The entities that are copied again while the others stay as they are; none in a copy of all."""
    return {entity for (entity,) in tx.execute(queries()["find_again"])}


def end_again(tx: TargetTransaction) -> None:
    tx.execute(queries()["end_again"])


def forget_steps(tx: TargetTransaction, ids: Iterable[str]) -> None:
    """What these steps made was taken away."""
    tx.execute_many(queries()["forget_step"], [{"id": id_} for id_ in ids])
