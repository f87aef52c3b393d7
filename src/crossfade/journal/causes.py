"""The records in quarantine, grouped by cause, because a person rarely decides about a single record.

The target groups the entries without reading the raw records, and entries are read in pages: there may be millions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any

from crossfade.journal.clock import now
from crossfade.journal.entries import ENTRY, Entry, entry_of
from crossfade.journal.tables import QUARANTINE
from crossfade.stores.contract import TargetTransaction
from crossfade.stores.contract.journal import After, Condition, Either, Groups, Is, StartsWith

PAGE = 5000

MISSING, QUARANTINED, PRESENT, DISCARDED = "missing", "quarantined", "present", "discarded"
"""The states of a parent: no record makes it; its record is in quarantine; it is in the target now; a person discarded
it.
"""


PARENTS = {
    MISSING: "the parent is missing",
    QUARANTINED: "waits for a parent in quarantine",
    PRESENT: "the parent is in the target now: retry",
    DISCARDED: "the parent was discarded",
}
"""The same for people, on the screen and in the report."""


@dataclass(frozen=True, slots=True)
class Selection:
    """A selection of entries. `place` is a table, a column, or table.column; None for `state` means any."""

    entity: str | None = None
    reason: str | None = None
    place: str | None = None
    state: str | None = "open"

    @property
    def is_narrow(self) -> bool:
        """Whether it leaves out anything except closed entries."""
        return (self.entity, self.reason, self.place) != (None, None, None)

    @property
    def where(self) -> list[Condition]:
        """Return the selection as conditions on the journal's table."""
        given = {"entity": self.entity, "reason": self.reason, "state": self.state}
        found: list[Condition] = [Is(name, value) for name, value in given.items() if value is not None]
        return found if self.place is None else [*found, _at(self.place)]


def _at(place: str) -> Condition:
    """Return the condition for a table, a column, or both. Either name may contain dots."""
    dots = [at for at, letter in enumerate(place) if letter == "."]
    both = [(Is("target_table", place[:at]), Is("target_column", place[at + 1 :])) for at in dots]
    return Either(((Is("target_table", place),), (Is("target_column", place),), *both))


ALL_OPEN = Selection()


@dataclass(frozen=True, slots=True)
class Cause:
    """Entries with the same entity, reason, place and constraint. `examples` are the first of them by key.

    `parent` distinguishes the entries of a `foreign_key`: `quarantined` ones wait for another record, `missing` ones
    have no parent to wait for. None if unknown.
    """

    entity: str
    reason: str
    table: str | None
    column: str | None
    constraint: str | None
    parent: str | None
    count: int
    examples: tuple[Entry, ...]


def causes(tx: TargetTransaction, of: Selection = ALL_OPEN, *, examples: int = 3) -> list[Cause]:
    """Return the causes of these entries, the most frequent first."""
    by = ("entity", "reason", "target_table", "target_column", "target_constraint", "parent")
    groups = Groups(by, link="waits_for", linked="state", order=("record_key", "id"), first=examples)
    found: dict[tuple[Any, ...], dict[str | None, list[tuple[int, Entry]]]] = {}
    for size, state, row in tx.journal.groups(QUARANTINE, ENTRY, of.where, groups):
        e = entry_of(row)
        parent = _PARENT_NOW.get(state, e.parent)
        identity = (e.entity, e.reason, e.table, e.column, e.constraint, parent)
        found.setdefault(identity, {}).setdefault(f"{state} {e.parent}", []).append((size, e))
    return sorted((_cause(identity, parts, examples) for identity, parts in found.items()), key=_in_order)


_PARENT_NOW = {"retried": PRESENT, "discarded": DISCARDED}
"""The state of a parent by the state of its entry."""


def _cause(identity: tuple[Any, ...], parts: Mapping[Any, list[tuple[int, Entry]]], examples: int) -> Cause:
    """Merge the parts of a cause that the target counted separately."""
    entries = sorted((e for part in parts.values() for _, e in part), key=lambda e: (e.key or "", e.id))
    count = sum(part[0][0] for part in parts.values())
    entity, reason, table, column, constraint, parent = identity
    return Cause(entity, reason, table, column, constraint, parent, count, tuple(entries[:examples]))


def _in_order(cause: Cause) -> tuple[Any, ...]:
    place = place_of(cause.table, cause.column)
    return -cause.count, cause.entity, cause.reason, place, cause.constraint or "", cause.parent or ""


def pages(
    transaction: Callable[[], AbstractContextManager[TargetTransaction]], of: Selection = ALL_OPEN, *, size: int = PAGE
) -> Iterator[list[Entry]]:
    """Yield the entries by entity and reason. Each page is read in its own transaction."""
    order, after = ("entity", "reason", "id"), ("", "", "")
    while True:
        where = (*of.where, After(order, after))
        with transaction() as tx:
            rows = tx.journal.select(QUARANTINE, ENTRY, where, order=order, limit=size)
        page = [entry_of(row) for row in rows]
        if page:
            yield page
        if len(page) < size:
            return
        last = page[-1]
        after = (last.entity, last.reason, last.id)


def beginning_with(tx: TargetTransaction, beginning: str) -> list[Entry]:
    """Return the entries whose id begins with a text."""
    rows = tx.journal.select(QUARANTINE, ENTRY, (StartsWith("id", beginning),), order=("id",))
    return [entry_of(row) for row in rows]


def close_all(tx: TargetTransaction, of: Selection, state: str, note: str) -> dict[str, int]:
    """Close the open entries of a selection. Return their number for each entity."""
    where = replace(of, state="open").where
    counts: dict[str, int] = dict(tx.journal.count(QUARANTINE, ("entity",), where))
    tx.journal.update(QUARANTINE, {"state": state, "note": note, "noted_at": now()}, where)
    return counts


__all__ = ["ALL_OPEN", "Cause", "Selection", "beginning_with", "causes", "close_all", "pages"]


def place_of(table: str | None, column: str | None) -> str:
    """Return table.column, or the part that is known."""
    return ".".join(filter(None, (table, column)))
