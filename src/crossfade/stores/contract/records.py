"""Writes records into a source after its cutover, when applications write to the target: the way back.

A fenced store accepts them only from Crossfade. Each run that writes has a number, greater than those of earlier ones,
and every transaction writes it into the *guard*: so a run that was replaced can no longer commit, wherever it was
suspended, and taking over waits for the transactions of the older one.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class RecordChange:
    """A record (raw, as the reader returns it) before and after; None: there is none."""

    entity: str
    key: str
    before: bytes | None
    after: bytes | None


@dataclass(frozen=True, slots=True)
class RecordRefused:
    """Why the store refuses a record. `reason` as in docs/reference/errors.md."""

    reason: str
    detail: str


class RecordWriter(Protocol):
    def check(self, entities: Sequence[str]) -> Sequence[str]:
        """Return why records of these entities cannot be written, one sentence each. Changes nothing."""
        ...

    def take_over(self, slot: str, number: int, entities: Sequence[str]) -> None:
        """Let only the run with this number write, among those that use the slot. When it returns, the transactions of
        earlier runs have ended. Raises Replaced if a later one has taken over.

        `entities` are those of the move. The store itself deletes and changes none of their records: a deletion with
        which it would (ON DELETE CASCADE, SET NULL) is refused, unless those records are deleted by the same write. An
        update with which it would (ON UPDATE CASCADE, SET NULL) is not: see `changes_with`.
        """
        ...

    def changes_with(self, changes: Sequence[RecordChange]) -> Collection[tuple[str, str]]:
        """Return entity and key of the records that the store itself would change with these: they have to be put back
        once more.
        """
        ...

    def write(self, slot: str, number: int, changes: Sequence[RecordChange]) -> Mapping[int, RecordRefused]:
        """Write records, each with a key of its own. Return those that are refused, by their position: they are
        unchanged; all others are durable. Raises Replaced if another run has taken over.
        """
        ...

    def remove(self, slot: str) -> None:
        """Remove what was created for the slot. Calling it twice is harmless."""
        ...

    def close(self) -> None: ...
