"""DDL steps of the target, each done once: the step and its note in the journal commit together."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from crossfade.errors import CrossfadeError
from crossfade.journal import journal
from crossfade.model.target import Step
from crossfade.stores.contract import RowRejected, Store, need


def run_steps(target: Store, steps: Sequence[Step], listen: Callable[[Step], None]) -> None:
    """Runs the steps that the journal does not know as done. Raises CrossfadeError at the first that fails."""
    writer = need(target.writer, target, "be written to")
    with writer.transaction() as tx:
        done = journal.steps_done(tx)
    for step in steps:
        if step.id in done:
            continue
        try:
            with writer.transaction() as tx:
                tx.execute(step.sql)
                journal.note_step(tx, step)
        except RowRejected as refusal:
            raise CrossfadeError(
                f"{step.id}: {refusal.message}; the steps before it are done",
                hint="look at the rows, then run the same command again",
            ) from refusal
        listen(step)
