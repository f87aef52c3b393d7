"""Worker processes: how they begin, and that none outlives its parent."""

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

_LAST = -100  # after all that multiprocessing itself does at the end
_forking = False


def fork_workers(yes: bool) -> None:
    """From now on workers are forked from a process that has loaded what they need (warmup.py), or are not."""
    global _forking
    _forking = yes


def are_forked() -> bool:
    return _forking


def context() -> BaseContext:
    """What makes the worker processes of a pool."""
    return _Forking() if _forking else _Spawning()


class _Worker(BaseProcess):
    def start(self) -> None:
        with ctrl_c_left_to_the_parent(), _without_main(), _start_method_left_open():
            super().start()

    def run(self) -> None:
        """Ends at once when all is done: some drivers' threads look up twice a second, and exit waits for them."""
        super().run()
        Finalize(None, os._exit, args=(0,), exitpriority=_LAST)


@contextmanager
def ctrl_c_left_to_the_parent() -> Iterator[None]:
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


@contextmanager
def _start_method_left_open() -> Iterator[None]:
    """To start a process settles the start method of all others, where the caller has not chosen one yet."""
    before = multiprocessing.get_start_method(allow_none=True)
    try:
        yield
    finally:
        if before is None:
            multiprocessing.set_start_method(None, force=True)


class _Spawned(_Worker, SpawnProcess):
    pass


class _Spawning(SpawnContext):
    """Not forked: DuckDB, Arrow and the drivers have threads here, which a fork would cut in half."""

    Process = _Spawned


class _Forked(_Worker, ForkServerProcess):
    pass


class _Forking(ForkServerContext):
    Process = _Forked


def die_with_parent() -> None:
    """A worker whose parent is gone ends there and then, in the middle of its transaction."""
    threading.Thread(target=_follow_parent, daemon=True).start()


def _follow_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
