"""A group of calls repeated after its worker committed and was lost: nothing is counted or written twice."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from test_readmitted import MAPPING, RECORDS, SCHEMA

import shop
from crossfade.move import copying, quarantine, verifying
from crossfade.runtime.executor import Done
from crossfade.runtime.local import InProcess
from crossfade.runtime.sent_once import Call
from outcome import Outcome, Shop, balanced, counts_of, differences, open_move, outcome
from scratch import PostgresScratch


class Twice(InProcess):
    """The first answers are lost, as those of a worker that was killed when it had made its calls."""

    def submit(self, calls: Sequence[Call], done: Callable[[Done], None], *, whole: bool = False) -> None:
        super().submit(calls, lambda lost: None, whole=whole)
        super().submit(calls, done, whole=whole)


@pytest.fixture(autouse=True)
def twice(monkeypatch: pytest.MonkeyPatch) -> None:
    for phase in (copying, quarantine, verifying):
        monkeypatch.setattr(phase, "executor_for", lambda *_, **__: Twice())


def test_a_move(filled_shop: Shop, undisturbed: Outcome, new_target: Callable[[], PostgresScratch]) -> None:
    target = new_target().url
    with open_move(filled_shop.folder, filled_shop.source, target) as move:
        status = move.copy()
        found = outcome(target, status)
        balanced(status, found)
        assert differences(found, undisturbed) == []
        verdict = move.verify()
        assert verdict.equal
        assert {e.entity: e.found for e in verdict.entities} == {e.entity: e.counts for e in status.entities}


def test_records_that_wait_for_a_readmitted_record(pg_db: PostgresScratch, tmp_path: Path) -> None:
    """The first answer, which is lost, is the one that says that the parent came in."""
    source = shop.dump(tmp_path / "dump", RECORDS)
    folder = shop.small_project(tmp_path / "p", SCHEMA, MAPPING)
    with open_move(folder, source, pg_db.url) as move:
        move.survey()
        status = move.copy()
    assert counts_of(status) == {"a_roots": (1, 1, 0, 0), "b_parents": (2, 1, 1, 0), "c_children": (2, 1, 1, 0)}
