"""The current count equation of the journal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from crossfade.journal import cutover, daily, dirty, feed, halted, looked_up, passes, rehearsed, returned, verified
from crossfade.journal.cutover import NO_CUTOVER, CutoverRecord
from crossfade.journal.daily import Daily
from crossfade.journal.halted import Halted
from crossfade.journal.journal import (
    FINISHED,
    LATER,
    PREPARED,
    ChunkRecord,
    MoveRecord,
    chunks,
    open_by_reason,
    remainders,
)
from crossfade.journal.passes import Pass
from crossfade.journal.rehearsed import Rehearsal
from crossfade.journal.verified import Proof
from crossfade.model.counts import Counts
from crossfade.model.rejection import REMAINDER
from crossfade.stores.contract import TargetTransaction


@dataclass(frozen=True)
class EntityStatus:
    """The count equation of an entity, and the state of its chunks."""

    entity: str
    counts: Counts
    chunks: int
    chunks_done: int
    planned: int
    reasons: dict[str, int]
    begun: bool = True
    """Whether the copy has been planned. Before that the counts mean nothing."""
    remainders: tuple[str, ...] = ()
    """The unreadable rests of a torn source: an unknown number of records, which are in no count."""
    gone: int = 0
    """Records that were copied and later found to be no longer in the source. `counts` does not include them."""

    @property
    def done(self) -> bool:
        return self.begun and self.chunks == self.chunks_done

    @property
    def balanced(self) -> bool:
        return self.done and self.counts.balanced and not self.remainders

    @property
    def quarantined_share(self) -> float:
        return self.counts.quarantined / self.counts.source if self.counts.source else 0.0


@dataclass(frozen=True)
class FollowStatus:
    """The state of following. `moving`: entity -> how many of its records are to be applied; no count includes their
    changes yet. `position_at`: the source's time up to which everything is in the journal.
    """

    state: str
    cause: str | None
    running: bool
    started_at: str
    position_at: datetime | None
    lag_ms: int | None
    """A lag that was proven at `proven_at`. It says nothing of later, if that is `overdue_ms` ago: see `behind_ms`."""
    proven_at: str | None
    backlog: int | None
    """The bytes that the source retains for the feed, if it retains any."""
    moving: Mapping[str, int]
    halted: tuple[Halted, ...]
    verified: Proof | None
    changed_since: int
    """Records that changed since they were last compared."""
    throttled: str | None
    """Why nothing is applied now: the source is busy."""
    polled: bool = False
    """Whether the source has no feed, and is compared again and again instead: no lag is proven."""
    last_pass: Pass | None = None
    direction: str = feed.FORWARD
    """`back` after a cutover: the target is followed, and the source is kept equal."""
    set_aside: tuple[tuple[str, str, str, int], ...] = ()
    """The records that the source cannot store: entity, reason, table and column, and how many."""
    rows_named: Mapping[str, int] = field(default_factory=dict)
    """After a cutover: table -> its rows that have changed, and whose records are still to be found."""
    overdue_ms: int = 0
    """For how long the run has been alive and proven no later lag; 0 if the last proof is some seconds old."""

    @property
    def behind_ms(self) -> int | None:
        """How far the other side is behind, or at least is, if no later lag was proven; None if that is unknown."""
        return None if self.lag_ms is None else self.lag_ms + self.overdue_ms

    @property
    def is_back(self) -> bool:
        return self.direction == feed.BACK

    @property
    def ok(self) -> bool:
        return self.state not in ("lost", "paused") and not self.halted and (self.cause is None or self.running)


@dataclass(frozen=True)
class Status:
    name: str
    source: str
    stage: str
    started_at: str
    entities: tuple[EntityStatus, ...]
    rows: dict[str, int]
    """The number of rows that the copy wrote into each table."""
    limit: float
    faults: tuple[str, ...] = ()
    """Sentences on what could not be filled in the target, and on what the source has now that is in no account."""
    unfilled: tuple[str, ...] = ()
    """What exists in the target without data, because it could not be filled; `faults` has a sentence for each."""
    notes: tuple[str, ...] = ()
    """Sentences on what else in the source is not copied, and why."""
    following: FollowStatus | None = None
    """None if the source is not followed."""
    cutover: CutoverRecord = NO_CUTOVER
    """The stage of the cutover; `source` before any."""
    target_is_closed: bool = False
    """Whether the target takes no writes of applications: a cutover closed it and has not opened it."""
    rehearsal: Rehearsal | None = None
    """The newest rehearsal of the cutover."""
    daily: Daily | None = None
    """The newest run of `verify --daily`."""
    green_days: int = 0
    """How many days in a row were green."""

    @property
    def ok(self) -> bool:
        """Whether the copy is finished, every entity is balanced and within its limit on quarantine, and the source
        holds nothing else.
        """
        followed = self.following is None or self.following.ok or self.is_cut_over
        balanced = all(e.balanced for e in self.entities)
        return self.finished and self.within_limit and balanced and not self.faults and followed

    @property
    def is_cut_over(self) -> bool:
        """Whether the target takes the application's writes."""
        return self.cutover.stage == cutover.TARGET

    @property
    def finished(self) -> bool:
        return self.stage == FINISHED

    @property
    def within_limit(self) -> bool:
        """Whether all entities are within the limit. Remainders are no matter of it: `balanced` is false for them."""
        return all(e.quarantined_share <= self.limit for e in self.entities)


def counts_of(tx: TargetTransaction) -> dict[str, Counts]:
    """Return the count equation of each entity that was planned."""
    found: dict[str, Counts] = {}
    for chunk in chunks(tx):
        found[chunk.chunk.entity] = found.get(chunk.chunk.entity, Counts()) + (chunk.counts or Counts())
    return found


def status_of(
    tx: TargetTransaction, move: MoveRecord, entities: Iterable[str], limit: float, *, at_work: bool
) -> Status:
    """Return the status of every planned entity, and of `entities`, which may not be planned yet. `at_work`: whether a
    run holds the lock on the target.
    """
    plan, reasons = chunks(tx), open_by_reason(tx)
    torn = remainders(tx) if any(REMAINDER in counts for counts in reasons.values()) else {}
    begun = move.stage != PREPARED
    rehearsals, days = rehearsed.find_all(tx), daily.find_all(tx)
    rows: Counter[str] = Counter()
    for chunk in plan:
        rows.update(chunk.rows)
    return Status(
        name=move.name,
        source=move.source,
        stage=move.stage,
        started_at=move.started_at,
        entities=tuple(
            _entity_status(
                name,
                [c for c in plan if c.chunk.entity == name],
                {r: n for r, n in reasons.get(name, {}).items() if r != REMAINDER},
                begun,
                torn.get(name, ()),
            )
            for name in sorted({c.chunk.entity for c in plan} | set(entities))
        ),
        rows=dict(sorted(rows.items())),
        limit=limit,
        following=following_of(tx, at_work=at_work),
        cutover=cutover.find(tx),
        rehearsal=rehearsals[-1] if rehearsals else None,
        daily=days[-1] if days else None,
        green_days=daily.green_days(days, date.today()),
    )


def following_of(tx: TargetTransaction, *, at_work: bool) -> FollowStatus | None:
    """Return the state of following. A run that was just killed has reported recently that it is alive, but has no
    lock.
    """
    record = feed.find(tx)
    if record is None:
        return None
    return FollowStatus(
        state=record.state,
        cause=record.cause,
        running=at_work and record.is_running,
        started_at=record.started_at,
        position_at=record.position.at,
        lag_ms=record.lag_ms,
        proven_at=record.heartbeat_at,
        backlog=record.backlog,
        moving=dirty.count_own(tx) if record.is_back else dirty.count(tx),
        halted=tuple(halted.find(tx)),
        verified=verified.last(tx),
        changed_since=verified.changed_since(tx),
        throttled=record.throttled,
        polled=passes.is_polled(record),
        last_pass=passes.last_of(record),
        direction=record.direction,
        set_aside=tuple(returned.causes(tx)) if record.is_back else (),
        rows_named=looked_up.count(tx) if record.is_back else {},
        overdue_ms=record.overdue_ms,
    )


def _entity_status(
    name: str, chunks: Sequence[ChunkRecord], reasons: dict[str, int], begun: bool, remainders: tuple[str, ...]
) -> EntityStatus:
    counts = sum((c.counts for c in chunks if c.counts is not None), Counts())
    own = [c for c in chunks if c.chunk.number != LATER]
    gone = sum(c.gone for c in chunks)
    done = sum(1 for c in own if c.counts is not None)
    return EntityStatus(name, counts, len(own), done, sum(c.chunk.count for c in own), reasons, begun, remainders, gone)
