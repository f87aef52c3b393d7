"""Suspend cyclic garbage collection while a batch is processed.

Thousands of documents are tens of thousands of new dicts without cycles; the collector would scan them repeatedly,
which takes a fifth of the decoding time.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """Disable the collector inside the block. If it was disabled before, it stays disabled."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
