"""The events of a move, which a phase passes to its listener."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from crossfade.assess.survey import Scanned
from crossfade.model.target import Step
from crossfade.pipeline.constraints import RecordsGone, RecordsLeft
from crossfade.pipeline.copy import ChunkCopied
from crossfade.pipeline.preview import Sampled, Sampling
from crossfade.pipeline.retry import RecordRetried, Retrying
from crossfade.runtime.again import TryingAgain
from crossfade.stores.contract import Blocker
from crossfade.verify.chunk import ChunkVerified
from crossfade.verify.run import RuleAsked, TableVerified

Listener = Callable[[Any], None]


def deaf(event: Any) -> None:
    """Ignore the event."""


@dataclass(frozen=True)
class Found:
    """An event: the survey starts, with this number of entities and about this number of documents."""

    entities: int
    documents: int


@dataclass(frozen=True)
class Planned:
    """An event: the copy starts; these documents and chunks are still to be copied, of `all_documents`."""

    documents: int
    chunks: int
    all_documents: int


@dataclass(frozen=True)
class Verifying:
    """An event: a verification starts, of this number of documents, tables and rules."""

    documents: int
    tables: int
    rules: int


@dataclass(frozen=True)
class Stepping:
    """An event: this number of DDL steps will be executed in the target."""

    steps: int


@dataclass(frozen=True)
class StepDone:
    """An event: a DDL step was executed in the target."""

    step: Step


@dataclass(frozen=True)
class OnCluster:
    """An event: the work runs on a Dask cluster, with up to `workers` groups of calls at once."""

    scheduler: str
    workers: int


@dataclass(frozen=True)
class WorksHere:
    """An event: a part of the work runs in this process instead of on the cluster; `reason` says why."""

    reason: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """An event: the run has waited for at least `seconds` for locks that these sessions hold."""

    seconds: float
    blockers: tuple[Blocker, ...]


__all__ = [
    "ChunkCopied",
    "ChunkVerified",
    "Found",
    "Listener",
    "OnCluster",
    "Planned",
    "RecordRetried",
    "RecordsGone",
    "RecordsLeft",
    "Retrying",
    "RuleAsked",
    "Sampled",
    "Sampling",
    "Scanned",
    "StepDone",
    "Stepping",
    "TableVerified",
    "TryingAgain",
    "Verifying",
    "Waiting",
    "WorksHere",
    "deaf",
]
