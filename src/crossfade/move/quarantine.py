"""List, retry and discard the records in quarantine."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from crossfade.errors import Misused, Refused
from crossfade.journal import agreement, journal
from crossfade.journal.causes import Cause, Selection, beginning_with
from crossfade.journal.causes import causes as by_cause
from crossfade.journal.causes import pages as entry_pages
from crossfade.journal.journal import Entry
from crossfade.journal.refused import RefusedEntry, open_entries
from crossfade.model.counts import counted
from crossfade.model.events import Listener
from crossfade.model.rejection import REMAINDER, WITHOUT_REMAINDER
from crossfade.move import checks, handing, selecting, source_identity, surveying, target_ownership
from crossfade.move.context import Context
from crossfade.move.copying import advance_sequences
from crossfade.move.executors import executor_for
from crossfade.pipeline import causes as explanations
from crossfade.pipeline import retry as trying
from crossfade.pipeline.retry import Retried, RetryMode


def entries(context: Context) -> list[Entry]:
    target_ownership.known_move(context)
    with context.transaction() as tx:
        return journal.entries(tx)


def causes(context: Context, of: Selection, examples: int) -> list[Cause]:
    target_ownership.known_move(context)
    with context.transaction() as tx:
        found = by_cause(tx, of, examples=examples)
    if not found and of.is_narrow:
        selecting.require_known(context, of)
    return found


def pages(context: Context, of: Selection) -> Iterator[list[Entry]]:
    target_ownership.known_move(context)
    return entry_pages(context.transaction, of)


def record(context: Context, entry_id: str) -> tuple[Entry, bytes]:
    target_ownership.known_move(context)
    entry = _entry(context, entry_id)
    with context.transaction() as tx:
        return entry, journal.raw_of(tx, entry)


def retry_followed(context: Context, ids: Sequence[str], of: Selection) -> list[Retried]:
    """Retry entries while another run follows the source."""
    target_ownership.own_move(context)
    return handing.retry(context, _chosen(context, ids, of))


def retry(context: Context, ids: Sequence[str], of: Selection, listen: Listener) -> list[Retried]:
    target_ownership.own_move(context)
    source_identity.require_same_source(context, surveying.entities(context, sized=False))
    checks.require_covered(context)
    _require_no_half_constraints(context)
    left = sum(1 for c in context.chunks() if c.counts is None and c.chunk.number != journal.LATER)
    agreement.require_nothing_left(target_ownership.own_move(context), context.digests, left)
    with context.transaction() as tx:
        journal.set_digests(tx, context.digests)
    chosen = _chosen(context, ids, of)
    how = RetryMode.IN_COPY if left else RetryMode.BY_PERSON
    with executor_for(context, _workers(context, len(chosen)), listen, get_ready=context.get_ready) as executor:
        results = trying.retry(context.work, chosen, executor, how, listen)
    advance_sequences(context)
    return _explained(context, results) if explanations.explain(context.work).count else results


def _chosen(context: Context, ids: Sequence[str], of: Selection) -> list[RefusedEntry]:
    with context.transaction() as tx:
        chosen = open_entries(tx, of)
    if ids:
        named = {_entry(context, i).id for i in ids}
        return [h for h in chosen if h.id in named]
    if not chosen and of.is_narrow:
        selecting.require_known(context, of)
    return chosen


RECORDS_A_WORKER = 5000


def _workers(context: Context, records: int) -> int:
    """Return the number of workers for this many records."""
    return min(context.writers, max(1, records // RECORDS_A_WORKER))


def _explained(context: Context, results: Sequence[Retried]) -> list[Retried]:
    """Return the results, with explanations for the entries that stay in quarantine."""
    with context.transaction() as tx:
        found = [journal.find_entry(tx, r.entry.id) if r.outcome == "quarantined" else None for r in results]
    return [r if entry is None else replace(r, entry=entry) for r, entry in zip(results, found, strict=True)]


def discard(context: Context, ids: Sequence[str], reason: str) -> list[Entry]:
    _require_reason(reason)
    named = [_entry(context, i) for i in ids]
    _require_records({e.entity for e in named if e.reason == REMAINDER})
    with context.transaction() as tx:
        return [replace(e, state="discarded", note=reason) for e in trying.discard(tx, named, reason)]


def discard_all(context: Context, of: Selection, reason: str) -> dict[str, int]:
    _require_reason(reason)
    target_ownership.known_move(context)
    with context.transaction() as tx:
        if of.place is None and of.reason in (None, REMAINDER):
            _require_records({entity for entity in journal.remainders(tx) if of.entity in (None, entity)})
        gone = trying.discard_all(tx, of, reason)
    if not gone:
        selecting.require_known(context, of)
    return gone


def _require_records(torn: Collection[str]) -> None:
    if torn:
        raise Refused(
            f"the unreadable rest of a torn source cannot be discarded ({', '.join(sorted(torn))}): the number of its"
            " records is unknown; nothing was discarded",
            hint=f"discard other records by --reason; for the torn part, {WITHOUT_REMAINDER}",
        )


def _require_reason(reason: str) -> None:
    if not reason.strip():
        raise Misused("a discard needs a reason; nothing was discarded", hint='--why "why they may be left behind"')


def _entry(context: Context, entry_id: str) -> Entry:
    with context.transaction() as tx:
        found = beginning_with(tx, entry_id)
    if len(found) != 1:
        what = "no entry" if not found else f"{len(found)} entries"
        raise Misused(
            f"{what} in quarantine with an id that begins with {entry_id!r}", hint="crossfade quarantine list"
        )
    return found[0]


def _require_no_half_constraints(context: Context) -> None:
    """Refuse while only some constraints exist: a cascade could then remove retried rows without counting them."""
    with context.transaction() as tx:
        done = journal.steps_done(tx)
    open_steps = [s for s in context.steps_after(done) if s.id not in done and not s.fills]
    if open_steps and done & {s.id for s in context.schema.post}:
        raise Refused(
            counted(len(open_steps), "constraint of the target does", "constraints of the target do")
            + " not exist yet, while others do; nothing was retried",
            hint="crossfade copy, then retry",
        )
