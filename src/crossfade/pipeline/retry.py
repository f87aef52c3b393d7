"""Retry records in pieces of many: those that a person retries, and those whose obstacle is gone (readmission).

Each piece is one transaction: the current records of the source are mapped with the current mapping and put into the
target if they fit, and their entries are updated with the outcome.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from crossfade.journal import journal, refused
from crossfade.journal.causes import Selection, close_all
from crossfade.journal.journal import Entry
from crossfade.journal.refused import Held
from crossfade.model.batch import Batch
from crossfade.model.events import Listener, RecordRetried, RetryStarted, ignore
from crossfade.model.rejection import REMAINDER, Rejection
from crossfade.pipeline.admission import ask, may_clash
from crossfade.pipeline.apply import Applied, apply, without
from crossfade.pipeline.keepers import undecided
from crossfade.pipeline.records import read
from crossfade.runtime.executor import Executor
from crossfade.runtime.session import Session, Work, session
from crossfade.runtime.tasks import run_tasks
from crossfade.stores.contract import TargetTransaction
from crossfade.transform.transform import Mapped


@dataclass(frozen=True, slots=True)
class Retried:
    """The result for an entry. `outcome`: copied, discarded (by a `where`), gone (from the source), or quarantined."""

    entry: Entry
    outcome: str


class Tried(Enum):
    """What is checked before records are put in, and what happens to the entries of those that are.

    BY_KEY: only primary keys, before the copy checks the constraints. AGAIN: every constraint. Both delete the entries,
    because it was not decided yet which record is kept. BY_PERSON: every constraint; entries are closed. IN_COPY: a
    person retries before the copy has finished; missing parents may still be copied.
    """

    BY_KEY = "by_key"
    AGAIN = "again"
    BY_PERSON = "by_person"
    IN_COPY = "in_copy"

    def forgets(self, has_unique_keys: bool) -> bool:
        """Whether entries are deleted. For records that share a key, the entry shows that there were several."""
        return self is Tried.BY_KEY or (self is Tried.AGAIN and has_unique_keys)

    @property
    def only_keys(self) -> bool:
        return self in (Tried.BY_KEY, Tried.IN_COPY)


def retry(
    work: Work, chosen: Sequence[Held], executor: Executor, how: Tried, listen: Listener = ignore
) -> list[Retried]:
    """Retry open entries, each again whenever other records may have added its parent."""
    return list(_Rounds(work, executor, how, listen).run(chosen, ()).values())


def readmit(work: Work, executor: Executor) -> int:
    """Readmit records that a unique constraint refused and whose obstacle has been removed, and records that waited for
    them. Return their number. Nothing is removed, so that it ends.
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
    results = _Rounds(work, executor, Tried.AGAIN, ignore).run(clashed, orphans, moved or ())
    with s.transaction() as tx:
        journal.note_clearing(tx, None)
    return sum(r.outcome == "copied" for r in results.values())


class _Rounds:
    """Retries by entity, parents first. A record without a parent is retried when rows are added to that table."""

    def __init__(self, work: Work, executor: Executor, how: Tried, listen: Listener) -> None:
        self._work, self._executor, self._how, self._listen = work, executor, how, listen
        self._order = parents_first(work)
        self._results: dict[str, Retried] = {}

    def run(
        self, chosen: Iterable[Held], waiting: Iterable[Held], moved_before: Iterable[str] = ()
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

    def _by_entity(self, found: Iterable[Held]) -> dict[str, list[Held]]:
        out: dict[str, list[Held]] = {}
        for one in found:
            if one.entity in self._order:
                out.setdefault(one.entity, []).append(one)
        return out

    def _try(self, entity: str, now: Sequence[Held], moved: set[str]) -> list[Held]:
        """Try the entries now. Return those without a parent."""
        if not now:
            return []
        self._listen(RetryStarted(len(now)))
        by_id, stay = {h.id: h for h in now}, list[Held]()

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
    done: dict[str, None] = {}
    feeding: dict[str, list[str]] = {}
    for feed in work.program.feeds.values():
        for table in {b.table for b in feed.branches}:
            feeding.setdefault(table, []).append(feed.entity)

    def visit(entity: str, path: tuple[str, ...]) -> None:
        if entity in done or entity in path:
            return
        for table in sorted(_parents(work, entity)):
            for parent in sorted(feeding.get(table, ())):
                visit(parent, (*path, entity))
        done[entity] = None

    for name, feed in sorted(work.program.feeds.items()):
        if feed.branches:
            visit(name, ())
    return list(done)


def _parents(work: Work, entity: str) -> set[str]:
    """Return the tables that rows of the entity refer to."""
    own = {b.table for b in work.program.feeds[entity].branches} & work.tables.keys()
    return {key.parent for table in own for key in work.tables[table].foreign_keys}


# -- one piece


def put_in(work: Work, entity: str, ids: Sequence[str], how: Tried) -> list[Retried]:
    """Retry a piece in one transaction. Runs in a worker."""
    s = session(work)
    with s.transaction() as tx:
        kept = refused.read(tx, ids)
        closed = list(_closed(tx, entity, ids, {entry.id for entry, _ in kept}))
    torn = [Retried(entry, "quarantined") for entry, _ in kept if entry.reason == REMAINDER]
    piece = _Piece(s, entity, [(e, raw) for e, raw in kept if e.reason != REMAINDER])
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

    def __init__(self, s: Session, entity: str, kept: Sequence[tuple[Entry, bytes]]) -> None:
        self._s, self._entity = s, entity
        found = read(s, entity, list(dict.fromkeys(e.key for e, _ in kept if e.key is not None)))
        now = [(e, raw, found[e.key] if e.key is not None else [raw]) for e, raw in kept]
        self.gone = [Retried(e, "gone") for e, _, raws in now if not raws]
        self._entries = [(e, raws[0] if len(raws) == 1 else raw) for e, raw, raws in now if raws]
        self._batch = s.batch_of(entity, b"".join(raw for _, raw in self._entries)) if self._entries else None

    def put_in(self, how: Tried) -> list[Retried]:
        if self._batch is None:
            return []
        mapped = self._s.transformer(self._entity).map(self._batch)
        out = {m.row for m in mapped.rejections} | mapped.discarded
        order = [row for row in range(len(self._batch.raws)) if row not in out]
        only_keys = how.only_keys and self._s.target.traits.constraints_after_tables
        asked = ask(self._s, without(mapped.tables, out) if out else mapped.tables, order, only_keys=only_keys)
        with self._s.transaction() as tx:
            applied = apply(self._s, tx, self._entity, self._batch, mapped, asked)
            results = list(self._results(self._batch, mapped, applied))
            self._note(tx, results, applied, how)
        return results

    def _results(self, batch: Batch, mapped: Mapped, applied: Applied) -> Iterator[Retried]:
        aside = {a.row: a for a in batch.rejected}
        rows = iter(range(len(batch.raws)))
        for place, (entry, _) in enumerate(self._entries):
            if place in aside:
                one = aside[place]
                yield Retried(_again(entry, one.key, Rejection(0, one.reason, one.said)), "quarantined")
                continue
            row = next(rows)
            if row in mapped.discarded:
                yield Retried(entry, "discarded")
            elif why := applied.rejected.get(row):
                yield Retried(_again(entry, batch.keys[row], why), "quarantined")
            else:
                yield Retried(entry, "copied")

    def _note(self, tx: TargetTransaction, results: Sequence[Retried], applied: Applied, how: Tried) -> None:
        raws = {entry.id: raw for entry, raw in self._entries}
        came = [r.entry for r in results if r.outcome == "copied"]
        left = [r.entry for r in results if r.outcome == "discarded"]
        if how.forgets(self._s.source.traits.has_unique_keys):
            journal.forget_all(tx, came)
        else:
            journal.resolve_all(tx, came, "retried")
        journal.resolve_all(tx, left, "discarded")
        journal.update_reasons(tx, [(r.entry, raws[r.entry.id]) for r in results if r.outcome == "quarantined"])
        if came or left:
            shift = {"copied": len(came), "discarded": len(left), "quarantined": -len(came) - len(left)}
            journal.shift_counts(tx, self._entity, rows=applied.rows, **shift)
        if came and how is Tried.AGAIN:
            journal.note_came(tx, {b.table for b in self._s.work.program.feeds[self._entity].branches})


def _again(entry: Entry, key: str | None, why: Rejection) -> Entry:
    return replace(
        entry,
        key=entry.key if key is None else key,
        reason=why.reason,
        detail=why.detail,
        table=why.table,
        column=why.column or ((entry.column or None) if _is_same(entry, why) else None),
        constraint=why.constraint or (entry.constraint if _is_same(entry, why) else None),
        parent=None,
        waits_for=None,
        row_key=why.row_key,
        cause=None,
    )


def _is_same(entry: Entry, why: Rejection) -> bool:
    """Return whether the same constraint refused the record again, so that what is known about it is still true."""
    unnamed = why.constraint is None or entry.constraint == why.constraint
    return unnamed and (entry.reason, entry.table) == (why.reason, why.table)


# -- discarded by a person


def discard(tx: TargetTransaction, entries: Sequence[Entry], reason: str) -> list[Entry]:
    """Close open entries as discarded, with a person's reason, and update the counts."""
    left = list({e.id: e for e in entries if e.state == "open"}.values())
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
        journal.shift_counts(tx, entity, quarantined=-count, discarded=count)
