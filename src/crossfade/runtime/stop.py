"""Handle Ctrl-C while other threads take part in the work."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

STOPS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def stop_at_the_end(tell: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Delay what a handler of SIGINT or SIGTERM raises until the end of the block. `tell` is called at once.

    If KeyboardInterrupt were raised immediately, a lock of `concurrent.futures` (or of a progress bar) might stay
    locked, and the next thread that needs it would wait forever. `tell` must not take such a lock itself;
    SimpleQueue.put is safe. A second signal is not delayed: the first one restores the original handlers.
    """
    if threading.current_thread() is not threading.main_thread():  # only the main thread receives signals
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
            raise raised.pop()  # pop, to avoid a reference cycle that would keep its frames alive
