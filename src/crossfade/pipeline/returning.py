"""Follow the target after a cutover, and keep the source equal: one record after the other, by one run.

Two runs never write at once: the source accepts only the writes of the newest (`RecordWriter.take_over`). A key is
removed from the journal when its write is durable in the source; so after a kill some writes are repeated.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from crossfade.errors import CrossfadeError
from crossfade.journal import dirty, looked_up, returned
from crossfade.model.events import RecordsApplied, RecordsPending
from crossfade.pipeline.follow import IDLE, TOLD_EVERY, Todo, read_looked_up, read_todo
from crossfade.pipeline.put_back import PutBackResult, put_back
from crossfade.pipeline.second_tries import SecondTries
from crossfade.pipeline.threads import Endurance, Following
from crossfade.runtime.records import KEYS_AT_ONCE, NO_KEY, pieces
from crossfade.runtime.session import Session, session
from crossfade.runtime.way_back import Way, WayBack, as_now
from crossfade.stores.contract import ChangeBatch, ChangeFeed, TargetTransaction, need

EVERYTHING = "*"
"""Stands for all rows of a table that was truncated or replaced."""
BUSY = 1.0
"""Seconds after which records that are set aside are tried again, although there is always something to put back."""
HOPELESS = ("precision", "bad_type", "bad_value", "too_large", "changes_key")
"""Reasons that no other record can take away."""


@dataclass(kw_only=True)
class Returning(Following):
    """`number` is that of the run, by which the source knows it."""

    way: Way
    number: int

    @contextmanager
    def feed(self) -> Iterator[tuple[Session, ChangeFeed]]:
        s = session(self.work)
        opened = feed_of(s, self.name, self.way)
        try:
            yield s, opened
        finally:
            opened.close()

    def note_batch(self, tx: TargetTransaction, batch: ChangeBatch) -> None:
        for table in batch.redefined:
            looked_up.put(tx, table, [EVERYTHING])
        for listed in batch.changed:
            looked_up.put(tx, listed.entity, listed.keys)


def feed_of(s: Session, name: str, way: Way) -> ChangeFeed:
    return need(s.target.changes, s.target, "follow changes").feed(name, sorted(way.tables), way.named_by)


class Return:
    """`at_rest` is called every few seconds, between rounds."""

    def __init__(self, following: Returning, at_rest: Callable[[], None] = lambda: None) -> None:
        self._following, self._at_rest = following, at_rest
        self._way: WayBack | None = None
        self._rested = self._tried = time.monotonic()
        self._second = SecondTries()

    def until_stopped(self) -> None:
        """Put back until the run ends. Raises what ended it, if that is an error."""
        following, endurance = self._following, Endurance(self._following)
        while not following.is_ending:
            following.wake.clear()
            try:
                busy = self.round()
                endurance.goes_on()
                self._rest(busy)
            except CrossfadeError as error:
                self._way = None  # taking over again waits for a write of which it is not known whether it commits
                endurance.pause(error)
                continue
            if not busy:
                wait = self._second.wait
                following.wake.wait(IDLE if wait is None else min(IDLE, wait))
        following.require_alive()

    def round(self) -> bool:
        """Put back the records that have waited longest. Return whether there were any."""
        following, way = self._following, self._ready()
        marks, changed = following.marks.all_named, self._expand(way)
        if changed.claims:
            following.marks.named_again(marks)
        with way.s.transaction() as tx:
            todo = read_todo(tx, KEYS_AT_ONCE)
        if todo.claims:
            self._told(len(todo.claims), self._put_back(way, todo))
        following.marks.applied(marks if changed.is_all else [], todo.claims, (), is_all=todo.is_all)
        return bool(todo.claims or changed.claims)

    def _put_back(self, way: WayBack, todo: Todo) -> PutBackResult:
        return put_back(way, self._following.number, todo.claims, todo.floor, self._following.trails)

    def _ready(self) -> WayBack:
        """Return what putting back needs. The first call takes over: earlier runs can no longer write."""
        if self._way is None:
            s = session(self._following.work)
            writer = need(s.source.record_writer, s.source, "be written")
            writer.take_over(self._following.way.slot, self._following.number, sorted(self._following.fed))
            self._way = WayBack(s, self._following.way)
        return self._way

    def _told(self, records: int, result: PutBackResult) -> None:
        if result.written:
            self._second.written()
        self._following.tell(RecordsApplied(records, result.inserted, result.updated, result.deleted))

    # -- from rows to records

    def _expand(self, way: WayBack) -> Todo:
        """Put in the records of the rows that the feed has named."""
        with way.s.transaction() as tx:
            todo = read_looked_up(tx, KEYS_AT_ONCE)
        if not todo.claims:
            return todo
        way.seen(todo.floor)
        for table in sorted({one.entity for one in todo.claims}):
            keys = sorted(one.key for one in todo.claims if one.entity == table)
            if EVERYTHING in keys:
                self._everything(way, table)
            self._records(way, table, [key for key in keys if key != EVERYTHING])
        with way.s.transaction() as tx:
            looked_up.done(tx, todo.claims)
        return todo

    def _records(self, way: WayBack, table: str, keys: list[str]) -> None:
        if not keys:
            return
        with as_now(way.s):
            found = way.records(table, keys)
        with way.s.transaction() as tx:
            for entity, records in found.keys.items():
                dirty.put(tx, entity, records)
            rows = {*found.of_no_record, *returned.which_aside(tx, found.found)}
            if rows:
                aside = [one for one in found.of_no_record.values() if one is not None]
                returned.put_back(tx, dict.fromkeys(rows, False), aside)

    def _everything(self, way: WayBack, table: str) -> None:
        """Put in all records of the entities that fill a table, and those of all its rows: some may be new records."""
        name = way.way.tables[table]
        for entity in [e for e, owners in way.s.owners.items() if name in owners.tables]:
            with as_now(way.s):
                for raw in way.s.reader.keys(entity):
                    keys = [str(way.s.codec.key(one)) for one in way.s.codec.split(raw)]
                    for piece in pieces(keys):
                        with way.s.transaction() as tx:
                            dirty.put(tx, entity, piece)
        for named in way.named(table):
            self._records(way, table, named)

    # -- between rounds

    def _rest(self, busy: bool) -> None:
        now = time.monotonic()
        if busy and now - self._rested >= TOLD_EVERY:
            with session(self._following.work).transaction() as tx:
                self._following.tell(RecordsPending(sum(dirty.count(tx).values())))
        if now - self._rested >= TOLD_EVERY:
            self._rested = now
            self._at_rest()
        wait = self._second.wait
        if wait is not None and now - self._tried >= (BUSY if busy else wait):
            self._tried = now
            self._again()

    def _again(self) -> None:
        """Try the records that are set aside once more: what they waited for may exist now."""
        way = self._ready()
        with way.s.transaction() as tx:
            found = [(one.entity, one.key) for one in returned.set_aside(tx) if one.reason not in HOPELESS]
            rows = {who for who in found if who[1].startswith(NO_KEY)}
            chosen = self._second.due([who for who in found if who not in rows or way.may_be_found(*who)])
            for entity, key in chosen:
                if (entity, key) in rows:
                    looked_up.put(tx, *way.feed_key(entity, key))
                else:
                    dirty.put(tx, entity, [key])
        if chosen:
            self._following.wake.set()
