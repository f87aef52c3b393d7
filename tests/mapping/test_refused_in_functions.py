"""Decimals are text: no function may compare them as text. Long and double are not combined in one list."""

from __future__ import annotations

import pytest
from bson import Decimal128, Int64

from mapping_world import World

WORLD = World(
    {
        "d": [
            {
                "_id": 1,
                "low": Decimal128("9.5"),
                "high": Decimal128("10.2"),
                "prices": [Decimal128("9.5"), Decimal128("10.2")],
                "longs": [Int64(9007199254740993)],
                "doubles": [1.5],
            }
        ]
    }
)


@pytest.mark.parametrize(
    "output",
    [
        "greatest(d.low, d.high)",
        "list_max(d.prices)",
        "list_sort(d.prices)",
        "list_contains(d.prices, '9.50')",
        "(SELECT max(e) FROM unnest(d.prices) AS u(e))",
        "(SELECT list(e ORDER BY e) FROM unnest(d.prices) AS u(e))",
        "(SELECT e FROM unnest(d.prices) AS u(e) ORDER BY e LIMIT 1)",
        "list_concat(d.longs, d.doubles)",
        "d.longs || d.doubles",
    ],
)
def test_what_would_compare_letters_or_round_is_refused(output: str) -> None:
    (fault,) = WORLD.faults(f"SELECT d._id AS id, {output} AS v FROM d AS d")
    assert "compare text" in fault.reason or "round" in fault.reason


@pytest.mark.parametrize(
    "output",
    [
        "greatest(as_decimal(d.low, 12, 2), as_decimal(d.high, 12, 2))",
        "list_sort(list_transform(d.prices, lambda p: as_decimal(p, 12, 2)))",
        "list_distinct(d.prices)",
        "list_concat(d.longs, d.longs)",
    ],
)
def test_what_says_what_is_meant_is_not(output: str) -> None:
    assert WORLD.faults(f"SELECT d._id AS id, {output} AS v FROM d AS d") == ()
