"""What a cutover and a rollback have in common: the run of a plan, its result, and the figures of its gates."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from crossfade.errors import CrossfadeError, Refused
from crossfade.journal import cutover as stages
from crossfade.journal.cutover import StepRecord, TakenOver
from crossfade.journal.verified import Proof
from crossfade.model.events import CutoverStepDone, Listener
from crossfade.model.positions import Position
from crossfade.model.target import TargetTable
from crossfade.move import accounts
from crossfade.move.announcing import announce
from crossfade.move.context import Context
from crossfade.move.cutting_back import is_closed_by_others
from crossfade.move.draining import come_near, others
from crossfade.project import Shifting
from crossfade.runtime.commands import failed
from crossfade.shift.gates import Figures
from crossfade.shift.plan import CutoverStep, Plan
from crossfade.shift.run import Action, Clock, Controller, paired, parts
from crossfade.stores.contract import Store, need
from crossfade.verify.follower import Follower

FEW, ROUNDS = 1000, 3
"""Changed records are compared ahead until at most FEW were left to compare, at most ROUNDS times."""


class Shift(ABC):
    """One run of a plan. A subclass says what each step does, which step closes which side, and which step decides."""

    CLOSES: ClassVar[str]
    DECIDES: ClassVar[str]
    """After this step nothing is undone: what is left to open the other side is done, however long it takes."""
    SIDES: ClassVar[tuple[str, str]]
    """The side that is closed, and the one that is opened then."""

    def __init__(
        self,
        context: Context,
        listen: Listener,
        controller: Controller,
        plan: Plan,
        settings: Shifting,
        follower: Follower,
    ) -> None:
        self._context, self._listen, self._plan, self._follower = context, listen, plan, follower
        self._controller, self._token = controller, controller.token
        self._limits = settings
        self._clock = Clock()
        self._marker: Position | None = None
        self.failures: tuple[str, ...] = ()

    def all(self) -> None:
        """Run all steps. An error before the decision is raised after both sides are as they were."""
        before, closed, after = (paired(steps, self._actions) for steps in parts(self._plan.steps, self.CLOSES))
        try:
            self._controller.run(self._guarded(before), first=1, clock=Clock())
            self._come_near()
            limit, (first, then) = self._limits.fence_s + self._limits.refused_s, self.SIDES
            self._clock = Clock(limit, closed=first, opens=then)
            decided = 1 + next(i for i, (step, _) in enumerate(closed) if step.name == self.DECIDES)
            self._controller.run(self._guarded(closed[:decided]), first=1 + len(before), clock=self._clock)
            self._controller.run(closed[decided:], first=1 + len(before) + decided, clock=Clock())
        except BaseException as error:
            if not self._is_decided(error):
                raise
        self._controller.run(after, first=1 + len(before) + len(closed), clock=Clock())

    def _is_decided(self, error: BaseException) -> bool:
        """Step back, unless the decision was committed although it looked like an error. Return whether it was."""
        if isinstance(error, TakenOver):
            return False
        return self._decided_or_undone(error.message if isinstance(error, CrossfadeError) else repr(error))

    def _come_near(self) -> None:
        come_near(self._follower, self._limits.refused_s)

    @abstractmethod
    def _decided_or_undone(self, cause: str) -> bool:
        """Return whether the decision was committed. If not, undo all steps, and record the cause."""

    @property
    @abstractmethod
    def _actions(self) -> Mapping[str, Action]:
        """What each step of the plan does, by its name."""

    def _guarded(self, steps: Sequence[tuple[CutoverStep, Action]]) -> Sequence[tuple[CutoverStep, Action]]:
        return steps

    def _tell(self, step: CutoverStep, seconds: float, outcome: str) -> None:
        self._listen(CutoverStepDone(step.name, seconds, outcome))

    def _announce(self) -> str:
        self.failures = announced(self._context, self._plan, self._limits)
        return "; ".join(self.failures) or "told"


def require_plan(plan: Plan, digest: str, command: str) -> None:
    """Raise Refused if `digest` is given and is not that of the plan."""
    if digest and digest != plan.digest:
        raise Refused(
            f"the plan is no longer {digest}, but {plan.digest}; nothing was changed", hint=f"{command} --dry-run"
        )


def compared_ahead(whole: Callable[[], int] | None, changed: Callable[[], int]) -> str:
    """Compare everything, if `whole` is given, and then what changed meanwhile, until little is left."""
    compared = [] if whole is None else [whole()]
    compared.append(changed())
    while compared[-1] > FEW and len(compared) < ROUNDS:
        compared.append(changed())
    return f"{sum(compared)} records are equal"


def advanced(store: Store, tables: Sequence[TargetTable], headroom: int) -> str:
    """Advance the sequences of these tables beyond the numbers in use."""
    ddl = need(store.ddl, store, "hand out numbers")
    return f"{ddl.advance_sequences(tables, headroom)} advanced"


def announced(context: Context, plan: Plan, settings: Shifting) -> tuple[str, ...]:
    """Tell others of the stage that was reached. Return what failed, one sentence each."""
    with context.transaction() as tx:
        found = stages.find(tx)
    facts = {"stage": found.stage, "plan": plan.digest, "at": found.changed_at, "move": context.project.name}
    return tuple(announce(settings, context.project.root, facts))


@dataclass(frozen=True)
class Ended:
    """The stage that a run has reached, and its steps."""

    stage: str
    steps: tuple[StepRecord, ...]


def ended(context: Context) -> Ended:
    with context.transaction() as tx:
        found = stages.find(tx)
        return Ended(found.stage, tuple(stages.steps(tx, found.token)))


def seconds_between(steps: Sequence[StepRecord], first: str, last: str) -> float:
    """Return the seconds from the begin of one step to the end of another; 0.0 if this run did not do both."""
    names = [step.name for step in steps]
    if first not in names or last not in names:
        return 0.0
    part = steps[names.index(first) : names.index(last) + 1]
    end = part[-1].ended_at or part[-1].began_at  # without an end, if it was killed after the decision
    return (datetime.fromisoformat(end) - datetime.fromisoformat(part[0].began_at)).total_seconds()


def digests_of(context: Context) -> list[str]:
    return [f"{name} {digest}" for name, digest in sorted(context.digests.items())]


def figures(
    context: Context, settings: Shifting, proof: Proof | None, *, closes: tuple[str, Store], opens: tuple[str, Store]
) -> Figures:
    """Return the figures of all gates that both have. `closes` and `opens`: role and store of the side that is closed
    and of the one that is opened.
    """
    outcomes = {command: failed(command, context.project.root) for command in settings.before}
    return Figures(
        accounts.status(context),
        proof,
        {role: lacks(context, store) for role, store in (closes, opens)},
        {command: how for command, how in outcomes.items() if how is not None},
        datetime.now().astimezone(),
        others(closes[1]),
        _free(opens[1]),
    )


def lacks(context: Context, store: Store) -> list[str]:
    """Return why the move cannot close the store's fence, one sentence each."""
    if store.fence is None:
        some = " to some of its tables" if context.project.group else ""
        return [f"{store.scheme} cannot refuse the writes of applications{some}"]
    if is_closed_by_others(context, store):
        return ["another move has closed it, or was finished there"]
    return [*store.fence.check()]


def _free(store: Store) -> int | None:
    try:
        return None if store.sessions is None else store.sessions.free()
    except Refused:
        return None
