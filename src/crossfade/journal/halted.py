"""Entities that are not followed at present: their keys stay in the journal; those of other entities are applied."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from crossfade.journal.clock import now
from crossfade.journal.tables import HALTED
from crossfade.stores.contract import TargetTransaction
from crossfade.stores.contract.journal import Is, IsNot

Kind = Literal["unseen", "redefined", "refused"]
"""`unseen`: a record has a field or type that no survey has seen. `redefined`: it was dropped, renamed or truncated,
and its records are unknown. `refused`: it cannot be read, or no longer has the shape of the survey.
"""


@dataclass(frozen=True, slots=True)
class Halted:
    entity: str
    kind: Kind
    cause: str
    noted_at: str


def note(tx: TargetTransaction, entity: str, kind: Kind, cause: str) -> None:
    """Halt an entity. `redefined` is not replaced by another kind."""
    if kind != "redefined" and any(one.entity == entity and one.kind == "redefined" for one in find(tx)):
        return
    tx.journal.upsert(HALTED, [{"entity": entity, "kind": kind, "cause": cause, "noted_at": now()}])


def unseen(entity: str, reason: str) -> str:
    """Return the cause for an entity of which a record was refused as `unseen_path` or `unseen_type`."""
    return f"a record of {entity} has what source.lock.json does not ({reason})"


def find(tx: TargetTransaction) -> list[Halted]:
    rows = tx.journal.select(HALTED, ("entity", "kind", "cause", "noted_at"), order=("entity",))
    return [Halted(*row) for row in rows]


def release(tx: TargetTransaction, entity: str) -> None:
    """Follow an entity again."""
    tx.journal.delete(HALTED, (Is("entity", entity),))


def release_but_unseen(tx: TargetTransaction) -> None:
    """Follow all entities again, except those that are halted as `unseen`."""
    tx.journal.delete(HALTED, (IsNot("kind", "unseen"),))
