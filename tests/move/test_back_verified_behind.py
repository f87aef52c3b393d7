"""A verification on the way back while the run is behind: what is written again before the run looks at it is no
difference.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from coming_back import rows_and_rows
from crossfade.pipeline.returning import Return
from crossfade.verify.follower import Follower
from following import wait_for
from scratch import PostgresScratch


def test_a_record_that_is_written_again_and_again(
    new_target: Callable[[], PostgresScratch], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    system = rows_and_rows(new_target().url, new_target().url, tmp_path / "p")
    system.cut_over()
    is_held, calls = threading.Event(), list[int]()
    number = itertools.count()
    round_, drain = Return.round, Follower.drain

    def held(self: Return) -> bool:
        if is_held.is_set():
            threading.Event().wait(0.02)
            return False
        return round_(self)

    def write() -> None:
        assert system.put(system.new, 5, f"changed{next(number)}@x.org", {})

    def draining(self: Follower) -> None:
        """Three times, what is waited for is written again; then the run goes on."""
        calls.append(len(calls))
        if len(calls) <= 3:
            threading.Timer(0.5, write).start()
        else:
            is_held.clear()
        drain(self)

    monkeypatch.setattr(Return, "round", held)
    monkeypatch.setattr(Follower, "drain", draining)
    with system.following("back"), system.move() as move:
        write()  # its other rows go: from now on one row is written, always the same
        wait_for(lambda: system.old.all() == system.told)
        is_held.set()
        write()
        found = move.verify_back()
        assert (found.differences, found.moving, len(calls) > 3) == (0, 0, True)
    assert system.old.all() == system.told
