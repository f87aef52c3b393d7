"""A cutover that was never rehearsed."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from cutting_over import numbers, proven, written

from crossfade.errors import Refused
from cutover_times import PATIENT
from following import wait_for


def test_it_has_to_be_rehearsed(live: Any) -> None:
    settings = live.root / "crossfade.toml"
    settings.write_text(f"{settings.read_text()}\n[cutover]\n{PATIENT}rehearsals = 1\nrehearsed_days = 7\n")
    with proven(live) as move, psycopg.connect(live.source, autocommit=True) as old:
        with pytest.raises(Refused):
            move.cutover()
        assert move.rehearse().found.green
        new = written(old)
        wait_for(lambda: new in numbers(live))
        with psycopg.connect(live.target.url, autocommit=True) as target:
            target.execute("UPDATE items SET name = name")  # the application may write there as before
        assert move.cutover().closed_seconds > 0
