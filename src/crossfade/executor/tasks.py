"""Many tasks through an executor: results as they come, few waiting at a time, and a quick, clean stop."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future
from dataclasses import InitVar, dataclass, field
from functools import partial
from itertools import chain
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

from crossfade.errors import CrossfadeError
from crossfade.executor.again import Patience, Tell, in_silence
from crossfade.executor.stop import stop_at_the_end

Result = TypeVar("Result")
Arguments = tuple[object, ...]


def run_tasks(
    executor: Executor,
    task: Callable[..., Result],
    arguments: Iterable[tuple[object, ...]],
    take: Callable[[Result], None],
    ahead: int = 64,
    tell: Tell = in_silence,
) -> None:
    """Hands each result to `take`, as they come. At most `ahead` tasks wait in the executor, so that stopping is quick;
    fewer, where the executor says how many `workers` it has.

    A task that a lost connection cut is done again, when those at work have ended. What ends it early (an error,
    Ctrl-C) shuts the executor down, and is raised when the tasks at work are finished. Raises CrossfadeError where a
    worker was killed.
    """
    done: SimpleQueue[Future[Result] | None] = SimpleQueue()
    run = _Run(executor, task, iter(arguments), take, min(ahead, 2 * getattr(executor, "workers", ahead)), done, tell)
    with stop_at_the_end(partial(done.put, None)):
        try:
            while run.goes_on():
                pass
        except BrokenExecutor as broken:
            raise CrossfadeError(
                "a worker process was killed (often because memory ran out); nothing of what it was at was written",
                hint="run the same command again, with fewer --workers where memory is short: it goes on where it"
                " stopped",
            ) from broken
        finally:
            if run.at_work:  # not future.cancel(): an executor that breaks then stumbles over it, and never ends
                executor.shutdown(cancel_futures=True)


@dataclass
class _Run(Generic[Result]):
    """`at_work` are the tasks in the executor; `cut` those that are done again when nothing is at work any more.

    None in `done` is Ctrl-C.
    """

    executor: Executor
    task: Callable[..., Result]
    todo: Iterator[Arguments]
    take: Callable[[Result], None]
    ahead: int
    done: SimpleQueue[Future[Result] | None]
    tell: InitVar[Tell]
    at_work: dict[Future[Result], Arguments] = field(default_factory=dict)
    cut: list[Arguments] = field(default_factory=list)

    def __post_init__(self, tell: Tell) -> None:
        self.patience = Patience(tell)

    def goes_on(self) -> bool:
        """Hands out what there is to do, and takes one result; false at the end, and where Ctrl-C struck."""
        while not self.cut and len(self.at_work) < self.ahead and self.done.empty():
            if (given := next(self.todo, None)) is None:
                break
            self._submit(given)
        if not self.at_work or (future := self.done.get()) is None:
            return False
        given = self.at_work.pop(future)
        error = future.exception()
        if not isinstance(error, CrossfadeError) or not error.passing:
            self.take(future.result())
            self.patience.done()
            return not self.cut or bool(self.at_work) or self._wait(0.0)
        self.cut.append(given)
        return bool(self.at_work) or self._wait(self.patience.pause(error))

    def _submit(self, given: Arguments) -> None:
        future = self.executor.submit(self.task, *given)
        self.at_work[future] = given
        future.add_done_callback(self.done.put)

    def _wait(self, seconds: float) -> bool:
        """Waits before what was cut is done again; whether that is still wanted."""
        self.todo, self.cut = chain(self.cut, self.todo), []
        try:
            return self.done.get(timeout=seconds) is not None
        except Empty:
            return True
