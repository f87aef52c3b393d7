"""The copy as a whole: plan, chunks, removal of records that break constraints, constraints."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from crossfade.errors import Refused
from crossfade.journal import agreed, agreement, journal
from crossfade.journal.journal import MoveRecord
from crossfade.journal.status import Status
from crossfade.model.batch import Chunk
from crossfade.model.counts import Counts
from crossfade.model.events import CopyStarted, Listener, StepDone
from crossfade.model.target import Step, TargetTable
from crossfade.move import accounts, checks, source_identity, surveying, target_ownership
from crossfade.move.context import Context
from crossfade.move.emitter import phase
from crossfade.move.executors import executor_for
from crossfade.move.inventory import DISCARDED, count, inventory
from crossfade.move.others import require_none, rows_of_others
from crossfade.move.steady import require_steady
from crossfade.pipeline import causes, constraints, duplicate_keys
from crossfade.pipeline import copy as chunks_of
from crossfade.pipeline.enough import StopAt, require_few
from crossfade.pipeline.plan import KeyScan, plan
from crossfade.pipeline.retry import readmit
from crossfade.runtime.again import again
from crossfade.runtime.executor import Executor
from crossfade.stores.contract import EntityInfo, RowRejected, TargetTransaction, need
from crossfade.verify.rules import read_rules, require_valid


def copy(
    context: Context, listen: Listener, *, source_moved: bool = False, goes_on: Callable[[], bool] = lambda: True
) -> Status:
    """Copy what is not copied yet. `goes_on` is asked, beside the throttle, before a chunk begins; it may raise."""
    context.throttle.require()
    entities = surveying.entities(context)
    with executor_for(context, _workers(context, entities), listen, get_ready=context.get_ready) as executor:
        _copy(context, entities, executor, listen, source_moved, goes_on)
    return accounts.with_source(context, target_ownership.status(context), entities)


def _workers(context: Context, entities: Sequence[EntityInfo]) -> int:
    """Return the number of workers to start, from the survey and from the size that the source reports now. They start
    while the target is examined.
    """
    now = {e.name: e.bytes for e in entities}
    sizes = [max(context.shapes[e].bytes, now.get(e, 0)) for e in context.fed_entities]
    return min(context.writers, max(1, sum(math.ceil(size / context.chunk_bytes) for size in sizes)))


def _copy(
    context: Context,
    entities: Sequence[EntityInfo],
    executor: Executor,
    listen: Listener,
    source_moved: bool,
    goes_on: Callable[[], bool],
) -> None:
    checks.require_current_lock(context, entities)
    reader = need(context.source.reader, context.source, "read records")
    scan = KeyScan(reader, context.fed_entities, context.chunk_bytes, listen)
    context.schema_ahead.meanwhile(scan.go_on)
    checks.require_covered(context)
    move = target_ownership.own_target(context)
    source_identity.require_same_source(context, entities, confirmed=source_moved)
    again(lambda: target_ownership.do_steps(context, context.steps_before, listen), listen)
    _require_same_agreement(context, move)
    again(lambda: _require_valid_rules(context), listen)
    pending = again(lambda: plan(scan, context.transaction), listen)
    planned = sum(c.count for c in copied_chunks(context))
    listen(CopyStarted(sum(c.count for c in pending), len(pending), planned))

    def may_begin() -> bool:
        return goes_on() and context.throttle.allows(listen)

    chunks_of.copy(context.work, pending, executor, listen, stop_at(context), may_begin)
    with phase(listen, "constraints"):
        again(lambda: _clear(context, executor, listen), listen)
        require_steady(context, "copy")
        again(lambda: _finish(context, entities, listen), listen)


def _require_valid_rules(context: Context) -> None:
    """Raise InvalidQuery for a rule that can never run, before the first chunk of all: verification comes last."""
    if (rules := read_rules(context.project.rules_dir)) and not context.chunks():
        reader = need(context.target.row_reader, context.target, "answer queries")
        require_valid(rules, reader, tables=context.tables(context.fed_tables))


def _finish(context: Context, entities: Sequence[EntityInfo], listen: Listener) -> None:
    with context.transaction() as tx:
        done = journal.steps_done(tx)
    advance_sequences(
        context
    )  # before a policy can hide rows; sequences that a later step attaches to a column follow after it
    target_ownership.do_steps(context, context.steps_after(done), listen)
    advance_sequences(context)
    causes.explain(context.work)
    discarded = _discarded(context, entities)
    with context.transaction() as tx:
        _note_discarded(tx, discarded)
        _note_agreed(context, tx)
        journal.set_stage(tx, journal.FINISHED)


def fill(context: Context, listen: Listener) -> None:
    """Try again what an earlier run could not fill, after the copy has ended."""
    with context.transaction() as tx:
        left = [step for step in journal.steps_begun(tx) if step.fills]
    target_ownership.do_steps(context, left, listen)


def _note_agreed(context: Context, tx: TargetTransaction) -> None:
    """Record the current digests of the parts that this run copied. Those of parts copied before stay."""
    if journal.find_stage(tx) == journal.FINISHED:
        return
    chosen = agreed.being_copied_again(tx)
    tables = {b.table for b in context.program.branches if b.entity in chosen}
    names = {agreed.TABLE: tables, agreed.ENTITY: chosen}
    agreed.note(tx, {part: digest for part, digest in context.parts.items() if not chosen or part[1] in names[part[0]]})
    agreed.end_again(tx)


def copied_chunks(context: Context) -> list[Chunk]:
    """Return the chunks of the plan, without the chunk for later records and without entities discarded as a whole."""
    fed = set(context.fed_entities)
    return [c.chunk for c in context.chunks() if c.chunk.number != journal.LATER and c.chunk.entity in fed]


def _discarded(context: Context, entities: Sequence[EntityInfo]) -> dict[str, int]:
    """Return the number of records of each entity that is discarded as a whole and can be counted."""
    readable = {info.name for info in entities if not info.unread}
    whole = [s.entity for s in inventory(context, entities) if s.fate == DISCARDED and s.entity in readable]
    return {entity: count(context, entity) for entity in whole}


def _note_discarded(tx: TargetTransaction, discarded: Mapping[str, int]) -> None:
    """Record the accounts of the discarded entities. This comes last, because a mapping may still be added for them."""
    known = {c.chunk.entity for c in journal.chunks(tx)}
    for entity, records in discarded.items():
        if entity not in known:
            chunk = Chunk(entity, 0, None, None, records)
            journal.plan_chunks(tx, [chunk])
            journal.finish_chunk(tx, chunk, Counts(source=records, discarded=records), {}, 0.0)


def advance_sequences(context: Context) -> None:
    """Advance the target's sequences beyond the copied values."""
    ddl = need(context.target.ddl, context.target, "count on")
    ddl.advance_sequences(context.tables(context.fed_tables))


def restart(context: Context) -> None:
    target_ownership.own_move(context)
    with context.transaction() as tx:
        if journal.steps_done(tx) & {s.id for s in context.schema.post}:
            raise Refused(
                "the constraints of this target have been created already; nothing was changed",
                hint="crossfade reset, then crossfade run",
            )
        filled = {name for c in journal.chunks(tx) for name in c.rows}
        tables = context.tables(context.fed_tables | filled)
        require_own_rows(context, tx, tables)
        try:
            for table in tables:
                tx.empty(table, beside=tables)
        except RowRejected as refusal:
            raise Refused(
                f"{refusal.message}; nothing was changed", hint="move those rows elsewhere first"
            ) from refusal
        journal.forget_copy(tx)
        journal.set_digests(tx, context.digests)
        journal.set_stage(tx, journal.PREPARED)


def require_own_rows(context: Context, tx: TargetTransaction, tables: Sequence[TargetTable]) -> None:
    noted: Counter[str] = Counter()
    for chunk in journal.chunks(tx):
        noted.update(chunk.rows)
    there = ((t, tx.count(t, hold=True)) for t in tables)
    others = [o for t, count in there if count is not None for o in rows_of_others(tx, t, count, noted[t.name])]
    require_none(others, ())


def _require_same_agreement(context: Context, move: MoveRecord) -> None:
    """Refuse to resume a copy with another mapping or lock file than it began with. If nothing is copied yet, plan it
    again: the plan may have entities that no mapping reads now.
    """
    done = sum(1 for c in context.chunks() if c.counts is not None)
    if not agreement.require_same(move, context.digests, done):
        with context.transaction() as tx:
            journal.forget_plan(tx)
            journal.set_digests(tx, context.digests)


def _clear(context: Context, executor: Executor, listen: Listener) -> None:
    """Remove the records that would break a constraint, before the constraints are created. Skip finished parts."""
    stage = target_ownership.own_move(context).stage
    if stage in (journal.PREPARED, journal.COPYING):
        with context.transaction() as tx:
            chosen = agreed.being_copied_again(tx)
        duplicate_keys.decide(context.work, chosen)
        with context.transaction() as tx:
            journal.set_stage(tx, journal.COPIED)
    if stage != journal.FINISHED:
        with context.transaction() as tx:
            steps = context.steps_after(journal.steps_done(tx))
        made = partial(_tell, listen)
        constraints.clear(context.work, context.schema, listen, _few(context), steps, made)
        readmit(context.work, executor)


def _tell(listen: Listener, step: Step) -> None:
    listen(StepDone(step))


def stop_at(context: Context) -> StopAt:
    """Return the limit at which the copy stops: never below the limit on quarantine at the end."""
    limits = context.project.settings.limits
    return StopAt(max(limits.stop_at, limits.quarantine), limits.stop_at_least)


def _few(context: Context) -> constraints.Few:
    rows: Counter[str] = Counter()
    for chunk in context.chunks():
        rows.update(chunk.rows)
    limit = stop_at(context)
    return lambda refused: require_few(limit, refused.keys.num_rows, refused.why, rows)
