"""Records leave quarantine: retried after the mapping or the record was fixed, or discarded by a person."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from crossfade.documents.decode import key_of, split
from crossfade.journal import journal, loaded
from crossfade.journal.causes import Selection, close_all
from crossfade.journal.journal import Entry
from crossfade.model.batch import REMAINDER, Batch
from crossfade.pipeline.leave import row_counts
from crossfade.pipeline.load import load_records
from crossfade.pipeline.session import Session, Work, session
from crossfade.stores.contract import Loader
from crossfade.transform.transform import Mapped, Misfit


@dataclass(frozen=True, slots=True)
class Retried:
    """What became of one entry. `outcome`: copied, discarded (by a `where`), gone (from the source), or quarantined."""

    entry: Entry
    outcome: str


@dataclass(frozen=True, slots=True)
class Retrying:
    """An event: so many records are tried; the first time, or once more because others went through meanwhile."""

    records: int


@dataclass(frozen=True, slots=True)
class RecordRetried:
    """An event: what became of a record (`Retried.outcome`), and why where it stays."""

    entity: str
    outcome: str
    reason: str | None


Listen = Callable[[Retrying | RecordRetried], None]


def retry(work: Work, entries: Sequence[Entry], listen: Listen = lambda event: None) -> list[Retried]:
    """Tries every open entry again, with the record as the source has it now and the mapping as it is now.

    Records may wait for each other (a child for its parent), so the rest is tried again as long as any goes through.
    """
    s = session(work)
    results: dict[str, Retried] = {}
    waiting = list({e.id: e for e in entries if e.state == "open"}.values())
    progress = True
    while waiting and progress:
        listen(Retrying(len(waiting)))
        outcomes = [_retry_and_tell(s, entry, listen) for entry in waiting]
        results |= {r.entry.id: r for r in outcomes}
        progress = any(r.outcome in ("copied", "discarded") for r in outcomes)
        waiting = [r.entry for r in outcomes if r.outcome == "quarantined"]
    return list(results.values())


def _retry_and_tell(s: Session, entry: Entry, listen: Listen) -> Retried:
    tried = _retry_one(s, entry)
    stays = tried.outcome == "quarantined"
    listen(RecordRetried(entry.entity, tried.outcome, tried.entry.reason if stays else None))
    return tried


def _retry_one(s: Session, entry: Entry) -> Retried:
    if entry.entity not in s.work.program.feeds or entry.reason == REMAINDER:
        return Retried(entry, "quarantined")
    raw = _record_now(s, entry)
    if raw is None:
        return Retried(entry, "gone")
    batch = s.batch_of(entry.entity, raw)
    with s.transaction() as tx:
        mapped = s.carrier(entry.entity).map(batch)
        misfit = _first_misfit(tx, batch, mapped)
        if misfit is not None:
            again = _with_misfit(entry, batch, misfit)
            journal.update_reason(tx, again, raw)
            return Retried(again, "quarantined")
        if mapped.discarded:
            journal.resolve(tx, entry, "discarded")
            journal.shift_counts(tx, entry.entity, quarantined=-1, discarded=1)
            return Retried(entry, "discarded")
        journal.resolve(tx, entry, "retried")
        journal.shift_counts(tx, entry.entity, quarantined=-1, copied=1, rows=row_counts(mapped.tables))
    return Retried(entry, "copied")


def _record_now(s: Session, entry: Entry) -> bytes | None:
    """The record as the source has it; the one in quarantine where no key leads to it alone."""
    with s.transaction() as tx:
        kept = journal.raw_of(tx, entry)
    if entry.key is None:
        return kept
    replies = s.reader.fetch(entry.entity, ("_id",), [entry.key])
    found = [raw for reply in replies for raw in split(reply) if key_of(raw) == entry.key]
    return found[0] if len(found) == 1 else (kept if found else None)


def _first_misfit(tx: Loader, batch: Batch, mapped: Mapped) -> Misfit | None:
    if batch.aside:
        aside = batch.aside[0]
        return Misfit(0, aside.reason, aside.said)
    if mapped.misfits or mapped.discarded:
        return next(iter(mapped.misfits), None)
    return next(iter(load_records(tx, mapped.tables, range(len(batch.raws)), loaded=loaded.note)), None)


def _with_misfit(entry: Entry, batch: Batch, misfit: Misfit) -> Entry:
    key = key_of(batch.raws[0]) if batch.raws else entry.key
    return replace(
        entry,
        key=key,
        reason=misfit.reason,
        detail=misfit.detail,
        table=misfit.table,
        column=misfit.column,
        constraint=misfit.constraint,
        parent=None,
        waits_for=None,
        cause=None,
    )


def discard(tx: Loader, entries: Sequence[Entry], reason: str) -> list[Entry]:
    """Closes open entries as discarded, with a person's reason; their count moves with them."""
    left = list({e.id: e for e in entries if e.state == "open"}.values())
    for entry in left:
        journal.resolve(tx, entry, "discarded", reason)
    _shift(tx, Counter(entry.entity for entry in left))
    return left


def discard_all(tx: Loader, of: Selection, reason: str) -> dict[str, int]:
    """The same for all open entries of a selection; entity -> how many."""
    gone = close_all(tx, of, "discarded", reason)
    _shift(tx, gone)
    return gone


def _shift(tx: Loader, discarded: Mapping[str, int]) -> None:
    for entity, count in discarded.items():
        journal.shift_counts(tx, entity, quarantined=-count, discarded=count)
