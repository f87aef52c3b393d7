"""Waits for the locks of a killed run: they are released with it, but perhaps not at once."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

Got = TypeVar("Got")

SECONDS = 10.0
_AGAIN_SECONDS = 0.1


def patiently(take: Callable[[], Got | None]) -> Got | None:
    """Call `take` until it returns a value; return None if it has returned none for ten seconds."""
    deadline = time.monotonic() + SECONDS
    while (got := take()) is None and time.monotonic() < deadline:
        time.sleep(_AGAIN_SECONDS)
    return got
