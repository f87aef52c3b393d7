"""A limit on the memory of a query.

DuckDB's own limit applies to its buffers, not to the values that it makes: `repeat('x', 2000000000)` takes 6 GB. The
kernel refuses memory beyond the limit, DuckDB reports an error, and the record that caused it is rejected.
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
"""The memory that a query may use beyond that of its process. The largest document has 16 MB, PostgreSQL's largest
value 1 GB; a batch that needs more is mapped in halves.
"""

_STATM, _DATA = Path("/proc/self/statm"), 5  # proc(5): data and stack, in pages
_lock = threading.Lock()
_inside = 0
_on = False
_before = (0, 0)


def turn_on() -> None:
    """Limit queries from now on. For processes that do nothing else, because the limit applies to the whole process."""
    global _on
    _on = True


@contextmanager
def bounded_memory() -> Iterator[None]:
    """Limit the memory of the process inside the block to MEGABYTES more, if turned on. Only Linux counts what
    RLIMIT_DATA limits; on other systems, and where the size of the process is unknown, there is no limit.
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
    """Set the limit and return whether it is set. Of several queries at once, each may use as much."""
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
