"""What runs calls, here or elsewhere: the contract that tasks.py drives.

    submit    hands out a group of calls; what becomes of it is told when it is known, in whatever order
    stop      no call begins any more, those at work end
    close     lets go of the workers

An executor changes nothing that belongs to the process of its caller: no signal handlers, no environment, no
allocator, no resource limits. Of a worker that is lost it either has the calls done by another one, or says so
(WorkerLost). What a call changes must therefore bear to be done twice: a chunk is claimed in its own transaction.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self

from crossfade.runtime.sent_once import Call


@dataclass(frozen=True, slots=True)
class Value:
    """A call's result. `seconds` is how long it took."""

    value: Any
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Failed:
    """A call raised `error`."""

    error: Exception


@dataclass(frozen=True, slots=True)
class NotBegun:
    """The call was not made: one before it failed, or nobody wants it any more."""


@dataclass(frozen=True, slots=True)
class Missing:
    """The worker does not have the values that the calls name: submit the group `whole`."""


Answer = Value | Failed | NotBegun


class WorkerLost(Exception):
    """Workers ended before their calls did; nothing of these calls was written, or all of some."""


@dataclass(frozen=True, slots=True)
class Done:
    """What became of a group: an answer for each of its calls, Missing, or the error for all of them."""

    calls: Sequence[Call]
    answers: Sequence[Answer] | Missing | Exception


class Executor(Protocol):
    @property
    def workers(self) -> int:
        """How many groups can be at work at once."""
        ...

    @property
    def seconds(self) -> float:
        """How long a group should take, so that handing it out is cheap beside it; 0 where a call alone will do."""
        ...

    def submit(self, calls: Sequence[Call], done: Callable[[Done], None], *, whole: bool = False) -> None:
        """Hands out a group. `done` hears of it once, in any thread; it must not wait.

        `whole` sends all values along that the calls name.
        """
        ...

    def stop(self) -> None:
        """Returns when no call is at work any more; those that wait do not begin. Nothing is submitted afterwards."""
        ...

    def close(self) -> None:
        """Stops, and lets go of the workers."""
        ...

    def __enter__(self) -> Self: ...
    def __exit__(self, *exc: object) -> None: ...


def perform(calls: Sequence[Call], wanted: Callable[[], bool] = lambda: True) -> list[Answer]:
    """Makes the calls one after the other; after one that failed, or when they are not wanted any more, no other."""
    answers: list[Answer] = []
    for function, arguments in calls:
        if not wanted() or (answers and not isinstance(answers[-1], Value)):
            answers.append(NotBegun())
            continue
        start = time.perf_counter()
        try:
            answers.append(Value(function(*arguments), time.perf_counter() - start))
        except Exception as error:
            answers.append(Failed(error))
    return answers
