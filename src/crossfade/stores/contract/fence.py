"""The database itself refuses the writes of applications, whether they know of the cutover or not.

                        fence                                             earlier transactions
    MongoDB             setUserWriteBlockMode, of the whole server        the command waits for them
    PostgreSQL          triggers that refuse, on every table              creating them takes locks, which wait for
                                                                          them, prepared ones too
    SQLite              triggers that refuse, on every table              one transaction writes at a time

A fence outlives its controller. So every command carries the token of its controller, a number that is greater than
those of earlier ones, and a store refuses a command whose token is not the one that has taken over. A database without
transactions for that (MongoDB) gives each controller a login of its own, and revokes the rights of older ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from crossfade.errors import Busy
from crossfade.stores.contract.target import TargetTransaction

MOVE_BITS = 12
"""The lowest bits of a token are the same in all tokens of a move, and say of which move a fence is."""


def next_of_move(token: int) -> int:
    """Return the token with which a store itself takes over from this controller, of the same move."""
    return token + (1 << MOVE_BITS)


class Replaced(Busy):
    """another controller has taken over this fence; nothing was changed"""


@dataclass(frozen=True, slots=True)
class FenceState:
    """The state in the database, whatever a journal says. `token` is that of its controller; 0: there was none."""

    closed: bool
    token: int = 0
    passes: tuple[str, ...] = ()
    """Logins that can write although it is closed, or tables that it does not cover. With any of them it is no fence.
    """


class Fence(Protocol):
    """Closes a store to its applications, and opens it again. What Crossfade writes into a target passes it."""

    def check(self) -> Sequence[str]:
        """Return why it cannot be closed, one sentence each. Changes nothing."""
        ...

    def state(self) -> FenceState:
        """Return the state, read from the database itself."""
        ...

    def take_over(self, token: int) -> None:
        """Accept only commands of this token from now on. Returns when running commands of older tokens have ended.
        Raises Replaced if a later one has taken over.
        """
        ...

    def close(self, token: int, *, seconds: float) -> None:
        """Refuse writes from now on. When it returns, every transaction that wrote before has ended.

        If that takes longer than `seconds`, the state is as before, and the command has ended: raises Busy, with the
        sessions that did not end. Raises Replaced if the token has not taken over.
        """
        ...

    def open(self, token: int) -> None:
        """Let applications write again; twice is harmless. Raises Replaced if the token has not taken over."""
        ...

    def open_within(self, tx: TargetTransaction, token: int) -> None:
        """Like `open`, in a transaction of the same store: it opens with the commit. Raises Unsupported if the store
        cannot do that.
        """
        ...

    def close_for_good(self, token: int) -> None:
        """Leave it closed for good: Crossfade never opens it again, and nothing else of Crossfade is needed for it."""
        ...

    def remove(self, token: int | None = None) -> None:
        """Open it, and remove everything that was created for it. Calling it twice, or without a fence, is harmless.

        With a token (`FenceState.token`), only while that is the one of its controller: raises Replaced if another one
        has taken over. If it is interrupted, what is left still has a token of the same move, and calling it again
        finishes it.
        """
        ...
