"""An aggregate has the same result in whatever order its values are read."""

from __future__ import annotations

import struct
from itertools import permutations
from typing import Any

import pytest

from mapping_world import World

VALUES = [1e16, 1.0, -1e16, 3.0]
"""Every order of adding them rounds differently: some give 3, some 4."""

OF_ONE = """
    sum avg mean fsum favg kahan_sum sumkahan product stddev stddev_pop var_pop var_samp variance sem skewness kurtosis
    kurtosis_pop entropy median mode
""".split()
OF_TWO = "corr covar_pop covar_samp regr_slope regr_intercept regr_r2 regr_sxy arg_max arg_min max_by".split()
CALLS = [
    *(f"{name}(y.v)" for name in OF_ONE),
    *(f"{name}(y.v, y.w)" for name in OF_TWO),
    "sum(y.v ORDER BY y.w)",
    "sum(DISTINCT y.v)",
    "sum(DISTINCT y.v * 2)",
    "avg(DISTINCT y.v / 2)",
    "product(DISTINCT y.v * 2)",
    "entropy(DISTINCT y.v * 2)",
    "sum(DISTINCT y.v * 2 ORDER BY y.v * 2 DESC)",
    "sum(DISTINCT y.v * 2) FILTER (WHERE y.v <> 3.0)",
    "sum(DISTINCT as_decimal(y.i / 4, 10, 2))",
    "approx_quantile(DISTINCT y.v * 2, 0.5)",
    "arg_max(DISTINCT y.v * 2, y.w)",
    "mode(DISTINCT y.v * 2)",
    "sum(y.v) FILTER (WHERE y.v <> 3.0)",
    "approx_quantile(y.v, 0.5)",
    "sum(y.i)",
]


def bits(value: Any) -> Any:
    return struct.pack("<d", value) if isinstance(value, float) else value


ORDERS = World(
    {
        "e": [{"_id": e} for e in range(24)],
        "f": [
            {"_id": 10 * e + n, "e": e, "v": v, "w": float(i // 2), "i": i}
            for e, order in enumerate(permutations(enumerate(VALUES)))
            for n, (i, v) in enumerate(order)
        ],
    }
)


@pytest.mark.parametrize("call", CALLS)
def test_every_order(call: str) -> None:
    rest = "FROM e AS x LEFT JOIN f AS y ON y.e = x._id GROUP BY x._id"
    rows = ORDERS.rows(f"SELECT x._id AS k, {call} AS v {rest}")
    assert len(rows) == 24
    assert len({bits(row["v"]) for row in rows}) == 1


@pytest.mark.parametrize(
    ("call", "value"),
    [
        ("sum(DISTINCT y.v * 2)", 11.0),
        ("sum(DISTINCT y.v * 2) FILTER (WHERE y.v > 2)", 8.0),
        ("sum(DISTINCT y.v * 2) FILTER (WHERE y.v > 9)", None),
        ("entropy(DISTINCT y.v * 2) FILTER (WHERE y.v > 9)", 0.0),
        ("CAST(sum(DISTINCT as_decimal(y.v, 10, 2)) AS VARCHAR)", "5.50"),
        ("mode(DISTINCT y.v * 2)", 3.0),
        ("mode(DISTINCT y.v * 2 ORDER BY y.v * 2 DESC)", 8.0),
        ("arg_max(DISTINCT y.v * 2, y.v)", 8.0),
        ("sum(DISTINCT 0.5)", 0.5),
        ("sum(0.5)", 2.0),
        ("avg(1.5)", 1.5),
        ("sum(1e0)", 4.0),
        ("sum(-0.5)", -2.0),
        ("sum(0.5) FILTER (WHERE y.v > 2)", 0.5),
        ("sum(0.5 ORDER BY y.v)", 2.0),
        ("mode('a')", "a"),
        ("sum(TRUE)", 4),
        ("avg(NULL)", None),
        ("avg(DISTINCT NULL)", None),
        ("arg_max(y.s, TRUE)", "a"),
        ("arg_max(y.s, NULL)", None),
    ],
)
def test_what_is_distinct_or_constant(call: str, value: Any) -> None:
    values = [(1.5, "b"), (4.0, "a"), (1.5, "c"), (None, "a")]
    world = World({"e": [{"_id": 1}], "f": [{"_id": n, "e": 1, "v": v, "s": s} for n, (v, s) in enumerate(values)]})
    rest = "FROM e AS x LEFT JOIN f AS y ON y.e = x._id GROUP BY x._id"
    (row,) = world.rows(f"SELECT x._id AS k, {call} AS v {rest}")
    assert row["v"] == value


@pytest.mark.parametrize(
    "call",
    ["arbitrary(y.v)", "json_group_array(y.v)", "json_group_object(y.k, y.v)", "geomean(y.v)", "wavg(y.v, y.w)",
     "reservoir_quantile(y.v, 0.5)", "lttb(y.v, y.w, 2)", "list_aggregate(list(y.v ORDER BY y.w), 'sum_no_overflow')",
     "sum_no_overflow(y.i)", "list_aggregate(list(y.v ORDER BY y.w), 'reservoir_quantile', 0.5)"],
)  # fmt: skip
def test_what_takes_no_order_is_refused(call: str) -> None:
    world = World({"e": [{"_id": 1}], "f": [{"_id": 1, "e": 1, "v": 1.5, "w": 2.5, "i": 1, "k": "a"}]})
    rest = "FROM e AS x LEFT JOIN f AS y ON y.e = x._id GROUP BY x._id"
    assert world.faults(f"SELECT x._id AS k, {call} AS v {rest}"), call
