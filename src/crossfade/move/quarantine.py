"""The records in quarantine: looked at, tried again, discarded by a person."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from crossfade.errors import Misused, Refused
from crossfade.journal import agreement, journal
from crossfade.journal.causes import Cause, Selection, beginning_with
from crossfade.journal.causes import causes as by_cause
from crossfade.journal.causes import pages as entry_pages
from crossfade.journal.journal import Entry
from crossfade.journal.refused import held_of
from crossfade.model.batch import REMAINDER
from crossfade.model.counts import counted
from crossfade.move import checks, selecting, surveying
from crossfade.move import source_identity as whence
from crossfade.move import target_ownership as begin
from crossfade.move.context import Ground
from crossfade.move.copying import advance_sequences
from crossfade.move.events import Listener
from crossfade.move.executors import executor_for
from crossfade.pipeline import causes as explanations
from crossfade.pipeline import retry as trying
from crossfade.pipeline.retry import Retried, Tried


def entries(ground: Ground) -> list[Entry]:
    begin.known_move(ground)
    with ground.transaction() as tx:
        return journal.entries(tx)


def causes(ground: Ground, of: Selection, examples: int) -> list[Cause]:
    begin.known_move(ground)
    with ground.transaction() as tx:
        found = by_cause(tx, of, examples=examples)
    if not found and of.is_narrow:
        selecting.require_known(ground, of)
    return found


def pages(ground: Ground, of: Selection) -> Iterator[list[Entry]]:
    begin.known_move(ground)
    return entry_pages(ground.transaction, of)


def record(ground: Ground, entry_id: str) -> tuple[Entry, bytes]:
    begin.known_move(ground)
    entry = _entry(ground, entry_id)
    with ground.transaction() as tx:
        return entry, journal.raw_of(tx, entry)


def retry(ground: Ground, ids: Sequence[str], of: Selection, listen: Listener) -> list[Retried]:
    whence.require_same_source(ground, surveying.entities(ground, sized=False))
    checks.require_covered(ground)
    _require_no_half_constraints(ground)
    left = sum(1 for c in ground.chunks() if c.counts is None and c.chunk.number != journal.LATER)
    agreement.require_nothing_left(begin.own_move(ground), ground.digests, left)
    with ground.transaction() as tx:
        journal.set_digests(tx, ground.digests)
        chosen = held_of(tx, of)
    if ids:
        named = {_entry(ground, i).id for i in ids}
        chosen = [h for h in chosen if h.id in named]
    elif not chosen and of.is_narrow:
        selecting.require_known(ground, of)
    how = Tried.IN_COPY if left else Tried.BY_PERSON
    with executor_for(ground, _workers(ground, len(chosen)), listen, get_ready=ground.get_ready) as executor:
        results = trying.retry(ground.work, chosen, executor, how, listen)
    advance_sequences(ground)
    return _explained(ground, results) if explanations.explain(ground.work) else results


RECORDS_A_WORKER = 5000


def _workers(ground: Ground, records: int) -> int:
    """As many as there is work for."""
    return min(ground.writers, max(1, records // RECORDS_A_WORKER))


def _explained(ground: Ground, results: Sequence[Retried]) -> list[Retried]:
    """The same with what is known by now of those that stay."""
    with ground.transaction() as tx:
        found = [journal.find_entry(tx, r.entry.id) if r.outcome == "quarantined" else None for r in results]
    return [r if entry is None else replace(r, entry=entry) for r, entry in zip(results, found, strict=True)]


def discard(ground: Ground, ids: Sequence[str], reason: str) -> list[Entry]:
    _require_reason(reason)
    named = [_entry(ground, i) for i in ids]
    _require_records({e.entity for e in named if e.reason == REMAINDER})
    with ground.transaction() as tx:
        return [replace(e, state="discarded", note=reason) for e in trying.discard(tx, named, reason)]


def discard_all(ground: Ground, of: Selection, reason: str) -> dict[str, int]:
    _require_reason(reason)
    begin.known_move(ground)
    with ground.transaction() as tx:
        if of.place is None and of.reason in (None, REMAINDER):
            _require_records({entity for entity in journal.remainders(tx) if of.entity in (None, entity)})
        gone = trying.discard_all(tx, of, reason)
    if not gone:
        selecting.require_known(ground, of)
    return gone


def _require_records(torn: Collection[str]) -> None:
    if torn:
        raise Refused(
            f"what is left of a torn source is no record, but an unknown number of them ({', '.join(sorted(torn))});"
            " nothing was discarded",
            hint="discard by --reason; for the torn part create the dump again, or cut the file where it is torn, and"
            " crossfade copy --restart",
        )


def _require_reason(reason: str) -> None:
    if not reason.strip():
        raise Misused("a discard needs a reason; nothing was discarded", hint='--why "it may be left out because ..."')


def _entry(ground: Ground, entry_id: str) -> Entry:
    with ground.transaction() as tx:
        found = beginning_with(tx, entry_id)
    if len(found) != 1:
        what = "no entry" if not found else f"{len(found)} entries"
        raise Misused(
            f"{what} in quarantine with an id that begins with {entry_id!r}", hint="crossfade quarantine list"
        )
    return found[0]


def _require_no_half_constraints(ground: Ground) -> None:
    """Between the first constraint and the last a cascade could remove what comes in, and nobody would count it."""
    with ground.transaction() as tx:
        done = journal.steps_done(tx)
    open_steps = [s for s in ground.steps_after(done) if s.id not in done]
    if open_steps and done & {s.id for s in ground.schema.post}:
        raise Refused(
            counted(len(open_steps), "constraint of the target is", "constraints of the target are")
            + " not made yet, others are; nothing was retried",
            hint="crossfade copy, then retry",
        )
