"""How a process of ours, a worker's or the command's, holds its memory. That of a library's user is left as it is."""

from __future__ import annotations

import ctypes
import sys

import pyarrow as pa

from crossfade.transform import memory_bound

_MMAP_THRESHOLD, _TRIM_THRESHOLD = -3, -1  # mallopt(3)
_MAPPED, _KEPT = 10 << 20, 32 << 20


_ours = False


def own_process() -> None:
    """This process is a worker's or the command's: what belongs to all of it may be changed."""
    global _ours
    _ours = True
    memory_bound.turn_on()


def keep_less() -> None:
    """Arrow takes its memory from the system's allocator: as fast for a verification, and it keeps less for later than
    Arrow's own.
    """
    if _ours:
        pa.set_memory_pool(pa.system_memory_pool())


def keep_memory() -> None:
    """What is freed stays with the process, for its next batch: up to 32 MB, but no block of 10 MB or more.

    glibc gives nearly all of it back as soon as it is free, and the kernel clears it anew for every batch: with all
    that hangs on it, that was a third of a worker's time. Other allocators have no such call.
    """
    if sys.platform == "linux" and (mallopt := getattr(ctypes.CDLL(None), "mallopt", None)):
        mallopt(_MMAP_THRESHOLD, _MAPPED)
        mallopt(_TRIM_THRESHOLD, _KEPT)
