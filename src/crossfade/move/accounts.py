"""The accounts of a move, compared with what the source holds now, so that nothing in it is overlooked."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from crossfade.errors import CrossfadeError, Misused, Unreachable
from crossfade.journal import journal
from crossfade.journal.status import Status
from crossfade.model.counts import Counts
from crossfade.move import cutting_back, source_identity, surveying, target_ownership
from crossfade.move.changed import changed, sentence
from crossfade.move.context import Context
from crossfade.move.inventory import (
    DISCARDED,
    FAULTS,
    Inventoried,
    altered,
    count,
    inventory,
    is_altered,
    notes,
    unaccounted,
)
from crossfade.stores.contract import EntityInfo, Standing
from crossfade.verify.verdict import EntityVerdict, Verdict


def status(context: Context) -> Status:
    """Return the journal's accounts, and what else the source holds. The source need not be reachable."""
    found = target_ownership.status(context)
    return with_source(context, replace(found, target_is_closed=_is_target_closed(context, found)))


def _is_target_closed(context: Context, found: Status) -> bool:
    fence = context.target.fence
    return bool(found.cutover.token) and not found.is_cut_over and fence is not None and fence.state().closed


def with_source(context: Context, found: Status, entities: Sequence[EntityInfo] | None = None) -> Status:
    """Return the status with what else is not as it should be: what the source holds, and what could not be filled."""
    unfilled = tuple(_unfilled(context, found))
    found = replace(found, unfilled=unfilled, faults=tuple(map(_EMPTY.format, unfilled)))
    try:
        there = surveying.entities(context, sized=False) if entities is None else entities
    except (Unreachable, Misused) as error:
        return replace(found, notes=(_unknown(error),))
    except CrossfadeError as error:  # the source can be reached, but it is faulty
        return replace(found, faults=(*found.faults, _unknown(error)))
    try:
        standings = inventory(context, there)
        other = source_identity.another_source(context, there)
        differing = [is_altered(entity, differences) for entity, differences in altered(context).items()]
    except CrossfadeError as error:  # a mapping has a fault; `check` reports it
        return replace(found, notes=(_unknown(error),))
    faults = tuple(unaccounted(s) for s in standings if s.fate in FAULTS and s.records != 0)
    following = (*_not_followed(found), *_never_cut_over(context, found), *_lost_by_decision(context, found))
    said = (*following, *_changed(context, found), *notes(standings))
    return replace(found, faults=(*found.faults, *filter(None, [other]), *faults, *differing), notes=said)


def _unfilled(context: Context, found: Status) -> Iterator[str]:
    """Yield the materialized views that have no data although the copy has ended."""
    steps = context.target.steps
    if not found.finished or found.is_cut_over or steps is None:
        return
    with context.transaction() as tx:
        begun = journal.steps_begun(tx)
    for step in begun:
        if step.fills and steps.check(step) is not Standing.DONE:
            yield step.id.removeprefix("data of ")


_EMPTY = (
    "the {} has no data: its query failed when it was to be filled (crossfade copy tries it again and says why);"
    " everything else is made. Correct the records at the source, then crossfade repair and crossfade copy; or correct"
    " the query in the schema, then crossfade reset and crossfade run"
)


def _not_followed(found: Status) -> list[str]:
    """Return a sentence if the source is followed, but not now."""
    follow = found.following
    if follow is None or follow.running or found.is_cut_over:
        return []
    if follow.last_pass is not None:
        since = f"the pass that began at {follow.last_pass.began_at}"
        return [f"polling is stopped: what the source has written since {since} is not applied"]
    if follow.position_at is None:
        return []
    return [f"following is stopped: what the source has written since {follow.position_at.isoformat()} is not applied"]


def _never_cut_over(context: Context, found: Status) -> list[str]:
    """Return a sentence if the source is followed into a target that no cutover can open."""
    why = cutting_back.cannot_open(context.target)
    if found.following is None or why is None:
        return []
    return [f"{why}: this move is followed and verified, but crossfade cutover refuses it"]


def _lost_by_decision(context: Context, found: Status) -> list[str]:
    """Return a sentence if the target is followed, and changes of some columns do not come back."""
    lose = [one.column for one in context.project.settings.inverse.lose]
    if found.following is None or not found.following.is_back or not lose:
        return []
    return [
        f"changes of {', '.join(lose)} do not come back, by decision ([[inverse.lose]]): crossfade verify counts them"
    ]


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


def with_all_entities(context: Context, verdict: Verdict, found: Status, standings: Sequence[Inventoried]) -> Verdict:
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
