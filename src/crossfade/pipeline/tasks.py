"""Many tasks through an executor: results as they come, few waiting at a time, and a quick, clean stop."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from typing import TypeVar

from crossfade.errors import CrossfadeError

Result = TypeVar("Result")


def run_tasks(
    executor: Executor, task: Callable[..., Result], arguments: Sequence[tuple[object, ...]], ahead: int = 64
) -> Iterator[Result]:
    """Results as they come. A bounded number of tasks waits in the executor, so that stopping is quick.

    Whatever ends it (an error, Ctrl-C), tasks at work are finished before it does. Raises CrossfadeError where a worker
    was killed.
    """
    todo = iter(arguments)
    waiting: set[Future[Result]] = set()
    try:
        while True:
            while len(waiting) < ahead and (args := next(todo, None)) is not None:
                future = executor.submit(task, *args)
                waiting.add(future)
                if future.done():
                    break
            if not waiting:
                return
            done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            for future in done:
                yield future.result()
    except BrokenExecutor as broken:
        raise CrossfadeError(
            "a worker process was killed (often because memory ran out); nothing of what it was at was written",
            hint="run the same command again, with fewer --workers where memory is short: it goes on where it stopped",
        ) from broken
    finally:
        for future in waiting:
            future.cancel()
        wait(waiting)
