"""Ownership of the target: a move starts in an empty target and resumes only in its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from crossfade.errors import CrossfadeError, Misused, NotEmpty
from crossfade.journal import agreement, journal
from crossfade.journal.journal import MoveRecord
from crossfade.journal.migrations import migrate
from crossfade.journal.status import Status, status_of
from crossfade.model.events import Listener, StepDone, StepsStarted
from crossfade.model.target import Step
from crossfade.move.context import Context
from crossfade.pipeline.steps import run_steps
from crossfade.schema import journaled
from crossfade.stores.contract import need


@contextmanager
def locked(context: Context) -> Iterator[None]:
    """Lock the target for this run. Wait for transactions that a killed run left behind, and prevent it from writing.

    Raises Busy if another run works in the target.
    """
    target = context.target
    with need(target.writer, target, "be written to").lock():
        move = find_move(context)
        if move is not None:
            _require_own(context, move)
            context.take_over()
            _migrate(context, move)
        try:
            yield
        finally:
            context.takes_part = False


def apply_schema(context: Context, listen: Listener) -> int:
    own_target(context)
    return do_steps(context, context.steps_before, listen)


def do_steps(context: Context, steps: Sequence[Step], listen: Listener) -> int:
    """Execute the steps that were not executed before; return their number."""
    done: list[Step] = []

    def tell(step: Step) -> None:
        done.append(step)
        listen(StepDone(step))

    run_steps(context.target, context.transaction, steps, tell, lambda count: listen(StepsStarted(count)))
    return len(done)


def own_target(context: Context) -> MoveRecord:
    """Begin the move in the target, or return the existing one if it is this project's."""
    move = find_move(context)
    if move is None:
        _require_empty(context)
        expected = context.expected_from_now()
        there = need(context.target.ddl, context.target, "be inspected").there_before()
        journal.create(context.target)
        context.take_over()
        made = context.schema_is_made_of
        text = None if made is None else journaled.as_text(context.schema, made)
        with context.transaction() as tx:
            journal.begin_move(tx, context.project.name, context.source.url, context.digests_so_far, text)
            journal.note_expected(tx, expected)
            journal.note_there_before(tx, there)
            move = journal.find_move(tx)
    assert move is not None  # it was recorded just now
    return _require_own(context, move)


def own_move(context: Context) -> MoveRecord:
    """Return the move in the target. Raises Misused if none has begun."""
    return _require_own(context, _begun(context))


def known_move(context: Context) -> MoveRecord:
    """Return the move in the target, for callers that only read the journal: the schema files may have changed."""
    move = _begun(context)
    agreement.require_own(move, context.target.url, context.project.name, move.schema_digest)
    return move


def status(context: Context) -> Status:
    move = known_move(context)
    try:
        fed = context.fed_entities
    except CrossfadeError:
        fed = []  # the plan has the entities that were begun; `check` reports the faults
    with context.transaction() as tx:
        return status_of(tx, move, fed, context.project.settings.limits.quarantine)


def _begun(context: Context) -> MoveRecord:
    move = find_move(context)
    if move is not None and _is_older(move):
        agreement.require_own(move, context.target.url, context.project.name, move.schema_digest)
        with locked(context):
            move = find_move(context)
    if move is None:
        raise Misused(f"not started: no move has started in {context.target.url}", hint="crossfade copy")
    return move


def _is_older(move: MoveRecord) -> bool:
    return move.version in agreement.VERSIONS and move.version < journal.VERSION


def _migrate(context: Context, move: MoveRecord) -> None:
    """Migrate the tables of an older version's journal."""
    if _is_older(move):
        with context.transaction() as tx:
            migrate(tx, move.version, has_unique_keys=context.source.traits.has_unique_keys)


def find_move(context: Context) -> MoveRecord | None:
    if not context.has_journal:
        return None
    with context.transaction() as tx:
        return journal.find_move(tx)


def _require_own(context: Context, move: MoveRecord) -> MoveRecord:
    agreement.require_own(move, context.target.url, context.project.name, context.schema.digest)
    return move


def _require_empty(context: Context) -> None:
    target = context.target
    if context.is_live:
        with context.transaction() as tx:
            tables = context.tables(context.fed_tables)
            there = [t.name for t in tables if tx.holds(t)]
        what, hint = "already has rows in", "empty these tables, or map other tables"
    else:
        there = need(target.ddl, target, "be inspected").is_empty()
        what, hint = "is not empty:", 'use an empty database, or schema = "live" to fill existing tables'
    if there:
        names = ", ".join(there[:8])
        raise NotEmpty(f"the target {target.url} {what} {names}; nothing was written", hint=hint)
