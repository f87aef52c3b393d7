"""Collect what stays in the source, from the discards, the settings and the source itself (verify/not_carried.py)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from crossfade.journal import journal
from crossfade.journal.status import Status
from crossfade.mapping.coverage.partial import changed as changed_parts
from crossfade.mapping.coverage.uncovered import discarded
from crossfade.model.shape import parse_path
from crossfade.move.context import Context
from crossfade.move.inventory import DISCARDED, LEFT_OUT, NOT_COPIED, Inventoried
from crossfade.project import Discard
from crossfade.verify.not_carried import Changed, LeftBehind


def left_behind(context: Context, found: Status, standings: Sequence[Inventoried]) -> list[LeftBehind]:
    """Return everything that stays: entities first, then records, paths, rows, and what is not data."""
    return [
        *_entities(found, standings),
        *_records(context, found),
        *_paths(context),
        *(LeftBehind("rows", d.table, d.reason) for d in context.discards if d.table),
        *(LeftBehind("not_copied", s.entity, s.reason) for s in standings if s.fate == NOT_COPIED),
    ]


def _entities(found: Status, standings: Sequence[Inventoried]) -> Iterator[LeftBehind]:
    counts = {e.entity: e.counts.discarded for e in found.entities}
    for s in standings:
        if s.fate == DISCARDED:
            yield LeftBehind("entity", s.entity, s.reason, counts.get(s.entity))
        elif s.fate == LEFT_OUT:
            yield LeftBehind("left_out", s.entity, s.reason, s.records)


def _records(context: Context, found: Status) -> Iterator[LeftBehind]:
    """Yield the records that a person discarded one by one, then those that match the condition of a discard."""
    with context.transaction() as tx:
        by_person = journal.discarded_by_person(tx)
    for (entity, note), records in by_person.items():
        yield LeftBehind("quarantine", entity, note, records)
    counts = {e.entity: e.counts.discarded for e in found.entities}
    conditions = sorted((d for d in context.discards if d.where is not None), key=lambda d: d.entity or "")
    for entity, same in groupby(conditions, key=lambda d: d.entity or ""):
        together = list(same)
        rest = counts.get(entity, 0) - sum(n for (e, _), n in by_person.items() if e == entity)
        reason = "; ".join(f"{d.reason} ({d.where})" for d in together)
        yield LeftBehind("records", entity, reason, rest)


def _paths(context: Context) -> Iterator[LeftBehind]:
    for discard in sorted(_of_paths(context), key=lambda d: (d.entity or "", d.path or "")):
        yield LeftBehind("path", _place(discard), discard.reason, None, _values(context, discard))


def _of_paths(context: Context) -> list[Discard]:
    return [d for d in context.discards if d.entity is not None and d.path is not None]


def _place(discard: Discard) -> str:
    types = f" ({', '.join(discard.types)})" if discard.types else ""
    return f"{discard.entity}.{discard.path}{types}"


def _values(context: Context, discard: Discard) -> int | None:
    """Return the number of values that the survey found there."""
    shape = context.shapes.get(discard.entity or "")
    try:
        node = shape.node(parse_path(discard.path or "")) if shape is not None else None
    except ValueError:
        return None
    if node is None:
        return 0
    return sum(s.count for t, s in node.types.items() if not discard.types or t in discard.types)


def changed(context: Context) -> list[Changed]:
    out = []
    for part in changed_parts(context.program, context.shapes):
        named = [d for d in _of_paths(context) if d.entity == part.entity]
        reasons = [d.reason for d in named if any(discarded(part.path, t, [d]) for t in part.types)]
        reason = "; ".join(dict.fromkeys(reasons)) or None
        out.append(Changed(part.place, sum(part.types.values()), part.by, part.columns, reason))
    return out
