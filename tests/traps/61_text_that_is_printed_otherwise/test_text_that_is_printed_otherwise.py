from __future__ import annotations

from collections.abc import Callable
from typing import Any

from crossfade.move import Move


def test_what_is_another_value_is_found(pg_db: Any, make_move: Callable[[], Move]) -> None:
    move = make_move()
    move.survey()
    move.copy()
    other = "span = '26 hours', days = '[2024-01-01,2024-02-02)', six = '2001:db8::2'"
    pg_db.execute(f"UPDATE rows SET {other} WHERE mac > '08002b010203'")
    pg_db.execute("UPDATE rows SET span = '26 hours' WHERE id = '10.0.0.1'")
    found = [(d.kind, d.key, d.column) for t in move.verify().tables for d in t.differences]
    assert sorted(found) == [
        ("changed", '"10.0.0.1/32"', "span"),
        ("changed", '"2001:db8::1/128"', "days"),
        ("changed", '"2001:db8::1/128"', "six"),
        ("changed", '"2001:db8::1/128"', "span"),
    ]
