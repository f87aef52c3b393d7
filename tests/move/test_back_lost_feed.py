"""Somebody damages what names the changes of the target after a cutover: nothing is lost, and nothing seems equal."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from coming_back import System, rows_and_rows
from crossfade.errors import Busy, Refused
from crossfade.model.events import PositionRenewed
from crossfade.move import cutting, feed_names, rolling_back
from following import wait_for
from scratch import PostgresScratch

TRIGGERS = """
SELECT format('DROP TRIGGER %I ON %s', tgname, tgrelid::regclass) FROM pg_trigger
WHERE tgname ~ '^crossfade_back' AND tgrelid::regclass::text IN ('customers', 'orders')
"""
HEAD = """
SELECT format('DROP TABLE crossfade.%I', relname) FROM pg_class
WHERE relname ~ '^crossfade_back_[0-9a-f]+$' AND relkind = 'r'
"""


@pytest.fixture
def target(new_target: Callable[[], PostgresScratch]) -> PostgresScratch:
    return new_target()


@pytest.fixture
def system(new_target: Callable[[], PostgresScratch], target: PostgresScratch, tmp_path: Path) -> System:
    return rows_and_rows(new_target().url, target.url, tmp_path / "p")


CHANGES = """
SELECT format('DROP TABLE crossfade.%I', relname) FROM pg_class
WHERE relname ~ '^crossfade_back_[0-9a-f]+_[0-9]+$' AND relkind = 'r'
"""


def _damage(target: PostgresScratch, query: str) -> None:
    for (statement,) in target.execute(query):
        target.execute(statement)


def _unseen_writes(system: System) -> None:
    assert system.put(system.new, 100, "new@x.org", {1: 7})
    assert system.put(system.new, 5, "changed@x.org", {})
    assert system.remove(system.new, 7)


def test_writes_that_no_trigger_noted_are_found_before_a_rollback(system: System, target: PostgresScratch) -> None:
    """Inserted rows too, of which the old store has no record."""
    system.cut_over()
    with system.following("back"), system.move() as move:
        assert move.verify_back().equal
        _damage(target, TRIGGERS)
        _unseen_writes(system)
        assert move.verify_back(again=True).equal
        assert system.old.all() == system.told
        _damage(target, TRIGGERS)
        assert system.put(system.new, 101, "more@x.org", {1: 7})
        assert move.rollback().stage == "source"
    assert system.old.all() == system.told


def _follow_and_remove(system: System, target: PostgresScratch) -> None:
    with system.following("back"):
        dropped = [statement for (statement,) in target.execute(CHANGES)]
        target.execute("; ".join(["UPDATE crossfade.run SET token = 'another'", *dropped]))
        wait_for(lambda: not system.follows("back"))


def test_a_feed_that_another_run_removes(system: System, target: PostgresScratch) -> None:
    """As a rollback does when it has decided: the run may read the feed before it looks at the journal."""
    system.cut_over()
    with pytest.raises(Busy):
        _follow_and_remove(system, target)


@pytest.mark.torture
def test_a_run_that_begins_during_a_cutover_or_a_rollback(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes the new feed for one that was left. No side is opened then, and the next try succeeds."""

    def begins(move: Any) -> bool:
        names = move.context.feed_names
        feed_names.remove_unused(move.context.transaction, move.source, move.target, names)
        return True

    with system.following("forward"), system.move() as move, monkeypatch.context() as patch:
        assert move.verify().equal
        fence = cutting._Cutover._fence
        patch.setattr(cutting._Cutover, "_fence", lambda self: begins(move) and fence(self))
        with pytest.raises(Refused, match=r"gone|meanwhile"):
            move.cutover()
        assert move.status().cutover.stage == "source"
        assert system.put(system.old, 1, "still@x.org", {})
    system.cut_over()
    with system.following("back"), system.move() as move, monkeypatch.context() as patch:
        assert move.verify_back().equal
        close = rolling_back._Rollback._close
        patch.setattr(rolling_back._Rollback, "_close", lambda self: begins(move) and close(self))
        with pytest.raises(Refused, match=r"gone|meanwhile"):
            move.rollback()
        assert move.status().cutover.stage == "target"
        assert system.put(system.new, 1, "still open", {})
    system.roll_back()
    assert system.old.all() == system.told


@pytest.mark.torture
def test_a_feed_that_is_gone_begins_again_and_everything_is_compared(system: System, target: PostgresScratch) -> None:
    system.cut_over()
    with system.following("back") as run:
        _damage(target, HEAD)
        _unseen_writes(system)
        wait_for(lambda: system.old.all() == system.told)
        assert run.saw(PositionRenewed)
    with system.following("back"), system.move() as move:
        assert move.verify_back().equal
