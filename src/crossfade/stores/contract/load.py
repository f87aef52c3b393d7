"""The load of a source, by which reading it is throttled (`[throttle]`)."""

from __future__ import annotations

from typing import Protocol


class Load(Protocol):
    """Asked once in some seconds. Raises Refused if the login may not ask."""

    def lag(self) -> float:
        """Return the lag of the slowest replica in seconds; 0.0 if there is none. A replica that is delayed on purpose,
        or not connected, does not count.
        """
        ...

    def active(self) -> int:
        """Return how many sessions are active now, without this run's if the server can tell which they are."""
        ...
