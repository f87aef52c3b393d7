"""Everything that a phase tells whoever listens: the events of a move."""

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
    """Nobody listens."""


@dataclass(frozen=True)
class Found:
    """An event: the survey begins, of about so many documents."""

    entities: int
    documents: int


@dataclass(frozen=True)
class Planned:
    """An event: this many documents in this many chunks are still to be copied, of so many in all."""

    documents: int
    chunks: int
    all_documents: int


@dataclass(frozen=True)
class Verifying:
    """An event: a verification begins, of so many documents."""

    documents: int
    tables: int
    rules: int


@dataclass(frozen=True)
class Stepping:
    """An event: so many DDL steps of the target are to be done."""

    steps: int


@dataclass(frozen=True)
class StepDone:
    """An event: a DDL step of the target is done."""

    step: Step


@dataclass(frozen=True)
class OnCluster:
    """An event: the work goes to the workers of a Dask cluster, so many groups of calls at once."""

    scheduler: str
    workers: int


@dataclass(frozen=True)
class WorksHere:
    """An event: a part of the work is done in this process, though a cluster is named; `reason` says why."""

    reason: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """An event: the run has waited for `seconds` or more for locks that these sessions hold."""

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
