"""The steps of the target's schema that were done, and what the target held before the move began."""

from __future__ import annotations

from collections.abc import Iterable

from crossfade.journal.clock import now
from crossfade.journal.tables import STEP, THERE_BEFORE
from crossfade.model.target import Step
from crossfade.stores.contract import TargetTransaction


def steps_done(tx: TargetTransaction) -> set[str]:
    return {id_ for (id_,) in tx.journal.select(STEP, ("id",))}


def note_step(tx: TargetTransaction, step: Step) -> None:
    """Note a step, in the transaction that did it."""
    last = max((number for (number,) in tx.journal.select(STEP, ("number",))), default=0)
    tx.journal.insert(STEP, [{"id": step.id, "sql": step.sql, "number": last + 1, "done_at": now()}])


def steps_with_sql(tx: TargetTransaction) -> list[Step]:
    """Return the steps that were done, in their order."""
    return [Step(*row) for row in tx.journal.select(STEP, ("id", "sql"), order=("number",))]


def forget_steps(tx: TargetTransaction, ids: Iterable[str]) -> None:
    """What these steps made was taken away."""
    tx.journal.delete_each(STEP, [{"id": id_} for id_ in ids])


def note_there_before(tx: TargetTransaction, there: Iterable[tuple[str, str]]) -> None:
    """Note what the target held before the move began, as kind and name."""
    tx.journal.upsert(THERE_BEFORE, [{"kind": kind, "name": name} for kind, name in there])


def there_before(tx: TargetTransaction) -> set[tuple[str, str]]:
    return {(kind, name) for kind, name in tx.journal.select(THERE_BEFORE, ("kind", "name"))}
