from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from crossfade.move import Move

FAR = ["294276-12-31 23:59:59.999999", "294247-01-10 04:00:54.775808", "infinity", "-infinity"]


@pytest.mark.parametrize("column", ["at", "local"])
def test_a_date_that_no_driver_can_say_is_found(column: str, pg_db: Any, make_move: Callable[[], Move]) -> None:
    move = make_move()
    move.survey()
    move.copy()
    assert move.verify().equal
    for far in FAR:
        zone = "+00" if column == "at" and far[0].isdigit() else ""
        pg_db.execute(f"UPDATE events SET {column} = '{far}{zone}' WHERE id = 1")
        found = [(d.kind, d.key, d.column) for t in move.verify().tables for d in t.differences]
        assert found == [("changed", "1", column)], far
