"""How a worker process holds its memory."""

from __future__ import annotations

import ctypes
import sys

_MMAP_THRESHOLD, _TRIM_THRESHOLD = -3, -1  # mallopt(3)
_MAPPED, _KEPT = 10 << 20, 32 << 20


def keep_memory() -> None:
    """What is freed stays with the process, for its next batch: up to 32 MB, but no block of 10 MB or more.

    glibc gives nearly all of it back as soon as it is free, and the kernel clears it anew for every batch: with all
    that hangs on it, that was a third of a worker's time. Other allocators have no such call.
    """
    if sys.platform == "linux" and (mallopt := getattr(ctypes.CDLL(None), "mallopt", None)):
        mallopt(_MMAP_THRESHOLD, _MAPPED)
        mallopt(_TRIM_THRESHOLD, _KEPT)
