"""The executed steps of the target's schema, and the objects that existed before the move began."""

from __future__ import annotations

from collections.abc import Iterable

from crossfade.journal.clock import now
from crossfade.journal.tables import STEP, THERE_BEFORE
from crossfade.model.target import Step
from crossfade.stores.contract import TargetTransaction
from crossfade.stores.contract.journal import Is, IsNot

_BEGUN = ""
"""The completion time of a step that was only begun."""


def steps_done(tx: TargetTransaction) -> set[str]:
    return {id_ for (id_,) in tx.journal.select(STEP, ("id",), (IsNot("done_at", _BEGUN),))}


def note_step(tx: TargetTransaction, step: Step) -> None:
    """Record a finished step, in the transaction that executed it, or later if `begin_step` recorded it before."""
    tx.journal.upsert(STEP, [{"id": step.id, "sql": step.sql, "number": _next(tx), "done_at": now()}])


def begin_step(tx: TargetTransaction, step: Step) -> bool:
    """Record that a step begins. Return whether an earlier run had begun it."""
    if tx.journal.select(STEP, ("id",), (Is("id", step.id),)):
        return True
    tx.journal.insert(STEP, [{"id": step.id, "sql": step.sql, "number": _next(tx), "done_at": _BEGUN}])
    return False


def steps_begun(tx: TargetTransaction) -> list[Step]:
    """Return the steps that were begun and not finished, in order: a run was killed, or a step could not fill what it
    fills.
    """
    return [Step(*row) for row in tx.journal.select(STEP, ("id", "sql"), (Is("done_at", _BEGUN),), order=("number",))]


def _next(tx: TargetTransaction) -> int:
    return max((number for (number,) in tx.journal.select(STEP, ("number",))), default=0) + 1


def steps_with_sql(tx: TargetTransaction) -> list[Step]:
    """Return the steps that were executed or begun, in order."""
    return [Step(*row) for row in tx.journal.select(STEP, ("id", "sql"), order=("number",))]


def forget_steps(tx: TargetTransaction, ids: Iterable[str]) -> None:
    """Delete the records of these steps, because what they created was dropped."""
    tx.journal.delete_each(STEP, [{"id": id_} for id_ in ids])


def note_there_before(tx: TargetTransaction, there: Iterable[tuple[str, str]]) -> None:
    """Record the objects that existed before the move began, as kind and name."""
    tx.journal.upsert(THERE_BEFORE, [{"kind": kind, "name": name} for kind, name in there])


def there_before(tx: TargetTransaction) -> set[tuple[str, str]]:
    return {(kind, name) for kind, name in tx.journal.select(THERE_BEFORE, ("kind", "name"))}
