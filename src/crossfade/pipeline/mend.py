"""Records leave quarantine: retried after the mapping or the record was mended, or discarded by a person, with a reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from crossfade.documents.decode import key_of
from crossfade.journal import journal
from crossfade.journal.journal import Entry
from crossfade.mapping.carry import Mapped, Misfit
from crossfade.model.batch import Batch
from crossfade.pipeline.load import load_records
from crossfade.pipeline.session import Session, Work, session
from crossfade.stores.contract import Loader


@dataclass(frozen=True, slots=True)
class Retried:
    """What became of one entry: `outcome` is copied, discarded (by a `where`), gone (no longer in the source), or quarantined."""

    entry: Entry
    outcome: str


def retry(work: Work, entries: Sequence[Entry]) -> list[Retried]:
    """Tries every open entry again, with the record as the source has it now and the mapping as it is now.

    Records may wait for each other (a child for its parent), so the rest is tried again as long as any goes through.
    """
    s = session(work)
    results: dict[str, Retried] = {}
    waiting = [e for e in entries if e.state == "open"]
    progress = True
    while waiting and progress:
        outcomes = [_retry_one(s, entry) for entry in waiting]
        results |= {r.entry.id: r for r in outcomes}
        progress = any(r.outcome in ("copied", "discarded") for r in outcomes)
        waiting = [r.entry for r in outcomes if r.outcome == "quarantined"]
    return [results[e.id] for e in entries if e.id in results]


def _retry_one(s: Session, entry: Entry) -> Retried:
    if entry.entity not in s.work.program.feeds:
        return Retried(entry, "quarantined")
    raw = _record_now(s, entry)
    if raw is None:
        return Retried(entry, "gone")
    batch = s.batch_of(entry.entity, raw)
    with s.writer.transaction() as tx:
        mapped = s.carrier(entry.entity).map(batch)
        misfit = _first_misfit(tx, batch, mapped)
        if misfit is not None:
            again = _with_misfit(entry, batch, misfit)
            journal.update_reason(tx, again, raw)
            return Retried(again, "quarantined")
        outcome = "discarded" if mapped.discarded else "copied"
        journal.resolve(tx, entry, "discarded" if mapped.discarded else "retried")
        journal.shift_counts(tx, entry.entity, quarantined=-1, **{outcome: 1})
    return Retried(entry, outcome)


def _record_now(s: Session, entry: Entry) -> bytes | None:
    """The record as the source has it; the one in quarantine where it has no key that could be asked for."""
    if entry.key is None:
        with s.writer.transaction() as tx:
            return journal.raw_of(tx, entry)
    for raw in s.reader.fetch(entry.entity, ("_id",), [entry.key]):
        return raw
    return None


def _first_misfit(tx: Loader, batch: Batch, mapped: Mapped) -> Misfit | None:
    if batch.aside:
        aside = batch.aside[0]
        return Misfit(0, aside.reason, f"{aside.path}: {aside.detail}" if aside.path else aside.detail)
    refused = [] if mapped.misfits or mapped.discarded else load_records(tx, mapped.tables, range(len(batch.raws)))
    return next(iter([*mapped.misfits, *refused]), None)


def _with_misfit(entry: Entry, batch: Batch, misfit: Misfit) -> Entry:
    key = key_of(batch.raws[0]) if batch.raws else entry.key
    return replace(entry, key=key, reason=misfit.reason, detail=misfit.detail, table=misfit.table, column=misfit.column)


def discard(tx: Loader, entries: Sequence[Entry], reason: str) -> list[Entry]:
    """Closes open entries as discarded, with a person's reason; their count moves with them."""
    left = [e for e in entries if e.state == "open"]
    for entry in left:
        journal.resolve(tx, entry, "discarded", reason)
        journal.shift_counts(tx, entry.entity, quarantined=-1, discarded=1)
    return left
