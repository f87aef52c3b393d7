"""The copy as a whole: plan, chunks, what may not stay, constraints."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial

from crossfade.errors import Refused
from crossfade.journal import agreed, agreement, journal
from crossfade.journal.journal import MoveRecord
from crossfade.journal.status import Status
from crossfade.model.batch import Chunk
from crossfade.model.counts import Counts
from crossfade.model.target import Step, TargetTable
from crossfade.move import accounts, checks, surveying
from crossfade.move import source_identity as whence
from crossfade.move import target_ownership as begin
from crossfade.move.context import Ground
from crossfade.move.events import Listener, Planned, StepDone
from crossfade.move.executors import executor_for
from crossfade.move.inventory import DISCARDED, count, inventory
from crossfade.move.others import require_none, rows_of_others
from crossfade.pipeline import causes, constraints, duplicate_keys
from crossfade.pipeline import copy as chunks_of
from crossfade.pipeline.enough import StopAt, require_few
from crossfade.pipeline.plan import KeyScan, plan
from crossfade.pipeline.retry import readmit
from crossfade.runtime.again import again
from crossfade.runtime.executor import Executor
from crossfade.stores.contract import EntityInfo, Loader, RowRejected, need


def copy(ground: Ground, listen: Listener, *, source_moved: bool = False) -> Status:
    entities = surveying.entities(ground)
    with executor_for(ground, _workers(ground, entities), listen, get_ready=ground.get_ready) as executor:
        _copy(ground, entities, executor, listen, source_moved)
    return accounts.with_source(ground, begin.status(ground), entities)


def _workers(ground: Ground, entities: Sequence[EntityInfo]) -> int:
    """As many as there is work for, by the survey and by what the source says of its size now: they start while all
    else is looked at.
    """
    now = {e.name: e.bytes for e in entities}
    sizes = [max(ground.shapes[e].bytes, now.get(e, 0)) for e in ground.fed_entities]
    return min(ground.writers, max(1, sum(math.ceil(size / ground.chunk_bytes) for size in sizes)))


def _copy(
    ground: Ground, entities: Sequence[EntityInfo], executor: Executor, listen: Listener, source_moved: bool
) -> None:
    checks.require_current_lock(ground, entities)
    reader = need(ground.source.reader, ground.source, "read documents")
    scan = KeyScan(reader, ground.fed_entities, ground.chunk_bytes, listen)
    ground.schema_ahead.meanwhile(scan.go_on)
    checks.require_covered(ground)
    move = begin.own_target(ground)
    whence.require_same_source(ground, entities, confirmed=source_moved)
    again(lambda: begin.do_steps(ground, ground.steps_before, listen), listen)
    _require_same_agreement(ground, move)
    pending = again(lambda: plan(scan, ground.transaction), listen)
    planned = sum(c.count for c in copied_chunks(ground))
    listen(Planned(sum(c.count for c in pending), len(pending), planned))
    chunks_of.copy(ground.work, pending, executor, listen, _stop_at(ground))
    again(lambda: _clear(ground, executor, listen), listen)
    again(lambda: _finish(ground, entities, listen), listen)


def _finish(ground: Ground, entities: Sequence[EntityInfo], listen: Listener) -> None:
    with ground.transaction() as tx:
        done = journal.steps_done(tx)
    advance_sequences(ground)  # before policies may hide rows; those that only a later step ties to a column come after
    begin.do_steps(ground, ground.steps_after(done), listen)
    advance_sequences(ground)
    causes.explain(ground.work)
    discarded = _discarded(ground, entities)
    with ground.transaction() as tx:
        _note_discarded(tx, discarded)
        _note_agreed(ground, tx)
        journal.set_stage(tx, journal.FINISHED)


def _note_agreed(ground: Ground, tx: Loader) -> None:
    """What was copied now was copied by the mappings as they are; what was there before, by what it was noted with."""
    if journal.find_stage(tx) == journal.FINISHED:
        return
    chosen = agreed.being_copied_again(tx)
    tables = {b.table for b in ground.program.branches if b.entity in chosen}
    names = {agreed.TABLE: tables, agreed.ENTITY: chosen}
    agreed.note(tx, {part: digest for part, digest in ground.parts.items() if not chosen or part[1] in names[part[0]]})
    agreed.end_again(tx)


def copied_chunks(ground: Ground) -> list[Chunk]:
    """The chunks of the plan, without the one of what came after it, and without what is discarded as a whole."""
    fed = set(ground.fed_entities)
    return [c.chunk for c in ground.chunks() if c.chunk.number != journal.LATER and c.chunk.entity in fed]


def _discarded(ground: Ground, entities: Sequence[EntityInfo]) -> dict[str, int]:
    """The entities that are discarded as a whole, with how many records they hold; without what nobody can count."""
    readable = {info.name for info in entities if not info.unread}
    whole = [s.entity for s in inventory(ground, entities) if s.fate == DISCARDED and s.entity in readable]
    return {entity: count(ground, entity) for entity in whole}


def _note_discarded(tx: Loader, discarded: Mapping[str, int]) -> None:
    """Their records have an account, too. It comes last: until then a mapping may still take them up."""
    known = {c.chunk.entity for c in journal.chunks(tx)}
    for entity, records in discarded.items():
        if entity not in known:
            chunk = Chunk(entity, 0, None, None, records)
            journal.plan_chunks(tx, [chunk])
            journal.finish_chunk(tx, chunk, Counts(source=records, discarded=records), {}, 0.0)


def advance_sequences(ground: Ground) -> None:
    """What the target hands out numbers by goes on after those that came in."""
    ddl = need(ground.target.ddl, ground.target, "count on")
    ddl.advance_sequences(ground.tables(ground.fed_tables))


def restart(ground: Ground) -> None:
    begin.own_move(ground)
    with ground.transaction() as tx:
        if journal.steps_done(tx) & {s.id for s in ground.schema.post}:
            raise Refused(
                "the constraints of this target are made already; it was left as it is",
                hint="crossfade reset, then crossfade run",
            )
        filled = {name for c in journal.chunks(tx) for name in c.rows}
        tables = ground.tables(ground.fed_tables | filled)
        require_own_rows(ground, tx, tables)
        try:
            for table in tables:
                tx.empty(table, beside=tables)
        except RowRejected as refusal:
            raise Refused(
                f"{refusal.message}; nothing was changed", hint="move those rows elsewhere first"
            ) from refusal
        journal.forget_copy(tx)
        journal.set_digests(tx, ground.digests)
        journal.set_stage(tx, journal.PREPARED)


def require_own_rows(ground: Ground, tx: Loader, tables: Sequence[TargetTable]) -> None:
    noted: Counter[str] = Counter()
    for chunk in journal.chunks(tx):
        noted.update(chunk.rows)
    there = ((t, tx.count(t, hold=True)) for t in tables)
    others = [o for t, count in there if count is not None for o in rows_of_others(tx, t, count, noted[t.name])]
    require_none(others, ())


def _require_same_agreement(ground: Ground, move: MoveRecord) -> None:
    """A copy that has begun goes on under the mapping and the lock file that it began with."""
    done = sum(1 for c in ground.chunks() if c.counts is not None)
    if not agreement.require_same(move, ground.digests, done):
        with ground.transaction() as tx:
            journal.set_digests(tx, ground.digests)


def _clear(ground: Ground, executor: Executor, listen: Listener) -> None:
    """What may not stay leaves, before the constraints are made. What is done of it is not done again."""
    stage = begin.own_move(ground).stage
    if stage in (journal.PREPARED, journal.COPYING):
        with ground.transaction() as tx:
            chosen = agreed.being_copied_again(tx)
        duplicate_keys.decide(ground.work, chosen)
        with ground.transaction() as tx:
            journal.set_stage(tx, journal.COPIED)
    if stage != journal.FINISHED:
        with ground.transaction() as tx:
            steps = ground.steps_after(journal.steps_done(tx))
        made = partial(_tell, listen)
        constraints.clear(ground.work, ground.schema, listen, _few(ground), steps, made)
        readmit(ground.work, executor)


def _tell(listen: Listener, step: Step) -> None:
    listen(StepDone(step))


def _stop_at(ground: Ground) -> StopAt:
    """What may be in quarantine in the end does not stop a copy."""
    limits = ground.project.settings.limits
    return StopAt(max(limits.stop_at, limits.quarantine), limits.stop_at_least)


def _few(ground: Ground) -> constraints.Few:
    rows: Counter[str] = Counter()
    for chunk in ground.chunks():
        rows.update(chunk.rows)
    stop_at = _stop_at(ground)
    return lambda b: require_few(stop_at, b.keys.num_rows, b.table, b.constraint or b.column, b.detail, rows)
