"""A bound on the memory that a query may take.

DuckDB's own limit holds for its buffers, not for the values that it makes: `repeat('x', 2000000000)` takes 6 GB. The
kernel refuses what goes beyond the bound, DuckDB makes an error of it, and the record that asked for it is set aside.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

if sys.platform != "win32":
    import resource

MEGABYTES = 512
"""What a query may take beyond what its process has. The largest document has 16 MB, and PostgreSQL's largest value
1 GB; a batch that takes more is mapped in halves.
"""

_STATM, _DATA = Path("/proc/self/statm"), 5  # proc(5): data and stack, in pages
_lock = threading.Lock()
_inside = 0
_before = (0, 0)


@contextmanager
def bounded_memory() -> Iterator[None]:
    """The process takes no more than MEGABYTES in here. Only Linux counts what RLIMIT_DATA bounds; elsewhere nothing
    is bounded.
    """
    if sys.platform != "linux":
        yield
        return
    _enter()
    try:
        yield
    finally:
        _leave()


def _enter() -> None:
    """The bound is the process's: of several queries at once, each may take as much."""
    global _inside, _before
    with _lock:
        soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
        if not _inside:
            _before = soft, hard
        _inside += 1
        wanted = int(_STATM.read_bytes().split()[_DATA]) * resource.getpagesize() + (MEGABYTES << 20)
        allowed = _before[0]
        if allowed != resource.RLIM_INFINITY:
            wanted = min(wanted, allowed)
        if _inside == 1 or wanted > soft:
            resource.setrlimit(resource.RLIMIT_DATA, (wanted, hard))


def _leave() -> None:
    global _inside
    with _lock:
        _inside -= 1
        if not _inside:
            resource.setrlimit(resource.RLIMIT_DATA, _before)


__all__ = ["MEGABYTES", "bounded_memory"]
