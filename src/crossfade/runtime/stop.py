"""Ctrl-C, while other threads have a hand in what is done."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

STOPS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def stop_at_the_end(tell: Callable[[], None] = lambda: None) -> Iterator[None]:
    """What a handler of SIGINT or SIGTERM raises in here is raised at the end. `tell` is called when it is struck.

    Raised where it strikes, KeyboardInterrupt may leave a lock of `concurrent.futures` (or of a progress bar) held,
    and whoever needs it next waits for ever. `tell` may take no such lock itself: SimpleQueue.put can be interrupted
    by itself. A second strike is not kept: it finds the handlers that the first one left.
    """
    if threading.current_thread() is not threading.main_thread():  # signals are the main thread's
        yield
        return
    raised: list[BaseException] = []
    before = {number: handler for number in STOPS if callable(handler := signal.getsignal(number))}

    def strike(number: int, frame: FrameType | None) -> None:
        try:
            before[signal.Signals(number)](number, frame)
        except BaseException as error:
            raised.append(error)
            put_back()
            tell()

    def put_back() -> None:
        for number, handler in before.items():
            if signal.getsignal(number) is strike:
                signal.signal(number, handler)

    for number in before:
        signal.signal(number, strike)
    try:
        yield
    finally:
        put_back()
        if raised:
            raise raised.pop()  # kept here too, it would keep itself, and all that its frames hold
