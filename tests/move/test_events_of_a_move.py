"""All phases of a move emit events with one run id, numbered without gaps; a log has the same ones."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from crossfade.model.events import (
    ChunkCopied,
    ChunkVerified,
    EntitySurveyed,
    Event,
    PhaseEnded,
    PhaseStarted,
    RecordRetried,
    RecordsEvicted,
    RecordsSampled,
    StepDone,
    TargetReset,
)
from crossfade.move import Move
from crossfade.project import load_project
from outcome import Shop
from scratch import PostgresScratch


@pytest.mark.parametrize("workers", [1, 2])
def test_every_phase(shop_copy: Shop, new_target: Callable[[], PostgresScratch], workers: int) -> None:
    urls = {"SOURCE_URL": shop_copy.source, "TARGET_URL": new_target().url}
    heard = list[Event]()
    with Move(load_project(shop_copy.folder, urls), workers=workers, listen=heard.append) as move:
        move.survey()
        move.sample(10)
        move.apply_schema()
        status = move.copy()
        move.retry()
        verdict = move.verify()
        move.reset()
        run = move.context.run
    assert [event.sequence for event in heard] == list(range(1, len(heard) + 1))
    assert {event.run for event in heard} == {run}
    assert phases_of(heard) == [
        *("+survey", "-survey", "+sample", "-sample", "+schema", "-schema"),
        *("+copy", "+constraints", "-constraints", "-copy"),
        *("+retry", "-retry", "+verify", "-verify", "+reset", "-reset"),
    ]
    kinds = (EntitySurveyed, RecordsSampled, StepDone, ChunkCopied, RecordsEvicted, RecordRetried, ChunkVerified)
    assert [kind.__name__ for kind in (*kinds, TargetReset) if not any(isinstance(e, kind) for e in heard)] == []
    assert copied_of(heard) == sum(e.counts.source for e in status.entities)
    assert sum(e.differences for e in heard if isinstance(e, ChunkVerified)) == verdict.differences == 0


def test_a_phase_that_failed_says_so(shop_copy: Shop, new_target: Callable[[], PostgresScratch]) -> None:
    urls = {"SOURCE_URL": shop_copy.source, "TARGET_URL": new_target().url}
    heard = list[Event]()

    def strike(event: Event) -> None:
        heard.append(event)
        if isinstance(event, ChunkCopied):
            raise KeyboardInterrupt

    with Move(load_project(shop_copy.folder, urls)) as move, pytest.raises(KeyboardInterrupt):
        move.copy(strike)
    assert heard[-1].sequence == len(heard)
    assert isinstance(heard[-1], PhaseEnded)
    assert (heard[-1].phase, heard[-1].outcome) == ("copy", "stopped")


def phases_of(heard: list[Event]) -> list[str]:
    signs = {PhaseStarted: "+", PhaseEnded: "-"}
    return [signs[type(e)] + e.phase for e in heard if isinstance(e, PhaseStarted | PhaseEnded)]


def copied_of(heard: list[Event]) -> int:
    return sum(e.counts.source for e in heard if isinstance(e, ChunkCopied))
