"""Follow a source whose copy has finished: apply pending records as they arrive, until the run ends.

A round takes the records that have waited longest. A few of them are one piece, applied in this process at once, so
that a small backlog means a small lag. Many are divided into pieces for the workers; a round ends with its last piece.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import takewhile

from crossfade.errors import CrossfadeError
from crossfade.journal import dirty, halted, loaded, looked_up, used
from crossfade.journal import feed as feeds
from crossfade.journal.dirty import Dirty
from crossfade.model.events import EntityHalted, FollowingPaused, RecordsApplied, RecordsPending
from crossfade.model.positions import Floor
from crossfade.model.reasons import UNSEEN
from crossfade.pipeline import causes, expand
from crossfade.pipeline.applying import Outcome, apply_pending
from crossfade.pipeline.budget import Budget
from crossfade.pipeline.enough import StopAt
from crossfade.pipeline.noting import Applied
from crossfade.pipeline.ownership import Who
from crossfade.pipeline.releasing import release_fitting
from crossfade.pipeline.repair import in_pieces
from crossfade.pipeline.threads import Endurance, Following
from crossfade.runtime.executor import Executor, LostWorkers
from crossfade.runtime.records import KEYS_AT_ONCE
from crossfade.runtime.session import session
from crossfade.runtime.tasks import run_tasks
from crossfade.stores.contract import TargetTransaction

IDLE = 1.0
"""Seconds after which a run that was not woken checks whether another process has added records."""
TOLD_EVERY = 5.0
TRIES = 3
"""How often a record is tried again that was refused, and clashes with nothing."""
NOTES = 2000
"""The number of transactions after which their notes in the journal are packed, between rounds, when none is written.
"""


@dataclass(frozen=True)
class Todo:
    """Pending records, read together with a floor. `is_all`: there were no others."""

    claims: Sequence[Dirty] = ()
    floor: Floor = field(default_factory=Floor)
    is_all: bool = True


def read_looked_up(tx: TargetTransaction, most: int) -> Todo:
    """Like `read_todo`, for records that are looked up."""
    without = [one.entity for one in halted.find(tx)]
    claims = looked_up.pending(tx, most, without)
    record = feeds.find(tx)
    assert record is not None, "the journal has no feed"
    return Todo(claims, record.floor, len(claims) < most)


def read_todo(tx: TargetTransaction, most: int) -> Todo:
    """Read the records, then the floor, which therefore includes the changes for which they were put in."""
    without = [one.entity for one in halted.find(tx)]
    claims = dirty.pending(tx, most, without)
    record = feeds.find(tx)
    assert record is not None, "the journal has no feed"
    return Todo(claims, record.floor, len(claims) < most)


class Follow:
    """`workers` opens an executor for a large backlog, or returns None if there is only this process.

    `at_rest` is called every few seconds, between rounds. No round begins while `may_begin` says no.
    """

    def __init__(
        self,
        following: Following,
        stop_at: StopAt,
        workers: Callable[[], Executor] | None = None,
        at_rest: Callable[[], None] = lambda: None,
        may_begin: Callable[[], bool] = lambda: True,
    ) -> None:
        self._following, self._budget, self._workers, self._at_rest = following, Budget(stop_at), workers, at_rest
        self._may_begin = may_begin
        self._executor: Executor | None = None
        self._paused = False
        self._unexplained = False
        self._stuck: set[Who] = set()
        self._tried_again = Counter[Who]()
        self._told = self._rested = time.monotonic()
        self._most = KEYS_AT_ONCE
        self._written = NOTES  # an earlier run may have left its records

    def until_stopped(self) -> None:
        """Apply until the run ends. Raises what ended it, if that is an error."""
        following, endurance = self._following, Endurance(self._following)
        following.is_applying, released = True, False
        try:
            while not following.is_ending:
                following.wake.clear()
                try:
                    released = released or self._release()
                    busy = not self._paused and self._may_begin() and self.round()
                    endurance.goes_on()
                    self._rest()
                except CrossfadeError as error:
                    self._close(error)
                    endurance.pause(error)
                    continue
                if not busy:
                    following.wake.wait(IDLE)
        finally:
            self._close(None)
        following.require_alive()
        self._explain()

    def _release(self) -> bool:
        for one in release_fitting(session(self._following.work)):
            self._following.tell(EntityHalted(one.entity, one.cause))
        return True

    def round(self) -> bool:
        """Apply the records that have waited longest. Return whether there were any."""
        following = self._following
        marks, changed = following.marks.all_named, self._expand()
        if changed.claims:
            following.marks.named_again(marks)
        with session(following.work).transaction() as tx:
            todo = read_todo(tx, self._most)
        outcome, applied = self._apply(todo)
        self._unexplained |= outcome.applied.refused > 0
        self._halt(outcome, self._stuck_again(todo, outcome.applied))
        proven = marks if changed.is_all else []
        if applied == len(todo.claims):
            following.marks.applied(proven, todo.claims, outcome.applied.left, is_all=todo.is_all)
        self._pause_above_limit(outcome.applied)
        self._adapt(todo)
        return bool(todo.claims or changed.claims)

    # -- one round

    def _expand(self) -> Todo:
        """Put in the roots that looked-up records concern. Return these records. Nothing else is applied meanwhile."""
        s = session(self._following.work)
        if not self._following.trails:
            return Todo()
        with s.transaction() as tx:
            todo = read_looked_up(tx, self._most)
        for entity, ways in self._following.trails.items():
            own = [one for one in todo.claims if one.entity == entity]
            keys = sorted(one.key for one in own)
            if not keys:
                continue
            values = [expand.before(s, trail, keys) for trail in ways]
            with s.reading(todo.floor):
                for trail, before in zip(ways, values, strict=True):
                    for roots in expand.roots(s, trail, keys, before):
                        with s.transaction() as tx:  # of its own: who holds many, in any order, may wait for the feed
                            dirty.put(tx, trail.root, roots)
            with s.transaction() as tx:
                used.forget(tx, entity, keys)
                looked_up.done(tx, own)
        return todo

    def _apply(self, todo: Todo) -> tuple[Outcome, int]:
        """Apply the records: not all of them, if the run is to end meanwhile. Return also how many were applied."""
        work, done, applied = self._following.work, Outcome(), 0
        pieces = list(in_pieces(work, todo.claims))
        self._written += len(pieces)
        calls = ((work, piece, todo.floor) for piece in takewhile(self._goes_on, pieces))

        def take(found: tuple[int, Outcome]) -> None:
            nonlocal done, applied
            records, outcome = found
            done += outcome
            applied += records
            inserted, updated, deleted = (sum(c[i] for c in outcome.applied.rows.values()) for i in range(3))
            self._following.tell(RecordsApplied(records, inserted, updated, deleted))

        if len(pieces) <= 1 or self._workers is None:
            for call in calls:
                take(apply_pending(*call))
        else:
            self._executor = self._executor or self._workers()
            run_tasks(self._executor, apply_pending, calls, take)
        return done, applied

    def _goes_on(self, piece: object) -> bool:
        return not self._following.is_ending

    def _adapt(self, todo: Todo) -> None:
        """Read more at once while there is more than one piece, and less again when the backlog is small."""
        pieces = 8 * (1 if self._executor is None else self._executor.workers)
        self._most = KEYS_AT_ONCE if todo.is_all else min(2 * self._most, max(4, pieces) * KEYS_AT_ONCE)
        if todo.is_all:
            self._close(None)
        elif time.monotonic() - self._told >= TOLD_EVERY:
            self._told = time.monotonic()
            with session(self._following.work).transaction() as tx:
                self._following.tell(RecordsPending(sum(dirty.count(tx).values())))

    def _stuck_again(self, todo: Todo, applied: Applied) -> dict[str, str]:
        """Return why entities are halted of which the target keeps rows that are to go. These records are tried again:
        what refers to the rows may go in the same round.
        """
        again = sorted(self._stuck & applied.stuck.keys(), reverse=True)
        self._stuck = (self._stuck - {(one.entity, one.key) for one in todo.claims}) | applied.stuck.keys()
        readable = session(self._following.work).codec.readable
        return {
            entity: f"rows of {entity} {readable(key)} cannot be removed: {applied.stuck[entity, key]}"
            for entity, key in again
        }

    def _halt(self, outcome: Outcome, stuck: Mapping[str, str]) -> None:
        refused = sorted({**stuck, **outcome.halted}.items())
        if refused:
            with session(self._following.work).transaction() as tx:
                for entity, why in refused:
                    halted.note(tx, entity, "refused", why)
        unseen = sorted((entity, reason) for entity, reason in outcome.applied.reasons if reason in UNSEEN)
        for entity, why in (*((entity, halted.unseen(entity, reason)) for entity, reason in unseen), *refused):
            self._following.tell(EntityHalted(entity, why))

    def _pause_above_limit(self, applied: Applied) -> None:
        cause = self._budget.overdrawn(applied)
        if cause is None or self._paused:
            return
        with session(self._following.work).transaction() as tx:
            feeds.go_over(tx, "following", "paused", cause)
        self._paused = True
        self._following.tell(FollowingPaused(cause))

    # -- between rounds

    def _rest(self) -> None:
        if self._written > NOTES:
            with session(self._following.work).transaction() as tx:
                loaded.pack(tx)
            self._written = 0
        if time.monotonic() - self._rested >= TOLD_EVERY:
            self._rested = time.monotonic()
            self._at_rest()
            self._explain()

    def _explain(self) -> None:
        """Find out what refused records clash with, as after a copy. Records that clash with nothing are tried again:
        they were refused together with others, for a reason that the target did not tell apart. After an error this
        is tried again later.
        """
        if not self._unexplained:
            return
        with suppress(CrossfadeError):
            free = causes.explain(self._following.work).free
            again = sorted(who for who in free if self._tried_again[who] < TRIES and not self._following.is_ending)
            with session(self._following.work).transaction() as tx:
                dirty.put_all(tx, again)
            self._tried_again.update(again)
            self._unexplained = False

    def _close(self, error: CrossfadeError | None) -> None:
        """Release the workers. A lost one is replaced: its unfinished work was not committed."""
        executor, self._executor = self._executor, None
        if executor is not None:
            executor.close()
        if error is not None and isinstance(error.__cause__, LostWorkers):
            error.passing = True
