"""Roll back: before a cutover, in the middle of one, or after it, as a cutover in the other direction."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from crossfade.errors import Busy, CrossfadeError, Refused
from crossfade.journal import cutover as stages
from crossfade.journal import dirty, journal, returned, verified, waiting
from crossfade.journal import feed as feeds
from crossfade.journal.cutover import CLOSED, OPENING, SOURCE, TARGET, StepRecord
from crossfade.journal.returned import Who
from crossfade.model.counts import counted
from crossfade.model.events import Listener
from crossfade.model.positions import Position
from crossfade.model.target import TargetTable
from crossfade.move import cutting_back, feed_names, shifting, starting, target_ownership, verifying_back
from crossfade.move.context import Context
from crossfade.move.cutting_back import fence_of
from crossfade.move.draining import POLL, drain
from crossfade.move.shifting import Shift
from crossfade.move.verifying_back import ProvenBack
from crossfade.runtime.records import NO_KEY, pieces
from crossfade.runtime.way_back import WayBack
from crossfade.shift import rollback as planning
from crossfade.shift import run
from crossfade.shift.gates import Figures, Gate, require
from crossfade.shift.plan import Plan, Sides
from crossfade.shift.run import Action, Returner
from crossfade.stores.contract import Started, TargetTransaction, need
from crossfade.verify.follower import Follower

SECOND_TRIES = 2.0
"""Seconds for records that are set aside to be tried again, after the target is closed."""


@dataclass(frozen=True)
class ReadyBack:
    """What a rollback would do now, and whether it may. Without a plan: the target was never open."""

    stage: str
    plan: Plan | None = None
    gates: tuple[Gate, ...] = ()

    @property
    def ok(self) -> bool:
        return self.stage == TARGET and all(gate.holds for gate in self.gates)


@dataclass(frozen=True)
class RolledBack:
    """What a rollback has done. `plan` is None if the target was not open: then the cutover was stepped back."""

    stage: str
    plan: Plan | None
    steps: tuple[StepRecord, ...] = ()
    failures: tuple[str, ...] = ()

    @property
    def closed_seconds(self) -> float:
        """How long neither side took writes, at most. 0.0 if another run has opened the source."""
        return shifting.seconds_between(self.steps, planning.CLOSE, planning.OPEN)


def look(context: Context) -> ReadyBack:
    """Return the plan and the gates. Changes nothing, except that it finishes what a dead controller left."""
    target_ownership.own_move(context)
    cutting_back.settle(context)
    with context.transaction() as tx:
        stage, record = stages.find(tx).stage, feeds.find(tx)
    if stage not in stages.AFTER:
        return ReadyBack(stage)
    if record is None or not record.is_back:
        raise Refused(
            "no way back was kept (cutover.way_back): the source does not have what was written since;"
            " nothing was changed",
            hint="crossfade finish",
        )
    settings = context.project.settings.rollback
    gates = planning.gates(_figures(context), settings, _set_aside(context))
    return ReadyBack(stage, planning.plan(_sides(context), settings), tuple(gates))


def rollback(context: Context, listen: Listener, *, plan: str = "") -> RolledBack:
    """Roll back to the source. `plan` is the digest of the plan that was seen: another one is refused.

    A cutover that is under way is stepped back. Raises Refused if a gate does not hold. Later errors are raised when
    the target takes writes again.
    """
    ready = look(context)
    if ready.plan is None:
        if plan:
            raise Refused(f"the target is not open (stage {ready.stage}): there is no plan {plan}; nothing was changed")
        return _stepped_back(context)
    _require(ready, plan)
    with context.transaction() as tx:
        token = stages.take_over(tx)
        stages.require(tx, token, TARGET)
    with verifying_back.prepared(context, listen) as (way, follower):
        rolling = _Rollback(context, listen, token, ready.plan, way, follower)
        rolling.all()
    return _done(context, ready.plan, rolling.failures)


def _stepped_back(context: Context) -> RolledBack:
    """Before the decision of a cutover: the source takes writes again."""
    with context.transaction() as tx:
        token = stages.take_over(tx)
        found = stages.find(tx)
    stage = found.stage
    if stage in (stages.FENCING, stages.FENCED, stages.BACK):
        stage = run.step_back(context.transaction, fence_of(context.source), token, "crossfade rollback")
    # also before anything was closed: a cutover may have made the feed of the target already
    feed_names.remove_unused(context.transaction, context.source, context.target, context.feed_names)
    return RolledBack(stage, None)


def _require(ready: ReadyBack, plan: str) -> None:
    if ready.stage != TARGET:
        raise Busy(f"another rollback is running (stage {ready.stage}); nothing was changed", hint="crossfade status")
    assert ready.plan is not None, "the target is open"
    shifting.require_plan(ready.plan, plan, "crossfade rollback")
    require(ready.gates)


class _Rollback(Shift):
    """One rollback: what each step does."""

    CLOSES, DECIDES = planning.CLOSE, planning.DECIDE
    SIDES = ("target", "source")

    def __init__(
        self, context: Context, listen: Listener, token: int, plan: Plan, way: WayBack, follower: Follower
    ) -> None:
        settings = context.project.settings.rollback
        self._returner = Returner(
            token, context.transaction, fence_of(context.source), self._tell, fence_of(context.target)
        )
        super().__init__(context, listen, self._returner, plan, settings, follower)
        self._way, self._settings = way, settings
        self._forward: Started | None = None
        self._tables: list[TargetTable] = []

    def _decided_or_undone(self, cause: str) -> bool:
        """Open the target again, unless the rollback was decided. Then the source is opened, whatever failed."""
        stage = self._returner.reopen(cause)
        if stage == OPENING:
            run.open_source(self._context.transaction, fence_of(self._context.source), self._token)
        elif stage == TARGET:
            starting.end_forward_feed(self._context, self._token)
        return stage in (OPENING, SOURCE)

    @property
    def _actions(self) -> Mapping[str, Action]:
        return {
            planning.FORWARD: self._begin_forward,
            planning.AHEAD: self._ahead,
            planning.CLOSE: self._close,
            planning.MARK: self._mark,
            planning.DRAIN: self._drain,
            planning.COMPARE: self._compare,
            planning.NUMBERS: self._advance,
            planning.DECIDE: self._decide,
            planning.OPEN: self._open,
            planning.END_BACK: self._end_back,
            planning.ANNOUNCE: self._announce,
        }

    # -- before

    def _begin_forward(self) -> str:
        self._forward = starting.start_feed(self._context)
        return self._forward.position.token

    def _ahead(self) -> str:
        """Only the run that puts changes back can write to the source, so an earlier proof still holds."""
        self._tables = _tables(self._context)
        is_proven = verifying_back.last_whole(self._context) is not None
        whole = None if is_proven else partial(self._compared, only_changed=False)
        return shifting.compared_ahead(whole, partial(self._compared, only_changed=True))

    def _compared(self, *, only_changed: bool) -> int:
        return _equal(self._proven(only_changed=only_changed))

    def _proven(self, *, only_changed: bool) -> ProvenBack:
        return verifying_back.compare(self._context, self._way, self._follower, self._tick, only_changed=only_changed)

    def _tick(self, records: int) -> None:
        self._clock.require()

    # -- while neither side takes writes

    def _close(self) -> str:
        settings = self._settings
        return self._returner.close_target(self._plan.digest, settings.fence_s, settings.refused_s)

    def _mark(self) -> str:
        feed_names.require_there(starting.feed_of(self._context), "source")
        self._marker = self._follower.source.heartbeat()
        with self._context.transaction() as tx:
            stages.change(tx, self._token, (CLOSED,), CLOSED, marker=self._marker.token)
        return self._marker.token

    def _drain(self) -> str:
        assert self._marker is not None, "the marker comes first"
        drain(self._context, self._follower.source, self._marker, self._clock.require)
        if self._is_too_much_aside:
            self._wait_for_second_tries(self._marker)
        return "everything is put back"

    @property
    def _is_too_much_aside(self) -> bool:
        return _set_aside(self._context) > self._settings.set_aside

    def _wait_for_second_tries(self, marker: Position) -> None:
        """Wait until the run that follows has tried the records that are set aside once more: now that nothing else
        changes, those that waited for other records can be put back.
        """
        end = time.monotonic() + SECOND_TRIES
        while self._is_too_much_aside and time.monotonic() < end:
            self._clock.require()
            time.sleep(POLL)
        drain(self._context, self._follower.source, marker, self._clock.require)

    def _compare(self) -> str:
        found = self._proven(only_changed=True)
        if found.moving:  # nothing but another verification can be the reason
            raise Refused(
                f"{counted(found.moving, 'record')} could not be compared: another verification is running",
                hint="the same command again, when it has ended",
            )
        return f"{_equal(found)} records are equal"

    def _advance(self) -> str:
        if not self._tables:
            return "none"
        return shifting.advanced(self._context.source, self._tables, self._settings.headroom)

    def _decide(self) -> str:
        """Commit the decision. After it no run can put changes back: its number is no longer the newest."""
        context, forward = self._context, self._forward
        assert forward is not None, "the forward feed comes first"
        with context.transaction() as tx:
            stages.require(tx, self._token, CLOSED)
            self._require_few(tx)
            number = feeds.next_writer(tx)
        writer = need(context.source.record_writer, context.source, "be written")
        writer.take_over(context.feed_names.back, number, context.fed_entities)
        with context.transaction() as tx:
            journal.take_over(tx, context.run)
            self._require_few(tx)
            stages.change(tx, self._token, (CLOSED,), OPENING, until=stages.deadline(run.GRACE))
            lost = returned.lose(tx)
            again = {*self._to_apply(tx, lost), *waiting.all_waiting(tx)}
            for entity, (came, gone) in returned.settled(tx).items():
                journal.shift_counts(tx, entity, copied=came - gone, came=came, gone=gone)
            returned.begin(tx)
            verified.end(tx)
            feeds.turn(tx, context.feed_names.forward, forward.position, forward.floor, feeds.FORWARD, "stopped")
            for entity in sorted({entity for entity, _ in again}):
                for piece in pieces(sorted(key for of, key in again if of == entity)):
                    dirty.put(tx, entity, piece)
        return f"decided; {len(lost)} records are not in the source" if lost else "decided"

    def _to_apply(self, tx: TargetTransaction, lost: Sequence[Who]) -> list[Who]:
        """Return the records that are applied forward again, because the target may differ from them: those that are
        lost; where the journal has lookups or owners of rows, or changes of columns may be lost, all that were put
        back.
        """
        work = self._way.s.work
        notes = any(b.lookups for b in work.program.branches) or any(o.ledger for o in work.owners.values())
        notes = notes or bool(self._context.project.settings.inverse.lose)
        return [who for who in (returned.all_of(tx) if notes else lost) if not who[1].startswith(NO_KEY)]

    def _require_few(self, tx: TargetTransaction) -> None:
        aside, limit = sum(n for *_, n in returned.causes(tx)), self._settings.set_aside
        if aside > limit:
            raise Refused(f"the source cannot hold {aside} records (limit: {limit})", hint="crossfade status")

    def _open(self) -> str:
        run.open_source(self._context.transaction, fence_of(self._context.source), self._token)
        return "open"

    # -- after

    def _end_back(self) -> str:
        with suppress(CrossfadeError), self._context.transaction() as tx:
            stages.require(tx, self._token, SOURCE)  # another cutover has made a new feed of this name
            self._follower.source.close()
            feed_names.remove(self._context.target, self._context.feed_names.back)
            return "removed"
        return "not removed; crossfade reset or the next cutover removes it"


def _equal(found: ProvenBack) -> int:
    if not found.equal:
        raise Refused(
            f"not equal: {counted(found.differences, 'difference')} in {counted(found.compared, 'record')}",
            hint="crossfade verify",
        )
    return found.compared


def _done(context: Context, plan: Plan, failures: tuple[str, ...]) -> RolledBack:
    done = shifting.ended(context)
    return RolledBack(done.stage, plan, done.steps, failures)


# -- what plan and gates are made from


def _sides(context: Context) -> Sides:
    tables = [table.name for table in _tables(context)]
    return Sides(
        context.named(context.source), context.named(context.target), tables, False, shifting.digests_of(context)
    )


def _tables(context: Context) -> list[TargetTable]:
    """Return the source's tables whose sequences have to be advanced; none for a source without tables."""
    source = context.source
    if not source.traits.has_journal_schema or source.ddl is None:
        return []
    names = set(context.fed_entities)
    return [table for table in source.ddl.live_schema().tables if table.name in names]


def _set_aside(context: Context) -> int:
    with context.transaction() as tx:
        return sum(number for *_, number in returned.causes(tx))


def _figures(context: Context) -> Figures:
    return shifting.figures(
        context,
        context.project.settings.rollback,
        verifying_back.last_whole(context),
        closes=("target", context.target),
        opens=("source", context.source),
    )


__all__ = ["ReadyBack", "RolledBack", "look", "rollback"]
