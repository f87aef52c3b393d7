"""The database itself refuses the application's writes. No store has this part yet.

                        fence                                             the marker's reach
    MongoDB             setUserWriteBlockMode; if it is not available,    the command waits for writes by itself
                        the roles of the application's users
    PostgreSQL          REVOKE and NOLOGIN, in one transaction with a     older transactions are ended or awaited,
                        guard row                                         prepared ones too

A fence outlives its controller. So each command carries the token of its controller, and one with an older token has no
effect. If the database has no transaction for that (MongoDB), the logins of older controllers lose their roles, then
their sessions, and are then dropped, before the new one does anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from crossfade.model.positions import Position


@dataclass(frozen=True, slots=True)
class FenceState:
    """The state in the database now, whatever a journal says. `token` is the fence's owner; "" if there is none."""

    closed: bool
    token: str = ""
    passes: tuple[str, ...] = ()
    """Who can still write: superusers, owners of tables. With any of them there is no fence."""


class Fence(Protocol):
    """Closes a store to its applications, and opens it again."""

    def check(self, applications: Sequence[str]) -> Sequence[str]:
        """Return what is missing to fence these users, one sentence each. Changes nothing."""
        ...

    def state(self) -> FenceState:
        """Return the state, read from the database itself."""
        ...

    def take_over(self, token: str) -> None:
        """Accept only commands of this token from now on. Running commands of older ones are terminated, and their end
        is checked.
        """
        ...

    def close(self, token: str, *, seconds: float) -> Position:
        """Refuse writes, and wait until every earlier transaction has ended. The position is after all of them.

        If that takes longer than `seconds`, the state is as before: a command that timed out is terminated, and its end
        is checked. Then raises Busy, with the sessions that did not end.
        """
        ...

    def open(self, token: str) -> None:
        """Let applications write again. Calling it twice is harmless."""
        ...

    def close_for_good(self, token: str) -> None:
        """End the move: what the fence refused stays revoked, also for an application that reconnects."""
        ...
