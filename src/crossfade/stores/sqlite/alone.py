"""One run at a time on a target, by a lock on a file beside it: it ends with the process, however that ends."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from crossfade.errors import Busy, Unreachable

PATIENCE_SECONDS = 10.0  # what a killed run left behind is gone by then
_AGAIN_SECONDS = 0.1


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Holds the lock on the database file. Raises Busy where another process does not let go of it.

    SQLite's own locks are left alone: they are the process's, and closing any descriptor of the file would lose them.
    """
    lock = path.resolve().with_name(path.name + "-crossfade")
    held = _take(lock, path)
    os.ftruncate(held, 0)
    os.write(held, str(os.getpid()).encode())
    try:
        yield
    finally:
        with suppress(FileNotFoundError):
            lock.unlink()
        os.close(held)


def _take(lock: Path, path: Path) -> int:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        held = _open(lock)
        with suppress(BlockingIOError, FileNotFoundError):
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.stat(lock).st_ino == os.fstat(held).st_ino:  # else whoever had it has removed the file meanwhile
                return held
        os.close(held)
        if time.monotonic() > deadline:
            raise _busy(lock, path)
        time.sleep(_AGAIN_SECONDS)


def _busy(lock: Path, path: Path) -> Busy:
    pid = lock.read_text() if lock.exists() else ""
    return Busy(
        f"another run of crossfade is at work in {path} (process {pid or 'unknown'}); nothing was written",
        hint=f"wait until it ends; or end it: kill {pid}" if pid else "wait until it ends",
    )


def _open(lock: Path) -> int:
    try:
        return os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise Unreachable(
            f"{lock} cannot be written: {error.strerror}", hint="check the rights of the folder"
        ) from error
