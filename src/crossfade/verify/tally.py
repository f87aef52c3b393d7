"""Add up the results of the chunks. All differences are counted; only those that will be printed are stored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TypeVar

from crossfade.model.counts import Counts
from crossfade.model.rejection import Rejection
from crossfade.model.target import TargetTable
from crossfade.verify.chunk import ChunkResult, TableCount, added
from crossfade.verify.compare import CHANGED, DUPLICATE, EXTRA, MISSING
from crossfade.verify.keys import NO_FINDINGS, KeyFindings
from crossfade.verify.not_copied import NOTHING, Altered, NotCopied
from crossfade.verify.runs import Runs
from crossfade.verify.verdict import Difference, EntityVerdict, TableVerdict

_Order = tuple[str, int]
T = TypeVar("T")


class Tally:
    """The sum of the chunks' results. It does not depend on their order: the first differences by key are stored."""

    def __init__(self, feeds: Mapping[str, Sequence[str]], tables: Mapping[str, TargetTable], limit: int) -> None:
        self._feeds, self._target, self._limit = feeds, tables, limit
        self._accounts = {entity: Counts() for entity in feeds}
        self._uncounted: Counter[str] = Counter()
        self._records: dict[str, list[tuple[_Order, list[Rejection]]]] = {}
        self._seen: Counter[str] = Counter()
        self._altered: Counter[str] = Counter()
        self._altered_records: dict[str, list[tuple[_Order, list[Altered]]]] = {}
        self._remainders: dict[str, list[tuple[_Order, list[str]]]] = {}
        self._tables = {name: TableCount() for tables in feeds.values() for name in tables}
        self._named: dict[str, list[tuple[_Order, list[Difference]]]] = {}
        self._keys: dict[str, KeyFindings] = {}

    def add(self, result: ChunkResult) -> None:
        entity, order = result.chunk.entity, (result.chunk.entity, result.chunk.number)
        self._accounts[entity] += result.account
        self._uncounted[entity] += result.uncounted
        self._seen[entity] += result.seen.total()
        self._altered[entity] += len(result.altered)
        _keep(self._altered_records.setdefault(entity, []), order, result.altered, self._limit)
        _keep(self._remainders.setdefault(entity, []), order, result.remainders, self._limit)
        _keep(self._records.setdefault(entity, []), order, result.uncounted_records, self._limit)
        for name, count in result.tables.items():
            total = self._tables[name]
            total.rows += count.rows
            total.left_out = added(total.left_out, count.left_out)
            total.missing += count.missing
            total.changed_rows += count.changed_rows
            total.changed.update(count.changed)
            total.compared |= count.compared
            total.runs.join(count.runs)
            _keep(self._named.setdefault(name, []), order, count.differences, self._limit)

    def expected(self, table: str) -> tuple[int, Runs]:
        """Return how many of the expected rows were found, and the runs of all expected keys."""
        total = self._tables[table]
        return total.rows - total.missing, total.runs

    def add_keys(self, table: str, found: KeyFindings) -> None:
        self._keys[table] = found

    def entities(
        self, recorded: Mapping[str, Counts], not_copied: Mapping[str, NotCopied]
    ) -> tuple[EntityVerdict, ...]:
        return tuple(
            EntityVerdict(
                entity,
                self._accounts[entity],
                recorded.get(entity),
                self._uncounted[entity],
                tuple(_first(self._records.get(entity, []), self._limit)),
                max(0, len(not_copied.get(entity, NOTHING)) - self._seen[entity]),
                tuple(_first(self._remainders.get(entity, []), max(1, self._limit))),
                self._altered[entity],
                tuple(_first(self._altered_records.get(entity, []), self._limit)),
            )
            for entity in sorted(self._feeds)
        )

    def tables(self) -> tuple[TableVerdict, ...]:
        return tuple(self._table(name) for name in sorted(self._tables))

    def _table(self, name: str) -> TableVerdict:
        total, target, keys = self._tables[name], self._target[name], self._keys.get(name, NO_FINDINGS)
        differences = [*_first(self._named.get(name, []), self._limit), *self._of_keys(name, keys)]
        return TableVerdict(
            table=name,
            rows=total.rows,
            counts={
                CHANGED: total.changed.total(),
                MISSING: total.missing,
                EXTRA: keys.extra,
                DUPLICATE: keys.duplicate,
            },
            changed_columns=dict(sorted(total.changed.items())),
            changed_rows=total.changed_rows,
            compared=tuple(c.name for c in target.columns if c.name in total.compared),
            not_compared=tuple(c.name for c in target.columns if total.compared and c.name not in total.compared),
            differences=tuple(_fair(differences, self._limit)),
            left_out=total.left_out,
        )

    def _of_keys(self, table: str, keys: KeyFindings) -> list[Difference]:
        entity = ", ".join(sorted(e for e, tables in self._feeds.items() if table in tables))
        return [
            Difference(kind, entity, table, key, None, None, _times(expected), _times(found))
            for kind, key, expected, found in keys.named
        ]


def _times(count: int) -> str:
    return "no row" if count == 0 else "a row" if count == 1 else f"{count} rows"


def _keep(stored: list[tuple[_Order, list[T]]], order: _Order, items: list[T], limit: int) -> None:
    """Add the items of a chunk, and drop items beyond the limit."""
    if items:
        stored.append((order, items))
        stored.sort(key=lambda pair: pair[0])
        while len(stored) > 1 and sum(len(items) for _, items in stored[:-1]) >= limit:
            stored.pop()


def _first(stored: list[tuple[_Order, list[T]]], limit: int) -> list[T]:
    return [item for _, items in stored for item in items][:limit]


def _fair(differences: list[Difference], limit: int) -> list[Difference]:
    """Return the first of each kind if not all fit, so that many changed values do not hide a single extra row."""
    if len(differences) <= limit:
        return differences
    kinds = sorted({d.kind for d in differences})
    share = max(1, limit // len(kinds))
    chosen = [d for kind in kinds for d in [d for d in differences if d.kind == kind][:share]]
    rest = [d for d in differences if d not in chosen]
    return (chosen + rest)[:limit]
