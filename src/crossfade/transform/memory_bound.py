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
_on = False
_before = (0, 0)


def turn_on() -> None:
    """Bounds queries from now on: for a process that does nothing else. The limit is the whole process's."""
    global _on
    _on = True


@contextmanager
def bounded_memory() -> Iterator[None]:
    """The process takes no more than MEGABYTES in here, once this was turned on. Only Linux counts what RLIMIT_DATA
    bounds; elsewhere nothing is bounded, nor where the system does not let itself be asked.
    """
    if sys.platform != "linux" or not _on:
        yield
        return
    bounded = _enter()
    try:
        yield
    finally:
        if bounded:
            _leave()


def _enter() -> bool:
    """Whether there is a bound. It is the process's: of several queries at once, each may take as much."""
    global _inside, _before
    with _lock:
        try:
            soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
            before = _before if _inside else (soft, hard)
            wanted = int(_STATM.read_bytes().split()[_DATA]) * resource.getpagesize() + (MEGABYTES << 20)
            if before[0] != resource.RLIM_INFINITY:
                wanted = min(wanted, before[0])
            if not _inside or wanted > soft:
                resource.setrlimit(resource.RLIMIT_DATA, (wanted, hard))
        except (OSError, ValueError):  # setrlimit raises ValueError where it is not allowed
            return False
        _before, _inside = before, _inside + 1
        return True


def _leave() -> None:
    global _inside
    with _lock:
        _inside -= 1
        if not _inside:
            resource.setrlimit(resource.RLIMIT_DATA, _before)


__all__ = ["MEGABYTES", "bounded_memory", "turn_on"]
