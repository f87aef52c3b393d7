"""What a source holds, each thing named with its class and with what becomes of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class EntityInfo:
    """One thing that the source holds. `entity_class`: collection, capped, clustered, view, timeseries,
    gridfs_files, gridfs_chunks, system.

    `plan` is one sentence on what becomes of it. `copied` says whether a move takes it up unless told otherwise.
    `count` and `bytes` are the source's own estimate, good for progress bars and for the number of workers only.
    """

    name: str
    entity_class: str
    plan: str
    copied: bool
    count: int
    bytes: int
    indexes: tuple[Mapping[str, Any], ...] = ()
    options: Mapping[str, Any] | None = None
    torn: str = ""
    """Why a part of it cannot be read, of which nobody knows how many records it holds; "" where it is whole."""
    unread: bool = False
    """Whether it holds records, or may hold some, that cannot be read here and now."""
    identity: str = ""
    """What tells it from another of its name (model/identity.py); "" where nothing does."""


class Inspector(Protocol):
    def entities(self, named: Sequence[str] = (), *, sized: bool = True) -> Sequence[EntityInfo]:
        """Everything there, sorted by name; nothing is left unnamed.

        Where the login may not list everything, those `named` (all that the move takes) are enough. Without `sized`
        only what is known at once is told of each: its name, class and plan, and a count where that takes no time.
        """
        ...

    def place(self) -> tuple[str, tuple[str, ...]]:
        """The database's name, and the names that the source has for where it is (model/identity.py)."""
        ...

    def version(self) -> str:
        """Product and version, for reports."""
        ...
