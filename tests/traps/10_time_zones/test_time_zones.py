from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from trap import Trap, compare, run

from crossfade.move import Move


@pytest.mark.parametrize("zone", ["Asia/Kolkata", "America/St_Johns", "Europe/Berlin"])
def test_the_zones_of_machine_and_database_move_nothing(
    zone: str, trap: Trap, make_move: Callable[[], Move], pg_db: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    pg_db.execute(f"ALTER DATABASE {pg_db.name} SET timezone = '{zone}'")
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        compare(run(make_move()), trap.expected, pg_db.url)
    finally:
        monkeypatch.undo()
        time.tzset()
