"""After a cutover the old store is kept equal, and takes the application back, more than once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from coming_back import Documents, System, documents_and_rows, rows_and_rows
from crossfade.errors import CrossfadeError
from crossfade.move import rolling_back
from crossfade.testing import with_database
from crossfade.testing.mongod import mongodb
from cutover_times import time_is_over
from following import wait_for
from scratch import PostgresScratch


@pytest.fixture(params=["documents", "rows"])
def system(
    request: pytest.FixtureRequest, tmp_path: Path, new_target: Callable[[], PostgresScratch]
) -> Iterator[System]:
    target = new_target()
    if request.param == "rows":
        yield rows_and_rows(new_target().url, target.url, tmp_path / "p")
        return
    with mongodb() as server, closing(Documents(with_database(server, "shop"))) as old:
        yield documents_and_rows(old, target.url, tmp_path / "p")


DAY = (2, 5, 7, 100, 101)
"""Those that are written in a day."""


def _a_day(system: System) -> None:
    """Inserts, updates and deletes on the new side, of customers and their orders."""
    new = system.new
    assert system.put(new, 100, "new@x.org", {1: 7, 2: 8})
    assert system.put(new, 5, "changed@x.org", {0: 1, 9: 9})
    assert system.put(new, 2, "c2@x.org", {})
    assert system.remove(new, 7)
    assert system.put(new, 101, "gone@x.org", {1: 1})
    assert system.remove(new, 101)


def _rolled_back(system: System) -> None:
    """Nothing of the day on the new side is lost, on either side, and the old one is followed again."""
    notes, whole = system.notes(), system.whole()
    system.cut_over()
    assert not system.put(system.old, 1, "refused", {})
    _a_day(system)
    system.roll_back()
    assert system.old.all() == system.told
    kept = system.notes()
    assert kept == {key: note for key, note in notes.items() if key in kept}
    there = system.whole()
    assert {n: one for n, one in whole.items() if n not in DAY} == {n: there[n] for n in whole if n not in DAY}
    assert not system.put(system.new, 1, "refused", {})
    assert system.put(system.old, 200, "old@x.org", {1: 1})
    assert system.put(system.old, 5, "again@x.org", {0: 2})
    assert system.remove(system.old, 100)
    with system.following("forward"):
        wait_for(lambda: system.new.all() == system.told)


def test_rolled_back(system: System) -> None:
    _rolled_back(system)
    with system.move() as move:
        assert all(one.balanced for one in move.status().entities)


@pytest.mark.torture
def test_forward_again_and_back_again(system: System) -> None:
    for _ in range(3):
        _rolled_back(system)
        assert system.put(system.old, 7, "seven@x.org", {1: 2})


@pytest.mark.torture
def test_what_the_old_store_cannot_hold(system: System) -> None:
    """It is set aside, counted, tried again when it changes, and keeps a rollback from beginning."""
    system.cut_over()
    with system.following("back"):
        assert system.put(system.new, 3, "c1@x.org", {})  # two have it: the new store allows that
        wait_for(lambda: system.aside() == 1)
        assert system.put(system.new, 4, "four@x.org", {1: 1})
        wait_for(lambda: system.old.all().get(4) == system.told[4])
        with system.move() as move:
            assert {g.name for g in move.plan_rollback().gates if not g.holds} >= {"records the source cannot hold"}
            assert move.verify_back().set_aside == 1
        assert system.put(system.new, 3, "c3@x.org", {})
        wait_for(lambda: system.aside() == 0)
        wait_for(lambda: system.old.all() == system.told)


@pytest.mark.torture
@pytest.mark.parametrize("system", ["rows"], indirect=True)
def test_what_waited_for_another_comes_back_while_others_write(system: System) -> None:
    """The run that follows is never idle."""
    system.cut_over()
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            system.put(system.new, 20, f"{time.monotonic()}@x.org", {})

    with system.following("back"):
        assert system.put(system.new, 3, "c1@x.org", {})  # two have it: the new store allows that
        wait_for(lambda: system.aside() == 1)
        writers = [threading.Thread(target=write) for _ in range(2)]
        for one in writers:
            one.start()
        try:
            assert system.put(system.new, 1, "one@x.org", {})
            wait_for(lambda: system.old.all()[3]["email"] == "c1@x.org")
        finally:
            stop.set()
            for one in writers:
                one.join()
        wait_for(lambda: system.old.all() == system.told)


@pytest.mark.torture
@pytest.mark.parametrize("step", ["_mark", "_drain", "_compare", "_advance", "_decide"])
def test_a_step_that_fails_opens_the_target_again(system: System, step: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: object) -> str:
        raise CrossfadeError("broken")

    system.cut_over()
    _a_day(system)
    with system.following("back"), system.move() as move:
        assert move.verify_back().equal
        with monkeypatch.context() as patch:
            patch.setattr(rolling_back._Rollback, step, fail)
            with pytest.raises(CrossfadeError, match="broken"):
                move.rollback()
        assert (move.status().cutover.stage, move.status().cutover.cause) == ("target", "broken")
        assert system.put(system.new, 400, "still@x.org", {})
        assert move.rollback().stage == "source"
    assert system.old.all() == system.told


@pytest.mark.torture
@pytest.mark.parametrize("system", ["rows"], indirect=True)
def test_a_controller_that_died(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before the decision the target is opened again, after it the source: by the next command."""
    system.cut_over()
    for step, stage in (("_compare", "target"), ("_open", "source")):
        with system.following("back"), system.move() as move:
            assert move.verify_back().equal
            with monkeypatch.context() as patch:
                patch.setattr(rolling_back._Rollback, step, _die)
                patch.setattr(rolling_back._Rollback, "_is_decided", _die)
                with pytest.raises(Killed):
                    move.rollback()
        with system.move() as move:
            time_is_over(move)
        _becomes(system, stage)
        assert system.put(system.new if stage == "target" else system.old, 500, "alive@x.org", {})


class Killed(BaseException):
    """What ends a process ends it here, without a step back."""


def _die(*args: object) -> str:
    raise Killed


def _becomes(system: System, stage: str) -> None:
    def is_so() -> bool:
        with system.move() as move:
            return move.status().cutover.stage == stage

    wait_for(is_so)
