"""A guard that is broken at every second look."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg
import pytest
from cutting_over import came_back, proven_with_way_back

from crossfade.move import guarding
from crossfade.shift.gates import Gate
from following import Run, wait_for

GUARDS = "\n[guards]\nlag_s = 0.000001\nfor_s = 0.1\nrollback = true\n"
REAL = guarding.Guard._broken


class Looks:
    """The guard's figures; at every second look all is well, until `is_flapping` is over."""

    def __init__(self) -> None:
        self.count, self.is_flapping = 0, True

    def __call__(self, guard: guarding.Guard, context: Any) -> Sequence[Gate]:
        self.count += 1
        return [] if self.is_flapping and self.count % 2 else REAL(guard, context)


@pytest.mark.torture
def test_it_takes_back_once_and_only_when_it_stays_broken(live: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    looks = Looks()
    monkeypatch.setattr(guarding, "EVERY", 0.15)
    with proven_with_way_back(live, monkeypatch) as move:
        move.cutover()
    with came_back(live, []), live.move() as move:
        assert move.verify_back().equal
    settings = live.root / "crossfade.toml"
    settings.write_text(settings.read_text() + GUARDS)
    monkeypatch.setattr(guarding.Guard, "_broken", lambda guard, context: looks(guard, context))
    run = Run(live.move)
    wait_for(lambda: run.is_over or looks.count >= 10)
    assert stage(live) == "target"
    looks.is_flapping = False
    wait_for(lambda: run.is_over)
    assert stage(live) == "source"
    with psycopg.connect(live.source, autocommit=True) as old:
        old.execute("UPDATE items SET name = 'after' WHERE id = 1")
    again = Run(live.move)
    live.becomes("SELECT name FROM items WHERE id = 1", [("after",)])
    assert stage(live) == "source"
    with live.move() as move:
        move.stop()
    again.ended()


def stage(live: Any) -> str:
    with live.move() as move:
        return str(move.status().cutover.stage)
