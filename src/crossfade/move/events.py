"""What a phase tells whoever listens, beside the events of the copy and of the verification."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from crossfade.model.target import Step

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
