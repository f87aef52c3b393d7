"""Rehearse a cutover on the real servers: all steps except the fence of the source and the opening, undone again.

The target is closed as in a cutover, and opened again if it was open; its feed is created and removed. Nothing else has
to be undone: statistics stay, sequences are read and not set, and nothing is announced. The next rehearsal undoes what
a killed one left.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, replace

from crossfade.errors import Busy, CrossfadeError, Refused
from crossfade.journal import cutover as stages
from crossfade.journal import rehearsed
from crossfade.journal.cutover import SOURCE
from crossfade.journal.rehearsed import Rehearsal, RehearsedStep
from crossfade.model.events import Listener
from crossfade.move import cutting, groups, starting, verifying_live
from crossfade.move.announcing import cannot
from crossfade.move.context import Context
from crossfade.move.cutting import Ready
from crossfade.move.cutting_back import fence_of
from crossfade.shift import plan as planning
from crossfade.shift.gates import LAST_REHEARSAL, REHEARSALS, Gate, require
from crossfade.shift.plan import CutoverStep
from crossfade.shift.run import Action, Clock, paired
from crossfade.stores.contract import need
from crossfade.verify.follower import Follower

CLOSED = (planning.MARK, planning.DRAIN, planning.COMPARE, planning.NUMBERS)
"""The steps that would run while neither side takes writes."""


@dataclass(frozen=True)
class Rehearsed:
    """What a rehearsal found. `gates` are those of the cutover, but for those that demand rehearsals."""

    gates: tuple[Gate, ...]
    found: Rehearsal


def rehearse(context: Context, listen: Listener) -> Rehearsed:
    """Rehearse the cutover, note what was found, and leave the target as it was. Raises Busy while a cutover is running
    or after one.
    """
    ready = _ready(context)
    if ready.stage != SOURCE:
        raise Busy(f"there is nothing to rehearse (stage {ready.stage}); nothing was changed", hint="crossfade status")
    with context.transaction() as tx:
        token = stages.take_over(tx)
        stages.require(tx, token, SOURCE)
    undo(context, token)
    was_closed = _is_closed(context)
    with context.transaction() as tx:
        noted = rehearsed.begin(tx, "here", token, verifying_live.digest(context), was_closed=was_closed)
    _run(context, listen, token, ready, noted, was_closed=was_closed)
    with context.transaction() as tx:
        return Rehearsed(ready.gates, next(one for one in rehearsed.find_all(tx) if one.id == noted))


def undo(context: Context, token: int) -> None:
    """Undo what a killed rehearsal left, and note its end. `token` has taken over in the journal."""
    with context.transaction() as tx:
        left = rehearsed.left_behind(tx)
    if not left:
        return
    cutting.forget_way_back(context, token)
    if not any(one.was_closed for one in left) and groups.may_open(context):
        _open_target(context, token)
    with context.transaction() as tx:
        for one in left:
            rehearsed.end(tx, one.id, one.steps, seconds=None, cause="it was killed, or another one took over")


def _ready(context: Context) -> Ready:
    ready = cutting.look(context)
    return replace(ready, gates=tuple(g for g in ready.gates if g.name not in (REHEARSALS, LAST_REHEARSAL)))


def _is_closed(context: Context) -> bool:
    fence = context.target.fence
    return fence is not None and fence.state().closed


def _open_target(context: Context, token: int) -> None:
    if _is_closed(context):
        fence = fence_of(context.target)
        fence.take_over(token)
        fence.open(token)


def _run(context: Context, listen: Listener, token: int, ready: Ready, noted: str, *, was_closed: bool) -> None:
    """Run a rehearsal, and note how it ended."""
    steps, cause = list[RehearsedStep](), "interrupted"
    seconds: float | None = None
    try:
        require(ready.gates)
        subject = verifying_live.prepared(context, listen)
        with closing(cutting.feed_of(context)) as feed:
            run = _Rehearsal(context, listen, token, ready.plan, subject, feed)
            run.steps = steps
            run.rehearse(reopen=not was_closed)
        seconds = sum(step.seconds for step in steps if step.name in CLOSED)
        cause = _too_long(seconds, context.project.settings.cutover.refused_s)
    except CrossfadeError as error:
        cause = error.message
    finally:
        with context.transaction() as tx:
            rehearsed.end(tx, noted, steps, seconds=seconds, cause=cause or None)


def _too_long(seconds: float, limit: float) -> str:
    if seconds <= limit:
        return ""
    return f"neither side would have taken writes for {seconds:.2f} s, longer than cutover.refused_s ({limit:g} s)"


class _Rehearsal(cutting._Cutover):
    """A cutover without its fence and its decision: other actions take their place. `steps`: those that have ended."""

    steps: list[RehearsedStep]

    def rehearse(self, *, reopen: bool) -> None:
        """Do all steps. Then the target is opened, if it is to be."""
        actions = self._rehearsed
        steps = [step for step in self._plan.steps if step.name in actions]
        try:
            self._controller.run(self._guarded(paired(steps, actions)), first=1, clock=Clock())
        finally:
            self._forget_way_back()
            if reopen and groups.may_open(self._context):
                _open_target(self._context, self._token)

    @property
    def _rehearsed(self) -> Mapping[str, Action]:
        same = (
            planning.CLOSE_TARGET,
            planning.ANALYZE,
            planning.REFRESH,
            planning.AHEAD,
            planning.WAY_BACK,
            planning.COMPARE,
        )
        actions = {name: self._actions[name] for name in same}
        others: Mapping[str, Action] = {
            planning.MARK: self._mark_only,
            planning.DRAIN: self._wait,
            planning.NUMBERS: self._look_at_numbers,
            planning.ANNOUNCE: self._could_tell,
        }
        return {name: self._while_ours(action) for name, action in {**actions, **others}.items()}

    def _while_ours(self, action: Action) -> Action:
        """A cutover may begin at any moment: it takes over."""

        def act() -> str:
            with self._context.transaction() as tx:
                stages.require(tx, self._token, SOURCE)
            return action()

        return act

    def _tell(self, step: CutoverStep, seconds: float, outcome: str) -> None:
        self.steps.append(RehearsedStep(step.name, seconds, outcome))
        super()._tell(step, seconds, outcome)

    def _mark_only(self) -> str:
        self._marker = self._feed.heartbeat()
        return self._marker.token

    def _wait(self) -> str:
        """The source keeps changing: changes after the marker are not waited for."""
        assert self._marker is not None, "the marker comes first"
        entities = frozenset(starting.followed(self._context))
        follower = Follower(self._feed, entities, self._context.transaction, self._listen)
        follower.reach(self._marker)
        follower.drain()
        return "everything up to the marker is applied"

    def _look_at_numbers(self) -> str:
        target = self._context.target
        ddl = need(target.ddl, target, "hand out numbers")
        return f"{len(ddl.numbers_behind(self._context.tables(self._context.fed_tables)))} to be advanced"

    def _could_tell(self) -> str:
        lost = cannot(self._settings, self._context.project.root)
        if lost:
            raise Refused("; ".join(lost), hint="see [cutover] in crossfade.toml")
        return "checked, not announced"
