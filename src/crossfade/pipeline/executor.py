"""Where work runs. Anything with the interface of `concurrent.futures.Executor` will do; this is the one place that
chooses.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from typing import Any


def make_executor(workers: int) -> Executor:
    """Local processes, or this process where one worker is enough."""
    if workers <= 1:
        return InProcess()
    # spawn: DuckDB, Arrow and the drivers have threads, which a fork would cut in half
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(workers, mp_context=context, initializer=_begin)


class InProcess(Executor):
    """Runs each call at once, in this process."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as e:
            future.set_exception(e)
        return future


def _begin() -> None:
    """A worker leaves Ctrl-C to its parent, which lets it finish its chunk; it dies with its parent, there and then."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_follow_parent, daemon=True).start()


def _follow_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def default_workers() -> int:
    return max(1, os.cpu_count() or 1)
