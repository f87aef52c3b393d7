"""A source outlives journals, and may have several moves: what one has closed is not opened by another."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import coming_back
from coming_back import System, by_number, rows_and_rows, surveyed
from scratch import PostgresScratch


@pytest.fixture
def target(new_target: Callable[[], PostgresScratch]) -> PostgresScratch:
    return new_target()


@pytest.fixture
def system(new_target: Callable[[], PostgresScratch], target: PostgresScratch, tmp_path: Path) -> System:
    return rows_and_rows(new_target().url, target.url, tmp_path / "one")


def _another(system: System, target: str, folder: Path) -> System:
    """A move of the same source into another target."""
    made = coming_back._project(folder, coming_back.ROWS_SCHEMA, coming_back.ROWS)
    return surveyed(
        System(made, system.source, target, system.old, by_number(target), system.notes, told=dict(system.told))
    )


def test_a_target_that_was_made_anew(system: System, target: PostgresScratch) -> None:
    """Its journal begins anew. The source still knows the controllers and the runs of the old one."""
    for _ in range(2):
        system.cut_over()
        assert system.put(system.new, 1, "changed@x.org", {})
        system.roll_back()
        assert system.old.all() == system.told
        target.execute("DROP SCHEMA crossfade CASCADE; DROP TABLE customers, orders CASCADE")


def test_another_move_leaves_closed_what_one_has_closed(
    system: System, new_target: Callable[[], PostgresScratch], tmp_path: Path
) -> None:
    other = _another(system, new_target().url, tmp_path / "other")
    with other.following("forward"), other.move() as move:
        assert move.verify().equal
        for _ in range(3):  # its controllers are later than the other's
            assert move.rehearse().found.cause is None
    system.cut_over()
    with other.move() as move:
        assert move.status().cutover.stage == "source"
        gates = {gate.name: gate.holds for gate in move.plan_cutover().gates}
        assert not gates["fence of the source"]
        assert not system.put(system.old, 1, "closed@x.org", {})
    with other.following("forward"):
        assert not system.put(system.old, 1, "closed@x.org", {})
    with other.move() as move:
        move.reset()
    assert not system.put(system.old, 1, "closed@x.org", {})
    system.roll_back()
    assert system.put(system.old, 1, "open@x.org", {})
