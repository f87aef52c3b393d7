"""The controller ends with the source closed and the target not open. Kills of a process: tests/live."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from cutting_over import numbers, proven, written

from crossfade.move import cutting
from crossfade.shift import run
from cutover_times import time_is_over
from following import wait_for


class Killed(BaseException):
    """What ends a process ends it here, without a step back."""


def test_the_source_takes_writes_again(live: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def die(self: object, *args: object) -> str:
        raise Killed

    with proven(live) as move, psycopg.connect(live.source, autocommit=True) as old:
        with monkeypatch.context() as patch:
            patch.setattr(run.Controller, "back", die)
            patch.setattr(cutting._Cutover, "_open", die)
            with pytest.raises(Killed):
                move.cutover()
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            written(old)
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction), psycopg.connect(live.target.url) as new:
            written(new)
        time_is_over(move)
        wait_for(lambda: move.status().cutover.stage == "source")
        own = written(old)
        done = move.cutover()
        assert done.stage == "target"
        assert own in numbers(live)
        assert all(step.ended_at for step in done.steps)
