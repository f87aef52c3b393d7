"""Execute DDL steps of the target, each once.

A step and its record in the journal commit together. If that is impossible (the store's DDL is not transactional, or
the statement cannot run in a transaction), the journal first records that the step begins: stores/contract/steps.py.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from crossfade.errors import CrossfadeError, Unreachable
from crossfade.journal import journal
from crossfade.model.target import Step
from crossfade.stores.contract import RowRejected, Standing, Steps, Store, Transaction, need

_LOOK = "look at the rows, then run the same command again"


def run_steps(
    target: Store,
    transaction: Transaction,
    steps: Sequence[Step],
    listen: Callable[[Step], None],
    planned: Callable[[int], None] = lambda count: None,
    left: Callable[[Step, str], None] = lambda step, reason: None,
) -> None:
    """Execute the steps that are not recorded as done. Raises CrossfadeError for the first that fails, unless it only
    fills something: then `left` is called, and the next run of the steps tries it again.

    `planned` is called with the number of these steps.
    """
    with transaction() as tx:
        done = journal.steps_done(tx)
    if pending := sum(step.id not in done for step in steps):
        planned(pending)
    for step in steps:
        if step.id in done:
            continue
        try:
            run_step(target, transaction, step)
        except (RowRejected, CrossfadeError) as error:
            if not step.fills or _is_of_the_server(error):
                raise failed(step, error) from error
            with transaction() as tx:
                journal.begin_step(tx, step)
            left(step, error.message)
        else:
            listen(step)


def run_step(target: Store, transaction: Transaction, step: Step) -> None:
    """Execute a step and record it. Raises RowRejected if rows prevent it."""
    if target.traits.transactional_ddl and not (target.steps is not None and target.steps.is_alone(step)):
        with transaction() as tx:
            tx.run(step.sql)
            journal.note_step(tx, step)
        return
    with transaction() as tx:
        was_begun = journal.begin_step(tx, step)
    _carry_out(need(target.steps, target, "resume a step of a schema"), step, was_begun)
    with transaction() as tx:
        journal.note_step(tx, step)


def _carry_out(steps: Steps, step: Step, was_begun: bool) -> None:
    """Execute the remaining part of a step: all of it, unless an earlier run had begun it."""
    match steps.check(step) if was_begun else Standing.ABSENT:
        case Standing.ABSENT:
            steps.start(step)
        case Standing.HALF_DONE:
            steps.finish(step)


def _is_of_the_server(error: RowRejected | CrossfadeError) -> bool:
    return isinstance(error, CrossfadeError) and error.passing


def failed(step: Step, error: RowRejected | CrossfadeError) -> CrossfadeError:
    """Return the error of a step, which names the step. The error of a lost connection is returned unchanged."""
    if isinstance(error, Unreachable):
        return error
    if isinstance(error, RowRejected):
        return _failed(step, error.message, _LOOK)
    ours = _failed(step, error.message, error.hint or "fix the cause and run the same command again")
    ours.passing = error.passing
    return ours


def _failed(step: Step, reason: str, hint: str) -> CrossfadeError:
    return CrossfadeError(
        f"the step {step.id!r} of the schema failed: {reason}\n  statement: {step.sql}\n"
        "  the steps before it are done, this one is not",
        hint=hint,
    )
