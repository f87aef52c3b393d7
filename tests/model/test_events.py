"""What programs read of an event: a change here breaks them. Fields are added at the end, and are not removed."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from crossfade.model import events
from crossfade.model.batch import Chunk
from crossfade.model.counts import Counts
from crossfade.model.target import Step

EVENTS = {
    "PhaseStarted": "phase: str",
    "PhaseEnded": "phase: str, outcome: str, seconds: float",
    "ConnectionLost": "reason: str, attempt: int, attempts: int, seconds: float",
    "LockAwaited": "seconds: float, blockers: tuple[Blocker, ...]",
    "ClusterUsed": "scheduler: str, workers: int",
    "ClusterNotUsed": "reason: str",
    "WorkerLost": "worker: str, groups: int",
    "SurveyStarted": "entities: int, records: int",
    "RecordsScanned": "entity: str, records: int, bytes: int",
    "EntitySurveyed": "entity: str, records: int, bytes: int, problems: Mapping[str, int],"
    " problem_keys: Mapping[str, tuple[str, ...]]",
    "StepsStarted": "steps: int",
    "StepDone": "step: Step",
    "StepFailed": "step: Step, reason: str",
    "CopyStarted": "records: int, chunks: int, all_records: int",
    "PassEnded": "number: int, began_at: str, seconds: float, compared: int, repaired: int, left: int",
    "ChunkCopied": "chunk: Chunk, counts: Counts, seconds: float, refused: tuple[Refusals, ...], before: bool",
    "RecordsEvicted": "entity: str, table: str, constraint: str, count: int",
    "RecordsGone": "entity: str, table: str, constraint: str, count: int",
    "SampleStarted": "records: int",
    "RecordsSampled": "entity: str, records: int, refused: int",
    "RetryStarted": "records: int",
    "RecordRetried": "entity: str, outcome: str, reason: str | None",
    "RecordsApplied": "records: int, inserted: int, updated: int, deleted: int",
    "VerificationStarted": "records: int, tables: int, rules: int",
    "ChunkVerified": "chunk: Chunk, counts: Counts, differences: int, seconds: float",
    "TableVerified": "table: str, extra: int, duplicate: int",
    "RuleChecked": "rule: str, violations: int, error: str | None",
    "TargetReset": "objects: int, rows: int",
    "FeedStarted": "name: str, since: str | None",
    "LagProven": "seconds: float, backlog: int | None",
    "RecordsPending": "records: int",
    "FeedRemoved": "retained: int, limit: int",
    "Throttled": "cause: str | None",
    "FeedSilent": "seconds: float",
    "EntityHalted": "entity: str, cause: str",
    "FollowingPaused": "cause: str",
    "PositionRenewed": "cause: str",
    "SteppedBack": "",
    "GuardBroken": "guards: str, outcome: str",
    "CutoverStepDone": "step: str, seconds: float, outcome: str",
    "GenerationStarted": "number: int, records: int, at: str | None",
    "RecordsCompared": "entity: str, records: int, differing: int",
    "FollowerAwaited": "pending: int",
}
PARTS = {
    "Event": "run: str, sequence: int",
    "Blocker": "pid: int, application: str, user: str, state: str, query_start: str, query: str",
    "Refusals": "reason: str, place: str, count: int, example: str",
    "Chunk": "entity: str, number: int, lower: str | None, upper: str | None, count: int",
    "Counts": "source: int, copied: int, quarantined: int, discarded: int",
    "Step": "id: str, sql: str",
}


def shape_of(kind: type[Any]) -> str:
    return ", ".join(f"{f.name}: {f.type}" for f in fields(kind) if kind is events.Event or f.name not in _COMMON)


_COMMON = ("run", "sequence")


def test_the_fields_of_every_event() -> None:
    assert {e.__name__: shape_of(e) for e in events.Event.__subclasses__()} == EVENTS


def test_the_fields_of_their_parts() -> None:
    parts = (events.Event, events.Blocker, events.Refusals, Chunk, Counts, Step)
    assert {p.__name__: shape_of(p) for p in parts} == PARTS
