"""Cut over: gates, the plan, its steps on both stores, and the step back if one of them fails."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from crossfade.errors import Busy, CrossfadeError, Refused
from crossfade.journal import cutover as stages
from crossfade.journal import feed as feeds
from crossfade.journal import journal, rehearsed, returned, verified
from crossfade.journal.cutover import BACK, FENCED, SOURCE, TARGET, StepRecord
from crossfade.model.counts import counted
from crossfade.model.dialects import dialect_of
from crossfade.model.event import Event, Listener
from crossfade.model.quoting import qualified
from crossfade.model.target import Step
from crossfade.move import (
    checks,
    cutting_back,
    feed_names,
    groups,
    shifting,
    starting,
    target_ownership,
    verifying_live,
    way_back,
)
from crossfade.move.context import Context
from crossfade.move.cutting_back import fence_of
from crossfade.move.draining import drain
from crossfade.move.shifting import Shift
from crossfade.pipeline.steps import failed
from crossfade.shift import plan as planning
from crossfade.shift.gates import Figures, Gate, gates, require
from crossfade.shift.guards import are_set, guards
from crossfade.shift.plan import CutoverStep, Plan, Sides
from crossfade.shift.run import Action, Controller
from crossfade.stores.contract import ChangeFeed, Fence, RowRejected, Started, need
from crossfade.verify import conclusion
from crossfade.verify.follower import Follower
from crossfade.verify.run import Subject
from crossfade.verify.verdict import Verdict


@dataclass(frozen=True)
class Ready:
    """What a cutover would do now, and whether it may."""

    stage: str
    plan: Plan
    gates: tuple[Gate, ...]

    @property
    def ok(self) -> bool:
        return self.stage == SOURCE and all(gate.holds for gate in self.gates)


@dataclass(frozen=True)
class CutOver:
    """What a cutover has done. `failures`: announcements that failed, one sentence each."""

    stage: str
    plan: Plan
    steps: tuple[StepRecord, ...]
    failures: tuple[str, ...] = ()

    @property
    def closed_seconds(self) -> float:
        """How long neither side took writes, at most: from the step that closed the source to the one that opened the
        target. 0.0 if another controller did that.
        """
        return shifting.seconds_between(self.steps, planning.FENCE, planning.OPEN)


def look(context: Context) -> Ready:
    """Return the plan and the gates (none if the target is open). Changes nothing, except that it finishes the step
    back of a controller that died.
    """
    target_ownership.own_move(context)
    cutting_back.settle(context)
    with context.transaction() as tx:
        stage = stages.find(tx).stage
    return Ready(stage, _plan(context), () if stage == TARGET else _gates(context))


def _gates(context: Context) -> tuple[Gate, ...]:
    figures, settings = _figures(context), context.project.settings
    found = (*gates(figures, settings.cutover), *guards(figures.status, settings.guards))
    return (*checks.border_gates(context), *found)


def cutover(context: Context, listen: Listener, *, plan: str = "") -> CutOver:
    """Cut over. `plan` is the digest of the plan that was seen: another one is refused.

    Raises Refused if a gate does not hold. Later errors are raised when the source takes writes again.
    """
    ready = look(context)
    if ready.stage == TARGET:
        return _again(context, ready.plan)
    _require(ready, plan)
    subject = verifying_live.prepared(context, listen)
    with context.transaction() as tx:
        token = stages.take_over(tx)
        stages.require(tx, token, SOURCE)
    with closing(feed_of(context)) as feed:
        run = _Cutover(context, listen, token, ready.plan, subject, feed)
        run.all()
    return _done(context, ready.plan, run.failures)


def _require(ready: Ready, plan: str) -> None:
    if ready.stage != SOURCE:
        raise Busy(f"another cutover is running (stage {ready.stage}); nothing was changed", hint="crossfade status")
    shifting.require_plan(ready.plan, plan, "crossfade cutover")
    require(ready.gates)


class _Cutover(Shift):
    """One cutover: what each step does."""

    CLOSES, DECIDES = planning.FENCE, planning.OPEN
    SIDES = ("source", "target")

    def __init__(
        self, context: Context, listen: Listener, token: int, plan: Plan, subject: Subject, feed: ChangeFeed
    ) -> None:
        settings = context.project.settings.cutover
        controller = Controller(token, context.transaction, fence_of(context.source), self._tell)
        follower = Follower(feed, frozenset(starting.followed(context)), context.transaction, listen)
        super().__init__(context, listen, controller, plan, settings, follower)
        self._subject, self._feed, self._settings = subject, feed, settings
        self._closed_since: datetime | None = None
        self._way_back: Started | None = None
        self._others: Mapping[str, Fence] = {}

    def _decided_or_undone(self, cause: str) -> bool:
        decided = self._controller.back(cause) == TARGET
        if not decided:
            self._forget_way_back()
        return decided

    def _is_decided(self, error: BaseException) -> bool:
        if isinstance(error, stages.TakenOver):
            self._forget_way_back()
        return super()._is_decided(error)

    def _forget_way_back(self) -> None:
        """Remove the feed of the target, unless another controller has begun a step: then that one removes it."""
        forget_way_back(self._context, self._token)

    @property
    def _actions(self) -> Mapping[str, Action]:
        return {
            planning.CLOSE_TARGET: self._close_target,
            planning.CLOSE_OTHERS: self._close_others,
            planning.ANALYZE: self._analyze,
            planning.REFRESH: self._refresh,
            planning.AHEAD: self._ahead,
            planning.WAY_BACK: self._begin_way_back,
            planning.FENCE: self._fence,
            planning.MARK: self._mark,
            planning.DRAIN: self._drain,
            planning.COMPARE: self._compare,
            planning.NUMBERS: self._advance,
            planning.OPEN: self._open,
            planning.END_FEED: self._end_feed,
            planning.ANNOUNCE: self._announce,
        }

    def _guarded(self, steps: Sequence[tuple[CutoverStep, Action]]) -> list[tuple[CutoverStep, Action]]:
        """Look at the guards before each step: one that no longer holds fails the step."""
        return [(step, partial(self._if_guarded, action)) for step, action in steps]

    def _if_guarded(self, action: Action) -> str:
        require_guards(self._context)
        return action()

    # -- before

    def _close_target(self) -> str:
        fence = fence_of(self._context.target)
        fence.take_over(self._token)
        if fence.state().closed:  # and has been so: a rehearsal that ends can no longer open it
            self._closed_since = self._closed_before()
        fence.close(self._token, seconds=self._settings.fence_s)
        return "closed"

    def _close_others(self) -> str:
        self._others = groups.close_others(self._context, self._settings.fence_s)
        return f"closed: {', '.join(self._others)}" if self._others else "there are none"

    def _analyze(self) -> str:
        analyze = dialect_of(self._context.target.traits.dialect).analyze
        tables = self._context.tables(self._context.fed_tables)
        for table in tables:
            with self._context.transaction() as tx:
                tx.run(analyze.format(qualified(table.schema, table.table)))
        return f"{len(tables)} tables"

    def _refresh(self) -> str:
        views = _views(self._context)
        for step in views:
            try:
                with self._context.transaction() as tx:
                    tx.run(step.sql)
            except RowRejected as error:
                raise failed(step, error) from error
        return counted(len(views), "materialized view")

    def _closed_before(self) -> datetime | None:
        """Return when the last cutover that closed the target had done so."""
        with self._context.transaction() as tx:
            ended = [step.ended_at for step in stages.of_name(tx, planning.CLOSE_TARGET)]
        return max((datetime.fromisoformat(at) for at in ended if at), default=None)

    def _ahead(self) -> str:
        """Before the target was closed, anyone could change its rows. Only what was compared since then is proven.

        Records that are written too often to be compared now are compared after the source is closed.
        """
        whole = None if self._is_proven else self._everything
        return shifting.compared_ahead(whole, partial(self._compared, self._listen, ahead=True))

    @property
    def _is_proven(self) -> bool:
        """Whether everything was compared since the target was closed, by a cutover that was given up."""
        proof = verifying_live.last_whole(self._context)
        since = self._closed_since
        return proof is not None and since is not None and since < datetime.fromisoformat(proof.began_at)

    def _everything(self) -> int:
        verdict = verifying_live.verify(self._context, self._listen, only_changed=False)
        return _equal(verdict, verdict.counts.source, ahead=True)

    def _begin_way_back(self) -> str:
        self._way_back = way_back.start_feed(self._context)
        return self._way_back.position.token

    # -- while neither side takes writes

    def _fence(self) -> str:
        settings = self._settings
        return self._controller.fence(self._plan.digest, settings.fence_s, settings.refused_s)

    def _mark(self) -> str:
        if self._way_back is not None:
            feed_names.require_there(way_back.feed_of(self._context), "target")
        self._marker = self._feed.heartbeat()
        with self._context.transaction() as tx:
            stages.change(tx, self._token, (FENCED,), FENCED, marker=self._marker.token)
        return self._marker.token

    def _drain(self) -> str:
        assert self._marker is not None, "the marker comes first"
        drain(self._context, self._feed, self._marker, self._clock.require)
        return "everything is applied"

    def _compare(self) -> str:
        def listen(event: Event) -> None:
            self._clock.require()
            self._listen(event)

        return f"{self._compared(listen)} records are equal"

    def _compared(self, listen: Listener, *, ahead: bool = False) -> int:
        """Compare what changed; return how many records. Raises Refused if one differs."""
        verdict = verifying_live.compare_changed(self._context, self._subject, listen)
        return _equal(verdict, 0 if verdict.through is None else verdict.through.compared, ahead=ahead)

    def _advance(self) -> str:
        tables = self._context.tables(self._context.fed_tables)
        return shifting.advanced(self._context.target, tables, self._settings.headroom)

    def _open(self) -> str:
        """The decision: one transaction. The run that follows can commit nothing after it."""
        groups.require_closed(self._others)
        with self._context.transaction() as tx:
            journal.take_over(tx, self._context.run)
            stages.change(tx, self._token, (FENCED,), TARGET)
            feeds.leave(tx, "the target was opened to the application")
            if (back := self._way_back) is not None:
                name = self._context.feed_names.back
                feeds.turn(tx, name, back.position, back.floor, feeds.BACK, "stopped")
                returned.begin(tx)
                verified.end(tx)
            fence_of(self._context.target).open_within(tx, self._token)
        return "open"

    # -- after

    def _end_feed(self) -> str:
        self._feed.close()
        starting.end_forward_feed(self._context, self._token)
        return "removed"


def require_guards(context: Context) -> None:
    """Raise Refused with the guards that do not hold, as far as the journal tells."""
    settings = context.project.settings.guards
    if are_set(settings):
        require(guards(target_ownership.status(context), settings))


def forget_way_back(context: Context, token: int) -> None:
    """Remove the feed that a cutover or a rehearsal made in the target, unless another controller has taken over and
    begun a step: then it may have made a feed of its own. None can take over meanwhile. If it fails, the next run does
    it.
    """
    with suppress(CrossfadeError), context.transaction() as tx:
        found = stages.hold(tx)
        is_free = found.token == token or not stages.steps(tx, found.token)
        if is_free and found.stage in (SOURCE, BACK):
            feed_names.remove(context.target, context.feed_names.back)


def _equal(verdict: Verdict, compared: int, *, ahead: bool) -> int:
    if not (verdict.equal_but_unsettled if ahead else verdict.equal):
        raise Refused(
            f"{conclusion.sentence(verdict)} ({counted(compared, 'record')} compared)", hint="crossfade verify"
        )
    return compared


def _again(context: Context, plan: Plan) -> CutOver:
    """Announce the open target again, in case the controller died before it was announced."""
    return _done(context, plan, shifting.announced(context, plan, context.project.settings.cutover))


def _done(context: Context, plan: Plan, failures: tuple[str, ...]) -> CutOver:
    done = shifting.ended(context)
    return CutOver(done.stage, plan, done.steps, failures)


# -- what plan and gates are made from


def _plan(context: Context) -> Plan:
    tables = context.tables(context.fed_tables)
    sides = Sides(
        context.named(context.source),
        context.named(context.target),
        [table.name for table in tables],
        bool(dialect_of(context.target.traits.dialect).analyze),
        shifting.digests_of(context),
        way_back.is_wanted(context),
        context.project.group,
        sorted(context.shapes) if context.project.group else (),
        [step.id.removeprefix("data of ") for step in _views(context)],
    )
    return planning.plan(sides, context.project.settings.cutover)


def _views(context: Context) -> list[Step]:
    """Return the steps that fill the materialized views of the schema: the data of these is as old as the copy."""
    return [step for step in context.schema.post if step.fills]


def _figures(context: Context) -> Figures:
    proof = verifying_live.last_whole(context)
    sides = shifting.figures(
        context,
        context.project.settings.cutover,
        proof,
        closes=("source", context.source),
        opens=("target", context.target),
    )
    with context.transaction() as tx:
        rehearsals = rehearsed.find_all(tx)
    return replace(
        sides,
        lacks={**sides.lacks, "target": _lacks_to_open(context)},
        rehearsals=rehearsed.green_in_a_row(rehearsals, verifying_live.digest(context)),
        no_way_back=way_back.lacks(context) if way_back.is_wanted(context) else None,
        no_owner=way_back.without_owner(context) if way_back.is_wanted(context) else (),
    )


def _lacks_to_open(context: Context) -> list[str]:
    never = cutting_back.cannot_open(context.target)
    return shifting.lacks(context, context.target) if never is None else [never]


def feed_of(context: Context) -> ChangeFeed:
    """Return the feed of the run that follows, to be closed."""
    with context.transaction() as tx:
        record = feeds.find(tx)
    assert record is not None, "a gate requires a run that follows"
    changes = need(context.source.changes, context.source, "follow changes")
    return changes.feed(record.name, starting.followed(context))
