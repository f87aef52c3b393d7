"""What is begun before it is asked for, so that a move starts sooner: the phases read as if it were not there.

- While the command line loads its own libraries, the process that workers are forked from loads theirs (`load_ahead`).
- A value for which a server takes its time (a schema that is tried out in a scratch database) is worked out in a thread
  (`Ahead`), and whoever asks for it does other work as long as it is not there (`Awaited`).
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
    """Begins at once, in a thread. No future of `concurrent.futures`: Ctrl-C may strike while it is waited for."""

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
        """The value, when it is there. Raises what the work raised."""
        self.wait()
        if self._error is not None:
            raise self._error
        return self._values[0]

    @property
    def done(self) -> bool:
        return not self._thread.is_alive()

    def wait(self) -> None:
        """Returns when the work is done, or has failed."""
        self._thread.join()


class Awaited(Generic[Value]):
    """A value that may have been begun ahead, once, and what its caller does until it is there."""

    def __init__(self) -> None:
        self._ahead: Ahead[Value] | None = None
        self._idle: list[Callable[[Callable[[], bool]], None]] = []

    def begin(self, work: Callable[[], Value]) -> None:
        self._ahead = Ahead(work)

    def meanwhile(self, work: Callable[[Callable[[], bool]], None]) -> None:
        """Does this, too, when the value is waited for: it is given what says whether it still is."""
        self._idle.append(work)

    def take(self) -> Value | None:
        """The value; None where none was begun, or it was taken. Raises what its work raised."""
        while self._idle:
            self._idle.pop()(lambda: self._ahead is not None and not self._ahead.done)
        ahead, self._ahead = self._ahead, None
        return None if ahead is None else ahead.get()

    def close(self) -> None:
        """Waits for what is under way."""
        if self._ahead is not None:
            self._ahead.wait()


def load_ahead(*modules: str) -> None:
    """Begins to load what the workers will need, in a process of its own that they are forked from.

    For a program that does one thing and ends: that process keeps the environment of this moment. It has no threads, so
    nothing is cut in half; where the system's own libraries cannot be trusted with a fork (macOS), workers load it
    themselves.
    """
    if sys.platform != "linux" or os.cpu_count() == 1:
        return
    forkserver.set_forkserver_preload(list(modules))
    resource_tracker.ensure_running()  # when it begins, it lets Ctrl-C through again
    processes.fork_workers(True)
    try:
        with processes.ctrl_c_left_to_the_parent():
            forkserver.ensure_running()
    except OSError:  # no place for its socket: workers load it themselves
        forget_ahead()


def forget_ahead() -> None:
    """Removes the socket of what `load_ahead` began: for a program that ends with `os._exit`."""
    if processes.are_forked():
        processes.fork_workers(False)
        with suppress(OSError):
            shutil.rmtree(get_temp_dir(), ignore_errors=True)
