"""Values that a worker gets once, however many calls name them: the move, above all.

A call is pickled with the token of such a value in its place (pickle's persistent ids). A worker that does not know the
token says so, and gets the call again together with the value. The move of a large project takes 250 ms to pickle and
unpickle, a call less than one.
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
"""A function that can be imported, and what it is called with."""

KEPT = 16
"""So many values stay with a worker. One that is gone is sent again."""


class SentOnce:
    """A value that is known by its token. It must not be changed once it was sent."""

    token: str


@dataclass(frozen=True)
class Once(SentOnce, Generic[T]):
    """Any value as one that is sent once."""

    value: T
    token: str = field(default_factory=lambda: uuid.uuid4().hex)


class Unknown(Exception):
    """A call names values that this worker does not have."""

    def __init__(self, tokens: Sequence[str]) -> None:
        self.tokens = tuple(tokens)
        super().__init__(self.tokens)


def pack(calls: Sequence[Call]) -> tuple[bytes, Mapping[str, SentOnce]]:
    """The calls as bytes, and by their tokens the values that they name."""
    out = io.BytesIO()
    pickler = _Pickler(out)
    pickler.dump(list(calls))
    return out.getvalue(), pickler.named


def packed(value: SentOnce) -> bytes:
    """The value itself as bytes: made once."""
    with _lock:
        if value.token not in _packed:
            _packed[value.token] = pickle.dumps(value, protocol=pickle.HIGHEST_PROTOCOL)
            while len(_packed) > KEPT:
                _packed.popitem(last=False)
        return _packed[value.token]


def unpack(calls: bytes) -> list[Call]:
    """What was packed. Raises Unknown where a value was not sent to this process."""
    found: list[Call] = _Unpickler(io.BytesIO(calls)).load()
    return found


def receive(values: Mapping[str, bytes]) -> None:
    """Keeps values for the calls to come."""
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
                raise Unknown([token])
            _received.move_to_end(token)
            return _received[token]
