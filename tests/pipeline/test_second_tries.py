"""When records that were set aside are tried again."""

from __future__ import annotations

import pytest

from crossfade.pipeline.second_tries import LATEST, SOON, SecondTries

ONE, OTHER = ("orders", "1"), ("orders", "2")


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_one_that_cannot_be_helped_does_not_let_others_wait() -> None:
    clock = Clock()
    tries = SecondTries(clock)
    for _ in range(20):
        tries.written()
        assert tries.due([ONE]) == [ONE]
        assert tries.due([ONE]) == []
        clock.now += LATEST
    tries.written()
    tries.due([ONE])
    tries.written()
    clock.now += SOON
    assert tries.due([ONE, OTHER]) == [OTHER]


def test_nothing_is_tried_again_unless_something_was_written() -> None:
    clock = Clock()
    tries = SecondTries(clock)
    assert tries.due([ONE]) == [ONE]  # an earlier run may have written
    clock.now += LATEST
    assert (tries.due([ONE]), tries.wait) == ([], None)
    tries.written()
    assert tries.wait == SOON
    assert tries.due([ONE]) == [ONE]
    tries.written()
    assert tries.due([ONE]) == []
    assert tries.wait == pytest.approx(2 * SOON)
    clock.now += 2 * SOON
    assert tries.due([ONE]) == [ONE]


def test_what_is_not_set_aside_any_more_is_forgotten() -> None:
    tries = SecondTries(Clock())
    tries.due([ONE])
    tries.due([])
    assert tries.due([ONE]) == [ONE]
