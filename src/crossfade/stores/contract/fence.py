"""The database itself refuses the application's writes. No store has this part yet.

                        fence                                             the marker's reach
    MongoDB             setUserWriteBlockMode; where it is not there,     the command waits for writes by itself
                        the roles of the application's users
    PostgreSQL          REVOKE and NOLOGIN, in one transaction with a     older transactions are ended or awaited,
                        guard row                                         prepared ones too

A fence outlives its controller. So each command bears the token of the controller that gives it, and one of an older
token changes nothing: where the database has no transaction for that (MongoDB), the older controllers' logins lose
their roles, then their sessions, then are dropped, before the new one does anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from crossfade.model.positions import Position


@dataclass(frozen=True, slots=True)
class FenceState:
    """What holds in the database now, whatever a journal says. `token` is whose fence it is; "" where nobody's."""

    closed: bool
    token: str = ""
    passes: tuple[str, ...] = ()
    """Who may still write: superusers, owners of tables. A fence with any is not one."""


class Fence(Protocol):
    """Closes a store to its applications, and opens it again."""

    def check(self, applications: Sequence[str]) -> Sequence[str]:
        """What is missing to fence these users, a sentence each. Changes nothing."""
        ...

    def state(self) -> FenceState:
        """Read from the database itself."""
        ...

    def take_over(self, token: str) -> None:
        """Only commands of this token change anything from now on; those of older ones that are under way are ended,
        and seen gone.
        """
        ...

    def close(self, token: str, *, seconds: float) -> Position:
        """Refuses writes, and waits until every transaction begun before has ended. The position is after all of them.

        Within `seconds`, or it is as before: a command that timed out is ended and seen gone. Raises Busy then, with
        who did not end.
        """
        ...

    def open(self, token: str) -> None:
        """Applications write again. Done twice, it does no harm."""
        ...

    def close_for_good(self, token: str) -> None:
        """The move is over: what the fence refused stays revoked, also for an application that comes back."""
        ...
