"""Ownership of the target: a move starts in an empty target and resumes only in its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from crossfade.errors import Busy, CrossfadeError, Misused, NotEmpty
from crossfade.journal import agreement, feed, journal
from crossfade.journal.journal import MoveRecord
from crossfade.journal.migrations import migrate
from crossfade.journal.status import Status, status_of
from crossfade.model.events import Listener, StepDone, StepFailed, StepsStarted
from crossfade.model.target import Step
from crossfade.move import evidence, groups
from crossfade.move.context import Context
from crossfade.move.expected import expected_from_now
from crossfade.pipeline.steps import run_steps
from crossfade.schema import journaled
from crossfade.stores.contract import need

BEGIN = "crossfade copy, or crossfade start, which follows the source too"
_ANOTHER = "for another move, name another target in crossfade.toml"


@contextmanager
def locked(context: Context, *, schema_may_differ: bool = False, after_cutover: bool = False) -> Iterator[None]:
    """Lock the target for this run. Wait for transactions that a killed run left behind, and prevent it from writing.

    Raises Busy if another run works in the target, Stale if the schema has changed, unless it may differ.
    """
    _require_two_files(context)
    groups.require_one(context)
    groups.require_apart(context)
    with ExitStack() as locks:
        _lock(context, locks)
        move = find_move(context)
        if move is not None:
            if schema_may_differ:
                _require_named(context, move)
            else:
                _require_own(context, move)
            context.take_over(after_cutover=after_cutover)
            _migrate(context, move)
        try:
            yield
        finally:
            context.takes_part = False


def _lock(context: Context, locks: ExitStack) -> None:
    target = context.target
    try:
        locks.enter_context(need(target.writer, target, "be written to").lock())
    except Busy as busy:
        if (hint := _how_to_stop(context)) is not None:
            busy.hint = hint
        raise


def _how_to_stop(context: Context) -> str | None:
    """Return what to do about a run that follows the source, or None if the one at work does something else."""
    move = find_move(context)
    if move is None or move.version < feed.SINCE:
        return None
    if _is_older(move):
        return "end the run that is at work: it is of an older crossfade; then the journal is migrated"
    with context.transaction() as tx:
        record = feed.find(tx)
    if record is None or not record.is_running:
        return None
    return "crossfade status, which shows its progress; crossfade stop, which ends it"


def apply_schema(context: Context, listen: Listener) -> int:
    own_target(context)
    return do_steps(context, context.steps_before, listen)


def do_steps(context: Context, steps: Sequence[Step], listen: Listener) -> int:
    """Execute the steps that were not executed before; return their number."""
    done: list[Step] = []

    def tell(step: Step) -> None:
        done.append(step)
        listen(StepDone(step))

    def tell_failed(step: Step, reason: str) -> None:
        listen(StepFailed(step, reason))

    run_steps(context.target, context.transaction, steps, tell, lambda count: listen(StepsStarted(count)), tell_failed)
    return len(done)


def own_target(context: Context) -> MoveRecord:
    """Begin the move in the target, or return the existing one if it is this project's."""
    move = find_move(context)
    if move is None:
        _require_empty(context)
        expected = expected_from_now(context)
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
        groups.close_if_others_were(context)
    assert move is not None  # it was recorded just now
    return _require_own(context, move)


def own_move(context: Context) -> MoveRecord:
    """Return the move in the target. Raises Misused if none has begun."""
    return _require_own(context, _begun(context))


def known_move(context: Context) -> MoveRecord:
    """Return the move in the target. Its schema may have changed."""
    return _require_named(context, _begun(context))


def status(context: Context) -> Status:
    move = known_move(context)
    try:
        fed = context.fed_entities
    except CrossfadeError:
        fed = []  # the plan has the entities that were begun; `check` reports the faults
    at_work = context.is_at_work
    with context.transaction() as tx:
        return status_of(tx, move, fed, context.project.settings.limits.quarantine, at_work=at_work)


def _begun(context: Context) -> MoveRecord:
    move = find_move(context)
    if move is not None and _is_older(move):
        _require_named(context, move)
        with locked(context, schema_may_differ=True, after_cutover=True):
            move = find_move(context)
    if move is None:
        raise _not_started(context)
    return move


def _not_started(context: Context) -> Misused:
    project, target = context.project, context.target.url
    left, of = evidence.newest(project.root, project.group), f" of the group {project.group}" if project.group else ""
    if left is None:
        return Misused(f"not started: no move{of} has started in {target}", hint=BEGIN)
    return Misused(f"no move{of} is in {target}: the last one was finished ({left})", hint=_ANOTHER)


def bring_up_to_date(context: Context) -> None:
    """Migrate the journal if it is of an older version. Raises Busy if a run of that version is at work."""
    move = find_move(context)
    if move is not None and _is_older(move):
        _begun(context)


def _is_older(move: MoveRecord) -> bool:
    return move.version in agreement.VERSIONS and move.version < journal.VERSION


def _migrate(context: Context, move: MoveRecord) -> None:
    """Migrate the tables of an older version's journal."""
    if _is_older(move):
        with context.transaction() as tx:
            migrate(tx, move.version, has_unique_keys=context.source.traits.has_unique_keys)


def find_move(context: Context) -> MoveRecord | None:
    groups.require_one(context)
    if not context.has_journal:
        return None
    with context.transaction() as tx:
        return journal.find_move(tx)


def _require_own(context: Context, move: MoveRecord) -> MoveRecord:
    """Return the move. Raises NotEmpty if it is another project's, Stale if its schema has changed."""
    agreement.require_own(move, context.target.url, context.project.name, context.schema.digest)
    return move


def _require_named(context: Context, move: MoveRecord) -> MoveRecord:
    """Return the move, whatever the schema is now. Raises NotEmpty if it is another project's."""
    agreement.require_own(move, context.target.url, context.project.name, move.schema_digest)
    return move


def _require_two_files(context: Context) -> None:
    """Raise Misused if source and target are one file: the move's own reads would block its writes."""
    stores = (context.source, context.target)
    if not all(store.traits.is_file for store in stores):
        return
    if len({need(store.inspector, store, "be inspected").place() for store in stores}) == 1:
        raise Misused(
            f"the target {context.target.url} is the file of the source; nothing was written",
            hint="a file of its own for the target",
        )


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
        hint = hint if evidence.newest(context.project.root, context.project.group) is None else _ANOTHER
        raise NotEmpty(f"the target {target.url} {what} {names}; nothing was written", hint=hint)
