"""What a source holds, each thing with its class and what the move does with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class EntityInfo:
    """One thing that the source holds. `entity_class`: collection, capped, clustered, view, timeseries,
    gridfs_files, gridfs_chunks, system.

    `plan` is one sentence on what the move does with it. `copied` says whether a move copies it by default.
    `count` and `bytes` are the source's own estimates, only for progress bars and the number of workers.
    """

    name: str
    entity_class: str
    plan: str
    copied: bool
    count: int
    bytes: int
    indexes: tuple[str, ...] = ()
    """Its indexes but that of its key, which are not copied, each as the store describes it."""
    options: Mapping[str, Any] | None = None
    torn: str = ""
    """Why a part with an unknown number of records cannot be read; "" if it is whole."""
    unread: bool = False
    """Whether it holds, or may hold, records that cannot be read now."""
    identity: str = ""
    """What distinguishes it from another of the same name (model/identity.py); "" if nothing does."""


class Inspector(Protocol):
    def entities(self, named: Sequence[str] = (), *, sized: bool = True) -> Sequence[EntityInfo]:
        """List everything, sorted by name.

        If the login may not list everything, those `named` (all that the move reads) are enough. Without `sized` only
        what is known at once is returned: name, class and plan, and a count if that takes no time.
        """
        ...

    def place(self) -> tuple[str, tuple[str, ...]]:
        """Return the database's name, and the source's own names of its servers (model/identity.py)."""
        ...

    def version(self) -> str:
        """Return product and version, for reports."""
        ...
