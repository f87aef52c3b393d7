"""Values that a worker receives once, however many calls refer to them: above all the move.

A call is pickled with a token in place of such a value (pickle's persistent ids). A worker that does not know the token
says so, and receives the call again together with the value. The move of a large project takes 250 ms to pickle and
unpickle, a call less than 1 ms.
"""

from __future__ import annotations

import io
import pickle
import threading
import uuid
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

T = TypeVar("T")
Call = tuple[Callable[..., Any], tuple[Any, ...]]
"""A function that can be imported, and its arguments."""

KEPT = 16
"""The number of values that a worker keeps. Others are sent again when needed."""


class SentOnce:
    """A value that is identified by its token. It must not be changed after it was sent."""

    token: str


@dataclass(frozen=True)
class Once(SentOnce, Generic[T]):
    """Wraps any value, so that it is sent once."""

    value: T
    token: str = field(default_factory=lambda: uuid.uuid4().hex)


class UnknownValues(Exception):
    """Raised when a call refers to values that this worker does not have."""

    def __init__(self, tokens: Sequence[str]) -> None:
        self.tokens = tuple(tokens)
        super().__init__(self.tokens)


def pack(calls: Sequence[Call]) -> tuple[bytes, Mapping[str, SentOnce]]:
    """Return the calls as bytes, and the values that they refer to, by token."""
    out = io.BytesIO()
    pickler = _Pickler(out)
    pickler.dump(list(calls))
    return out.getvalue(), pickler.named


def packed(value: SentOnce) -> bytes:
    """Return the value as bytes, which are made once."""
    with _lock:
        if value.token not in _packed:
            _packed[value.token] = pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)
            while len(_packed) > KEPT:
                _packed.popitem(last=False)
        return _packed[value.token]


def unpack(calls: bytes) -> list[Call]:
    """Return the packed calls. Raises Unknown if a value was not sent to this process."""
    found: list[Call] = _Unpickler(io.BytesIO(calls)).load()
    return found


def receive(values: Mapping[str, bytes]) -> None:
    """Keep values for later calls."""
    for token, data in values.items():
        if token not in _received:
            value = pickle.loads(data)
            with _lock:
                _received[token] = value
                while len(_received) > KEPT:
                    _received.popitem(last=False)


def forget(token: str) -> None:
    with _lock:
        _received.pop(token, None)
        _packed.pop(token, None)


_received: OrderedDict[str, SentOnce] = OrderedDict()
_packed: OrderedDict[str, bytes] = OrderedDict()
_lock = threading.Lock()


class _Pickler(pickle.Pickler):
    def __init__(self, out: io.BytesIO) -> None:
        super().__init__(out, protocol=pickle.HIGHEST_PROTOCOL)
        self.named: dict[str, SentOnce] = {}

    def persistent_id(self, value: Any) -> str | None:
        if not isinstance(value, SentOnce):
            return None
        self.named[value.token] = value
        return value.token


class _Unpickler(pickle.Unpickler):
    def persistent_load(self, token: str) -> SentOnce:
        with _lock:
            if token not in _received:
                raise UnknownValues([token])
            _received.move_to_end(token)
            return _received[token]
