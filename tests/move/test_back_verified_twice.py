"""Two verifications of what came back may run at once: each compares all that it has to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from coming_back import rows_and_rows
from crossfade.errors import Refused
from crossfade.journal import returned
from crossfade.verify import returned as comparing
from following import wait_for
from scratch import PostgresScratch


def test_records_that_another_verification_takes_are_compared(
    new_target: Callable[[], PostgresScratch], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other one begins just before a rollback compares what changed; it may die, or be too late."""
    system = rows_and_rows(new_target().url, new_target().url, tmp_path / "p")
    system.cut_over()
    some = comparing.some

    def beside(way: Any, *args: Any) -> Any:
        with way.transact() as tx:
            returned.take(tx, "another", everything=False)
        return some(way, *args)

    with system.following("back"), system.move() as move:
        assert move.verify_back().equal
        assert system.put(system.new, 5, "changed@x.org", {})
        wait_for(lambda: system.old.all() == system.told)
        with psycopg.connect(system.source) as connection:
            connection.execute("SET crossfade.writes TO 'on'")
            connection.execute("UPDATE customers SET email = 'damaged@x.org' WHERE id = 5")
        monkeypatch.setattr(comparing, "some", beside)
        with pytest.raises(Refused, match="not equal"):
            move.rollback()
        assert move.status().cutover.stage == "target"
