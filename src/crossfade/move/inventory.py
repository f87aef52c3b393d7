"""What happens to each entity that the source holds now: none may be missed.

Since the survey, a collection may have been created, a table may have got a column, and a dump may have parts that are
not read. `check`, `status` and `verify` list the source's entities again, and report those that are not accounted for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from crossfade.assess.survey import choose
from crossfade.errors import CrossfadeError, Unreachable
from crossfade.model.counts import counted
from crossfade.model.findings import Finding
from crossfade.model.patterns import matching
from crossfade.model.quoting import toml_string
from crossfade.move import surveying
from crossfade.move.context import Context
from crossfade.stores.contract import EntityInfo, need
from crossfade.verify import conclusion

COPIED, DISCARDED, LEFT_OUT, NOT_COPIED = "copied", "discarded", "left_out", "not_copied"
UNMAPPED, UNSURVEYED, UNREAD, GONE = "unmapped", "unsurveyed", "unread", "gone"
ALTERED = "altered"
FAULTS = frozenset({UNMAPPED, UNSURVEYED, UNREAD})
"""Fates that are faults: the records are neither copied nor discarded."""

UNCOUNTED = "(could not be counted)"


@dataclass(frozen=True)
class Inventoried:
    """One entity of the source, and its fate.

    COPIED: a mapping has it as its root. DISCARDED: as a whole, with a reason. LEFT_OUT: `entities` in crossfade.toml
    does not name it. NOT_COPIED: it holds no records of its own, or the server's (a view, system.views). UNMAPPED: no
    mapping has it as its root. UNSURVEYED: source.lock.json does not know it. UNREAD: a part of a dump that is not
    read. GONE: it is in source.lock.json, and not in the source.

    `reason` says why. `records` counts those of a fault and of what is left out; None: not counted, or not countable.
    """

    entity: str
    fate: str
    reason: str
    records: int | None = None


def inventory(context: Context, entities: Sequence[EntityInfo] | None = None) -> list[Inventoried]:
    """Return every entity, sorted by name."""
    found = surveying.entities(context, sized=False) if entities is None else entities
    reasons = {d.entity: d.reason for d in context.discards if d.entity and d.is_whole}
    chosen = {info.name for info in choose(found, context.project.settings.entities)}
    feeds = context.compiled.draft.feeds.values()  # faults of mappings are reported elsewhere
    fed = {f.entity for f in feeds if f.branches} | context.compiled.unknown
    standings = [_standing(context, info, fed, reasons, info.name in chosen) for info in found]
    there = {info.name for info in found}
    missing = "it is in source.lock.json, but not in the source"
    gone = [Inventoried(entity, GONE, missing) for entity in context.shapes if entity not in there]
    return sorted([*standings, *gone], key=lambda s: s.entity)


def _standing(
    context: Context, info: EntityInfo, fed: set[str], reasons: Mapping[str, str], chosen: bool
) -> Inventoried:
    name = info.name
    if name in fed:
        return Inventoried(name, COPIED, info.plan)
    if name in reasons:
        records = count(context, name) if name in _as_empty(context) else 0
        if records:
            return Inventoried(name, UNSURVEYED, "it is discarded as empty, but is no longer empty", records)
        return Inventoried(name, DISCARDED, reasons[name])
    if info.unread:
        by_pattern = next((why for text, why in reasons.items() if matching(text, [name])), None)
        return Inventoried(name, UNREAD, info.plan) if by_pattern is None else Inventoried(name, DISCARDED, by_pattern)
    if not chosen and info.copied:
        why = "`entities` in crossfade.toml does not name it"
        return Inventoried(name, LEFT_OUT, why, info.count or _count_if_possible(context, name))
    if not chosen:
        return Inventoried(name, NOT_COPIED, info.plan)
    if name not in context.shapes:
        return Inventoried(name, UNSURVEYED, "it is in the source, but not in source.lock.json", count(context, name))
    return Inventoried(name, UNMAPPED, "no mapping has it as its root", count(context, name))


def altered(context: Context) -> Mapping[str, Sequence[str]]:
    """Return the entities whose columns or key the source declares otherwise than the survey saw, each with the
    differences, from its catalog. What is discarded as a whole matters only if a mapping looks it up.
    """
    whole = {d.entity for d in context.discards if d.is_whole}
    looked_up = {lookup.entity for branch in context.compiled.draft.branches for lookup in branch.lookups}
    shapes = [shape for entity, shape in context.shapes.items() if entity not in whole or entity in looked_up]
    return need(context.source.inspector, context.source, "be inspected").altered(shapes)


def is_altered(entity: str, differences: Sequence[str]) -> str:
    """Return as a sentence that an entity is altered."""
    return f"{entity} has changed since the survey: {'; '.join(differences)} (crossfade survey, then crossfade check)"


def _as_empty(context: Context) -> set[str]:
    """Return the entities that are discarded only because they were empty at the time of the survey."""
    whole = [d for d in context.discards if d.entity and d.is_whole]
    return {d.entity for d in whole if d.empty and d.entity} - {d.entity for d in whole if not d.empty}


def count(context: Context, entity: str) -> int:
    source = context.source
    return need(source.reader, source, "count records").count(entity)


def _count_if_possible(context: Context, entity: str) -> int | None:
    """Return the number of records of what is left out; None if it cannot be read, as with a login that need not."""
    try:
        return count(context, entity)
    except Unreachable:
        raise
    except CrossfadeError:
        return None


def unaccounted(standing: Inventoried) -> str:
    """Return a fault as a sentence."""
    if standing.records is None:
        return conclusion.not_read(standing.entity, standing.reason)
    return f"{conclusion.unaccounted(standing.entity, standing.records)}: {standing.reason}"


def notes(standings: Sequence[Inventoried]) -> Iterator[str]:
    """Yield a sentence for everything that stays in the source by decision, or because it is not data."""
    out = [s for s in standings if s.fate == LEFT_OUT]
    if out:
        uncounted, records = any(s.records is None for s in out), sum(s.records or 0 for s in out)
        said = "an unknown number of records" if uncounted else counted(records, "record")
        named = ", ".join(f"{s.entity} {UNCOUNTED if s.records is None else f'{s.records:,}'}" for s in out)
        where = counted(len(out), "entity", "entities")
        yield f"`entities` in crossfade.toml leaves out {said} of {where}: {named}"
    for s in standings:
        if s.fate == NOT_COPIED:
            yield f"{s.entity}: {s.reason}"


def findings(standings: Sequence[Inventoried], differences: Mapping[str, Sequence[str]]) -> Iterator[Finding]:
    """Yield the findings of `check` on the entities, in addition to those on the mappings. `differences` are those of
    `altered`.
    """
    for entity, said in differences.items():
        hint = "crossfade survey, then crossfade check; a new column is mapped, or discarded with a reason"
        yield Finding("fault", ALTERED, entity, f"it has changed since the survey: {'; '.join(said)}", hint)
    for s in standings:
        records, stay = counted(s.records or 0, "record"), "stays" if s.records == 1 else "stay"
        discard = f"[[discard]] entity = {toml_string(s.entity)} with a reason"
        if s.fate == UNSURVEYED:
            hint = f"crossfade survey, then crossfade check; or {discard}"
            yield Finding("fault", s.fate, s.entity, f"{records}: {s.reason}", hint)
        elif s.fate == GONE:
            yield Finding("fault", s.fate, s.entity, s.reason, "crossfade survey, then crossfade check")
        elif s.fate == UNREAD:
            hint = f"provide its records in a format that can be read; or {discard}"
            yield Finding("fault", s.fate, s.entity, f"the number of records is unknown: {s.reason}", hint)
        elif s.fate == LEFT_OUT:
            left = f"{records} {stay}" if s.records is not None else f"its records {UNCOUNTED} stay"
            yield Finding("note", s.fate, s.entity, f"{left} in the source: {s.reason}")
        elif s.fate == NOT_COPIED:
            yield Finding("note", s.fate, s.entity, s.reason)
