"""A value that is sent once: calls refer to it by its token, and a worker that lacks it receives it."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from crossfade.runtime.executor import Done, Failed, Missing, NotBegun, Value
from crossfade.runtime.local import InProcess, Processes
from crossfade.runtime.sent_once import KEPT, Call, Once, pack, packed
from crossfade.runtime.tasks import run_tasks
from crossfade.runtime.worker import answer

LARGE = "x" * 400_000


def length(of: Once[str], more: int) -> int:
    return len(of.value) + more


def test_a_call_is_small_and_the_value_comes_once() -> None:
    once = Once(LARGE)
    calls, named = pack([(length, (once, 1))])
    assert len(calls) < 300
    assert named == {once.token: once}
    assert isinstance(answer(calls, {}), Missing)
    assert [one.value for one in _values(answer(calls, {once.token: packed(once)}))] == [400_001]
    again, _ = pack([(length, (once, 2)), (length, (once, 3))])
    assert [one.value for one in _values(answer(again, {}))] == [400_002, 400_003]


def _values(answers: object) -> list[Value]:
    assert isinstance(answers, list)
    return [one for one in answers if isinstance(one, Value)]


def test_what_nobody_has_asked_for_lately_is_sent_again() -> None:
    first = Once("a")
    calls, _ = pack([(length, (first, 0))])
    answer(calls, {first.token: packed(first)})
    for other in [Once(str(n)) for n in range(KEPT)]:
        answer(pack([(length, (other, 0))])[0], {other.token: packed(other)})
    assert isinstance(answer(calls, {}), Missing)


def test_the_value_is_pickled_once(monkeypatch: pytest.MonkeyPatch) -> None:
    pickled: list[object] = []
    dumps = pickle.dumps

    def noting(value: object, **more: Any) -> bytes:
        pickled.append(value)
        return dumps(value, **more)

    monkeypatch.setattr(pickle, "dumps", noting)
    once = Once("a")
    with Processes(2) as executor:
        found: list[int] = []
        run_tasks(executor, length, ((once, n) for n in range(50)), found.append)
    assert sorted(found) == list(range(1, 51))
    assert pickled == [once]


class Sending(InProcess):
    """Notes how the groups come; the first answers are that something is missing."""

    def __init__(self, misses: int, seconds: float = 0.0) -> None:
        super().__init__()
        self.misses, self.seconds = misses, seconds
        self.groups: list[tuple[int, bool]] = []

    def submit(self, calls: Sequence[Call], done: Callable[[Done], None], *, whole: bool = False) -> None:
        self.groups.append((len(calls), whole))
        if len(self.groups) <= self.misses:
            done(Done(calls, Missing()))
        else:
            super().submit(calls, done)


def test_who_misses_something_gets_the_whole() -> None:
    found: list[int] = []
    executor = Sending(1)
    run_tasks(executor, abs, [(-1,), (-2,)], found.append)
    assert sorted(found) == [1, 2]
    assert sorted(executor.groups) == [(1, False), (1, False), (1, True)]


def test_quick_calls_are_put_together() -> None:
    found: list[int] = []
    executor = Sending(0, seconds=1.0)
    run_tasks(executor, abs, ((-n,) for n in range(200)), found.append)
    assert sorted(found) == list(range(200))
    assert executor.groups[0] == (1, False)
    assert max(size for size, _ in executor.groups) == 64


def test_after_a_call_that_failed_its_group_does_not_continue() -> None:
    calls: list[Call] = [(abs, (-1,)), (int, ("x",)), (abs, (-3,))]
    first, second, third = answer(pack(calls)[0], {})  # type: ignore[misc]
    assert isinstance(first, Value)
    assert isinstance(second, Failed)
    assert isinstance(second.error, ValueError)
    assert isinstance(third, NotBegun)
    assert "in a worker" in second.error.__notes__[0]


class Stubborn(Exception):
    def __reduce__(self) -> Any:
        raise TypeError("cannot be pickled")


def stubborn() -> None:
    raise Stubborn("of a driver")


def test_an_error_that_cannot_be_pickled_is_reported_in_words() -> None:
    with Processes(1) as executor, pytest.raises(RuntimeError, match="Stubborn: of a driver"):
        run_tasks(executor, stubborn, [()], print)


def test_a_worker_is_another_process() -> None:
    with Processes(1) as executor:
        found: list[int] = []
        run_tasks(executor, os.getpid, [()], found.append)
    assert found != [os.getpid()]
