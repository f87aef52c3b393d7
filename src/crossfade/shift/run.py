"""Run the steps of a cutover, and record each before and after. If one fails or takes too long, undo the cutover."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from crossfade.errors import CrossfadeError
from crossfade.journal import cutover
from crossfade.journal.cutover import BACK, CLOSED, CLOSING, FENCED, FENCING, OPENING, SOURCE, TARGET, Stage
from crossfade.shift.plan import FENCE, CutoverStep
from crossfade.stores.contract import Fence, TargetTransaction

GRACE = 5.0
"""Seconds after its own limits in which a controller steps back by itself, before another one does it."""

Transact = Callable[[], AbstractContextManager[TargetTransaction]]
Action = Callable[[], str]
"""Does a step and returns what it did, as a text. Raises the error if it fails."""


class TooLong(CrossfadeError):
    """a side was closed for longer than fence_s and refused_s allow"""


class Clock:
    """The time that is left for steps; `limit` None: as much as they take. `closed` is the side that is closed
    meanwhile, `opens` the one that is opened then.
    """

    def __init__(self, limit: float | None = None, *, closed: str = "source", opens: str = "target") -> None:
        self._limit, self._end = limit, None if limit is None else time.monotonic() + limit
        self._closed, self._opens = closed, opens

    def require(self) -> None:
        """Raises TooLong if the time is over."""
        if self._end is not None and time.monotonic() > self._end:
            raise TooLong(f"the {self._closed} was closed for {self._limit:g} s, and the {self._opens} is not open yet")


@dataclass(frozen=True)
class Controller:
    """One run of a cutover. `transact` begins a transaction of the target; `source` is the source's fence."""

    token: int
    transact: Transact
    source: Fence
    tell: Callable[[CutoverStep, float, str], None] = lambda step, seconds, outcome: None

    def run(self, steps: Sequence[tuple[CutoverStep, Action]], *, first: int, clock: Clock) -> None:
        """Run steps, numbered from `first`. Raises the error of the first that fails, or TooLong."""
        for number, (step, action) in enumerate(steps, first):
            clock.require()
            self._one(number, step, action)

    def _one(self, number: int, step: CutoverStep, action: Action) -> None:
        with self.transact() as tx:
            cutover.begin_step(tx, self.token, number, step.name)
        begun, outcome = time.monotonic(), "interrupted"
        try:
            outcome = action()
        except BaseException as error:
            outcome = f"failed: {error.message if isinstance(error, CrossfadeError) else repr(error)}"
            raise
        finally:
            seconds = time.monotonic() - begun
            with self.transact() as tx:
                cutover.end_step(tx, self.token, number, seconds, outcome)
            self.tell(step, seconds, outcome)

    def fence(self, plan: str, fence_s: float, refused_s: float) -> str:
        """Close the source. The stage says so before and after."""
        until = cutover.deadline(fence_s + refused_s + GRACE)
        with self.transact() as tx:
            cutover.change(tx, self.token, (SOURCE,), FENCING, until=until, plan=plan, marker=None, cause=None)
        self.source.take_over(self.token)
        self.source.close(self.token, seconds=fence_s)
        with self.transact() as tx:
            cutover.change(tx, self.token, (FENCING,), FENCED)
        return "closed"

    def back(self, cause: str) -> Stage:
        """Open the source again, unless the journal says that the target was decided. Return the stage."""
        return step_back(self.transact, self.source, self.token, cause)


@dataclass(frozen=True)
class Returner(Controller):
    """One run of a rollback. `target` is the target's fence."""

    target: Fence | None = None

    def close_target(self, plan: str, fence_s: float, refused_s: float) -> str:
        """Close the target. The stage says so before and after."""
        assert self.target is not None, "a rollback closes the target"
        until = cutover.deadline(fence_s + refused_s + GRACE)
        with self.transact() as tx:
            cutover.change(tx, self.token, (TARGET,), CLOSING, until=until, plan=plan, marker=None, cause=None)
        self.target.take_over(self.token)
        self.target.close(self.token, seconds=fence_s)
        with self.transact() as tx:
            cutover.change(tx, self.token, (CLOSING,), CLOSED)
        return "closed"

    def reopen(self, cause: str) -> Stage:
        """Open the target again, unless the source was decided. Return the stage."""
        assert self.target is not None, "a rollback closes the target"
        return reopen(self.transact, self.target, self.token, cause)


def step_back(transact: Transact, source: Fence, token: int, cause: str) -> Stage:
    """Let the source take writes again. `token` has taken over in the journal. Return the stage that is reached.

    First the journal records it, which it refuses once the target was decided; only then the fence is lifted.
    """
    with transact() as tx:
        found = cutover.require(tx, token, SOURCE, FENCING, FENCED, BACK, TARGET)
        if found.stage in (TARGET, SOURCE):
            return found.stage
        cutover.change(tx, token, (found.stage,), BACK, cause=cause, until=cutover.deadline(GRACE))
    source.take_over(token)
    source.open(token)
    with transact() as tx:
        cutover.change(tx, token, (BACK,), SOURCE)
    return SOURCE


def settle(transact: Transact, sides: Callable[[], tuple[Fence, Fence]]) -> bool:
    """If a controller has died before a side was open again, step back in its place, or finish it if it was decided.
    Return whether there was one. `sides`: the fences of the source and of the target.
    """
    with transact() as tx:
        if not cutover.find(tx).is_left_behind:
            return False
    with transact() as tx:
        found = cutover.find(tx)
        if not found.is_left_behind:
            return False
        token = cutover.take_over(tx)
    source, target = sides()
    cause = "the controller died, or took too long"
    if found.stage in (CLOSING, CLOSED):
        reopen(transact, target, token, cause)
    elif found.stage == OPENING:
        open_source(transact, source, token)
    else:
        step_back(transact, source, token, cause)
    return True


def reopen(transact: Transact, target: Fence, token: int, cause: str) -> Stage:
    """Let the target take writes again, unless the journal says that the rollback was decided. `token` has taken over
    in the journal. Return the stage that is reached.
    """
    target.take_over(token)
    with transact() as tx:
        found = cutover.require(tx, token, TARGET, CLOSING, CLOSED, OPENING, SOURCE)
        if found.stage in (CLOSING, CLOSED):
            cutover.change(tx, token, (found.stage,), TARGET, cause=cause)
            target.open_within(tx, token)
            return TARGET
        return found.stage


def open_source(transact: Transact, source: Fence, token: int) -> None:
    """Open the source after the decision of a rollback. `token` has taken over in the journal."""
    with transact() as tx:
        cutover.change(tx, token, (OPENING,), OPENING, until=cutover.deadline(GRACE))
    source.take_over(token)
    source.open(token)
    with transact() as tx:
        cutover.change(tx, token, (OPENING,), SOURCE)


def lift_stray(transact: Transact, source: Fence) -> bool:
    """If the source is closed although no cutover is running, open it: its command came late. Return whether it was.
    What another move has closed stays closed.
    """
    with transact() as tx:
        found = cutover.find(tx)
    if found.stage != SOURCE or not found.token:
        return False
    state = source.state()
    with transact() as tx:
        if not state.closed or not cutover.is_ours(tx, state.token):
            return False
        token = cutover.take_over(tx)
        cutover.require(tx, token, SOURCE)
    source.take_over(token)
    source.open(token)
    return True


def paired(steps: Sequence[CutoverStep], actions: Mapping[str, Action]) -> list[tuple[CutoverStep, Action]]:
    """Return each step with its action."""
    return [(step, actions[step.name]) for step in steps]


def parts(
    steps: Sequence[CutoverStep], fence: str = FENCE
) -> tuple[list[CutoverStep], list[CutoverStep], list[CutoverStep]]:
    """Return the steps before the fence, those from it until the other side is open, and those after."""
    at = next(i for i, step in enumerate(steps) if step.name == fence)
    last = max(i for i, step in enumerate(steps) if step.fenced) + 1
    return list(steps[:at]), list(steps[at:last]), list(steps[last:])
