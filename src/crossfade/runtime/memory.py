"""Memory settings of a process: of workers and of the command. The process of a library's user is not changed."""

from __future__ import annotations

import ctypes
import sys

import pyarrow as pa

from crossfade.transform import memory_bound

_MMAP_THRESHOLD, _TRIM_THRESHOLD = -3, -1  # mallopt(3)
_MAPPED, _KEPT = 10 << 20, 32 << 20


_ours = False


def own_process() -> None:
    """Change settings of the whole process. Called by workers and by the command."""
    global _ours
    _ours = True
    memory_bound.turn_on()


def keep_less() -> None:
    """Let Arrow use the system's allocator: it is as fast for a verification, and keeps less freed memory than Arrow's
    own.
    """
    if _ours:
        pa.set_memory_pool(pa.system_memory_pool())


def keep_memory() -> None:
    """Let the process keep freed memory for the next batch: up to 32 MB, but no block of 10 MB or more.

    By default glibc returns nearly all of it at once, and the kernel clears it again for every batch; together with the
    side effects this took a third of a worker's time. Other allocators have no such setting.
    """
    if sys.platform == "linux" and (mallopt := getattr(ctypes.CDLL(None), "mallopt", None)):
        mallopt(_MMAP_THRESHOLD, _MAPPED)
        mallopt(_TRIM_THRESHOLD, _KEPT)
