"""The events of a run: what the phases tell their listener.

An event is a value. The move gives it the run's id and its number in the run (move/emitter.py): 1, 2, 3 ... without
gaps, in the order in which listeners are called. docs/reference/events.md has a table of all events and their fields.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from crossfade.model.batch import Chunk
from crossfade.model.counts import Counts
from crossfade.model.event import Event as Event
from crossfade.model.event import Listener as Listener
from crossfade.model.event import ignore as ignore
from crossfade.model.follow_events import CutoverStepDone as CutoverStepDone
from crossfade.model.follow_events import EntityHalted as EntityHalted
from crossfade.model.follow_events import FeedRemoved as FeedRemoved
from crossfade.model.follow_events import FeedSilent as FeedSilent
from crossfade.model.follow_events import FeedStarted as FeedStarted
from crossfade.model.follow_events import FollowingPaused as FollowingPaused
from crossfade.model.follow_events import GuardBroken as GuardBroken
from crossfade.model.follow_events import LagProven as LagProven
from crossfade.model.follow_events import PassEnded as PassEnded
from crossfade.model.follow_events import PositionRenewed as PositionRenewed
from crossfade.model.follow_events import RecordsPending as RecordsPending
from crossfade.model.follow_events import SteppedBack as SteppedBack
from crossfade.model.follow_events import Throttled as Throttled
from crossfade.model.target import Step

# -- any phase


@dataclass(frozen=True, slots=True)
class PhaseStarted(Event):
    """A phase starts: survey, sample, schema, copy, constraints, restart, forget, retry, follow, verify, repair, reset
    cutover or finish.
    """

    phase: str


@dataclass(frozen=True, slots=True)
class PhaseEnded(Event):
    """A phase ended. `outcome` is `finished`, `failed` (by an error) or `stopped` (by Ctrl-C)."""

    phase: str
    outcome: str
    seconds: float


@dataclass(frozen=True, slots=True)
class ConnectionLost(Event):
    """Work was interrupted (`reason`) and is retried in `seconds`: attempt `attempt` of `attempts` (0: no limit)."""

    reason: str
    attempt: int
    attempts: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Blocker:
    """A session that holds a lock for which this run waits; texts are empty if the login may not see them.

    `pid` is 0 for a prepared transaction, which has no session.
    """

    pid: int
    application: str
    user: str
    state: str
    query_start: str
    query: str


@dataclass(frozen=True, slots=True)
class LockAwaited(Event):
    """The run has waited for at least `seconds` for locks that these sessions hold."""

    seconds: float
    blockers: tuple[Blocker, ...]


# -- a cluster


@dataclass(frozen=True, slots=True)
class ClusterUsed(Event):
    """The work runs on a Dask cluster, with up to `workers` groups of calls at once."""

    scheduler: str
    workers: int


@dataclass(frozen=True, slots=True)
class ClusterNotUsed(Event):
    """A part of the work runs in this process instead of on the cluster; `reason` says why."""

    reason: str


@dataclass(frozen=True, slots=True)
class WorkerLost(Event):
    """A worker of the cluster is gone; other workers repeat its `groups` of calls (0 if it had none of this run)."""

    worker: str
    groups: int


# -- survey


@dataclass(frozen=True, slots=True)
class SurveyStarted(Event):
    """The survey starts, with this number of entities and about this number of records."""

    entities: int
    records: int


@dataclass(frozen=True, slots=True)
class RecordsScanned(Event):
    """`records` more records of `entity`, `bytes` long, were counted."""

    entity: str
    records: int
    bytes: int


@dataclass(frozen=True, slots=True)
class EntitySurveyed(Event):
    """An entity was scanned to its end. `problems` counts the records that cannot be read, by reason."""

    entity: str
    records: int
    bytes: int
    problems: Mapping[str, int] = field(default_factory=dict)
    problem_keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


# -- schema


@dataclass(frozen=True, slots=True)
class StepsStarted(Event):
    """This number of DDL steps will be executed in the target."""

    steps: int


@dataclass(frozen=True, slots=True)
class StepDone(Event):
    """A DDL step was executed in the target."""

    step: Step


@dataclass(frozen=True, slots=True)
class StepFailed(Event):
    """A step that only fills something from the rows of the target failed, for `reason`. The others go on; the next
    copy tries it again.
    """

    step: Step
    reason: str


# -- copy and constraints


@dataclass(frozen=True, slots=True)
class CopyStarted(Event):
    """The copy starts; these records and chunks are still to be copied, of `all_records`."""

    records: int
    chunks: int
    all_records: int


@dataclass(frozen=True, slots=True)
class Refusals:
    """Records of a chunk that one column refused for one reason; `place` is table.column as far as it is known."""

    reason: str
    place: str
    count: int
    example: str


@dataclass(frozen=True, slots=True)
class ChunkCopied(Event):
    """A chunk was committed. `before`: an earlier run or a lost worker had done it; `counts` has nothing then."""

    chunk: Chunk
    counts: Counts
    seconds: float
    refused: tuple[Refusals, ...] = ()
    before: bool = False


@dataclass(frozen=True, slots=True)
class RecordsEvicted(Event):
    """`count` source records of `entity` went to quarantine because of `constraint` on `table`."""

    entity: str
    table: str
    constraint: str
    count: int


@dataclass(frozen=True, slots=True)
class RecordsGone(Event):
    """`count` records of `entity` that were copied are no longer in the source; their rows were removed, because
    `constraint` on `table` refuses them.
    """

    entity: str
    table: str
    constraint: str
    count: int


# -- preview of a sample


@dataclass(frozen=True, slots=True)
class SampleStarted(Event):
    """The mapping of a sample of about `records` records starts."""

    records: int


@dataclass(frozen=True, slots=True)
class RecordsSampled(Event):
    """`records` more records of `entity` were mapped; `refused` of them would go to quarantine."""

    entity: str
    records: int
    refused: int


# -- retry


@dataclass(frozen=True, slots=True)
class RetryStarted(Event):
    """A retry of `records` records starts; another round if others were copied in the meantime."""

    records: int


@dataclass(frozen=True, slots=True)
class RecordRetried(Event):
    """The outcome for a record: `copied`, `discarded`, `gone` or `quarantined`, then with the `reason`."""

    entity: str
    outcome: str
    reason: str | None


# -- repair


@dataclass(frozen=True, slots=True)
class RecordsApplied(Event):
    """`records` more records were applied; so many rows were inserted, updated and deleted for it."""

    records: int
    inserted: int
    updated: int
    deleted: int


# -- verify


@dataclass(frozen=True, slots=True)
class VerificationStarted(Event):
    """A verification starts, of this number of records, tables and rules."""

    records: int
    tables: int
    rules: int


@dataclass(frozen=True, slots=True)
class ChunkVerified(Event):
    """A chunk was compared: its `counts` as found now, and the number of differences."""

    chunk: Chunk
    counts: Counts
    differences: int
    seconds: float


@dataclass(frozen=True, slots=True)
class TableVerified(Event):
    """All keys of a table were compared with the expected ones."""

    table: str
    extra: int
    duplicate: int


@dataclass(frozen=True, slots=True)
class GenerationStarted(Event):
    """While others write: `records` listed records are compared; `at` is the source's time that they are proven for."""

    number: int
    records: int
    at: str | None


@dataclass(frozen=True, slots=True)
class RecordsCompared(Event):
    """`records` more listed records of `entity` were compared, of which `differing` differ for now."""

    entity: str
    records: int
    differing: int


@dataclass(frozen=True, slots=True)
class FollowerAwaited(Event):
    """The verification waits for the follower, which has this many records to apply."""

    pending: int


@dataclass(frozen=True, slots=True)
class RuleChecked(Event):
    """A rule was run on the target: the number of rows that break it, and the error if it could not be run."""

    rule: str
    violations: int
    error: str | None


# -- reset


@dataclass(frozen=True, slots=True)
class TargetReset(Event):
    """A reset was committed: the number of objects that it dropped and of rows that it deleted."""

    objects: int
    rows: int
