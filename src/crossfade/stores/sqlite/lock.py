"""The lock of a run on a target, on a file beside it: it ends with the process, however that ends."""

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
    """Hold the lock on the database file. Raises Busy if another process has it.

    SQLite's own locks are not used: they belong to the process, and closing any descriptor of the file releases them.
    """
    lock = _lock_of(path)
    descriptor = patiently(partial(_take, lock))
    if descriptor is None:
        raise _busy(lock, path)
    try:
        with suppress(OSError):  # the disk is full: others will not see the process number
            os.ftruncate(descriptor, 0)
            os.write(descriptor, str(os.getpid()).encode())
        yield
    finally:
        with suppress(OSError):
            if _has_name(descriptor, lock):  # not if somebody removed it by hand, and another run has made its own
                lock.unlink()
        os.close(descriptor)


def is_locked(path: Path) -> bool:
    """Return whether a process holds the lock on the database file."""
    try:
        seen = os.open(_lock_of(path), os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(seen, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(seen)
    return False


def _lock_of(path: Path) -> Path:
    there = path.resolve()
    return there.with_name(there.name + "-crossfade")


def _take(lock: Path) -> int | None:
    """Return a descriptor of the file with the lock on it, or None if another process has the lock."""
    try:
        with ExitStack() as unless_locked:
            descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
            unless_locked.callback(os.close, descriptor)
            if not _locked(descriptor, lock):
                return None
            unless_locked.pop_all()
            return descriptor
    except OSError as error:
        raise Unreachable(
            f"{lock} cannot be locked: {error.strerror}", hint="check the folder's permissions"
        ) from error


def _locked(descriptor: int, lock: Path) -> bool:
    """Return whether the file was locked and still has its name: the previous holder may have removed it."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return _has_name(descriptor, lock)
    except (BlockingIOError, FileNotFoundError):
        return False


def _has_name(descriptor: int, lock: Path) -> bool:
    return os.stat(lock).st_ino == os.fstat(descriptor).st_ino


def _busy(lock: Path, path: Path) -> Busy:
    pid = ""
    with suppress(OSError):
        pid = lock.read_text()
    return Busy(
        f"another run of crossfade is working in {path} (process {pid or 'unknown'}); nothing was written",
        hint=f"wait until it ends; or end it: kill {pid}" if pid else "wait until it ends",
    )
