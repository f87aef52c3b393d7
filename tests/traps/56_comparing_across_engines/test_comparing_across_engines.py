from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from crossfade.move import Move

DIFFERENT = {
    "f": ["f + 1e-8", "f + 1e-17", "-f", "'NaN'"],
    "x": ["x + 0.00000001", "-x", "0"],
    "at": ["at + interval '1 microsecond'", "at - interval '1 microsecond'", "at + interval '1 hour'", "'infinity'"],
    "j": ["jsonb_set(j, '{a}', '0.000010000001')", "jsonb_set(j, '{b}', '\"1\"')", "j - 'b'", "j || '{\"c\": null}'"],
}
SAME = {
    "f": ["'0.00001'::double precision", "'0.000010000000000000001'::double precision"],
    "at": ["'2024-01-26 11:00:00.123+01'", "at + interval '0'"],
    "j": ['\'{"b": 1e2, "a": 1e-05}\'', '\'{"a": 9, "a": 0.00001, "b": 100}\''],
}


@pytest.fixture
def copied(make_move: Callable[[], Move]) -> Move:
    move = make_move()
    move.survey()
    move.copy()
    return move


def test_every_difference_is_found(copied: Move, pg_db: Any) -> None:
    assert copied.verify().equal
    for column, values in DIFFERENT.items():
        for value in values:
            pg_db.execute("CREATE TABLE kept AS TABLE points")
            pg_db.execute(f"UPDATE points SET {column} = {value} WHERE id = 1")
            found = [(d.kind, d.key, d.column) for t in copied.verify().tables for d in t.differences]
            assert found == [("changed", "1", column)], value
            pg_db.execute(f"UPDATE points SET {column} = kept.{column} FROM kept WHERE kept.id = points.id")
            pg_db.execute("DROP TABLE kept")


def test_another_spelling_is_no_difference(copied: Move, pg_db: Any) -> None:
    for column, values in SAME.items():
        for value in values:
            pg_db.execute(f"UPDATE points SET {column} = {value} WHERE id = 1")
            assert copied.verify().equal, value
