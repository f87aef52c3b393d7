"""Retry records in pieces of many: those that a person retries, and those whose obstacle is gone (readmission).

Each piece is one transaction: the current records of the source are mapped with the current mapping and put into the
target if they fit, and their entries are updated with the outcome.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import Enum

from crossfade.journal import journal, refused
from crossfade.journal.causes import Selection, close_all
from crossfade.journal.journal import Entry
from crossfade.journal.refused import RefusedEntry
from crossfade.model.batch import Batch
from crossfade.model.events import Listener, RecordRetried, RetryStarted, ignore
from crossfade.model.order import in_dependency_order
from crossfade.model.rejection import REMAINDER, Rejection
from crossfade.pipeline import entries
from crossfade.pipeline.accounts import COPIED, DISCARDED, QUARANTINED, note_moved
from crossfade.pipeline.admission import ask, may_clash
from crossfade.pipeline.apply import BatchResult, apply, without
from crossfade.pipeline.keepers import undecided
from crossfade.runtime.executor import Executor
from crossfade.runtime.records import read
from crossfade.runtime.session import Session, Work, session
from crossfade.runtime.tasks import run_tasks
from crossfade.stores.contract import TargetTransaction
from crossfade.transform.transform import Mapped


@dataclass(frozen=True, slots=True)
class Retried:
    """The result for an entry. `outcome`: copied, discarded (by a `where`), gone (from the source), or quarantined."""

    entry: Entry
    outcome: str


class RetryMode(Enum):
    """What is checked before records are put in, and what happens to the entries of those that are.

    BY_KEY: only primary keys, before the copy checks the constraints. AGAIN: every constraint. Both delete the entries,
    because it was not decided yet which record gets the value. BY_PERSON: every constraint; entries are closed.
    IN_COPY: a person retries before the copy has finished; missing parents may still be copied.
    """

    BY_KEY = "by_key"
    AGAIN = "again"
    BY_PERSON = "by_person"
    IN_COPY = "in_copy"

    def forgets(self, has_unique_keys: bool) -> bool:
        """Whether entries are deleted. Where records can share a key they stay: they show that there were several."""
        return self is RetryMode.BY_KEY or (self is RetryMode.AGAIN and has_unique_keys)

    @property
    def only_keys(self) -> bool:
        return self in (RetryMode.BY_KEY, RetryMode.IN_COPY)


def retry(
    work: Work, chosen: Sequence[RefusedEntry], executor: Executor, how: RetryMode, listen: Listener = ignore
) -> list[Retried]:
    """Retry open entries, each again whenever other records may have added its parent."""
    return list(_Rounds(work, executor, how, listen).run(chosen, ()).values())


def readmit(work: Work, executor: Executor) -> int:
    """Readmit records that a unique constraint refused, if no other row has the value any more, and records that waited
    for them. Return their number. Nothing is removed, so that it ends.
    """
    s = session(work)
    with s.transaction() as tx:
        clashed, orphans = refused.refused(tx, "unique", "exclusion"), refused.refused(tx, "foreign_key")
        moved = journal.find_readmitting(tx)  # recorded by a run that was killed here
    clashed = undecided(s, clashed)
    if not clashed and not moved:
        return 0
    with s.transaction() as tx:
        journal.note_readmitting(tx, moved or ())
    results = _Rounds(work, executor, RetryMode.AGAIN, ignore).run(clashed, orphans, moved or ())
    with s.transaction() as tx:
        journal.note_clearing(tx, None)
    return sum(r.outcome == "copied" for r in results.values())


class _Rounds:
    """Retries by entity, parents first. A record without a parent is retried when rows are added to that table."""

    def __init__(self, work: Work, executor: Executor, how: RetryMode, listen: Listener) -> None:
        self._work, self._executor, self._how, self._listen = work, executor, how, listen
        self._order = parents_first(work)
        self._results: dict[str, Retried] = {}

    def run(
        self, chosen: Iterable[RefusedEntry], waiting: Iterable[RefusedEntry], moved_before: Iterable[str] = ()
    ) -> dict[str, Retried]:
        """Retry. `waiting` are tried when rows are added to a table that they refer to, or were (`moved_before`)."""
        todo, later = self._by_entity(chosen), self._by_entity(waiting)
        before = set(moved_before)
        while True:
            moved = set[str]()
            for entity in self._order:
                ready = bool(_parents(self._work, entity) & (before | moved))
                now = refused.ordered([*todo.pop(entity, ()), *(later.pop(entity, ()) if ready else ())])
                stay = self._try(entity, now, moved)
                if stay:
                    later.setdefault(entity, []).extend(stay)
            if not moved or not later:
                return self._results
            before = moved

    def _by_entity(self, found: Iterable[RefusedEntry]) -> dict[str, list[RefusedEntry]]:
        out: dict[str, list[RefusedEntry]] = {}
        for one in found:
            if one.entity in self._order:
                out.setdefault(one.entity, []).append(one)
        return out

    def _try(self, entity: str, now: Sequence[RefusedEntry], moved: set[str]) -> list[RefusedEntry]:
        """Try the entries now. Return those without a parent."""
        if not now:
            return []
        self._listen(RetryStarted(len(now)))
        by_id, stay = {h.id: h for h in now}, list[RefusedEntry]()

        def take(piece: list[Retried]) -> None:
            for one in piece:
                stays = one.outcome == "quarantined"
                self._results[one.entry.id] = one
                self._listen(RecordRetried(entity, one.outcome, one.entry.reason if stays else None))
                if one.outcome == "copied":
                    moved.update(b.table for b in self._work.program.feeds[entity].branches)
                elif stays and one.entry.reason == "foreign_key":
                    stay.append(by_id[one.entry.id])

        pieces = ((self._work, entity, [h.id for h in piece], self._how) for piece in refused.in_pieces(now))
        run_tasks(self._executor, put_in, pieces, take, ahead=self._ahead(entity), tell=self._listen)
        return stay

    def _ahead(self, entity: str) -> int:
        """Return how many pieces run at once: one if records may clash, so that the first by key keeps the value."""
        s = session(self._work)
        owners = s.owners[entity]
        tables = [self._work.tables[name] for name in owners.tables]
        is_free = s.source.traits.has_unique_keys and not owners.ledger and not may_clash(tables, owners.columns)
        return 64 if is_free else 1


def parents_first(work: Work) -> list[str]:
    """Return the entities, each after those that its rows refer to, unless they refer to each other."""
    tables = {name: {b.table for b in feed.branches} for name, feed in work.program.feeds.items() if feed.branches}
    needed = {name: _parents(work, name) for name in tables}
    return in_dependency_order({name: [other for other in tables if tables[other] & needed[name]] for name in tables})


def _parents(work: Work, entity: str) -> set[str]:
    """Return the tables that rows of the entity refer to."""
    own = {b.table for b in work.program.feeds[entity].branches} & work.tables.keys()
    return {key.parent for table in own for key in work.tables[table].foreign_keys}


# -- one piece


class _DoneByAnother(Exception):
    """Another worker, which was thought lost, has retried this piece meanwhile."""


def put_in(work: Work, entity: str, ids: Sequence[str], how: RetryMode) -> list[Retried]:
    """Retry a piece in one transaction. Runs in a worker."""
    while True:
        with suppress(_DoneByAnother):
            return _put_in(session(work), entity, ids, how)


def _put_in(s: Session, entity: str, ids: Sequence[str], how: RetryMode) -> list[Retried]:
    with s.transaction() as tx:
        still_open = refused.read(tx, ids)
        closed = list(_closed(tx, entity, ids, {entry.id for entry, _ in still_open}))
    torn = [Retried(entry, "quarantined") for entry, _ in still_open if entry.reason == REMAINDER]
    piece = _Piece(s, entity, [(e, raw) for e, raw in still_open if e.reason != REMAINDER])
    return [*closed, *torn, *piece.gone, *piece.put_in(how)]


def _closed(tx: TargetTransaction, entity: str, ids: Sequence[str], found: set[str]) -> Iterator[Retried]:
    """Yield the entries that this piece has already closed or deleted: it had committed when its connection or worker
    was lost. No other run works in the target.
    """
    outcomes = {"retried": "copied", "discarded": "discarded"}
    for id_ in ids:
        if id_ in found:
            continue
        entry = journal.find_entry(tx, id_)
        if entry is None:
            yield Retried(Entry(id_, entity, journal.LATER, None, "", "", None, None, "retry"), "copied")
        elif entry.state in outcomes:
            yield Retried(entry, outcomes[entry.state])


class _Piece:
    """Entries with their current records, or with those in quarantine if a key does not identify the record."""

    def __init__(self, s: Session, entity: str, stored: Sequence[tuple[Entry, bytes]]) -> None:
        self._s, self._entity = s, entity
        found = read(s, entity, list(dict.fromkeys(e.key for e, _ in stored if e.key is not None)))
        now = [(e, raw, found[e.key] if e.key is not None else [raw]) for e, raw in stored]
        self.gone = [Retried(e, "gone") for e, _, raws in now if not raws]
        self._entries = [(e, raws[0] if len(raws) == 1 else raw) for e, raw, raws in now if raws]
        self._batch = s.batch_of(entity, b"".join(raw for _, raw in self._entries)) if self._entries else None

    def put_in(self, how: RetryMode) -> list[Retried]:
        if self._batch is None:
            return []
        mapped = self._mapped(self._batch)
        out = {m.row for m in mapped.rejections} | mapped.discarded
        order = [row for row in range(len(self._batch.raws)) if row not in out]
        only_keys = how.only_keys and self._s.target.traits.constraints_after_tables
        asked = ask(self._s, without(mapped.tables, out) if out else mapped.tables, order, only_keys=only_keys)
        ids = [entry.id for entry, _ in self._entries]
        with self._s.transaction() as tx:
            if len(journal.hold_open(tx, ids)) < len(ids):
                raise _DoneByAnother
            applied = apply(self._s, tx, self._entity, self._batch, mapped, asked)
            results = list(self._results(self._batch, mapped, applied))
            self._note(tx, results, applied, how)
        return results

    def _mapped(self, batch: Batch) -> Mapped:
        """Map the records. If the source is followed, what they look up is noted before they are written: it may be the
        only trace of a looked-up record that is deleted before the follower begins.
        """
        transformer = self._s.transformer(self._entity)
        if not self._s.work.is_followed:
            return transformer.map(batch)
        self._s.forget_lookups()
        with self._s.transaction() as tx, self._s.noting_uses(tx, self._entity):
            return transformer.map(batch)

    def _results(self, batch: Batch, mapped: Mapped, applied: BatchResult) -> Iterator[Retried]:
        aside = {a.row: a for a in batch.rejected}
        rows = iter(range(len(batch.raws)))
        for place, (entry, _) in enumerate(self._entries):
            if place in aside:
                one = aside[place]
                yield _refused_again(entry, one.key, one)
                continue
            row = next(rows)
            if row in mapped.discarded:
                yield Retried(entry, "discarded")
            elif why := applied.rejected.get(row):
                yield _refused_again(entry, batch.keys[row], why)
            else:
                yield Retried(entry, "copied")

    def _note(self, tx: TargetTransaction, results: Sequence[Retried], applied: BatchResult, how: RetryMode) -> None:
        raws = {entry.id: raw for entry, raw in self._entries}
        came = [r.entry for r in results if r.outcome == "copied"]
        left = [r.entry for r in results if r.outcome == "discarded"]
        if how.forgets(self._s.source.traits.has_unique_keys):
            entries.forget(tx, came)
        else:
            entries.close(tx, came, "retried")
        entries.close(tx, left, "discarded")
        entries.reject_again(tx, [(r.entry, raws[r.entry.id]) for r in results if r.outcome == "quarantined"])
        if came or left:
            moved = ((QUARANTINED, COPIED), len(came)), ((QUARANTINED, DISCARDED), len(left))
            note_moved(tx, self._entity, moved, applied.rows)
        if came and how is RetryMode.AGAIN:
            journal.note_came(tx, {b.table for b in self._s.work.program.feeds[self._entity].branches})


def _refused_again(entry: Entry, key: str | None, why: Rejection) -> Retried:
    refused_again = entries.again(entry, why)
    return Retried(refused_again if key is None else replace(refused_again, key=key), "quarantined")


# -- discarded by a person


def discard(tx: TargetTransaction, chosen: Sequence[Entry], reason: str) -> list[Entry]:
    """Close open entries as discarded, with a person's reason, and update the counts."""
    left = list({e.id: e for e in chosen if e.state == "open"}.values())
    journal.resolve_all(tx, left, "discarded", reason)
    _shift(tx, Counter(entry.entity for entry in left))
    return left


def discard_all(tx: TargetTransaction, of: Selection, reason: str) -> dict[str, int]:
    """Discard all open entries of a selection. Return their number for each entity."""
    gone = close_all(tx, of, "discarded", reason)
    _shift(tx, gone)
    return gone


def _shift(tx: TargetTransaction, discarded: Mapping[str, int]) -> None:
    for entity, count in discarded.items():
        note_moved(tx, entity, [((QUARANTINED, DISCARDED), count)])
