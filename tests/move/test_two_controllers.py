"""A rollback does not begin between what another command has read and what it then does."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from coming_back import System, rows_and_rows
from crossfade.journal import cutover as stages
from crossfade.journal import feed as feeds
from crossfade.move import cutting, finishing, starting
from scratch import PostgresScratch


@pytest.mark.torture
def test_the_stage_stays_until_a_run_has_its_number_and_a_move_is_finished(
    new_target: Callable[[], PostgresScratch], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    system = rows_and_rows(new_target().url, new_target().url, tmp_path / "p")
    system.cut_over()
    tried, begun = list[str](), list[str]()

    def meanwhile(what: str) -> None:
        tried.append(what)
        with suppress(Exception):
            _begin_rollback(system)
            begun.append(what)

    def next_writer(tx: Any) -> int:
        meanwhile("run")
        return feeds_next_writer(tx)

    feeds_next_writer = feeds.next_writer
    with monkeypatch.context() as patch:
        patch.setattr(feeds, "next_writer", next_writer)
        with system.following("back"):
            pass
    monkeypatch.setattr(finishing, "_require_green", lambda context, tx: meanwhile("finish"))
    with system.move() as move:
        move.finish()
    assert (tried, begun) == (["run", "finish"], [])


def _begin_rollback(system: System) -> None:
    with system.move() as move, move.context.transaction() as tx:
        tx.run("SET LOCAL lock_timeout TO '500ms'")
        token = stages.take_over(tx)
        stages.change(tx, token, (stages.TARGET,), stages.CLOSING, until=stages.deadline(60))


@pytest.mark.torture
def test_a_cutover_that_wakes_late_leaves_the_feed_of_a_rollback(
    new_target: Callable[[], PostgresScratch], tmp_path: Path
) -> None:
    system = rows_and_rows(new_target().url, new_target().url, tmp_path / "p")
    system.cut_over()
    with system.move() as move:
        with move.context.transaction() as tx:
            token = stages.find(tx).token
            stages.take_over(tx)
        starting.start_feed(move.context)
        created = starting.created(move.context)
        assert created
        starting.end_forward_feed(move.context, token)
        assert starting.created(move.context) == created


LEFT = "SELECT tgname FROM pg_trigger WHERE tgname ~ '^crossfade_back'"


@pytest.mark.torture
@pytest.mark.parametrize("is_late", [False, True])
def test_no_feed_is_left_of_a_cutover_that_a_rollback_has_ended(
    new_target: Callable[[], PostgresScratch], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_late: bool
) -> None:
    """Nothing is closed yet. The feed of the target is made already, or just when the rollback has ended."""
    target = new_target()
    system = rows_and_rows(new_target().url, target.url, tmp_path / "p")
    begin, made = cutting._Cutover._begin_way_back, list[int]()

    def ended(self: Any) -> str:
        said = "" if is_late else begin(self)
        with system.move() as other:
            assert other.rollback().stage == "source"
        said = begin(self) if is_late else said
        made.append(len(target.execute(LEFT)))
        return said

    monkeypatch.setattr(cutting._Cutover, "_begin_way_back", ended)
    with system.following("forward"), system.move() as move:
        assert move.verify().equal
        with pytest.raises(stages.TakenOver):
            move.cutover()
        assert [bool(number) for number in made] == [is_late]
        assert target.execute(LEFT) == []
