"""The run of a plan: what is limited in time, and what is done however long it takes."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import pytest

from crossfade.move.shifting import Shift
from crossfade.project import Rollback
from crossfade.shift import rollback as planning
from crossfade.shift.plan import CutoverStep, Plan
from crossfade.shift.run import Action, Controller, TooLong

STEPS = (
    CutoverStep(planning.CLOSE, ""),
    CutoverStep(planning.DRAIN, "", fenced=True),
    CutoverStep(planning.DECIDE, "", fenced=True),
    CutoverStep(planning.OPEN, "", fenced=True),
    CutoverStep(planning.END_BACK, ""),
)


class _Recorder(Controller):
    """Notes the steps instead of recording them in a journal."""

    def _one(self, number: int, step: CutoverStep, action: Action) -> None:
        _DONE.append((number, step.name))
        action()


_DONE: list[tuple[int, str]] = []


class _SlowRollback(Shift):
    CLOSES, DECIDES = planning.CLOSE, planning.DECIDE
    SIDES = ("target", "source")

    def __init__(self, slow: str, clock: list[float]) -> None:
        nothing: Any = None
        super().__init__(nothing, nothing, _Recorder(1, nothing, nothing), Plan(STEPS, "x"), Rollback(), nothing)
        self._slow, self._time = slow, clock
        self.undone = ""

    def _step(self, name: str) -> str:
        self._time[0] += 60.0 if name == self._slow else 0.0
        return ""

    def _come_near(self) -> None:
        """Nothing follows here."""

    @property
    def _actions(self) -> Mapping[str, Action]:
        return {step.name: lambda name=step.name: self._step(name) for step in STEPS}  # type: ignore[misc]

    def _decided_or_undone(self, cause: str) -> bool:
        self.undone = cause
        return False


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    _DONE.clear()
    return now


def test_what_follows_the_decision_is_a_step_however_long_the_decision_took(clock: list[float]) -> None:
    rolling = _SlowRollback(planning.DECIDE, clock)
    rolling.all()
    assert [name for _, name in _DONE] == [step.name for step in STEPS]
    assert [number for number, _ in _DONE] == [1, 2, 3, 4, 5]
    assert not rolling.undone


def test_before_the_decision_the_time_is_limited(clock: list[float]) -> None:
    rolling = _SlowRollback(planning.DRAIN, clock)
    with pytest.raises(TooLong):
        rolling.all()
    assert [name for _, name in _DONE] == [planning.CLOSE, planning.DRAIN]
    assert "was closed for" in rolling.undone
