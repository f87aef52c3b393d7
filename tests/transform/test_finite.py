"""No function of DuckDB's returns infinity or NaN for finite numbers: the record is refused."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import product
from typing import Any

import duckdb
import pytest
import sqlglot

from crossfade.errors import MappingFault
from crossfade.model.program import ROOT_TABLE
from crossfade.transform.companions import value
from crossfade.transform.engine import RECORD_ERRORS, EngineError
from mapping_world import ENGINE, World, python_rows

EDGES = [1.7976931348623157e308, -1e308, 0.0, 1.0, 0.5, 5e-324]
PAIRS = World(
    {"e": [{"_id": n, "a": a, "b": b, "l": [a, b], "m": [b, -a, a]} for n, (a, b) in enumerate(product(EDGES, EDGES))]}
)
GROUPS = World(
    {
        "e": [{"_id": n} for n in range(4)],
        "f": [
            {"_id": f"{n} {at}", "e": n, "v": v, "w": w}
            for n, group in enumerate(
                [[(1e308, 0.5)] * 3, [(1.7e308, 0.5), (-1.6e308, 0.25)], [(0.0, 0.0)] * 2, [(1e-300, 1.0), (2.0, 3.0)]]
            )
            for at, (v, w) in enumerate(group)
        ],
    }
)
BINARY = "+ - * / // % ** ^ <->".split()
LISTS = ["list_sum", "list_avg", "list_product", "list_stddev_pop", "list_var_samp", "list_sem", "list_kurtosis"]


@cache
def of_duckdb(kind: str) -> Sequence[tuple[str, int]]:
    """The functions of the installed version that return a floating-point number, with the number of arguments."""
    with duckdb.connect(":memory:") as con:
        found = con.execute(
            """SELECT DISTINCT function_name, len(parameters) FROM duckdb_functions()
               WHERE function_type = ? AND regexp_matches(return_type, '^(DOUBLE|FLOAT)')
                     AND regexp_matches(function_name, '^[a-z]') ORDER BY ALL""",
            [kind],
        ).fetchall()
    return [(name, count) for name, count in found if 0 < count < 4]


def calls(name: str, count: int) -> Iterator[str]:
    """Calls with numbers, and with lists."""
    yield f"{name}({', '.join(['x.a', 'x.b', 'x.a'][:count])})"
    if name.startswith("list_"):
        yield f"{name}(x.l, list_reverse(x.l))"
    if name.startswith("array_"):
        values = ("array_value(x.a, x.b, 0.5::DOUBLE)", "array_value(x.b, x.b, x.a)")
        yield f"{name}({', '.join(values[:count])})"


def returned(world: World, expression: str) -> list[Any] | None:
    """What the expression returns for the records, None where it refuses (with the companions of one_pass.py, which
    raise nothing). None if it is no expression of DuckDB's.
    """
    try:
        program = world.program(f"SELECT x._id AS k, {expression} AS v FROM e AS x")
    except MappingFault:
        return None
    made = sqlglot.parse_one(f"SELECT {program.branches[0].narrow.outputs['v']}", read="duckdb").expressions[0]
    sql = f"SELECT TRY({value(made.unalias()).sql('duckdb')}) AS v FROM {ROOT_TABLE} AS x"
    try:
        return [row["v"] for row in python_rows(ENGINE.run(sql, {ROOT_TABLE: world.batch(program, "e").table}))]
    except EngineError:
        return None


def alone(world: World, expression: str) -> Any:
    """What the expression returns for the only record; None where it refuses."""
    try:
        (found,) = world.values(expression)
    except RECORD_ERRORS:
        return None
    return found


def is_finite(one: Any) -> bool:
    return all(map(is_finite, one)) if isinstance(one, list) else one is None or math.isfinite(one)


def test_functions_of_numbers() -> None:
    tried = 0
    for name, count in of_duckdb("scalar"):
        for call in calls(name, count):
            found = returned(PAIRS, call)
            assert found is None or all(map(is_finite, found)), call
            tried += found is not None
    assert tried > 40


@pytest.mark.parametrize("sign", BINARY)
def test_operators(sign: str) -> None:
    sides = ("x.l", "x.m[1:2]") if sign == "<->" else ("x.a", "x.b")
    found = returned(PAIRS, f"{sides[0]} {sign} {sides[1]}")
    assert found
    assert all(map(is_finite, found))


@pytest.mark.parametrize("name", LISTS)
def test_aggregates_of_lists(name: str) -> None:
    called = f"list_aggregate(x.m, '{name.removeprefix('list_')}')"
    for call in (f"{name}(x.m)", called):
        found = returned(PAIRS, call)
        assert found, call
        assert all(map(is_finite, found)), call


def test_aggregates() -> None:
    tried = 0
    for name, count in of_duckdb("aggregate"):
        call = f"{name}({', '.join(['y.v', 'y.w', '2'][:count])})"
        rest = "FROM e AS x LEFT JOIN f AS y ON y.e = x._id GROUP BY x._id"
        for one in (call, f"{call} FILTER (WHERE y.w <> 0.0)"):
            found = grouped(f"SELECT x._id AS k, {one} AS v {rest}")
            assert found is None or all(map(is_finite, found)), one
            tried += found is not None
    assert tried > 50


def grouped(mapping: str) -> list[Any] | None:
    """As `returned`, for a mapping that aggregates looked-up records: without what it refuses."""
    try:
        program = GROUPS.program(mapping)
    except MappingFault:
        return None
    (branch,) = program.branches
    (lookup,) = branch.lookups
    whole = GROUPS.batch(program, "e").table
    found: list[Any] = []
    for at in range(whole.num_rows):
        tables = {ROOT_TABLE: whole.slice(at, 1)}
        keys = ENGINE.run(lookup.keys_sql, tables).column(0).combine_chunks()
        tables[lookup.table] = GROUPS.lookups().fetch(lookup, keys)
        try:
            found += [row["v"] for row in python_rows(ENGINE.run(branch.sql, tables))]
        except RECORD_ERRORS:
            continue
        except EngineError:
            return None
    return found


@pytest.mark.parametrize(
    ("expression", "wanted"),
    [
        ("1 / (x.a * 10)", None),
        ("x.b % (x.a * 10)", None),
        ("exp(-(x.a * 10))", None),
        ("CASE WHEN x.a * 10 > 1 THEN 1 ELSE 2 END", None),
        ("x.a * 10 / 10", None),
        ("(x.a - x.a) * 10", 0.0),
        ("list_reduce(x.l, lambda p, q: p + q)", None),
        ("(SELECT sum(u.v) FROM unnest(x.l) AS u(v))", None),
        ("list_aggregate(x.l, 'max')", 1e308),
    ],
)
def test_no_later_operation_hides_an_overflow(expression: str, wanted: float | None) -> None:
    world = World({"e": [{"_id": 1, "a": 1e308, "b": 2.0, "l": [1e308, 1e308]}]})
    assert alone(world, expression) == wanted


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan])
@pytest.mark.parametrize(
    "expression", ["x.v", "-x.v", "round(x.v)", "coalesce(x.v, 0.0)", "list_aggregate(x.l, 'max')"]
)
def test_infinity_and_nan_of_the_source_are_handed_on(value: float, expression: str) -> None:
    world = World({"e": [{"_id": 1, "v": value, "l": [value]}]})
    assert not math.isfinite(alone(world, expression))
