"""Limits of the machine that a command ran into, each with its own hint."""

from __future__ import annotations

import errno
import traceback

from crossfade.errors import CrossfadeError

_STAYS = "committed work is kept"
_AGAIN = "then run the same command again: it resumes where it stopped"
_OF_ERRNO = {
    errno.EMFILE: ("this process has too many open files", "raise the limit (ulimit -n 4096), or use fewer --workers"),
    errno.ENFILE: ("this machine has too many open files", "close programs that hold files open, or raise fs.file-max"),
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


def limit_of(error: BaseException) -> CrossfadeError | None:
    """Return the error for the limit that was reached, or None."""
    found = _limit(error)
    if found is None:
        return None
    fact, hint = found
    return CrossfadeError(f"{fact} ({str(error).strip() or type(error).__name__}); {_STAYS}", hint=f"{hint}; {_AGAIN}")


def _limit(error: BaseException) -> tuple[str, str] | None:
    if isinstance(error, MemoryError):
        return _OF_ERRNO[errno.ENOMEM]
    if isinstance(error, RuntimeError) and "can't start new thread" in str(error):
        return _OF_ERRNO[errno.EAGAIN]
    if not isinstance(error, OSError):
        return None
    if any(
        frame.filename.endswith("multiprocessing/synchronize.py") for frame in traceback.extract_tb(error.__traceback__)
    ):
        return _SHARED
    return _OF_ERRNO.get(error.errno or 0)
