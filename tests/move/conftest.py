from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from memory_cutover import MAPPING, SCHEMA, Live, customer

import shop
from crossfade.move import cutting_back
from crossfade.pipeline import follow, pulse
from crossfade.stores import patience
from in_memory import fill


@pytest.fixture
def live(tmp_path: Path, new_memory: Callable[[], str], monkeypatch: pytest.MonkeyPatch) -> Live:
    monkeypatch.setattr(pulse, "SECONDS", 0.05)
    monkeypatch.setattr(follow, "IDLE", 0.05)
    monkeypatch.setattr(cutting_back, "EVERY", 0.05)
    monkeypatch.setattr(patience, "SECONDS", 0.5)
    made = Live(shop.small_project(tmp_path / "p", SCHEMA, MAPPING, chunk_mb=0.002), new_memory(), new_memory())
    made.settings("[cutover]\n")
    fill(made.source, "customers", [customer(n) for n in range(20)])
    made.written = {f"c{n}@x.org" for n in range(20)}
    with made.move() as move:
        move.survey()
    return made
