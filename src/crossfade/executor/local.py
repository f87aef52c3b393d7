"""Where work runs. Anything with the interface of `concurrent.futures.Executor` will do; this is the one place that
chooses.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from typing import Any

from crossfade.executor.memory import keep_memory
from crossfade.executor.processes import context, die_with_parent
from crossfade.executor.stop import stop_at_the_end


def make_executor(workers: int, get_ready: Callable[[], object] | None = None) -> Executor:
    """Local processes, or this process where one worker is enough.

    They start when there is something to do: at once where there is `get_ready`, which each of them does then (what
    fails of it will fail again in the tasks that need it).
    """
    if workers <= 1:
        return InProcess()
    executor = Processes(workers)
    if get_ready is None:
        return executor
    try:
        with stop_at_the_end():
            for _ in range(workers):
                executor.submit(get_ready)
    except BaseException:
        executor.shutdown()
        raise
    return executor


class Processes(ProcessPoolExecutor):
    """Worker processes, as many as `workers` says."""

    def __init__(self, workers: int) -> None:
        super().__init__(workers, mp_context=context(), initializer=_begin)
        self.workers = workers


def _begin() -> None:
    die_with_parent()
    keep_memory()


class InProcess(Executor):
    """Runs each call at once, in this process."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as e:
            future.set_exception(e)
        return future


def default_workers() -> int:
    return max(1, os.cpu_count() or 1)
