"""Worker processes: how they start, and how they end with their parent."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.context import BaseContext, ForkServerContext, ForkServerProcess, SpawnContext, SpawnProcess
from multiprocessing.process import BaseProcess
from multiprocessing.util import Finalize

_LAST = -100  # after everything that multiprocessing itself does at exit
_forking = False


def fork_workers(yes: bool) -> None:
    """Set whether workers are forked from a process that has loaded what they need (warmup.py)."""
    global _forking
    _forking = yes


def are_forked() -> bool:
    return _forking


def context() -> BaseContext:
    """Return the multiprocessing context for the worker processes of a pool."""
    return _Forking() if _forking else _Spawning()


class _Worker(BaseProcess):
    def start(self) -> None:
        with ctrl_c_left_to_the_parent(), _without_main(), _start_method_left_open():
            super().start()

    def run(self) -> None:
        """Run, then exit without waiting for threads of drivers, some of which wake up only twice a second."""
        super().run()
        Finalize(None, os._exit, args=(0,), exitpriority=_LAST)


@contextmanager
def ctrl_c_left_to_the_parent() -> Iterator[None]:
    """Block SIGINT in processes started inside. The parent handles Ctrl-C and lets them finish their chunk. A new
    process inherits blocked signals, so this applies from its first instruction.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _without_main() -> Iterator[None]:
    """Hide the main module, which a spawned process would import again. Workers do not need it: the command line takes
    longer to import than everything else, and a script of the user would start another move.
    """
    main = sys.modules["__main__"]
    spec, file = main.__spec__, getattr(main, "__file__", None)
    main.__spec__ = main.__file__ = None
    try:
        yield
    finally:
        main.__spec__, main.__file__ = spec, file


@contextmanager
def _start_method_left_open() -> Iterator[None]:
    """Restore the start method afterwards: starting a process sets it for all others if it has not been chosen yet."""
    before = multiprocessing.get_start_method(allow_none=True)
    try:
        yield
    finally:
        if before is None:
            multiprocessing.set_start_method(None, force=True)


class _Spawned(_Worker, SpawnProcess):
    pass


class _Spawning(SpawnContext):
    """Spawns processes. Forking is unsafe here because of the threads of DuckDB, Arrow and the drivers."""

    Process = _Spawned


class _Forked(_Worker, ForkServerProcess):
    pass


class _Forking(ForkServerContext):
    Process = _Forked


def die_with_parent() -> None:
    """End this worker immediately, even in a transaction, when its parent is gone."""
    threading.Thread(target=_follow_parent, daemon=True).start()


def _follow_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
