"""A lookup finds the records whose value MongoDB calls equal, and no others, whatever the types of both sides."""

from __future__ import annotations

import math
from decimal import Context, Decimal
from fractions import Fraction
from typing import Any

import pytest
from bson import Decimal128, Int64
from hypothesis import example, given
from hypothesis import strategies as st

from crossfade.model.program import ROOT_TABLE
from crossfade.records.bson.canonical import canonical
from crossfade.records.bson.keys import compared
from mapping_world import ENGINE, World, python_rows, transcode

DIGITS = Context(prec=34, Emin=-6143, Emax=6144)
VALUES: list[Any] = [
    0.5, Decimal128("0.5"), Decimal128("0.500"), 0.1, Decimal128("0.1"),
    Decimal128("0.1000000000000000055511151231257827"), 1.0, 1, Decimal128("1"), Int64(2**53 + 1), float(2**53),
    Decimal128("9007199254740993"), -0.375, Decimal128("-0.375"), 2.0**-48,
    Decimal128("3.552713678800500929355621337890625E-15"), 1e22, Decimal128("1E22"), 1e23, Decimal128("1E23"),
    1e300, Decimal128("1E300"), 2.0**78 * 1e22, Decimal128("302231454903657293676544E22"), 5e-324,
    Decimal128("1E-400"), math.inf, Decimal128("Infinity"), -math.inf, Decimal128("-Infinity"), math.nan,
    Decimal128("NaN"), Decimal128("-NaN"), 0.0, -0.0, 0, Decimal128("-0"), Decimal128("0E+10"), "0.5", "1", True,
]  # fmt: skip


def equal(one: Any, other: Any) -> bool:
    """The oracle: numbers by their exact value, anything else by type and value."""
    if any(isinstance(v, bool | str) for v in (one, other)):
        return type(one) is type(other) and bool(one == other)
    left, right = (number(v) for v in (one, other))
    return left == right


def number(value: Any) -> Fraction | str:
    exact = value.to_decimal() if isinstance(value, Decimal128) else Decimal(value)
    if exact.is_nan():
        return "NaN"
    return Fraction(exact) if exact.is_finite() else str(exact)


def joined(ones: list[Any], others: list[Any]) -> set[tuple[int, int]]:
    """The pairs that the engine joins, if it is given all records."""
    world = World({"e": documents(ones), "f": documents(others)})
    program = world.program("SELECT x._id AS a, y._id AS b FROM e AS x LEFT JOIN f AS y ON y.v = x.v")
    (branch,) = program.branches
    (lookup,) = branch.lookups
    every = transcode(world.shapes["f"], lookup.columns, b"".join(world.raws["f"])).table
    tables = {ROOT_TABLE: world.batch(program, "e").table, lookup.table: every}
    return {(r["a"], r["b"]) for r in python_rows(ENGINE.run(branch.sql, tables)) if r["b"] is not None}


def documents(values: list[Any]) -> list[dict[str, Any]]:
    return [{"_id": n, "v": v} for n, v in enumerate(values)]


def expected(ones: list[Any], others: list[Any]) -> set[tuple[int, int]]:
    return {(i, j) for i, one in enumerate(ones) for j, other in enumerate(others) if equal(one, other)}


def test_every_pair() -> None:
    assert joined(VALUES, VALUES) == expected(VALUES, VALUES)


@pytest.mark.parametrize("kind", [float, Decimal128, int])
def test_one_type_beside_several(kind: type) -> None:
    own = [value for value in VALUES if isinstance(value, kind) and not isinstance(value, bool)]
    assert joined(own, VALUES) == expected(own, VALUES)
    assert joined(VALUES, own) == expected(VALUES, own)


@pytest.mark.parametrize("kinds", [(Decimal128,), (int, Int64)])
def test_decimals_beside_decimals_and_whole_numbers(kinds: tuple[type, ...]) -> None:
    decimals = [value for value in VALUES if isinstance(value, Decimal128)]
    others = [value for value in VALUES if type(value) in kinds]
    assert joined(decimals, others) == expected(decimals, others)


def test_decimals_are_compared_with_doubles_only_where_there_may_be_one() -> None:
    """That costs several times as much."""
    decimals, mixed = ([Decimal128("0.5")], [Decimal128("0.5"), "text"])
    assert "CF_EQUAL_DECIMAL" not in compiled(decimals, decimals)
    assert "CF_EQUAL_DECIMAL" not in compiled(decimals, [1])
    assert "CF_EQUAL_DECIMAL" in compiled(decimals, mixed)


def compiled(ones: list[Any], others: list[Any]) -> str:
    world = World({"e": documents(ones), "f": documents(others)})
    (branch,) = world.program("SELECT x._id AS a, y._id AS b FROM e AS x LEFT JOIN f AS y ON y.v = x.v").branches
    return branch.sql


def test_the_codec_compares_keys_likewise() -> None:
    for one in VALUES:
        for other in VALUES:
            assert (compared(canonical(one)) == compared(canonical(other))) is equal(one, other), (one, other)
    assert compared(canonical(Decimal128("sNaN"))) == compared(canonical(math.nan))


@given(double=st.floats())
@example(double=2.0**-60)
@example(double=2.0**-48)
@example(double=3.4e-50)
@example(double=-1.401298464324817e-45)
@example(double=5e-324)
@example(double=1.7e308)
def test_a_double_and_decimals_beside_it(double: float) -> None:
    """The decimal of its exact value, as far as 34 digits hold it, and of its shortest digits."""
    exact = DIGITS.create_decimal(Decimal(double))
    near = [Decimal128(exact), Decimal128(repr(double)), "text"]
    if exact.is_finite():
        near.append(Decimal128(DIGITS.next_plus(exact)))
    assert joined([double, "text"], near) == expected([double, "text"], near)
