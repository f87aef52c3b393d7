"""Starts the program by forking a process that has loaded it: to load it is half of what a short run costs.

The process that forks has one thread and no connection. What it forks is as if it had been started: a session of its
own, its own environment, files and signals.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from select import select

LOADED = ("crossfade.cli.app", "crossfade.move", "crossfade.stores.mongodb.store", "crossfade.stores.postgresql.store",
          "adbc_driver_postgresql.dbapi")  # fmt: skip


class Launcher:
    """Use as a context manager. Only one thread may use it."""

    def __enter__(self) -> Launcher:
        self._forker = subprocess.Popen(
            [sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
        )
        self._heard, self._ended = b"", dict[int, int]()
        return self

    def __exit__(self, *exc: object) -> None:
        assert self._forker.stdin is not None
        self._forker.stdin.close()
        self._forker.wait()

    def launch(self, script: Path, arguments: Sequence[str], env: Mapping[str, str], output: Path) -> Launched:
        """Run a script of Python; what it prints is added to a file."""
        assert self._forker.stdin is not None
        asked = {"argv": [str(script), *arguments], "env": dict(env), "output": str(output)}
        self._forker.stdin.write(json.dumps(asked).encode() + b"\n")
        pid = None
        while pid is None:
            pid = self._hear(60)
        return Launched(self, pid)

    def status(self, pid: int) -> int | None:
        self._hear(0)
        return self._ended.get(pid)

    def _hear(self, seconds: float) -> int | None:
        """Read what it says; return the process that it has started, if that is what it says."""
        assert self._forker.stdout is not None
        started = None
        while started is None and (b"\n" in self._heard or select([self._forker.stdout], [], [], seconds)[0]):
            if b"\n" not in self._heard:
                read = os.read(self._forker.stdout.fileno(), 4096)
                assert read, "the process that forks has ended"
                self._heard += read
                continue
            line, _, self._heard = self._heard.partition(b"\n")
            word, *numbers = line.split()
            if word == b"started":
                started = int(numbers[0])
            else:
                self._ended[int(numbers[0])] = int(numbers[1])
        return started


class Launched:
    """As much of subprocess.Popen as is needed."""

    def __init__(self, launcher: Launcher, pid: int) -> None:
        self._launcher, self.pid = launcher, pid

    def poll(self) -> int | None:
        return self._launcher.status(self.pid)

    @property
    def returncode(self) -> int | None:
        return self.poll()

    def wait(self, timeout: float = 60) -> int:
        end = time.monotonic() + timeout
        while (status := self.poll()) is None:
            if time.monotonic() > end:
                raise subprocess.TimeoutExpired("crossfade", timeout)
            time.sleep(0.02)
        return status


# -- in the process that forks


def serve() -> None:
    for name in LOADED:
        __import__(name)
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing)
    signal.signal(signal.SIGCHLD, lambda number, frame: None)
    asked = b""
    while True:
        ready, _, _ = select([0, reading], [], [])
        if reading in ready:
            os.read(reading, 4096)
            _tell_ended()
        if 0 in ready:
            read = os.read(0, 65536)
            if not read:
                return
            *lines, asked = (asked + read).split(b"\n")
            for line in lines:
                pid = os.fork()
                if not pid:
                    os.close(reading)
                    os.close(writing)
                    _become(**json.loads(line))
                os.write(1, b"started %d\n" % pid)


def _tell_ended() -> None:
    with suppress(ChildProcessError):
        while (found := os.waitpid(-1, os.WNOHANG))[0]:
            os.write(1, b"ended %d %d\n" % (found[0], os.waitstatus_to_exitcode(found[1])))


def _become(argv: list[str], env: dict[str, str], output: str) -> None:
    """Be the program, and end with it."""
    import runpy

    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(os.open(output, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644), 1)
    os.dup2(1, 2)
    os.environ.clear()
    os.environ.update(env)
    sys.argv[:] = argv
    status = 0
    try:
        runpy.run_path(argv[0], run_name="__main__")
    except SystemExit as ended:
        status = ended.code if isinstance(ended.code, int) else 0
    except BaseException:
        import traceback

        traceback.print_exc()
        status = 1
    sys.stdout.flush()
    os._exit(status)


if __name__ == "__main__":
    serve()
