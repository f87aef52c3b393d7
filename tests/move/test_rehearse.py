"""A cutover is rehearsed: the target ends as it was, and what was found counts for the gates."""

from __future__ import annotations

from typing import Any

import pytest
from memory_cutover import Live, proven

from crossfade.errors import Busy, CrossfadeError, Refused
from crossfade.journal import cutover as stages
from crossfade.journal import rehearsed
from crossfade.journal.rehearsed import Rehearsal
from crossfade.move import rehearsing
from crossfade.shift import plan as planning
from following import wait_for


def is_closed(live: Live) -> bool:
    with live.move() as move:
        fence = move.target.fence
        assert fence is not None
        return fence.state().closed


def noted(live: Live) -> list[Rehearsal]:
    with live.move() as move, move.context.transaction() as tx:
        return rehearsed.find_all(tx)


def test_rehearsed(live: Live) -> None:
    """The application writes all the while; the target is open again, and the cutover does as before."""
    live.settings('[cutover]\nrehearsals = 1\nrehearsed_days = 1\nafter = ["touch told"]\n')
    with proven(live):
        with live.move() as move, pytest.raises(Refused):
            move.cutover()
        with live.writing(), live.move() as move:
            done = move.rehearse()
            planned = [step.name for step in move.plan_cutover().plan.steps]
        assert done.found.green, done.found.cause
        assert done.found.seconds is not None
        assert [step.name for step in done.found.steps] == [
            name for name in planned if name not in (planning.FENCE, planning.OPEN)
        ]
        assert not is_closed(live)
        assert not (live.folder / "told").exists()
        assert live.stage().stage == stages.SOURCE
        with live.move() as move:
            assert move.status().rehearsal == done.found
            assert move.cutover().stage == stages.TARGET
        with live.move() as move, pytest.raises(Busy):
            move.rehearse()
    assert live.emails() == live.written


@pytest.mark.parametrize("step", ["_mark_only", "_wait", "_compare"])
def test_a_step_that_fails(live: Live, step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not green, and everything is as before; green ones before it do not count any more."""

    def fail(self: object) -> str:
        raise CrossfadeError("broken")

    live.settings("[cutover]\nrehearsals = 1\n")
    with proven(live):
        with live.move() as move:
            assert move.rehearse().found.green
        with monkeypatch.context() as patch, live.move() as move:
            patch.setattr(rehearsing._Rehearsal, step, fail)
            found = move.rehearse().found
        assert (found.green, found.cause) == (False, "broken")
        assert not is_closed(live)
        with live.move() as move:
            broken = [gate.name for gate in move.plan_cutover().gates if not gate.holds]
    assert broken == ["green rehearsals"]


def test_gates_are_part_of_it(live: Live) -> None:
    with live.move() as move:
        move.copy()
        done = move.rehearse()
    assert {gate.name for gate in done.gates if not gate.holds} == {"follower", "proof"}
    assert not done.found.green
    assert not is_closed(live)


def test_longer_than_the_limit(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    live.settings("[cutover]\nrefused_s = 0.01\n")
    monkeypatch.setattr(rehearsing, "CLOSED", [planning.AHEAD, *rehearsing.CLOSED])
    with proven(live), live.move() as move:
        found = move.rehearse().found
    assert not found.green
    assert found.seconds is not None
    assert found.seconds > 0.01


class Killed(BaseException):
    """What ends a process ends it here, without undoing anything."""


def test_one_that_was_killed_is_undone_by_the_next(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    def die(*args: object, **more: object) -> Any:
        raise Killed

    with proven(live):
        with monkeypatch.context() as patch, live.move() as move:
            patch.setattr(rehearsing._Rehearsal, "_wait", die)
            patch.setattr(rehearsing, "_open_target", die)
            patch.setattr(rehearsed, "end", die)
            with pytest.raises(Killed):
                move.rehearse()
        assert is_closed(live)
        with live.move() as move:
            found = move.status().rehearsal
            assert found is not None
            assert found.ended_at is None
            assert move.rehearse().found.green
    assert not is_closed(live)
    assert [one.green for one in noted(live)] == [False, True]


def test_a_target_that_was_closed_stays_closed(live: Live) -> None:
    with proven(live), live.move() as move:
        with move.context.transaction() as tx:
            token = stages.take_over(tx)
        fence = move.target.fence
        assert fence is not None
        fence.take_over(token)
        fence.close(token, seconds=1)
        assert move.rehearse().found.green
    assert is_closed(live)


def test_a_cutover_takes_over(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    """A rehearsal that is overtaken opens nothing any more."""
    real = rehearsing._Rehearsal._wait

    def late(self: Any) -> str:
        with live.move() as other, other.context.transaction() as tx:
            token = stages.take_over(tx)
        fence = other.target.fence
        assert fence is not None
        fence.take_over(token)
        fence.close(token, seconds=1)
        return real(self)

    monkeypatch.setattr(rehearsing._Rehearsal, "_wait", late)
    with proven(live), live.move() as move:
        assert not move.rehearse().found.green
        wait_for(lambda: is_closed(live))
