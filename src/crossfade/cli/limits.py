"""Limits of the machine that a command ran into: no fault of crossfade's, and each has its own way out."""

from __future__ import annotations

import errno
import traceback

from crossfade.errors import CrossfadeError

_STAYS = "what is committed stays"
_AGAIN = "then the same command again: it goes on where it stopped"
_OF_ERRNO = {
    errno.EMFILE: ("this process may open no more files", "raise the limit (ulimit -n 4096), or take fewer --workers"),
    errno.ENFILE: ("this machine may open no more files", "close what holds files open, or raise fs.file-max"),
    errno.ENOMEM: ("this machine has no memory left", "take fewer --workers, or a smaller limits.chunk_mb"),
    errno.EAGAIN: (
        "this user may start no more processes or threads",
        "raise the limit (ulimit -u), or take fewer --workers",
    ),
}
_SHARED = (
    "the system's shared memory (/dev/shm) cannot be used, which worker processes need",
    "mount it, or make room there (docker run --shm-size=256m), or take --workers 1",
)


def limit_of(error: BaseException) -> CrossfadeError | None:
    """The limit that the error tells of, or None."""
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
