"""A side is closed only if the run that follows is close behind, or at least catches up."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from crossfade.errors import Refused
from crossfade.move import draining


class Behind:
    """A follower that needs these numbers of seconds for one mark after the other."""

    def __init__(self, seconds: Sequence[float]) -> None:
        self._seconds: Iterator[float] = iter(seconds)
        self.now, self.marks = 0.0, 0

    @property
    def source(self) -> Behind:
        return self

    def heartbeat(self) -> None:
        self.marks += 1

    def reach(self, position: None) -> None:
        self.now += next(self._seconds)

    def drain(self) -> None:
        pass

    def monotonic(self) -> float:
        return self.now


def near(seconds: Sequence[float], monkeypatch: pytest.MonkeyPatch) -> int:
    follower: Any = Behind(seconds)
    monkeypatch.setattr(draining, "time", follower)
    draining.come_near(follower, 15.0)
    return int(follower.marks)


@pytest.mark.parametrize(
    ("seconds", "marks"),
    [([0.1], 1), ([200, 40, 8, 2, 0.2], 5), ([16, 14, 14.5, *[1.0] * 17], 20)],
    ids=["close behind", "catches up", "never quite"],
)
def test_it_is_waited_for(seconds: Sequence[float], marks: int, monkeypatch: pytest.MonkeyPatch) -> None:
    assert near(seconds, monkeypatch) == marks


@pytest.mark.parametrize("seconds", [[60, 61], [30 - 0.5 * n for n in range(20)]], ids=["falls back", "too slowly"])
def test_nothing_is_closed_for_a_run_that_is_far_behind(
    seconds: Sequence[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(Refused, match="nothing was closed"):
        near(seconds, monkeypatch)
