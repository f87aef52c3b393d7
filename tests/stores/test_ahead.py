"""What is worked out, or entered, while its caller does other things."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from crossfade.stores.ahead import Ahead, entered_ahead


def test_a_value_is_worked_out_ahead() -> None:
    begun, go_on = threading.Event(), threading.Event()

    def work() -> int:
        begun.set()
        assert go_on.wait(10)
        return 1

    ahead = Ahead(work)
    assert begun.wait(10)
    go_on.set()
    assert (ahead.get(), ahead.get()) == (1, 1)


def test_what_fails_ahead_is_raised_when_it_is_asked_for() -> None:
    ahead = Ahead(lambda: 1 // 0)
    ahead.wait()
    with pytest.raises(ZeroDivisionError):
        ahead.get()


@contextmanager
def noted(notes: list[str]) -> Iterator[int]:
    notes.append(f"entered, in another thread: {threading.current_thread() is not threading.main_thread()}")
    try:
        yield 1
    except ZeroDivisionError:
        notes.append("failed")
        raise
    finally:
        notes.append("left")


ENTERED = "entered, in another thread: True"


def test_a_context_is_entered_ahead_and_left() -> None:
    notes: list[str] = []
    with entered_ahead(noted(notes)) as value:
        assert (value(), value()) == (1, 1)
        assert notes == [ENTERED]
    assert notes == [ENTERED, "left"]


def test_it_is_left_though_nobody_asked_for_it() -> None:
    notes: list[str] = []
    with pytest.raises(ZeroDivisionError), entered_ahead(noted(notes)):
        _ = 1 // 0
    assert notes == [ENTERED, "failed", "left"]


@contextmanager
def shut() -> Iterator[int]:
    raise LookupError
    yield 1


def test_what_cannot_be_entered_is_raised_when_it_is_asked_for() -> None:
    with entered_ahead(shut()) as value, pytest.raises(LookupError):
        value()
