"""Functions for programs around a move: the number of processes, the reader that they use, and how they stop."""

from __future__ import annotations

from crossfade.records.native import slow_reader
from crossfade.runtime.local import default_workers
from crossfade.runtime.stop import STOPS
from crossfade.runtime.warmup import forget_ahead

__all__ = [
    "STOPS",
    "default_workers",
    "forget_ahead",
    "slow_reader",
]
