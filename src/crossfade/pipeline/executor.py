"""Where work runs. Anything with the interface of `concurrent.futures.Executor` will do; this is the one place that
chooses.
"""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
import sys
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from typing import Any

PR_SET_PDEATHSIG = 1


def make_executor(workers: int) -> Executor:
    """Local processes, or this process where one worker is enough."""
    if workers <= 1:
        return InProcess()
    # spawn: DuckDB, Arrow and the drivers have threads, which a fork would cut in half
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(workers, mp_context=context, initializer=_begin, initargs=(os.getpid(),))


class InProcess(Executor):
    """Runs each call at once, in this process."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as e:
            future.set_exception(e)
        return future


def _begin(parent: int) -> None:
    """A worker leaves Ctrl-C to its parent, which lets it finish its chunk; and it dies with its parent,
    mid-transaction.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)


def default_workers() -> int:
    return max(1, os.cpu_count() or 1)
