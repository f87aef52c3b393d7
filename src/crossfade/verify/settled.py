"""The verdict on a source that is followed: the differences that are real."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from crossfade.model.counts import Counts
from crossfade.model.target import TargetTable
from crossfade.verify.compare import CHANGED
from crossfade.verify.listed import Unequal
from crossfade.verify.verdict import KINDS, Difference, EntityVerdict, TableVerdict


def entity_verdict(
    entity: str, found: Counts, recorded: Counts | None, moving: int, findings: Sequence[Unequal], limit: int
) -> EntityVerdict:
    """Return the verdict on an entity. `findings` are those of all entities."""
    own = [one for one in findings if one.entity == entity]
    uncounted = [one.uncounted for one in own if one.uncounted is not None]
    altered = [one.altered for one in own if one.altered is not None]
    return EntityVerdict(
        entity,
        found,
        recorded,
        len(uncounted),
        tuple(uncounted[:limit]),
        sum(one.not_in_source for one in own),
        (),
        len(altered),
        tuple(altered[:limit]),
        moving,
    )


def table_verdict(
    table: TargetTable,
    first: TableVerdict | None,
    rows: int,
    compared: Iterable[str],
    found: Sequence[Difference],
    more: int,
    limit: int,
) -> TableVerdict:
    """Return the verdict on a table: `found` are its differences, and `more` how many were not named."""
    counts = Counter(one.kind for one in found)
    counts["extra"] += more
    columns = Counter(str(one.column) for one in found if one.kind == CHANGED)
    named = set(compared)
    verdict = first or TableVerdict(
        table.name, rows, {}, {}, 0, tuple(c.name for c in table.columns if c.name in named), (), (), 0
    )
    return replace(
        verdict,
        counts={kind: counts[kind] for kind in KINDS},
        changed_columns=dict(sorted(columns.items())),
        changed_rows=len({(one.key, one.record) for one in found if one.kind == CHANGED}),
        differences=tuple(found[:limit]),
    )


def by_table(findings: Iterable[Unequal], strays: Iterable[Difference]) -> Mapping[str, list[Difference]]:
    """Return all differences by table."""
    out: dict[str, list[Difference]] = {}
    for one in (*(d for finding in findings for d in finding.differences), *strays):
        out.setdefault(one.table, []).append(one)
    return out
