"""Ctrl-C while a library works that makes an error of its own of it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_STOPS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def interruptible() -> Iterator[None]:
    """What a handler of SIGINT or SIGTERM raises in here is raised at the end, whatever became of it meanwhile.

    DuckDB runs signal handlers itself while a statement runs, and calls Python while it looks at a table. In both
    cases it wraps what they raise, in words that change with its version. So the handler is watched, not the error.
    """
    if threading.current_thread() is not threading.main_thread():  # signals are the main thread's
        yield
        return
    raised: list[BaseException] = []
    before = {number: handler for number in _STOPS if callable(handler := signal.getsignal(number))}

    def watched(number: int, frame: FrameType | None) -> None:
        put_back()  # the handler finds itself in its place, and may replace itself
        try:
            before[signal.Signals(number)](number, frame)
        except BaseException as error:
            raised.append(error)
            raise

    def put_back() -> None:
        for number, handler in before.items():
            if signal.getsignal(number) is watched:
                signal.signal(number, handler)

    for number in before:
        signal.signal(number, watched)
    try:
        yield
    except BaseException as error:
        if raised and error is not raised[0]:
            raise raised[0] from error
        raise
    else:
        if raised:
            raise raised[0]
    finally:
        put_back()
        raised.clear()  # kept here, it would keep itself, and all that its frames hold
