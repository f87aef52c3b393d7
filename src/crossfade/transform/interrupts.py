"""Handle Ctrl-C while a library is running that turns it into an error of its own."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

_STOPS = (signal.SIGINT, signal.SIGTERM)
_stopping = False


@contextmanager
def queries_may_be_stopped() -> Iterator[Callable[[], None]]:
    """Yield a function for a signal handler: after it, no query of the main thread begins, until the end of the block.

    A query of values that take long cannot be interrupted. But it is often one of many: if the engine refuses a batch,
    every record is tried alone.
    """

    def stop() -> None:
        global _stopping
        _stopping = True

    def end() -> None:
        global _stopping
        _stopping = False

    try:
        yield stop
    finally:
        end()


def require_not_stopped() -> None:
    """Raise KeyboardInterrupt if queries were stopped, and this is the main thread."""
    if _stopping and threading.current_thread() is threading.main_thread():
        raise KeyboardInterrupt


@contextmanager
def interruptible() -> Iterator[None]:
    """Raise again, at the end of the block, what a handler of SIGINT or SIGTERM raised inside, in its original form.

    DuckDB runs signal handlers itself while a statement runs, and calls Python while it reads a table. In both cases it
    wraps their exceptions in errors that differ between versions. So the handlers are watched, not the errors.
    """
    if threading.current_thread() is not threading.main_thread():  # only the main thread receives signals
        yield
        return
    raised: list[BaseException] = []
    before = {number: handler for number in _STOPS if callable(handler := signal.getsignal(number))}

    def watched(number: int, frame: FrameType | None) -> None:
        put_back()  # the handler runs while it is installed, and may replace itself
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
        raised.clear()  # avoid a reference cycle that would keep its frames alive
