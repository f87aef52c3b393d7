"""Records that are written all the time, faster than they can be compared: they stop no cutover, and none is lost."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest

from coming_back import Side, System, rows_and_rows
from crossfade.move.reports import COMPLETE, UNSETTLED
from following import wait_for
from scratch import PostgresScratch

HOT = 10


@pytest.fixture
def system(new_target: Callable[[], PostgresScratch], tmp_path: Path) -> System:
    return rows_and_rows(new_target().url, new_target().url, tmp_path / "p")


@contextmanager
def _written(system: System, sides: tuple[Side, Side]) -> Iterator[list[int]]:
    """Write the same few records on the side that takes writes. The list has how many each side took."""
    done, taken, now = threading.Event(), [0, 0], 0

    def write() -> None:
        nonlocal now
        for number in count():
            if done.is_set():
                return
            if system.put(sides[now], number % HOT, f"{number}@x.org", {}):
                taken[now] += 1
            else:
                now = 1 - now

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield taken
    finally:
        done.set()
        thread.join()


def test_hot_records_are_cut_over_and_come_back(system: System) -> None:
    with system.following("forward"), system.move() as move:
        with _written(system, (system.old, system.new)) as taken:
            wait_for(lambda: taken[0] > HOT)
            assert move.verify().outcome in (COMPLETE, UNSETTLED)
            ready = move.plan_cutover()
            assert ready.ok, [gate for gate in ready.gates if not gate.holds]
            assert move.cutover().stage == "target"
            wait_for(lambda: taken[1] > HOT)
        assert system.new.all() == system.told
    with system.following("back"), system.move() as move:
        with _written(system, (system.new, system.old)) as taken:
            wait_for(lambda: taken[0] > HOT)
            assert move.verify_back().equal
            assert move.rollback().stage == "source"
            wait_for(lambda: taken[1] > HOT)
        assert system.old.all() == system.told
