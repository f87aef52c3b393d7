"""Process a group of calls in a worker, where they arrive as bytes."""

from __future__ import annotations

import pickle
import traceback
from collections.abc import Callable, Mapping

from crossfade.errors import CrossfadeError
from crossfade.runtime.executor import Answer, Failed, Missing, perform
from crossfade.runtime.sent_once import UnknownValues, receive, unpack


def answer(
    calls: bytes, values: Mapping[str, bytes], wanted: Callable[[], bool] = lambda: True
) -> list[Answer] | Missing:
    """Make the calls, as long as they are `wanted`. `values` are the values that were sent with them."""
    receive(values)
    try:
        unpacked = unpack(calls)
    except UnknownValues:
        return Missing()
    return [_portable(one) for one in perform(unpacked, wanted)]


def _portable(one: Answer) -> Answer:
    """Return an error that can be pickled, with a note of its traceback, which pickle drops."""
    if not isinstance(one, Failed):
        return one
    error = one.error
    if not isinstance(error, CrossfadeError):
        error.add_note("in a worker: " + "".join(traceback.format_exception(error)).rstrip())
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:  # a driver's error with attributes beyond its arguments
        return Failed(RuntimeError(f"{type(error).__name__}: {error}\n" + "\n".join(getattr(error, "__notes__", []))))
    return one
