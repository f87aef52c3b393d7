"""The cache of a dump's spools: one directory below the temporary one, shared by every process that reads the dump.

Its name is derived from the dump's files (path, size, modification time), so a changed dump gets another. Every process
that has it open holds a shared lock on it; the last one removes it. A killed process holds no lock, so the next one
uses what it left. What is missing is built under an exclusive lock and renamed into place.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import shutil
import sqlite3
import tempfile
import weakref
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from crossfade.errors import CrossfadeError, Unreachable

_LAYOUT = 2  # incremented when the format of a spool changes


class Cache:
    """The directory of one dump, from its first use until `close`."""

    def __init__(self, files: Iterable[Path]) -> None:
        self._parent = Path(tempfile.gettempdir()) / f"crossfade-dumps-{os.getuid()}"
        self._name = _fingerprint(files)
        self._leave: Callable[[], object] | None = None

    @property
    def folder(self) -> Path:
        """Return the directory. It exists until `close`."""
        folder = self._parent / self._name
        if self._leave is None:
            try:
                _make_private(self._parent)
                descriptor = _hold(folder)
            except OSError as error:
                raise CrossfadeError(
                    f"{self._parent} cannot be used for unpacking a dump: {error.strerror}",
                    hint="set TMPDIR to another directory",
                ) from error
            self._leave = weakref.finalize(
                self, _leave, descriptor, folder
            )  # also at the end of the process, if it was not closed
        return folder

    def built(self, name: str, build: Callable[[Path], None]) -> Path:
        """Return the file `name`, built by `build(path)` if it does not exist; only one process builds at a time."""
        path = self.folder / name
        if not path.exists():
            with self._building():
                if not path.exists():
                    build(path)
        return path

    def close(self) -> None:
        """Release the directory; remove it if no other process has it open."""
        if self._leave is not None:
            self._leave()
            self._leave = None

    @contextmanager
    def _building(self) -> Iterator[None]:
        lock = os.open(self.folder / "building", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        except (OSError, sqlite3.OperationalError) as error:
            if not _is_full(error):
                raise
            raise CrossfadeError(
                f"no space is left in {self._parent}, where the dump is unpacked for reading",
                hint="free some space there, or set TMPDIR to a directory on another disk",
            ) from error
        finally:
            os.close(lock)


def _leave(descriptor: int, folder: Path) -> None:
    os.close(descriptor)
    with suppress(FileNotFoundError):
        alone = os.open(folder / "open", os.O_RDWR)
        try:
            fcntl.flock(alone, fcntl.LOCK_EX | fcntl.LOCK_NB)
            gone = folder.with_name(f"{folder.name}.{os.getpid()}.gone")
            folder.rename(gone)  # at once, so that no process finds it half removed
            shutil.rmtree(gone, ignore_errors=True)
        except BlockingIOError:
            pass
        finally:
            os.close(alone)


def _is_full(error: OSError | sqlite3.OperationalError) -> bool:
    if isinstance(error, sqlite3.OperationalError):
        return error.sqlite_errorcode == sqlite3.SQLITE_FULL
    return error.errno in (errno.ENOSPC, errno.EDQUOT)


def _fingerprint(files: Iterable[Path]) -> str:
    digest = hashlib.blake2b(f"{_LAYOUT}".encode(), digest_size=12)
    for path in files:
        try:
            seen = path.stat()
        except OSError as error:
            raise Unreachable(f"{path} cannot be read: {error.strerror}") from error
        digest.update(f"{path.resolve()}\0{seen.st_size}\0{seen.st_mtime_ns}\0".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def _make_private(folder: Path) -> None:
    """Return the directory that holds all caches. It must be private, because it will hold documents."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    seen = folder.lstat()
    if folder.is_symlink() or seen.st_uid != os.getuid() or seen.st_mode & 0o077:
        raise CrossfadeError(
            f"{folder} is open to others, so a dump cannot be unpacked there",
            hint=f"remove it (or chmod 700, if it is yours), or set TMPDIR; its mode is {oct(seen.st_mode)}",
        )


def _hold(folder: Path) -> int:
    """Take a shared lock on the directory, created if needed. Another process may be removing it at the same time."""
    while True:
        folder.mkdir(mode=0o700, exist_ok=True)
        try:
            descriptor = os.open(folder / "open", os.O_RDWR | os.O_CREAT, 0o600)
        except FileNotFoundError:
            continue
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        with suppress(FileNotFoundError):
            if os.stat(folder / "open").st_ino == os.fstat(descriptor).st_ino:
                return descriptor
        os.close(descriptor)
