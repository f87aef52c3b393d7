"""Which of many records the target refuses: they are tried in halves, each on top of those that went in before.

Records that belong together (a child and its parent, two that exchange a value) are tried together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from crossfade.errors import CrossfadeError
from crossfade.model.rejection import Rejection
from crossfade.pipeline.difference import difference
from crossfade.pipeline.load import FEW, rejection_of
from crossfade.pipeline.settle import Settled
from crossfade.pipeline.view import View
from crossfade.pipeline.writing import attempt
from crossfade.runtime.session import Session
from crossfade.stores.contract import RowRejected, TargetTransaction


class _Back(Exception):
    """Rolls back one try."""


@dataclass
class Search:
    """Call `search` inside a savepoint that is rolled back: what goes in stays until then."""

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
        """Raise CrossfadeError if not one of many records goes in, for an error that could be the server's."""
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
        if refusal is None:
            self.went_in += sum(map(len, groups))
        elif len(groups) == 1:
            self._blame(groups[0], refusal)
        else:
            half = len(groups) // 2
            self._try(groups[:half])
            self._try(groups[half:])

    def _attempt(self, records: set[int], rejected: Mapping[int, Rejection] | None = None) -> RowRejected | None:
        changes = difference(self.view, self.settled.rejected if rejected is None else rejected, records)
        return attempt(self.s, self.tx, changes) if changes else None

    def _blame(self, group: set[int], refusal: RowRejected) -> None:
        """Of a group: those whose rows are refused whatever the others do; else the first without which the others go
        in; else all.
        """
        self.doubtful += refusal.doubtful
        if len(group) > 1:
            alone = {number: why for number in sorted(group) if (why := self._alone(number)) is not None}
            if alone:
                self.found |= {number: rejection_of(number, why) for number, why in alone.items()}
                return
        inside = self.view.inside
        in_turn = sorted(group, key=lambda n: (self.view.records[n].who in inside, -n))
        culprit = next((n for n in in_turn if len(group) > 1 and self._goes_without(group, n)), None)
        self.found |= {n: rejection_of(n, refusal) for n in (in_turn if culprit is None else [culprit])}

    def _alone(self, number: int) -> RowRejected | None:
        """What the target says of a record's own rows, but for what others could change."""
        refusal: RowRejected | None = None
        with suppress(_Back), self.tx.savepoint():
            refusal = self._attempt({number})
            raise _Back
        return None if refusal is None or refusal.reason in ("foreign_key", "unique", "exclusion") else refusal

    def _goes_without(self, group: set[int], number: int) -> bool:
        without = {**self.settled.rejected, number: Rejection(number, "", "")}
        refusal: RowRejected | None = None
        with suppress(_Back), self.tx.savepoint():
            refusal = self._attempt(group, without)
            raise _Back
        return refusal is None


def _groups(view: View, settled: Settled) -> list[set[int]]:
    """Records that belong together; those that have nothing to write are in none that could be refused."""
    group = {record.number: {record.number} for record in view.records}
    pairs = [*settled.linked, *((rs[0].number, r.number) for rs in view.by_who.values() for r in rs[1:])]
    for one, other in pairs:
        if group[one] is not group[other]:
            joined = group[one] | group[other]
            group.update(dict.fromkeys(joined, joined))
    return list({min(members): members for members in group.values()}.values())
