"""Waiting for what a killed run has left behind: its locks end with it, but perhaps not at once."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

Got = TypeVar("Got")

SECONDS = 10.0
_AGAIN_SECONDS = 0.1


def patiently(take: Callable[[], Got | None]) -> Got | None:
    """The first answer of `take` that is not None; None where it has none for ten seconds."""
    deadline = time.monotonic() + SECONDS
    while (got := take()) is None and time.monotonic() < deadline:
        time.sleep(_AGAIN_SECONDS)
    return got
