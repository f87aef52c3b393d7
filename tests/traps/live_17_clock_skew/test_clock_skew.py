"""This machine's clock is a day ahead, and then a day behind."""

from __future__ import annotations

import time
from typing import Any

import pytest

from crossfade.model.events import LagProven
from following import running, wait_for


@pytest.mark.parametrize("skew", [86_400, -86_400])
def test_the_lag_is_that_of_a_mark(live: Any, monkeypatch: pytest.MonkeyPatch, skew: int) -> None:
    real, real_ns = time.time, time.time_ns
    monkeypatch.setattr(time, "time", lambda: real() + skew)
    monkeypatch.setattr(time, "time_ns", lambda: real_ns() + skew * 1_000_000_000)
    with running(live.move) as run:
        live.db.items.update_one({"_id": 1}, {"$inc": {"n": 1}})
        live.becomes("SELECT id, n FROM items ORDER BY 1", [(1, 1), (2, 0)])
        wait_for(lambda: len(run.saw(LagProven)) > 1)
    assert all(0 < one.seconds < 3600 for one in run.events if isinstance(one, LagProven))
