"""One run at a time on a target, by a lock on a file beside it: it ends with the process, however that ends."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path

from crossfade.errors import Busy, Unreachable
from crossfade.stores.patience import patiently


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock on the database file. Raises Busy if another process keeps it.

    SQLite's own locks are not used: they belong to the process, and closing any descriptor of the file releases them.
    """
    there = path.resolve()
    lock = there.with_name(there.name + "-crossfade")
    held = patiently(partial(_take, lock))
    if held is None:
        raise _busy(lock, path)
    try:
        with suppress(OSError):  # the disk is full: others will not see the process number
            os.ftruncate(held, 0)
            os.write(held, str(os.getpid()).encode())
        yield
    finally:
        with suppress(OSError):
            lock.unlink()
        os.close(held)


def _take(lock: Path) -> int | None:
    """Return a descriptor of the file with the lock on it, or None if another process has the lock."""
    try:
        with ExitStack() as unless_locked:
            held = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
            unless_locked.callback(os.close, held)
            if not _locked(held, lock):
                return None
            unless_locked.pop_all()
            return held
    except OSError as error:
        raise Unreachable(
            f"{lock} cannot be locked: {error.strerror}", hint="check the folder's permissions"
        ) from error


def _locked(held: int, lock: Path) -> bool:
    """Return whether the file was locked and still has its name: the previous holder may have removed it."""
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.stat(lock).st_ino == os.fstat(held).st_ino
    except (BlockingIOError, FileNotFoundError):
        return False


def _busy(lock: Path, path: Path) -> Busy:
    pid = ""
    with suppress(OSError):
        pid = lock.read_text()
    return Busy(
        f"another run of crossfade is at work in {path} (process {pid or 'unknown'}); nothing was written",
        hint=f"wait until it ends; or end it: kill {pid}" if pid else "wait until it ends",
    )
