"""Refuses the writes of applications to a database of this process. The fence is part of the catalog, and is committed
with the transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from crossfade.stores.contract import Fence, FenceState, Replaced, TargetTransaction
from crossfade.stores.memory.database import Database
from crossfade.stores.memory.target import MemoryTransaction


class MemoryFence:
    def __init__(self, database: Database) -> None:
        self._database = database

    def check(self) -> Sequence[str]:
        return []

    def state(self) -> FenceState:
        return self._database.catalog.fence

    def take_over(self, token: int) -> None:
        def taken_over(now: FenceState) -> FenceState:
            if now.token > token:
                raise Replaced()
            return replace(now, token=token)

        self._change(taken_over)

    def close(self, token: int, *, seconds: float) -> None:
        self._change(lambda now: replace(_ours(now, token), closed=True))

    def open(self, token: int) -> None:
        self._change(lambda now: replace(_ours(now, token), closed=False))

    def open_within(self, tx: TargetTransaction, token: int) -> None:
        assert isinstance(tx, MemoryTransaction), "not a transaction of this store"
        tx.catalog.fence = replace(_ours(tx.catalog.fence, token), closed=False)

    def close_for_good(self, token: int) -> None:
        self._change(lambda now: FenceState(_ours(now, token).closed))

    def remove(self, token: int | None = None) -> None:
        self._change(lambda now: replace(_ours(now, now.token if token is None else token), closed=False, token=0))

    def _change(self, change: Callable[[FenceState], FenceState]) -> None:
        """Change the state. Writes to entities take the same lock: earlier ones have ended."""
        self._database.writing.take()
        try:
            with self._database.history.turn:
                self._database.catalog.fence = change(self._database.catalog.fence)
        finally:
            self._database.writing.leave()


def _ours(now: FenceState, token: int) -> FenceState:
    if now.token != token:
        raise Replaced()
    return now


_: type[Fence] = MemoryFence
