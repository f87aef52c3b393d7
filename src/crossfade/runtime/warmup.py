"""Start work before it is needed, so that a move begins sooner. The phases do not depend on it.

- While the command line loads its libraries, the process from which workers are forked loads theirs (`load_ahead`).
- A value that takes a server some time (a schema from a scratch database) is computed in a thread (`Ahead`), and its
  caller does other work in the meantime (`Awaited`).
- Workers connect while the plan is made (`Executor.get_ready`).
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from contextlib import suppress
from multiprocessing import forkserver, resource_tracker
from multiprocessing.util import get_temp_dir
from threading import Thread
from typing import Generic, TypeVar

from crossfade.runtime import processes

Value = TypeVar("Value")


class Ahead(Generic[Value]):
    """Computes a value in a thread, starting at once. Unlike that for a Future, the wait can be interrupted safely."""

    def __init__(self, work: Callable[[], Value]) -> None:
        self._values: list[Value] = []
        self._error: BaseException | None = None
        self._thread = Thread(target=self._run, args=(work,), daemon=True)
        self._thread.start()

    def _run(self, work: Callable[[], Value]) -> None:
        try:
            self._values.append(work())
        except BaseException as error:
            self._error = error

    def get(self) -> Value:
        """Wait for the value and return it. Raises what the work raised."""
        self.wait()
        if self._error is not None:
            raise self._error
        return self._values[0]

    @property
    def done(self) -> bool:
        return not self._thread.is_alive()

    def wait(self) -> None:
        """Wait until the work has finished or failed."""
        self._thread.join()


class Awaited(Generic[Value]):
    """A value whose computation may have been started ahead, and the work that its caller does in the meantime."""

    def __init__(self) -> None:
        self._ahead: Ahead[Value] | None = None
        self._idle: list[Callable[[Callable[[], bool]], None]] = []

    def begin(self, work: Callable[[], Value]) -> None:
        self._ahead = Ahead(work)

    def meanwhile(self, work: Callable[[Callable[[], bool]], None]) -> None:
        """Also do this work while waiting for the value. It receives a function that returns whether to continue."""
        self._idle.append(work)

    def take(self) -> Value | None:
        """Return the value, or None if it was not begun or already taken. Raises what its work raised."""
        while self._idle:
            self._idle.pop()(lambda: self._ahead is not None and not self._ahead.done)
        ahead, self._ahead = self._ahead, None
        return None if ahead is None else ahead.get()

    def close(self) -> None:
        """Wait for a computation in progress."""
        if self._ahead is not None:
            self._ahead.wait()


def load_ahead(*modules: str) -> None:
    """Begin to load the modules that workers will need, in a separate process from which they are forked.

    This is for programs that do one thing and end, because that process keeps the current environment. It has no
    threads, so that forking is safe. Where system libraries do not support forking (macOS), workers load the modules
    themselves.
    """
    if sys.platform != "linux" or os.cpu_count() == 1:
        return
    forkserver.set_forkserver_preload(list(modules))
    resource_tracker.ensure_running()  # starting it unblocks SIGINT again
    processes.fork_workers(True)
    try:
        with processes.ctrl_c_left_to_the_parent():
            forkserver.ensure_running()
    except OSError:  # its socket cannot be created: workers load the modules themselves
        forget_ahead()


def forget_ahead() -> None:
    """Remove the socket of the process that `load_ahead` started, for a program that ends with `os._exit`."""
    if processes.are_forked():
        processes.fork_workers(False)
        with suppress(OSError):
            shutil.rmtree(get_temp_dir(), ignore_errors=True)
