"""A second Ctrl-C ends the program at once, even while a library is running.

Python's handlers wait until the main thread runs Python again, and a single function of DuckDB may take minutes. But a
signal is also written to a pipe as it arrives, and a thread reads that.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager


@contextmanager
def heard_at_once(numbers: Collection[int], end: Callable[[], object]) -> Iterator[None]:
    """Call `end` in a thread for the second of these signals. Must be called by the main thread."""
    read, write = os.pipe()
    os.set_blocking(write, False)
    before = signal.set_wakeup_fd(write, warn_on_full_buffer=False)
    thread = threading.Thread(target=_listen, args=(read, numbers, end), daemon=True)
    thread.start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)
        os.close(write)  # the thread reads the end of the pipe
        thread.join()
        os.close(read)


def _listen(read: int, numbers: Collection[int], end: Callable[[], object]) -> None:
    """Count what arrives together as one: a Ctrl-C may reach a program from its terminal and from its parent."""
    struck = 0
    while arrived := os.read(read, 64):
        struck += any(number in numbers for number in arrived)
        if struck == 2:
            end()
