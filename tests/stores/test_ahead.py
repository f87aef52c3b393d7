"""What is worked out while its caller does other things."""

from __future__ import annotations

import threading

import pytest

from crossfade.stores.ahead import Ahead


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
