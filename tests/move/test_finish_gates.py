"""`finish` closes the way back, and demands verifications that were green."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from memory_cutover import Live, proven

from crossfade.errors import Refused
from crossfade.journal.daily import GREEN, RED, Outcome


def note(live: Live, days_ago: int, outcome: Outcome) -> None:
    with live.move() as move:
        move.note_daily(date.today() - timedelta(days=days_ago), outcome, "it says", "")


def test_the_newest_verification_and_the_days(live: Live) -> None:
    live.settings("[finish]\ngreen_days = 2\n")
    with proven(live), live.move() as move:
        move.cutover()
    note(live, 0, RED)
    with live.move() as move, pytest.raises(Refused, match="it says"):
        move.finish()
    note(live, 2, GREEN)
    with live.move() as move, pytest.raises(Refused, match="0 in a row"):
        move.finish()  # the newest is green, but today had a red one
    toml = live.folder / "crossfade.toml"
    toml.write_text(toml.read_text().replace("green_days = 2", "green_days = 0"))
    with live.move() as move:
        done = move.finish()
    assert '"daily"' in done.file.read_text()


def test_days_in_a_row(live: Live) -> None:
    live.settings("[finish]\ngreen_days = 2\n")
    with proven(live), live.move() as move:
        move.cutover()
    for days_ago in (1, 0):
        with live.move() as move, pytest.raises(Refused):
            move.finish()
        note(live, days_ago, GREEN)
    with live.move() as move:
        move.finish()
