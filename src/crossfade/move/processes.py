"""What a program may ask of the processes of a move: how many, with which reader, and how they are stopped."""

from __future__ import annotations

from crossfade.records.bson.native import slow_reader
from crossfade.runtime.local import default_workers
from crossfade.runtime.stop import STOPS
from crossfade.runtime.warmup import forget_ahead

__all__ = [
    "STOPS",
    "default_workers",
    "forget_ahead",
    "slow_reader",
]
