"""The records in quarantine, by cause: what a person decides about is seldom one record.

All of it is asked of the target, without the raw records, and entries come in pages: there may be millions.
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
"""What is known of a parent: no record makes it; the record that does is in quarantine; it is in the target by now; it
was discarded by a person.
"""


PARENTS = {
    MISSING: "the parent is missing",
    QUARANTINED: "waits for a parent in quarantine",
    PRESENT: "the parent is in the target now: retry",
    DISCARDED: "the parent was discarded",
}
"""The same for people: on a screen and in the report."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Some entries. `place` is a table, a column, or table.column; `state` None means any."""

    entity: str | None = None
    reason: str | None = None
    place: str | None = None
    state: str | None = "open"

    @property
    def is_narrow(self) -> bool:
        """Whether it leaves out anything but closed entries."""
        return (self.entity, self.reason, self.place) != (None, None, None)

    @property
    def where(self) -> list[Condition]:
        """The same as conditions on the journal's table."""
        given = {"entity": self.entity, "reason": self.reason, "state": self.state}
        found: list[Condition] = [Is(name, value) for name, value in given.items() if value is not None]
        return found if self.place is None else [*found, _at(self.place)]


def _at(place: str) -> Condition:
    """A table, a column, or both; either name may have dots."""
    dots = [at for at, letter in enumerate(place) if letter == "."]
    both = [(Is("target_table", place[:at]), Is("target_column", place[at + 1 :])) for at in dots]
    return Either(((Is("target_table", place),), (Is("target_column", place),), *both))


ALL_OPEN = Selection()


@dataclass(frozen=True, slots=True)
class Cause:
    """Entries with the same entity, reason, place and constraint. `examples` are the first of them, by key.

    `parent` tells those of a `foreign_key` apart: `quarantined` only wait for another record, `missing` wait for
    nothing. None where that is not known.
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
"""What became of the entry that one waits for."""


def _cause(identity: tuple[Any, ...], parts: Mapping[Any, list[tuple[int, Entry]]], examples: int) -> Cause:
    """Parts of one cause that the target counted apart, together."""
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
    """The entries, by entity and reason, each page read in a transaction of its own."""
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
    """The entries whose id begins so."""
    rows = tx.journal.select(QUARANTINE, ENTRY, (StartsWith("id", beginning),), order=("id",))
    return [entry_of(row) for row in rows]


def close_all(tx: TargetTransaction, of: Selection, state: str, note: str) -> dict[str, int]:
    """Closes the open entries of a selection; entity -> how many."""
    where = replace(of, state="open").where
    counts: dict[str, int] = dict(tx.journal.count(QUARANTINE, ("entity",), where))
    tx.journal.update(QUARANTINE, {"state": state, "note": note, "noted_at": now()}, where)
    return counts


__all__ = ["ALL_OPEN", "Cause", "Selection", "beginning_with", "causes", "close_all", "pages"]


def place_of(table: str | None, column: str | None) -> str:
    """table.column, as far as it is known."""
    return ".".join(filter(None, (table, column)))
