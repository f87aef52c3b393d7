"""Stop the copy if so many records of an entity are refused that the fault is not in single records.

It is better to learn after a minute than after a night that a mapping does not fit half of the data.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from crossfade.errors import TooManyRefused
from crossfade.model.counts import Counts, counted
from crossfade.model.events import Refusals
from crossfade.model.rejection import Rejection


@dataclass(frozen=True, slots=True)
class StopAt:
    """The limit: a `share` of an entity's records, but at least `least` of them."""

    share: float
    least: int

    def reached(self, lost: int, of: int) -> bool:
        return lost >= self.least and lost > self.share * of


_GO_ON = "after fixing the records, crossfade copy; or raise limits.stop_at, then crossfade copy"
_WHILE_COPYING = f"after fixing the mapping, crossfade copy --restart; {_GO_ON}"
_AFTERWARDS = f"after fixing the mapping, crossfade reset, then crossfade run; {_GO_ON}"
"""Indexes and constraints may exist by then, so that a copy cannot be restarted."""


@dataclass
class Losses:
    """The losses of the chunks of this run. Raises TooManyRefused when there are too many."""

    stop_at: StopAt
    counts: dict[str, Counts] = field(default_factory=dict)
    causes: dict[str, Counter[tuple[str, str]]] = field(default_factory=dict)
    examples: dict[tuple[str, str, str], str] = field(default_factory=dict)

    def add(self, entity: str, counts: Counts, refused: tuple[Refusals, ...]) -> None:
        self.counts[entity] = self.counts.get(entity, Counts()) + counts
        causes = self.causes.setdefault(entity, Counter())
        for one in refused:
            causes[one.reason, one.place] += one.count
            self.examples.setdefault((entity, one.reason, one.place), one.example)
        own = self.counts[entity]
        if refused and self.stop_at.reached(own.quarantined, own.source):
            raise self._error(entity, own)

    def _error(self, entity: str, own: Counts) -> TooManyRefused:
        ((reason, place), count) = self.causes[entity].most_common(1)[0]
        share = own.quarantined / own.source
        return TooManyRefused(
            f"{own.quarantined:,} of the {counted(own.source, 'record')} of {entity} that this run read are in"
            f" quarantine ({share:.1%}; limits.stop_at is {self.stop_at.share:.1%}), most of them for {reason}"
            f"{f' at {place}' if place else ''} ({count:,}): {self.examples[entity, reason, place]}\n"
            "  the copy stopped; finished chunks are committed",
            hint=f"look at them: crossfade quarantine list --entity {entity}; {_WHILE_COPYING}",
        )


def require_few(stop_at: StopAt, lost: int, why: Rejection, rows: Mapping[str, int]) -> None:
    """Raise TooManyRefused if a constraint would remove too many of a table's rows from the target."""
    table = why.table or ""
    total = rows.get(table, 0)
    if total and stop_at.reached(lost, total):
        raise TooManyRefused(
            f"{lost:,} of the {counted(total, 'row')} of {table} break {why.constraint or why.column}"
            f" ({lost / total:.1%}; limits.stop_at is {stop_at.share:.1%}): {why.detail}\n  the copy stopped;"
            " all chunks are committed, and none of these rows was removed",
            hint=f"look at the result of the mapping: crossfade preview {table}; {_AFTERWARDS}",
        )
