"""Limits of the machine that a command ran into, each with its own hint."""

from __future__ import annotations

import errno
import sys
import traceback

from crossfade.errors import CrossfadeError

if sys.platform != "win32":
    import resource

_STAYS = "committed work is kept"
_AGAIN = "then run the same command again: it resumes where it stopped"
_OF_ERRNO = {
    errno.EMFILE: ("this process has too many open files", "raise the limit (ulimit -n 4096), or use fewer --workers"),
    errno.ENFILE: ("this machine has too many open files", "close programs that hold files open, or raise fs.file-max"),
    errno.EFBIG: ("this process may not write files of that size", "raise the limit (ulimit -f unlimited)"),
    errno.ENOMEM: ("this machine is out of memory", "use fewer --workers, or a smaller limits.chunk_mb"),
    errno.EAGAIN: (
        "this user cannot start more processes or threads",
        "raise the limit (ulimit -u), or use fewer --workers",
    ),
}
_SHARED = (
    "worker processes need the system's shared memory (/dev/shm), which cannot be used",
    "mount it, or make it larger (docker run --shm-size=256m), or use --workers 1",
)


_MEGABYTES = 3_000
"""With less address space, libraries fail in many ways, some of them without a message: 2.3 GB are mapped when all are
loaded (most of it is reserved and never used), and a query may need half a GB more.
"""
TO_LOAD = 400
"""With less, in megabytes, the libraries cannot even be loaded."""


def _address_space() -> int | None:
    """Return how many bytes this process may map (ulimit -v); None without a limit."""
    if sys.platform == "win32":
        return None
    allowed, _ = resource.getrlimit(resource.RLIMIT_AS)
    return None if allowed == resource.RLIM_INFINITY else allowed


def require_address_space(megabytes: int = _MEGABYTES) -> None:
    """Raise CrossfadeError if this process may map less memory than this (ulimit -v)."""
    allowed = _address_space()
    if allowed is None or allowed >= megabytes << 20:
        return
    raise CrossfadeError(
        f"this process may use {allowed >> 20:,} MB of address space (ulimit -v), and a run needs at least"
        f" {_MEGABYTES:,} MB for each process; nothing was done",
        hint="ulimit -v unlimited; or, to leave room for large documents, ulimit -v 4000000",
    )


def limit_of(error: BaseException) -> CrossfadeError | None:
    """Return the error for the limit that was reached, or None."""
    found = _limit(error)
    if found is None:
        return None
    fact, hint = found
    return CrossfadeError(f"{fact} ({str(error).strip() or type(error).__name__}); {_STAYS}", hint=f"{hint}; {_AGAIN}")


def _limit(error: BaseException) -> tuple[str, str] | None:
    has_no_thread = isinstance(error, RuntimeError) and "can't start new thread" in str(error)
    lacks_memory = isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno == errno.ENOMEM)
    if (has_no_thread or lacks_memory) and (allowed := _address_space()) is not None:
        fact = f"this process may use {allowed >> 20:,} MB of address space (ulimit -v), which is not enough"
        return fact, "raise the limit (ulimit -v unlimited), or use a smaller limits.chunk_mb"
    if has_no_thread:
        return _OF_ERRNO[errno.EAGAIN]
    if lacks_memory:
        return _OF_ERRNO[errno.ENOMEM]
    if not isinstance(error, OSError):
        return None
    if any(
        frame.filename.endswith("multiprocessing/synchronize.py") for frame in traceback.extract_tb(error.__traceback__)
    ):
        return _SHARED
    return _OF_ERRNO.get(error.errno or 0)
