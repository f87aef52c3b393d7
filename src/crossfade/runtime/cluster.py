"""What workers of a cluster do, and what they have to have. Imported on the scheduler too, which unpickles what it
hands on.
"""

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
"""Distributions that decide what becomes of a record."""


class Sealed:
    """A value that shows nothing of itself: in the logs of workers, or on the cluster's dashboard."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __repr__(self) -> str:
        return "<sealed>"

    def __reduce__(self) -> tuple[Any, ...]:
        return Sealed, (self.value,)


@dataclass(frozen=True)
class Group:
    """Packed calls, the values that were sent along, who sent them, and the versions that the sender has."""

    calls: bytes
    values: Mapping[str, bytes]
    sender: str
    versions: Mapping[str, str]


@cache
def versions() -> dict[str, str]:
    """What is installed here of what decides over records; the native reader only where it is at work."""
    from crossfade.records.bson.native import extension

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
    """How a worker's versions differ from the sender's, in words; "" where they do not."""
    return ", ".join(
        f"{name} {there.get(name, NONE)} instead of {version}"
        for name, version in here.items()
        if there.get(name, NONE) != version
    )


def answer_sealed(group: Sealed) -> Sealed:
    """Makes a group's calls, in a worker of a cluster."""
    return Sealed(_answer(group.value))


def _answer(group: Group) -> Sequence[Answer] | Missing:
    from crossfade.runtime.worker import answer

    if differs := unlike(group.versions, versions()):
        return [Failed(unfit({_address(): differs}))]
    _bound_queries()
    return answer(group.calls, group.values, lambda: group.sender not in _stopped)


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
    """The memory that a query may take is bounded by the process: where no other task can be at work in it."""
    from distributed import get_worker

    from crossfade.runtime.memory import own_process

    if get_worker().state.nthreads == 1:
        own_process()


_stopped: deque[str] = deque(maxlen=1000)


def stop_calls(sender: str) -> None:
    """No call of this sender begins in this worker any more."""
    _stopped.append(sender)


def end_of(tokens: Sequence[str]) -> None:
    """Closes what this worker has open of these values."""
    from crossfade.runtime.session import close_sessions

    for token in tokens:
        close_sessions(token)


def call_sealed(call: Sealed) -> Sealed:
    """Makes a call that has nothing to wait for; an error is its value."""
    function, arguments = call.value
    try:
        return Sealed(function(*(one.value if isinstance(one, Once) else one for one in arguments)))
    except CrossfadeError as error:
        return Sealed(error)
