"""Run many calls on an executor: process results as they arrive, keep the queue short, and stop quickly and cleanly."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import InitVar, dataclass, field
from functools import partial
from itertools import chain, islice
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

from crossfade.errors import CrossfadeError
from crossfade.model.events import Listener, ignore
from crossfade.runtime.again import Patience
from crossfade.runtime.executor import Answer, Done, Executor, Failed, LostWorkers, Missing, Value
from crossfade.runtime.sent_once import Call
from crossfade.runtime.stop import stop_at_the_end
from crossfade.transform.interrupts import queries_may_be_stopped

Result = TypeVar("Result")

MOST_IN_A_GROUP = 64
ASKED_EVERY = 1.0
PATIENCE = 10.0
"""How long running calls may take to finish after Ctrl-C, in seconds."""


def run_tasks(
    executor: Executor,
    task: Callable[..., Result],
    arguments: Iterable[tuple[object, ...]],
    take: Callable[[Result], None],
    ahead: int = 64,
    tell: Listener = ignore,
    may_begin: Callable[[], bool] = lambda: True,
) -> None:
    """Pass each result to `take` as it arrives. At most `ahead` groups of calls wait in the executor, and no more than
    two for each worker, so that stopping is quick. While `may_begin` says no, it is asked again every second, and only
    what was passed on before is done.

    A call that a lost connection interrupted is made again when the running calls have ended. An error or Ctrl-C stops
    the executor, and is raised when the running calls have finished. After Ctrl-C, a call in this process ends when it
    begins its next query, and one in a worker after PATIENCE. Raises CrossfadeError if a worker was killed.
    """
    done: SimpleQueue[Done | None] = SimpleQueue()
    run = _TaskRun(executor, ((task, one) for one in arguments), take, ahead, done, tell, may_begin)
    with queries_may_be_stopped() as stop_queries, stop_at_the_end(partial(run.stop, stop_queries)):
        try:
            while run.goes_on():
                pass
        except LostWorkers as lost:
            raise CrossfadeError(
                "a worker process was killed (often out of memory); nothing of its unfinished work was written",
                hint="run the same command again, with fewer --workers if memory is short: it resumes where it stopped",
            ) from lost
        finally:
            if run.at_work:
                executor.stop(PATIENCE if run.stopped else math.inf)


@dataclass
class _TaskRun(Generic[Result]):
    """`at_work` is the number of groups in the executor; `cut` are calls to repeat when no group is running.

    None in `done` stands for Ctrl-C.
    """

    executor: Executor
    todo: Iterator[Call]
    take: Callable[[Result], None]
    ahead: int
    done: SimpleQueue[Done | None]
    tell: InitVar[Listener]
    may_begin: Callable[[], bool]
    at_work: int = 0
    cut: list[Call] = field(default_factory=list)
    error: CrossfadeError | None = None
    seconds: float = 0.0
    """The estimated duration of a call."""
    stopped: bool = False

    def __post_init__(self, tell: Listener) -> None:
        self.patience = Patience(tell)

    def stop(self, stop_queries: Callable[[], None]) -> None:
        """Note a Ctrl-C. Called by a signal handler."""
        self.stopped = True
        stop_queries()
        self.done.put(None)

    def goes_on(self) -> bool:
        """Submit calls, and process one answer. Return False at the end, or after Ctrl-C."""
        may_begin = self.may_begin()
        most = min(self.ahead, 2 * self.executor.workers) if may_begin else 0
        while not self.cut and self.at_work < most and self.done.empty():
            if not (calls := list(islice(self.todo, self._together))):
                break
            self._submit(calls)
        if not may_begin and not self.at_work:
            return self._wait(ASKED_EVERY)
        if not self.at_work or (done := self.done.get()) is None:
            return False
        self.at_work -= 1
        self._hear(done)
        if self.at_work:
            return True
        if self.error is not None:
            error, self.error = self.error, None
            return self._wait(self.patience.pause(error))
        return not self.cut or self._wait(0.0)

    @property
    def _together(self) -> int:
        """Return the number of calls in a group, so that a group takes the time that the executor asks for."""
        if not self.executor.seconds or not self.seconds:
            return 1
        return max(1, min(MOST_IN_A_GROUP, round(self.executor.seconds / self.seconds)))

    def _submit(self, calls: Sequence[Call], *, whole: bool = False) -> None:
        self.at_work += 1  # first: a call may be made at once
        try:
            self.executor.submit(calls, self.done.put, whole=whole)
        except BaseException:
            self.at_work -= 1
            raise

    def _hear(self, done: Done) -> None:
        if isinstance(done.answers, Missing):
            self._submit(done.calls, whole=True)
            return
        if isinstance(done.answers, Exception):
            raise done.answers
        for call, answer in zip(done.calls, done.answers, strict=True):
            self._take(call, answer)

    def _take(self, call: Call, answer: Answer) -> None:
        match answer:
            case Value(value, seconds):
                self.seconds = seconds if not self.seconds else 0.8 * self.seconds + 0.2 * seconds
                self.take(value)
                self.patience.done()
                self.error = None
            case Failed(error) if isinstance(error, CrossfadeError) and error.passing:
                self.cut.append(call)
                self.error = error
            case Failed(error):
                raise error
            case _:
                self.todo = chain([call], self.todo)

    def _wait(self, seconds: float) -> bool:
        """Wait before interrupted calls are repeated. Return whether to continue."""
        self.todo, self.cut = chain(self.cut, self.todo), []
        try:
            return self.done.get(timeout=seconds) is not None
        except Empty:
            return True
