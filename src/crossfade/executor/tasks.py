"""Many tasks through an executor: results as they come, few waiting at a time, and a quick, clean stop."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import BrokenExecutor, Executor, Future
from functools import partial
from queue import SimpleQueue
from typing import TypeVar

from crossfade.errors import CrossfadeError
from crossfade.executor.stop import stop_at_the_end

Result = TypeVar("Result")


def run_tasks(
    executor: Executor,
    task: Callable[..., Result],
    arguments: Iterable[tuple[object, ...]],
    take: Callable[[Result], None],
    ahead: int = 64,
) -> None:
    """Hands each result to `take`, as they come. At most `ahead` tasks wait in the executor, so that stopping is quick.

    What ends it early (an error, Ctrl-C) shuts the executor down, and is raised when the tasks at work are finished.
    Raises CrossfadeError where a worker was killed.
    """
    todo = iter(arguments)
    done: SimpleQueue[Future[Result] | None] = SimpleQueue()
    at_work = 0
    with stop_at_the_end(partial(done.put, None)):
        try:
            while True:
                while at_work < ahead and done.empty() and (given := next(todo, None)) is not None:
                    executor.submit(task, *given).add_done_callback(done.put)
                    at_work += 1
                if not at_work or (future := done.get()) is None:
                    return
                at_work -= 1
                take(future.result())
        except BrokenExecutor as broken:
            raise CrossfadeError(
                "a worker process was killed (often because memory ran out); nothing of what it was at was written",
                hint="run the same command again, with fewer --workers where memory is short: it goes on where it"
                " stopped",
            ) from broken
        finally:
            if at_work:  # not future.cancel(): an executor that breaks then stumbles over it, and never ends
                executor.shutdown(cancel_futures=True)
