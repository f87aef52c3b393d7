"""Hand keys that a person names to the run that follows the source, which applies them in order with its own."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress

from crossfade.errors import Busy, CrossfadeError
from crossfade.journal import cutover as stages
from crossfade.journal import dirty, halted, journal
from crossfade.journal.refused import RefusedEntry
from crossfade.journal.status import FollowStatus
from crossfade.move import cutting_back, repairing, starting, target_ownership
from crossfade.move.context import Context
from crossfade.move.repairing import Repaired
from crossfade.pipeline.accounts import QUARANTINED
from crossfade.pipeline.noting import Applied
from crossfade.pipeline.retry import Retried
from crossfade.runtime.records import NO_KEY, pieces

Who = tuple[str, str]
SECONDS = 600.0
"""How long to wait until the run has applied them."""
_BEGINS = 60.0
_EVERY = 0.1


def is_after_cutover(context: Context) -> bool:
    """Return whether the target takes the application's writes. Finishes first what a dead controller has left."""
    if not context.has_journal:
        return False
    with suppress(CrossfadeError):
        cutting_back.settle(context)
    move = target_ownership.find_move(context)
    return move is not None and move.version >= stages.SINCE and cutting_back.is_cut_over(context)


def is_followed(context: Context) -> bool:
    """Return whether another run follows the source now. Wait for one that is about to follow: it has just copied, has
    not reported yet that it is alive, or compares everything first. Raises Busy if it does not follow in time.
    """
    end = time.monotonic() + _BEGINS
    while True:
        found = starting.status(context)
        if found is None or not _is_about_to_follow(context, found):
            return found is not None and found.running and found.state == "following" and not found.is_back
        if time.monotonic() >= end:
            why = found.cause or "it has just begun"
            raise Busy(
                f"a run is about to follow the source, and does not yet ({why}); nothing was compared",
                hint="crossfade status until it follows, then crossfade verify",
            )
        time.sleep(_EVERY)


def _is_about_to_follow(context: Context, found: FollowStatus) -> bool:
    if found.polled or found.is_back or not context.is_at_work:
        return False
    if found.state == "copying":
        return _is_copied(context)
    return found.state == "lost" or (found.state == "following" and not found.running)


def _is_copied(context: Context) -> bool:
    with context.transaction() as tx:
        return journal.find_stage(tx) == journal.FINISHED


def takes_keys(context: Context) -> bool:
    """Return whether another run follows or polls the source now, and applies what it finds in the journal."""
    found = starting.status(context)
    return found is not None and found.running and found.state in ("following", "polling") and not found.is_back


def repair(context: Context, named: Mapping[str, Sequence[str]]) -> Repaired:
    """Let the run that follows apply these records; return what became of them."""
    meant = {entity: repairing.meant(context, entity, keys) for entity, keys in named.items()}
    records = {(entity, key) for entity, keys in meant.items() for key in keys}
    moving = _apply(context, records)
    with context.transaction() as tx:
        still_open = {
            (e.entity, e.key) for entity in meant for e in journal.entries_outside(tx, entity) if e.state == "open"
        }
    outcomes = Counter((who[0], QUARANTINED if who in still_open else "applied") for who in records - moving)
    return Repaired(len(records), Applied(records=outcomes), handed_over=True, moving=len(moving))


def retry(context: Context, chosen: Sequence[RefusedEntry]) -> list[Retried]:
    """Let the run that follows apply the records of these entries; return what became of each."""
    with context.transaction() as tx:
        before = {one.id: journal.find_entry(tx, one.id) for one in chosen}
    moving = _apply(context, {(one.entity, _key(one)) for one in chosen})
    results = list[Retried]()
    with context.transaction() as tx:
        for one in chosen:
            now, was = journal.find_entry(tx, one.id), before[one.id]
            if was is None:
                continue
            outcome = "gone" if now is None else {"open": "quarantined", "retried": "copied"}.get(now.state, now.state)
            waits = (one.entity, _key(one)) in moving
            results.append(Retried(now or was, "quarantined" if waits else outcome))
    return results


def _key(one: RefusedEntry) -> str:
    return NO_KEY + one.digest if one.key is None else one.key


def _apply(context: Context, records: Collection[Who]) -> set[Who]:
    """Put records into the journal, and wait until they are applied. Return those that are not (of a halted entity)."""
    with context.transaction() as tx:
        for entity, keys in _by_entity(records).items():
            for piece in pieces(sorted(keys)):
                dirty.put(tx, entity, piece)
    end = time.monotonic() + SECONDS
    while True:
        left = _pending(context, records)
        with context.transaction() as tx:
            stay = {one.entity for one in halted.find(tx)}
        if all(entity in stay for entity, _ in left) or time.monotonic() >= end or not takes_keys(context):
            return left
        time.sleep(_EVERY)


def _pending(context: Context, records: Collection[Who]) -> set[Who]:
    with context.transaction() as tx:
        return {
            (entity, one.key)
            for entity, keys in _by_entity(records).items()
            for one in dirty.pending_of(tx, entity, keys)
        }


def _by_entity(records: Iterable[Who]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for entity, key in records:
        found.setdefault(entity, set()).add(key)
    return found
