"""Find the records that the target refuses: they are tried in halves, each on top of those that were accepted before.

Records that the target names, and refuses regardless of the others, need no halves. Records that belong together (a
child and its parent, two that exchange a value) are tried together.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from crossfade.errors import CrossfadeError
from crossfade.model.rejection import Rejection
from crossfade.pipeline.claims import Settled
from crossfade.pipeline.difference import TableChange, difference
from crossfade.pipeline.load import FEW, rejection_of
from crossfade.pipeline.view import View
from crossfade.pipeline.writing import attempt
from crossfade.runtime.session import Session
from crossfade.stores.contract import RowRejected, TargetTransaction

OTHERS = ("foreign_key", "unique", "exclusion")
"""Reasons that depend on the rows of others."""


class _Back(Exception):
    """Rolls back one try."""


@dataclass
class Search:
    """Call `search` inside a savepoint that is rolled back. Until then, accepted records stay."""

    s: Session
    tx: TargetTransaction
    view: View
    settled: Settled
    found: dict[int, Rejection] = field(default_factory=dict)
    doubtful: int = 0
    went_in: int = 0

    def search(self) -> None:
        self._try(_groups(self.view, self.settled))

    def require_some(self) -> None:
        """Raise CrossfadeError if none of many records is accepted, for an error that could be the server's."""
        if not self.went_in and self.doubtful >= FEW:
            first = next(iter(self.found.values()))
            raise CrossfadeError(
                f"the target refuses every row: {first.detail}; nothing of {len(self.found):,} records was written",
                hint="look at the table's checks and generated columns, and at the functions that they call",
            )

    def _try(self, groups: Sequence[set[int]]) -> None:
        if not groups:
            return
        refusal = self._attempt(set().union(*groups))
        while refusal is not None and (named := self._named(refusal)):
            self.found |= named
            groups = [group for group in groups if not group & named.keys()]
            refusal = self._attempt(set().union(*groups))
        if refusal is None:
            self.went_in += sum(map(len, groups))
        elif len(groups) == 1:
            self._blame(groups[0], refusal)
        else:
            half = len(groups) // 2
            self._try(groups[:half])
            self._try(groups[half:])

    def _attempt(self, records: set[int], rejected: Mapping[int, Rejection] | None = None) -> RowRejected | None:
        return self._write(difference(self.view, self.settled.rejected if rejected is None else rejected, records))

    def _write(self, changes: Sequence[TableChange]) -> RowRejected | None:
        return attempt(self.s, self.tx, changes) if changes else None

    def _named(self, refusal: RowRejected) -> dict[int, Rejection]:
        """Return the records whose own rows the target names, for a reason that does not depend on others."""
        found: dict[int, Rejection] = {}
        for one, who in zip(refusal.rows, refusal.owners, strict=False) if refusal.reason not in OTHERS else ():
            records = self.view.by_who.get(who, ())
            if len(records) == 1 and one.reason not in OTHERS:
                number = records[0].number
                found.setdefault(number, replace(one, row=number, table=one.table or refusal.table))
        return {number: why for number, why in found.items() if number not in self.found}

    def _blame(self, group: set[int], refusal: RowRejected) -> None:
        """Reject the records of a group that are refused regardless of the others, or else one without which others are
        accepted.
        """
        self.doubtful += refusal.doubtful
        if len(group) > 1:
            alone = {number: why for number in sorted(group) if (why := self._alone(number, refusal)) is not None}
            if alone:
                self.found |= {number: rejection_of(number, why) for number, why in alone.items()}
                return
        self.found |= {n: rejection_of(n, refusal) for n in self._culprits(group)}

    def _alone(self, number: int, refusal: RowRejected) -> RowRejected | None:
        """Return the target's refusal of a record's own rows, unless other records could change it."""
        changes = difference(self.view, self.settled.rejected, {number})
        why = self._tried(changes)
        if why is None or why.reason not in OTHERS:
            return why
        # A refusal that depends on others is reported first, and may hide the reason for which the group is refused.
        own = (piece for change in changes if change.table.name == refusal.table for piece in change.written())
        return None if refusal.reason in OTHERS else next(filter(None, map(self._of_rows, own)), None)

    def _of_rows(self, change: TableChange) -> RowRejected | None:
        why = self._tried([change])
        if why is None or why.reason not in OTHERS:
            return why
        return next(filter(None, map(self._of_rows, change.halves())), None)

    def _tried(self, changes: Sequence[TableChange]) -> RowRejected | None:
        refusal: RowRejected | None = None
        with suppress(_Back), self.tx.savepoint():
            refusal = self._write(changes)
            raise _Back
        return refusal

    # -- no record is refused alone

    def _culprits(self, group: set[int]) -> Sequence[int]:
        """Return the first record without which the others are accepted, preferably one that has no rows yet. Return
        all of them if no single one is the reason.
        """
        inside, count = self.view.inside, len(group)
        in_turn = sorted(group, key=lambda n: (self.view.records[n].who in inside, -n))
        first = next((n for n in in_turn if count > 1 and self._go_without(group, {n})), None)
        if first is not None:
            return [first]
        if count == 1 or not self._go_without(group, group):
            return in_turn
        enough = range(1, count + 1)
        found = bisect_left(enough, True, key=lambda n: self._go_without(group, self._with_children(in_turn[:n])))
        return [in_turn[min(found, count - 1)]]

    def _go_without(self, group: set[int], out: set[int]) -> bool:
        without = {**self.settled.rejected, **{number: Rejection(number, "", "") for number in out}}
        return self._tried(difference(self.view, without, group)) is None

    def _with_children(self, records: Iterable[int]) -> set[int]:
        """Return them, with the records that need them, directly or indirectly."""
        found, todo = set[int](), set(records)
        while todo:
            found |= todo
            todo = {child for child, parent in self.settled.needing if parent in todo} - found
        return found


def _groups(view: View, settled: Settled) -> list[set[int]]:
    """Return the groups of records that belong together."""
    group = {record.number: {record.number} for record in view.records}
    pairs = [*settled.linked, *((rs[0].number, r.number) for rs in view.by_who.values() for r in rs[1:])]
    for one, other in pairs:
        if group[one] is not group[other]:
            joined = group[one] | group[other]
            group.update(dict.fromkeys(joined, joined))
    return list({min(members): members for members in group.values()}.values())
