"""What a worker does with a group of calls that came as bytes."""

from __future__ import annotations

import pickle
import traceback
from collections.abc import Callable, Mapping

from crossfade.errors import CrossfadeError
from crossfade.runtime.executor import Answer, Failed, Missing, perform
from crossfade.runtime.sent_once import Unknown, receive, unpack


def answer(
    calls: bytes, values: Mapping[str, bytes], wanted: Callable[[], bool] = lambda: True
) -> list[Answer] | Missing:
    """Makes the calls, as long as they are `wanted`. `values` are those that were sent along."""
    receive(values)
    try:
        unpacked = unpack(calls)
    except Unknown:
        return Missing()
    return [_portable(one) for one in perform(unpacked, wanted)]


def _portable(one: Answer) -> Answer:
    """An error that can be sent back, with where it was raised, which pickle drops."""
    if not isinstance(one, Failed):
        return one
    error = one.error
    if not isinstance(error, CrossfadeError):
        error.add_note("in a worker: " + "".join(traceback.format_exception(error)).rstrip())
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:  # a driver's error that holds more than its arguments
        return Failed(RuntimeError(f"{type(error).__name__}: {error}\n" + "\n".join(getattr(error, "__notes__", []))))
    return one
