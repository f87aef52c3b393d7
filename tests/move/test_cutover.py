"""A move in memory is cut over, while an application writes to both sides."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from memory_cutover import Live, proven

from crossfade.errors import CrossfadeError, Misused, Refused
from crossfade.journal import cutover as stages
from crossfade.journal import halted, journal
from crossfade.journal.cutover import CutoverRecord
from crossfade.journal.tables import MOVE
from crossfade.model.events import CutoverStepDone, Listener, SteppedBack
from crossfade.move import Move, cutting, target_ownership, verifying_live
from crossfade.move.context import Context
from crossfade.pipeline import applying
from crossfade.shift import plan as planning
from crossfade.shift import run as running_steps
from crossfade.stores.contract import TargetTransaction
from crossfade.verify.verdict import Verdict
from following import running, wait_for
from in_memory import held


def test_cut_over(live: Live) -> None:
    """Everything acknowledged is in the target; the source takes no writes any more, and nothing is applied."""
    live.settings('[cutover]\nfile = "open.json"\nenvironment_file = "open.env"\nafter = ["touch told"]\n')
    with proven(live) as run, live.writing():
        with live.move() as move:
            ready = move.plan_cutover()
            assert ready.ok, [gate for gate in ready.gates if not gate.holds]
            done = move.cutover(plan=ready.plan.digest)
        time.sleep(0.05)
        wait_for(lambda: run.is_over)
        assert run.ended().is_cut_over
        with live.move() as move:
            again = move.plan_cutover()
    assert (again.stage, again.ok, again.gates) == (stages.TARGET, False, ())
    assert done.stage == stages.TARGET
    assert not done.failures
    assert [s.name for s in done.steps] == [s.name for s in ready.plan.steps]
    assert all(s.ended_at for s in done.steps)
    assert live.emails() == live.written
    assert not live.write(1)
    assert {p.name for p in live.folder.iterdir()} >= {"open.json", "open.env", "told"}
    assert "CROSSFADE_STAGE=target" in (live.folder / "open.env").read_text()


def test_the_source_is_closed_when_little_is_left(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the run that follows is behind is applied before the source is closed, not in the time without writes."""
    goes_on, apply_pending = threading.Event(), applying.apply_pending
    released: list[datetime] = []

    def later() -> None:
        time.sleep(1)
        released.append(datetime.now().astimezone())
        goes_on.set()

    def listen(event: object) -> None:
        if isinstance(event, CutoverStepDone) and event.step == planning.AHEAD:
            goes_on.clear()
            live.write(1)
            threading.Thread(target=later).start()

    def waiting(*args: Any, **kwargs: Any) -> Any:
        goes_on.wait()
        return apply_pending(*args, **kwargs)

    goes_on.set()
    monkeypatch.setattr("crossfade.pipeline.follow.apply_pending", waiting)
    with proven(live), live.move() as move:
        done = move.cutover(listen=listen)
    fence = next(step for step in done.steps if step.name == planning.FENCE)
    assert datetime.fromisoformat(fence.began_at) >= released[0]
    assert live.emails() == live.written


def test_nothing_is_applied_after_it(live: Live) -> None:
    """The target is the application's: no command changes it any more."""
    with proven(live), live.move() as move:
        move.cutover()
    for command in (Move.start, Move.copy, Move.repair, Move.reset, Move.restart):
        with live.move() as move, pytest.raises(Refused):
            command(move)
    with live.move() as move:
        found = move.status()
        assert found.cutover.stage == stages.TARGET
        again = move.cutover()
    assert again.stage == stages.TARGET
    with live.move() as move, move.context.transaction() as tx:
        stages.take_over(tx)  # as a `finish` that was interrupted
    with live.move() as move:
        assert move.cutover().closed_seconds == 0.0


def test_finished(live: Live) -> None:
    """The evidence is in a file, nothing of the move is left, and the source stays closed."""
    with live.move() as move, pytest.raises(Misused):
        move.finish()
    with proven(live), live.move() as move:
        with pytest.raises(Refused):
            move.finish()
        move.cutover()
    with live.move() as move:
        done = move.finish()
    lines = [json.loads(line) for line in done.file.read_text().splitlines()]
    assert {"project", "move", "cutover", "cutover_step", "verified", "feed", "chunk"} <= {one["what"] for one in lines}
    assert len(lines) == done.lines
    assert not live.write(1)
    assert live.emails() == live.written
    assert not held(live.target).catalog.notes
    assert held(live.source).feeds == {}
    fence = live.move().context.source.fence
    assert fence is not None
    assert fence.state().closed


def test_gates(live: Live) -> None:
    """Without a run that follows, without a proof, with a command that fails: nothing begins."""
    live.settings('[cutover]\nbefore = ["false"]\n')
    with live.move() as move:
        move.copy()
        ready = move.plan_cutover()
        broken = {gate.name for gate in ready.gates if not gate.holds}
        assert broken == {"follower", "proof", "command: false"}
        with pytest.raises(Refused):
            move.cutover()
    assert live.stage() == CutoverRecord()
    assert live.write(1)


def test_an_older_journal_is_migrated_after_a_cutover(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    def migrate(tx: TargetTransaction, version: int, *, has_unique_keys: bool) -> None:
        tx.journal.update(MOVE, {"version": version + 1})

    monkeypatch.setattr(target_ownership, "migrate", migrate)
    with proven(live) as run, live.move() as move:
        move.cutover()
        wait_for(lambda: run.is_over)
        with move.context.transaction() as tx:
            tx.journal.update(MOVE, {"version": journal.VERSION - 1})
    with live.move() as move:
        assert move.status().is_cut_over
        assert move.is_over


def test_another_plan_is_refused(live: Live) -> None:
    with proven(live), live.move() as move, pytest.raises(Refused):
        move.cutover(plan="123456789012")
    assert live.stage().stage == stages.SOURCE


STEPS = {
    planning.MARK: "_mark",
    planning.DRAIN: "_drain",
    planning.COMPARE: "_compare",
    planning.NUMBERS: "_advance",
    planning.OPEN: "_open",
}


class Killed(BaseException):
    """What ends a process ends it here, without a step back."""


@pytest.mark.parametrize("step", STEPS)
def test_a_step_that_fails_goes_back(live: Live, step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The source takes writes again, nothing is lost, and the next cutover succeeds."""

    def fail(self: object) -> str:
        raise CrossfadeError("broken")

    with proven(live):
        with monkeypatch.context() as patch, live.move() as move:
            patch.setattr(cutting._Cutover, STEPS[step], fail)
            with pytest.raises(CrossfadeError, match="broken"):
                move.cutover()
        found = live.stage()
        assert (found.stage, found.cause) == (stages.SOURCE, "broken")
        assert [s.outcome for s in live.steps() if s.name == step] == ["failed: broken"]
        assert live.write(7777)
        with live.move() as move:
            assert move.cutover().stage == stages.TARGET
    assert live.emails() == live.written


@pytest.mark.parametrize("step", STEPS)
def test_killed_at_a_step(live: Live, step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The run that follows steps back when the time is over, and goes on."""

    def die(self: object, *args: object) -> str:
        raise Killed

    with proven(live) as run:
        with monkeypatch.context() as patch, live.move() as move:
            patch.setattr(running_steps.Controller, "back", die)
            patch.setattr(cutting._Cutover, STEPS[step], die)
            with pytest.raises(Killed):
                move.cutover()
        assert live.stage().stage == stages.FENCED
        assert not live.write(1)
        live.time_is_over()
        wait_for(lambda: run.saw(SteppedBack))
        assert live.stage().stage == stages.SOURCE
        assert live.write(1)
        assert not run.is_over
        with live.move() as move:
            assert move.status().target_is_closed


@pytest.mark.parametrize("stage", stages.UNSETTLED)
@pytest.mark.parametrize("by", [Move.status, Move.plan_cutover, Move.start])
def test_the_next_command_steps_back(live: Live, stage: stages.Stage, by: Callable[[Move], object]) -> None:
    """Nobody follows when it is killed."""
    with proven(live):
        pass
    with live.move() as move:
        with move.context.transaction() as tx:
            token = stages.take_over(tx)
            until = stages.deadline(60)
            stages.change(tx, token, (stages.SOURCE,), stage, until=until, cause=None)
        fence = move.context.source.fence
        assert fence is not None
        fence.take_over(token)
        fence.close(token, seconds=1)
    assert not live.write(1)
    live.time_is_over()
    if by is Move.start:
        with running(live.move):
            pass
    else:
        with live.move() as move:
            by(move)
    assert live.stage().stage == stages.SOURCE
    assert live.write(1)


def test_a_controller_that_was_replaced_changes_nothing(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    """It sleeps before the decision, longer than its time; the run that follows steps back; then it wakes."""
    real = cutting._Cutover._open

    def late(self: Any) -> str:
        live.time_is_over()
        wait_for(lambda: live.stage().stage == stages.SOURCE)
        assert live.write(4242)
        return real(self)

    monkeypatch.setattr(cutting._Cutover, "_open", late)
    with proven(live), live.move() as move:
        with pytest.raises(stages.TakenOver):
            move.cutover()
        assert live.stage().stage == stages.SOURCE
        assert live.write(4243)
        wait_for(lambda: live.emails() == live.written)


def test_a_controller_that_was_replaced_begins_no_step(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    """It sleeps in a step, and wakes after another one has taken over."""
    ahead, begun = cutting._Cutover._ahead, list[str]()

    def replaced(self: Any) -> str:
        said = ahead(self)
        with live.move() as other, other.context.transaction() as tx:
            stages.take_over(tx)
        return said

    def fence(self: Any) -> str:
        begun.append("fence")
        raise stages.TakenOver

    monkeypatch.setattr(cutting._Cutover, "_ahead", replaced)
    monkeypatch.setattr(cutting._Cutover, "_fence", fence)
    with proven(live), live.move() as move, pytest.raises(stages.TakenOver):
        move.cutover()
    assert not begun


def test_an_answer_that_was_lost(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    """The decision was committed, and looked like an error: the journal is asked, and it stays decided."""
    real = cutting._Cutover._open

    def lost(self: Any) -> str:
        real(self)
        raise CrossfadeError("the connection was lost")

    monkeypatch.setattr(cutting._Cutover, "_open", lost)
    with proven(live), live.move() as move:
        done = move.cutover()
    assert done.stage == stages.TARGET
    assert not live.write(1)
    assert live.emails() == live.written


def test_a_stray_fence_is_lifted(live: Live) -> None:
    with proven(live):
        pass
    with live.move() as move, move.context.transaction() as tx:
        token = stages.take_over(tx)
    with live.move() as move:
        fence = move.context.source.fence
        assert fence is not None
        fence.take_over(token)
        fence.close(token, seconds=1)
        assert not live.write(1)
        move.status()
    assert live.write(1)


def test_the_run_that_follows_lifts_a_stray_fence(live: Live) -> None:
    """A command that closes may arrive when its controller has stepped back already."""
    with proven(live) as run:
        with live.move() as move:
            with move.context.transaction() as tx:
                token = stages.take_over(tx)
            fence = move.context.source.fence
            assert fence is not None
            fence.take_over(token)
            fence.close(token, seconds=1)
        wait_for(lambda: run.saw(SteppedBack))
        assert live.write(1)


def test_a_wrong_row_is_found_at_last(live: Live) -> None:
    """The last comparison finds what was damaged after the proof, among what has changed."""
    with proven(live), live.move() as move:
        assert live.write(500)
        wait_for(lambda: "c500@x.org" in live.emails() and not _moving(live))
        _damage(live, "c500@x.org")
        with pytest.raises(Refused):
            move.cutover()
        assert live.stage().stage == stages.SOURCE
        assert live.write(3)


def test_a_row_that_others_changed_after_the_proof(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing names it: everything is compared once more when nobody can change the target any more, and not twice."""
    whole: list[bool] = []
    verify = verifying_live.verify

    def noted(context: Context, listen: Listener, *, only_changed: bool) -> Verdict:
        whole.append(not only_changed)
        return verify(context, listen, only_changed=only_changed)

    monkeypatch.setattr(verifying_live, "verify", noted)
    with proven(live), live.move() as move:
        assert live.write(500)
        wait_for(lambda: "c500@x.org" in live.emails() and not _moving(live))
        assert move.verify(again=True).equal
        whole.clear()
        _damage(live, "c500@x.org")
        with pytest.raises(Refused):
            move.cutover()
        assert whole == [True]
        assert live.stage().stage == stages.SOURCE
        assert live.write(500)
        wait_for(lambda: "c500@x.org" in live.emails() and not _moving(live))
        time.sleep(1)  # times of verifications are whole seconds
        assert move.verify().equal
        assert move.cutover().stage == stages.TARGET
    assert whole == [True, True], "the second is the proof that was asked for"
    assert live.emails() == live.written


def _damage(live: Live, email: str) -> None:
    table = held(live.target).catalog.table("customers")
    key = next(k for k, row in table.rows.items() if row.values[1] == email)
    with held(live.target).history.turn:
        row = table.rows[key]
        table.rows[key] = type(row)((row.values[0], "damaged"), row.writer)


def _moving(live: Live) -> int:
    with live.move() as move:
        found = move.following()
    return 0 if found is None else sum(found.moving.values())


def test_a_guard_takes_it_back(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    """What breaks while the source is closed opens it again."""
    live.settings("[guards]\nlost_feed = true\n")
    real = cutting._Cutover._drain

    def halted_then(self: Any) -> str:
        said = real(self)
        with live.move() as move, move.context.transaction() as tx:
            halted.note(tx, "customers", "unseen", "it has what the survey has not seen")
        return said

    monkeypatch.setattr(cutting._Cutover, "_drain", halted_then)
    with proven(live), live.move() as move:
        with pytest.raises(Refused, match="guard: feed"):
            move.cutover()
        found = live.stage()
        assert found.stage == stages.SOURCE
        assert "halted: customers" in (found.cause or "")
        assert live.write(3)
        assert "guard: feed" in {gate.name for gate in move.plan_cutover().gates if not gate.holds}
