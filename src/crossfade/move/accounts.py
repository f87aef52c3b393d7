"""The accounts of a move, compared with what the source holds now, so that nothing in it is overlooked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from crossfade.errors import CrossfadeError, Misused, Unreachable
from crossfade.journal.status import Status
from crossfade.model.counts import Counts
from crossfade.move import source_identity, surveying, target_ownership
from crossfade.move.changed import changed, sentence
from crossfade.move.context import Context
from crossfade.move.inventory import DISCARDED, FAULTS, Standing, count, inventory, notes, unaccounted
from crossfade.stores.contract import EntityInfo
from crossfade.verify.verdict import EntityVerdict, Verdict


def status(context: Context) -> Status:
    """Return the journal's accounts, and what else the source holds. The source need not be reachable."""
    return with_source(context, target_ownership.status(context))


def with_source(context: Context, found: Status, entities: Sequence[EntityInfo] | None = None) -> Status:
    try:
        there = surveying.entities(context, sized=False) if entities is None else entities
    except (Unreachable, Misused) as error:
        return replace(found, notes=(_unknown(error),))
    except CrossfadeError as error:  # the source can be reached, but it is faulty
        return replace(found, faults=(_unknown(error),))
    try:
        standings = inventory(context, there)
        other = source_identity.another_source(context, there)
    except CrossfadeError as error:  # a mapping has a fault; `check` reports it
        return replace(found, notes=(_unknown(error),))
    faults = tuple(unaccounted(s) for s in standings if s.fate in FAULTS and s.records != 0)
    return replace(
        found, faults=(*filter(None, [other]), *faults), notes=(*_changed(context, found), *notes(standings))
    )


def _changed(context: Context, found: Status) -> list[str]:
    """Return a sentence for everything whose mapping has changed since it was copied."""
    if not found.finished:
        return []
    try:
        with context.transaction() as tx:
            return [sentence(part) for part in changed(context, tx)]
    except CrossfadeError as error:  # the journal is shown even if a mapping or the schema has a fault
        return [f"whether a mapping has changed since the copy is unknown: {error.message.partition(chr(10))[0]}"]


def _unknown(error: CrossfadeError) -> str:
    why = error.message.partition("\n")[0]
    return f"the entities that the source holds now are unknown: {why}"


def with_all_entities(context: Context, verdict: Verdict, found: Status, standings: Sequence[Standing]) -> Verdict:
    """Return the verdict, extended by the accounts of the entities that no mapping reads."""
    recorded = {e.entity: e.counts for e in found.entities}
    entities, not_read = list(verdict.entities), dict[str, str]()
    compared = {e.entity for e in entities}
    for s in standings:
        if s.entity in compared:
            continue
        if s.fate == DISCARDED and s.entity in recorded:
            now = count(context, s.entity)
            entities.append(EntityVerdict(s.entity, Counts(now, discarded=now), recorded[s.entity], 0))
        elif s.fate in FAULTS and s.records is None:
            not_read[s.entity] = s.reason
        elif s.fate in FAULTS:
            entities.append(EntityVerdict(s.entity, Counts(s.records or 0), recorded.get(s.entity), s.records or 0))
    return replace(verdict, entities=tuple(sorted(entities, key=lambda e: e.entity)), not_read=not_read)
