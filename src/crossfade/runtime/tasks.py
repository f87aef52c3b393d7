"""Many calls through an executor: results as they come, few waiting at a time, and a quick, clean stop."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import InitVar, dataclass, field
from functools import partial
from itertools import chain, islice
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

from crossfade.errors import CrossfadeError
from crossfade.runtime.again import Patience, Tell, in_silence
from crossfade.runtime.executor import Answer, Done, Executor, Failed, Missing, Value, WorkerLost
from crossfade.runtime.sent_once import Call
from crossfade.runtime.stop import stop_at_the_end

Result = TypeVar("Result")

MOST_IN_A_GROUP = 64


def run_tasks(
    executor: Executor,
    task: Callable[..., Result],
    arguments: Iterable[tuple[object, ...]],
    take: Callable[[Result], None],
    ahead: int = 64,
    tell: Tell = in_silence,
) -> None:
    """Hands each result to `take`, as they come. At most `ahead` groups of calls wait in the executor, and no more
    than two for each worker, so that stopping is quick.

    A call that a lost connection cut is made again, when those at work have ended. What ends it early (an error,
    Ctrl-C) stops the executor, and is raised when the calls at work are finished. Raises CrossfadeError where a worker
    was killed.
    """
    done: SimpleQueue[Done | None] = SimpleQueue()
    run = _Run(executor, ((task, one) for one in arguments), take, ahead, done, tell)
    with stop_at_the_end(partial(done.put, None)):
        try:
            while run.goes_on():
                pass
        except WorkerLost as lost:
            raise CrossfadeError(
                "a worker process was killed (often out of memory); nothing of its unfinished work was written",
                hint="run the same command again, with fewer --workers if memory is short: it resumes where it stopped",
            ) from lost
        finally:
            if run.at_work:
                executor.stop()


@dataclass
class _Run(Generic[Result]):
    """`at_work` is how many groups the executor has; `cut` are calls that are made again when none is at work any more.

    None in `done` is Ctrl-C.
    """

    executor: Executor
    todo: Iterator[Call]
    take: Callable[[Result], None]
    ahead: int
    done: SimpleQueue[Done | None]
    tell: InitVar[Tell]
    at_work: int = 0
    cut: list[Call] = field(default_factory=list)
    error: CrossfadeError | None = None
    seconds: float = 0.0
    """How long a call takes."""

    def __post_init__(self, tell: Tell) -> None:
        self.patience = Patience(tell)

    def goes_on(self) -> bool:
        """Hands out what there is to do, and takes one answer; false at the end, and where Ctrl-C struck."""
        while not self.cut and self.at_work < min(self.ahead, 2 * self.executor.workers) and self.done.empty():
            if not (calls := list(islice(self.todo, self._together))):
                break
            self._submit(calls)
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
        """How many calls make a group: as many as the executor needs to be busy for its time with one."""
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
        """Waits before what was cut is done again; whether that is still wanted."""
        self.todo, self.cut = chain(self.cut, self.todo), []
        try:
            return self.done.get(timeout=seconds) is not None
        except Empty:
            return True
