"""DDL steps of the target, each done once: the step and its note in the journal commit together."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from crossfade.errors import CrossfadeError, Unreachable
from crossfade.journal import journal
from crossfade.model.target import Step
from crossfade.stores.contract import RowRejected, Transaction

_LOOK = "look at the rows, then run the same command again"
_HINTS = {
    "too_long": "shorten the value in the source, and in the target in the same way, and run the same command again;"
    " or index a hash of it (md5), and begin anew in an empty database"
}


def run_steps(
    transaction: Transaction,
    steps: Sequence[Step],
    listen: Callable[[Step], None],
    planned: Callable[[int], None] = lambda count: None,
) -> None:
    """Runs the steps that the journal does not know as done. Raises CrossfadeError at the first that fails.

    `planned` hears how many these are.
    """
    with transaction() as tx:
        done = journal.steps_done(tx)
    if pending := sum(step.id not in done for step in steps):
        planned(pending)
    for step in steps:
        if step.id in done:
            continue
        try:
            with transaction() as tx:
                tx.run(step.sql)
                journal.note_step(tx, step)
        except RowRejected as refusal:
            raise _failed(step, refusal.message, _HINTS.get(refusal.reason, _LOOK)) from refusal
        except Unreachable:
            raise
        except CrossfadeError as error:
            raise _failed(step, error.message, error.hint or "mend the cause and run the same command again") from error
        listen(step)


def _failed(step: Step, reason: str, hint: str) -> CrossfadeError:
    return CrossfadeError(
        f"the step {step.id!r} of the schema failed: {reason}\n  statement: {step.sql}\n"
        "  the steps before it are done, this one is not",
        hint=hint,
    )
