"""The contract of an executor, which runs calls here or elsewhere (used by tasks.py).

    submit    submit a group of calls; its outcome is reported when it is known, in any order
    stop      start no more calls, and wait for the running ones, or for some time
    close     release the workers

An executor changes no state of the calling process: no signal handlers, no environment, no allocator, no resource
limits. If a worker is lost, it either runs the calls on another one or raises LostWorkers. The effects of a call must
therefore be idempotent: a chunk is claimed in its own transaction.
"""

from __future__ import annotations

import math
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
    """The call was not made, because an earlier one failed or the group was cancelled."""


@dataclass(frozen=True, slots=True)
class Missing:
    """The worker does not have the values that the calls name: submit the group `whole`."""


Answer = Value | Failed | NotBegun


class LostWorkers(Exception):
    """Workers ended before their calls did. The writes of each call are either complete or absent."""


@dataclass(frozen=True, slots=True)
class Done:
    """The outcome of a group: an answer for each of its calls, Missing, or one error for all of them."""

    calls: Sequence[Call]
    answers: Sequence[Answer] | Missing | Exception


class Executor(Protocol):
    @property
    def workers(self) -> int:
        """Return how many groups can run at once."""
        ...

    @property
    def seconds(self) -> float:
        """Return how long a group should take for its overhead to be small; 0 if a single call is enough."""
        ...

    def submit(self, calls: Sequence[Call], done: Callable[[Done], None], *, whole: bool = False) -> None:
        """Submit a group. `done` is called once, in any thread; it must not block.

        `whole` also sends all values that the calls refer to.
        """
        ...

    def stop(self, patience: float = math.inf) -> None:
        """Return when no call is running any more; waiting calls are not started. Nothing is submitted afterwards.

        A call that runs for more than `patience` seconds from now is ended, if it is in a process of its own.
        """
        ...

    def close(self) -> None:
        """Stop, and release the workers."""
        ...

    def __enter__(self) -> Self: ...
    def __exit__(self, *exc: object) -> None: ...


def perform(calls: Sequence[Call], wanted: Callable[[], bool] = lambda: True) -> list[Answer]:
    """Make the calls one after the other, until one fails or they are no longer wanted."""
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
