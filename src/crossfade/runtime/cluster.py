"""The functions that workers of a cluster call. The scheduler imports this too, to unpickle what it forwards."""

from __future__ import annotations

import importlib.metadata
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from crossfade.errors import CrossfadeError, Misused
from crossfade.runtime.executor import Answer, Failed, Missing
from crossfade.runtime.sent_once import Once

_MUST_BE_ALIKE = ("crossfade", "crossfade-native", "duckdb", "pyarrow")
"""Distributions that determine the result of a record."""


class Sealed:
    """A value whose `repr` shows nothing, because logs of workers and the cluster's dashboard show it."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __repr__(self) -> str:
        return "<sealed>"

    def __reduce__(self) -> tuple[Any, ...]:
        return Sealed, (self.value,)


@dataclass(frozen=True)
class PackedCalls:
    """Packed calls, the values sent with them, the sender, and the versions that the sender has."""

    calls: bytes
    values: Mapping[str, bytes]
    sender: str
    versions: Mapping[str, str]


@cache
def versions() -> dict[str, str]:
    """Return the installed versions that determine the result of a record; the native reader only if it is used."""
    from crossfade.records.native import extension

    found = {name: _version(name) for name in _MUST_BE_ALIKE}
    if extension() is None:
        found["crossfade-native"] = NONE
    return found


NONE = "none"


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return NONE


def unlike(here: Mapping[str, str], there: Mapping[str, str]) -> str:
    """Return how a worker's versions differ from the sender's, or "" if they do not."""
    return ", ".join(
        f"{name} {there.get(name, NONE)} instead of {version}"
        for name, version in here.items()
        if there.get(name, NONE) != version
    )


def answer_sealed(packed: Sealed) -> Sealed:
    """Make packed calls, in a worker of a cluster."""
    return Sealed(_answer(packed.value))


def _answer(packed: PackedCalls) -> Sequence[Answer] | Missing:
    from crossfade.runtime.worker import answer

    if differs := unlike(packed.versions, versions()):
        return [Failed(unfit({_address(): differs}))]
    _bound_queries()
    return answer(packed.calls, packed.values, lambda: packed.sender not in _stopped)


def unfit(workers: Mapping[str, str]) -> CrossfadeError:
    first, *more = (f"{address} has {differs}" for address, differs in workers.items())
    others = f" (and {len(more)} more)" if more else ""
    return Misused(
        f"a worker of the cluster does not have the versions of this command: {first}{others}; none of its work was"
        " done",
        hint="install the same versions on every worker and on the scheduler: pip install crossfade==VERSION",
    )


def _address() -> str:
    from distributed import get_worker

    return str(get_worker().address)


@cache
def _bound_queries() -> None:
    """Limit the memory of a query if the worker has one thread. The limit applies to the whole process."""
    from distributed import get_worker

    from crossfade.runtime.memory import own_process

    if get_worker().state.nthreads == 1:
        own_process()


_stopped: deque[str] = deque(maxlen=1000)


def stop_calls(sender: str) -> None:
    """Start no more calls of this sender in this worker."""
    _stopped.append(sender)


def end_of(tokens: Sequence[str]) -> None:
    """Close the sessions that this worker has opened for these values."""
    from crossfade.runtime.session import close_sessions

    for token in tokens:
        close_sessions(token)


def call_sealed(call: Sealed) -> Sealed:
    """Make a single call. An error is returned as a value."""
    function, arguments = call.value
    try:
        return Sealed(function(*(one.value if isinstance(one, Once) else one for one in arguments)))
    except CrossfadeError as error:
        return Sealed(error)
