"""Where work runs. Anything with the interface of `concurrent.futures.Executor` will do; this is the one place that
chooses.
"""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager, suppress
from multiprocessing import forkserver, resource_tracker
from multiprocessing.context import ForkServerContext, ForkServerProcess, SpawnContext, SpawnProcess
from multiprocessing.process import BaseProcess
from multiprocessing.util import Finalize, get_temp_dir
from typing import Any

from crossfade.executor.stop import stop_at_the_end

_LAST = -100  # after all that multiprocessing itself does at the end
_loaded_ahead = False


def load_ahead(*modules: str) -> None:
    """Begins to load what the workers will need, in a process of its own that they are forked from.

    For a program that does one thing and ends: that process keeps the environment of this moment. It has no threads, so
    nothing is cut in half; where the system's own libraries cannot be trusted with a fork (macOS), workers load it
    themselves.
    """
    global _loaded_ahead
    if sys.platform != "linux" or default_workers() == 1:
        return
    forkserver.set_forkserver_preload(list(modules))
    resource_tracker.ensure_running()  # when it begins, it lets Ctrl-C through again
    _loaded_ahead = True
    try:
        with _ctrl_c_left_to_the_parent():
            forkserver.ensure_running()
    except OSError:  # no place for its socket: workers load it themselves
        forget_ahead()


def forget_ahead() -> None:
    """Removes the socket of what `load_ahead` began: for a program that ends with `os._exit`."""
    global _loaded_ahead
    if _loaded_ahead:
        _loaded_ahead = False
        with suppress(OSError):
            shutil.rmtree(get_temp_dir(), ignore_errors=True)


def make_executor(workers: int, get_ready: Callable[[], object] | None = None) -> Executor:
    """Local processes, or this process where one worker is enough.

    They start when there is something to do: at once where there is `get_ready`, which each of them does then (what
    fails of it will fail again in the tasks that need it).
    """
    if workers <= 1:
        return InProcess()
    context = _Forking() if _loaded_ahead else _Spawning()
    executor = ProcessPoolExecutor(workers, mp_context=context, initializer=_die_with_parent)
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


class InProcess(Executor):
    """Runs each call at once, in this process."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as e:
            future.set_exception(e)
        return future


class _Worker(BaseProcess):
    def start(self) -> None:
        with _ctrl_c_left_to_the_parent(), _without_main():
            super().start()

    def run(self) -> None:
        """Ends at once when all is done: some drivers' threads look up twice a second, and exit waits for them."""
        super().run()
        Finalize(None, os._exit, args=(0,), exitpriority=_LAST)


@contextmanager
def _ctrl_c_left_to_the_parent() -> Iterator[None]:
    """What starts in here leaves Ctrl-C to its parent, which lets it finish its chunk: from its first moment, when it
    cannot say so yet, because a new process inherits what is blocked.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _without_main() -> Iterator[None]:
    """A spawned process imports the parent's main module again. Ours needs nothing of it: not the command line, which
    takes longer to import than all else, and not a script of the user's, which would start a move of its own there.
    """
    main = sys.modules["__main__"]
    spec, file = main.__spec__, getattr(main, "__file__", None)
    main.__spec__ = main.__file__ = None
    try:
        yield
    finally:
        main.__spec__, main.__file__ = spec, file


class _Spawned(_Worker, SpawnProcess):
    pass


class _Spawning(SpawnContext):
    """Not forked: DuckDB, Arrow and the drivers have threads here, which a fork would cut in half."""

    Process = _Spawned


class _Forked(_Worker, ForkServerProcess):
    pass


class _Forking(ForkServerContext):
    Process = _Forked


def _die_with_parent() -> None:
    """A worker whose parent is gone ends there and then, in the middle of its transaction."""
    threading.Thread(target=_follow_parent, daemon=True).start()


def _follow_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def default_workers() -> int:
    return max(1, os.cpu_count() or 1)
