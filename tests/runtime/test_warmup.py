"""Values that are computed while the caller does other work."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from crossfade.runtime.warmup import Ahead, Awaited


def test_a_value_is_worked_out_ahead() -> None:
    begun, go_on = threading.Event(), threading.Event()

    def work() -> int:
        begun.set()
        assert go_on.wait(120)
        return 1

    ahead = Ahead(work)
    assert begun.wait(120)
    go_on.set()
    assert (ahead.get(), ahead.get()) == (1, 1)


def test_what_fails_ahead_is_raised_when_it_is_asked_for() -> None:
    ahead = Ahead(lambda: 1 // 0)
    ahead.wait()
    with pytest.raises(ZeroDivisionError):
        ahead.get()


def test_other_work_is_done_while_a_value_is_waited_for() -> None:
    go_on, done = threading.Event(), list[bool]()

    def work() -> int:
        assert go_on.wait(120)
        return 1

    def other(waiting: Callable[[], bool]) -> None:
        done.append(waiting())
        go_on.set()

    awaited = Awaited[int]()
    awaited.begin(work)
    awaited.meanwhile(other)
    assert (awaited.take(), awaited.take()) == (1, None)
    assert done == [True]


def test_a_value_that_was_not_begun_is_not_waited_for() -> None:
    asked = list[bool]()
    awaited = Awaited[int]()
    awaited.meanwhile(lambda waiting: asked.append(waiting()))
    assert awaited.take() is None
    assert asked == [False]


def test_what_failed_is_forgotten_when_it_was_told() -> None:
    awaited = Awaited[int]()
    awaited.begin(lambda: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        awaited.take()
    assert awaited.take() is None
