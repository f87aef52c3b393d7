"""The records in quarantine, by cause: what a person decides about is seldom one record.

All of it is asked of the target in SQL, without the raw records, and entries come in pages: there may be millions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from crossfade.journal.journal import Entry, entry_of, now
from crossfade.journal.queries import queries
from crossfade.stores.contract import TargetTransaction

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
    def values(self) -> dict[str, str | None]:
        return {"entity": self.entity, "reason": self.reason, "place": self.place, "state": self.state}


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
    """The most frequent first."""
    rows = tx.execute(queries()["find_causes"], {**of.values, "examples": examples})
    found = [(count, parent, entry_of(entry)) for count, parent, *entry in rows]
    return [_cause([(c, p, e) for c, p, e in group]) for _, group in groupby(found, key=_identity)]


def _identity(found: tuple[int, str | None, Entry]) -> tuple[Any, ...]:
    _, parent, e = found
    return e.entity, e.reason, e.table, e.column, e.constraint, parent


def _cause(group: list[tuple[int, str | None, Entry]]) -> Cause:
    count, parent, first = group[0]
    examples = tuple(entry for _, _, entry in group)
    return Cause(first.entity, first.reason, first.table, first.column, first.constraint, parent, count, examples)


def pages(
    transaction: Callable[[], AbstractContextManager[TargetTransaction]], of: Selection = ALL_OPEN, *, size: int = PAGE
) -> Iterator[list[Entry]]:
    """The entries, by entity and reason, each page read in a transaction of its own."""
    after = {"after_entity": "", "after_reason": "", "after_id": ""}
    while True:
        with transaction() as tx:
            page = [entry_of(row) for row in tx.execute(queries()["find_page"], {**of.values, **after, "size": size})]
        if page:
            yield page
        if len(page) < size:
            return
        last = page[-1]
        after = {"after_entity": last.entity, "after_reason": last.reason, "after_id": last.id}


def beginning_with(tx: TargetTransaction, beginning: str) -> list[Entry]:
    """The entries whose id begins so."""
    rows = tx.execute(queries()["find_beginning"], {"beginning": beginning, "length": len(beginning)})
    return [entry_of(row) for row in rows]


def close_all(tx: TargetTransaction, of: Selection, state: str, note: str) -> dict[str, int]:
    """Closes the open entries of a selection; entity -> how many."""
    values = {**of.values, "state": "open"}
    counts: dict[str, int] = dict(tx.execute(queries()["count_selected"], values))
    tx.execute(queries()["close_selected"], {**values, "to": state, "note": note, "now": now()})
    return counts


__all__ = ["ALL_OPEN", "Cause", "Selection", "beginning_with", "causes", "close_all", "pages"]


def place_of(table: str | None, column: str | None) -> str:
    """table.column, as far as it is known."""
    return ".".join(filter(None, (table, column)))
