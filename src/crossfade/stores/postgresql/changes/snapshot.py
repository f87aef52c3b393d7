"""Snapshots: the transactions that they see, by 64-bit numbers, in the server's own notation (`xmin:xmax:xip,...`).

Logical decoding delivers a commit before new snapshots can see it (always while a synchronous standby has not
answered, and by chance at other times). So keys are named only when a new snapshot sees every transaction that
changed them. On one server, what a snapshot sees only grows.
"""

from __future__ import annotations

from dataclasses import dataclass

_HALF = 2**31
_EPOCH = 2**32


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Once a transaction has ended, it is seen if it is below `xmax` and not `running`."""

    xmin: int
    xmax: int
    running: frozenset[int]

    def sees(self, xid: int) -> bool:
        return xid < self.xmin or (xid < self.xmax and xid not in self.running)

    def sees_all_of(self, other: Snapshot) -> bool:
        """Return whether everything that the other one sees is seen here too."""
        return self.xmax >= other.xmax and not any(other.sees(xid) for xid in self.running)

    def widened(self, xid: int) -> int:
        """Return the 64-bit number of a transaction that is at most two billion away, by its lower 32 bits."""
        found = self.xmax - self.xmax % _EPOCH + xid
        if found > self.xmax + _HALF and found >= _EPOCH:
            return found - _EPOCH
        return found + _EPOCH if found < self.xmax - _HALF else found


def parse(text: str) -> Snapshot:
    """Return the snapshot that the server printed.

    >>> parse("10:20:10,14").sees(12), parse("10:20:10,14").sees(14)
    (True, False)
    """
    xmin, xmax, running = text.split(":")
    return Snapshot(int(xmin), int(xmax), frozenset(int(xid) for xid in running.split(",") if xid))
