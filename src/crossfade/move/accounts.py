"""The accounts of a move, with what the source holds now: nothing of it stands in none of them unseen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from crossfade.errors import CrossfadeError, Misused, Unreachable
from crossfade.journal.status import Status
from crossfade.model.counts import Counts
from crossfade.move import source_identity as whence
from crossfade.move import surveying
from crossfade.move import target_ownership as begin
from crossfade.move.changed import changed, sentence
from crossfade.move.context import Ground
from crossfade.move.inventory import DISCARDED, FAULTS, Standing, count, inventory, notes, unaccounted
from crossfade.stores.contract import EntityInfo
from crossfade.verify.verdict import EntityVerdict, Verdict


def status(ground: Ground) -> Status:
    """What the journal has, and what the source holds beside it. A source that is away does not hide the journal."""
    return with_source(ground, begin.status(ground))


def with_source(ground: Ground, found: Status, entities: Sequence[EntityInfo] | None = None) -> Status:
    try:
        there = surveying.entities(ground, sized=False) if entities is None else entities
    except (Unreachable, Misused) as error:
        return replace(found, notes=(_unknown(error),))
    except CrossfadeError as error:  # it was reached, and is not as it should be
        return replace(found, faults=(_unknown(error),))
    try:
        standings = inventory(ground, there)
        other = whence.another_source(ground, there)
    except CrossfadeError as error:  # a mapping at fault, which `check` tells
        return replace(found, notes=(_unknown(error),))
    faults = tuple(unaccounted(s) for s in standings if s.fate in FAULTS and s.records != 0)
    now = (*_changed(ground, found), *notes(standings))
    return replace(found, faults=(*filter(None, [other]), *faults), notes=now)


def _changed(ground: Ground, found: Status) -> list[str]:
    """What was copied by another mapping than there is now."""
    if not found.finished:
        return []
    with ground.transaction() as tx:
        return [sentence(part) for part in changed(ground, tx)]


def _unknown(error: CrossfadeError) -> str:
    why = error.message.partition("\n")[0]
    return f"what else the source holds now is not known: {why}"


def with_all_entities(ground: Ground, verdict: Verdict, found: Status, standings: Sequence[Standing]) -> Verdict:
    """The verdict on what the mappings carry, and the accounts of all else that the source holds now."""
    recorded = {e.entity: e.counts for e in found.entities}
    entities, not_read = list(verdict.entities), dict[str, str]()
    compared = {e.entity for e in entities}
    for s in standings:
        if s.entity in compared:
            continue
        if s.fate == DISCARDED and s.entity in recorded:
            now = count(ground, s.entity)
            entities.append(EntityVerdict(s.entity, Counts(now, discarded=now), recorded[s.entity], 0))
        elif s.fate in FAULTS and s.records is None:
            not_read[s.entity] = s.reason
        elif s.fate in FAULTS:
            entities.append(EntityVerdict(s.entity, Counts(s.records or 0), recorded.get(s.entity), s.records or 0))
    return replace(verdict, entities=tuple(sorted(entities, key=lambda e: e.entity)), not_read=not_read)
