"""What a source contains, each thing with its class and what the move does with it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from crossfade.model.counts import counted
from crossfade.model.findings import Finding
from crossfade.model.shape import Shape

_MOVE = re.compile(r"(in_[a-z0-9_]+_)?move")
"""The table of a journal that identifies the move, of all entities or of a group."""


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
    """Its indexes, except that of its key. They are not copied; each is as the store describes it."""
    options: Mapping[str, Any] | None = None
    torn: str = ""
    """Why a part with an unknown number of records cannot be read; "" if there is no such part."""
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

    def altered(self, shapes: Collection[Shape]) -> Mapping[str, Sequence[str]]:
        """Return, of the entities of these shapes, those that the source declares otherwise than the survey saw: with
        other columns, or another key. Each has a sentence for each difference. None if only records say what they have.
        """
        ...

    def doubtful(self, entities: Collection[str]) -> Sequence[Finding]:
        """Return notes on what the store does by itself with records of these entities: it removes some, or a rule of a
        table rewrites what is put back.
        """
        ...

    def place(self) -> tuple[str, tuple[str, ...]]:
        """Return the database's name, and the source's own names of its servers (model/identity.py)."""
        ...

    def version(self) -> str:
        """Return product and version, for reports."""
        ...


def journal_in(names: Iterable[str], prefix: str) -> tuple[Collection[str], Sequence[EntityInfo]]:
    """Return which of these names are of the journal of a move into the database, and one entry for all of them."""
    own = {name for name in names if name.startswith(prefix)}
    if not any(_MOVE.fullmatch(name.removeprefix(prefix)) for name in own):
        return frozenset(), ()
    plan = f"not copied, because it is the journal of a move into this database ({counted(len(own), 'table')})"
    return own, (EntityInfo(f"{prefix}*", "system", plan, False, 0, 0),)
