"""Work interrupted by a lost connection is repeated; permanent errors are raised at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from crossfade.errors import CrossfadeError, Unreachable, may_pass
from crossfade.runtime import again as patience
from crossfade.runtime.again import again, again_from
from crossfade.runtime.local import InProcess
from crossfade.runtime.tasks import run_tasks


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "PAUSES", (0.0, 0.0, 0.0))


def failing(
    times: int, error: Callable[[], Unreachable] = lambda: may_pass(Unreachable("cut"))
) -> Callable[[int], int]:
    """Squares numbers, and fails the first `times` times."""
    left = [times]

    def task(number: int) -> int:
        if left[0] > 0:
            left[0] -= 1
            raise error()
        return number**2

    return task


def squares(task: Callable[[int], int], told: list[Any]) -> list[int]:
    found: list[int] = []
    run_tasks(InProcess(), task, ((n,) for n in range(5)), found.append, tell=told.append)
    return sorted(found)


def test_tasks_that_were_cut_are_done_again() -> None:
    told: list[Any] = []
    assert squares(failing(3), told) == [0, 1, 4, 9, 16]
    assert [t.attempt for t in told] == [1, 2, 3]
    assert told[0].reason == "cut"


def test_patience_has_an_end() -> None:
    with pytest.raises(Unreachable) as caught:
        squares(failing(10), [])
    assert not caught.value.passing  # whoever waits around it need not


def test_patience_starts_over_after_progress() -> None:
    counted = iter(range(1000))

    def task(number: int) -> int:
        if next(counted) % 2 == 0:
            raise may_pass(Unreachable("cut"))
        return number**2

    assert squares(task, []) == [0, 1, 4, 9, 16]


def test_what_is_wrong_for_good_is_raised_at_once() -> None:
    told: list[Any] = []
    with pytest.raises(Unreachable, match="no password"):
        squares(failing(1, lambda: Unreachable("no password")), told)
    assert told == []


def test_an_action_is_done_again() -> None:
    task = failing(2)
    assert again(lambda: task(3)) == 9
    assert again(lambda: failing(0)(4)) == 16


@pytest.mark.parametrize("cut_at", range(4))
def test_items_are_given_once_wherever_they_are_cut(cut_at: int) -> None:
    cut = [cut_at]

    def items() -> Iterator[int]:
        for n in range(3):
            if n == cut[0]:
                cut.clear()
                cut.append(-1)
                raise may_pass(Unreachable("cut"))
            yield n

    assert list(again_from(items)) == [0, 1, 2]


@pytest.mark.parametrize("second", [[0, 5], [0], []])
def test_items_that_are_not_the_same_again_are_refused(second: list[int]) -> None:
    begun = iter([[0, 1], second])

    def items() -> Iterator[int]:
        found = next(begun)
        yield from found
        if found is not second:
            raise may_pass(Unreachable("cut"))

    given = again_from(items)
    assert [next(given), next(given)] == [0, 1]
    with pytest.raises(CrossfadeError, match="the source changed"):
        next(given)
