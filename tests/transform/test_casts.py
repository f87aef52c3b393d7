"""A CAST keeps the value or refuses it: no digit, no sign, no day is changed."""

from __future__ import annotations

import datetime
import math
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pyarrow as pa
import pytest
from bson import Int64
from hypothesis import example, given, settings
from hypothesis import strategies as st

from crossfade.model.program import ROOT_TABLE
from crossfade.records.bson.walk import date
from crossfade.transform.engine import RECORD_ERRORS
from mapping_world import ENGINE, World, python_rows

REFUSED = object()
INTS = {"TINYINT": 8, "SMALLINT": 16, "INTEGER": 32, "BIGINT": 64, "HUGEINT": 128}
UNSIGNED = {"UTINYINT": 8, "USMALLINT": 16, "UINTEGER": 32, "UBIGINT": 64}
DECIMALS = [(5, 2), (18, 3), (38, 0), (38, 10), (4, 4)]
FLOATS = ["DOUBLE", "FLOAT"]
NUMERIC = [*INTS, *UNSIGNED, *(f"DECIMAL({p}, {s})" for p, s in DECIMALS), *FLOATS]

doubles = st.one_of(
    st.floats(),
    st.integers(-(2**70), 2**70).map(float),
    st.decimals(min_value=-(10**6), max_value=10**6, places=2).map(float),
    st.sampled_from([0.5, -0.0, 1e22, 2.0**53 + 2, 2.0**63, -(2.0**63), 1e38, 16777217.0, 0.1, 127.0, 128.0, 255.5]),
)
longs = st.integers(-(2**63), 2**63 - 1) | st.integers(-300, 300) | st.sampled_from([2**53, 2**53 + 1, 2**24 + 1])
texts = st.one_of(
    longs.map(str),
    st.decimals(allow_nan=True, allow_infinity=True).map(str),
    st.decimals(min_value=-(10**6), max_value=10**6, places=3).map(str),
    st.floats().map(repr),
    st.sampled_from(
        ["", " 1", "1 ", "1.0", "1_000", "1e2", "1.5e1", "0x10", "abc", "-", "1.0000000001", "+7", "007", "1e-400"]
    )
    | st.sampled_from(["123456789012345678901234567890.5", "0.1000000000000000055", "nan", "true", "inf"]
    ),
)  # fmt: skip


def cast(values: list[Any], to: str, kind: str = "x.v") -> list[Any]:
    """What the cast gives for each value, or REFUSED."""
    world = World({"e": [{"_id": i, "v": v} for i, v in enumerate(values)]})
    program = world.program(f"SELECT CAST({kind} AS {to}) AS v FROM e AS x")
    table = world.batch(program, "e").table
    out = []
    for i in range(len(values)):
        try:
            found = ENGINE.run(program.branches[0].sql, {ROOT_TABLE: table.slice(i, 1)})
            out.append(python_rows(found)[0]["v"])
        except RECORD_ERRORS:
            out.append(REFUSED)
    return out


def exact(value: Any) -> Fraction | None:
    """The number that a value is, without any rounding; None where it is none."""
    if isinstance(value, str):
        try:
            value = Decimal(value)
        except ArithmeticError:
            return None
    if isinstance(value, Decimal) and abs(value.adjusted()) > 500:
        return Fraction(0) if not value else None
    try:
        return Fraction(value)
    except (ValueError, OverflowError):
        return None


def held(value: Any) -> set[Fraction]:
    """The numbers that a value may be taken for: itself, and of a double also its shortest digits."""
    found = {exact(value)} | ({exact(repr(value))} if isinstance(value, float) else set())
    return {number for number in found if number is not None}


def test_an_integer_is_no_double_that_prints_the_same_digits() -> None:
    assert cast([Int64(1234567890123456800), Int64(1234567890123456768)], "DOUBLE") == [REFUSED, 1234567890123456768.0]
    assert cast([123456790, 123456792], "FLOAT") == [REFUSED, 123456792.0]


def check(values: list[Any], to: str) -> None:
    for value, got in zip(values, cast(values, to), strict=True):
        if got is REFUSED:
            continue
        if isinstance(got, float) and not math.isfinite(got):
            assert str(got) == str(value).lower(), (value, to, got)
            continue
        number = held(got)
        if to == "FLOAT":
            number |= held(float(pa.scalar(got, pa.float32()).as_py())) | {Fraction(Decimal(str(_shortest(got))))}
        assert held(value) & number, (value, to, got)


def _shortest(value: float) -> str:
    (row,) = python_rows(
        ENGINE.run("SELECT CAST(v AS VARCHAR) AS v FROM t", {"t": pa.table({"v": pa.array([value], pa.float32())})})
    )
    return str(row["v"])


@pytest.mark.parametrize("to", NUMERIC)
@settings(max_examples=15)
@given(values=st.lists(doubles, min_size=1, max_size=6))
@example(values=[0.5, 1e300, -0.0, math.nan, math.inf, 2.0**60])
def test_doubles(to: str, values: list[float]) -> None:
    check(values, to)


@pytest.mark.parametrize("to", NUMERIC)
@settings(max_examples=15)
@given(values=st.lists(longs.map(Int64), min_size=1, max_size=6))
def test_longs(to: str, values: list[Int64]) -> None:
    check(values, to)


@pytest.mark.parametrize("to", NUMERIC)
@settings(max_examples=15)
@given(values=st.lists(texts, min_size=1, max_size=6))
def test_texts(to: str, values: list[str]) -> None:
    check(values, to)


@pytest.mark.parametrize(
    ("value", "to", "wanted"),
    [
        # what fits must pass: a cast that refused everything would change nothing, either
        (1.0, "INTEGER", 1),
        (2.0**60, "BIGINT", 2**60),
        (1e22, "HUGEINT", 10**22),
        (-1.0, "UINTEGER", REFUSED),
        (0.5, "INTEGER", REFUSED),
        (1.5, "DECIMAL(5, 2)", Decimal("1.50")),
        (0.1, "DECIMAL(5, 2)", Decimal("0.10")),
        (0.125, "DECIMAL(5, 2)", REFUSED),
        (123.45, "DECIMAL(4, 2)", REFUSED),
        (Int64(2**53), "DOUBLE", float(2**53)),
        (Int64(2**53 + 1), "DOUBLE", REFUSED),
        (Int64(2**60), "DOUBLE", float(2**60)),
        (Int64(128), "TINYINT", REFUSED),
        (16777217.0, "FLOAT", REFUSED),
        (0.5, "FLOAT", 0.5),
        ("12", "INTEGER", 12),
        ("12.0", "INTEGER", 12),
        ("12.5", "INTEGER", REFUSED),
        ("1.0000000001", "INTEGER", REFUSED),
        ("0.1", "DOUBLE", 0.1),
        ("9007199254740993", "DOUBLE", REFUSED),
        ("1.10", "DECIMAL(5, 2)", Decimal("1.10")),
        ("1.105", "DECIMAL(5, 2)", REFUSED),
        ("0.1234567890123456789", "DECIMAL(38, 18)", REFUSED),
        ("12345678901234567890123456789012345678", "DECIMAL(38, 0)", Decimal("12345678901234567890123456789012345678")),
        ("1_000", "INTEGER", REFUSED),
        ("true", "BOOLEAN", True),
        ("2", "BOOLEAN", REFUSED),
        (5, "BOOLEAN", REFUSED),
        (1, "BOOLEAN", True),
        (0.5, "BOOLEAN", REFUSED),
        (True, "INTEGER", 1),
        ("2024-01-26", "DATE", datetime.date(2024, 1, 26)),
        ("2024-01-26 10:00:00", "DATE", REFUSED),
        ("10:30", "TIME", datetime.time(10, 30)),
        ("2024-01-26T10:00:00.123456Z", "TIMESTAMPTZ", 1706263200123456),
        ("2024-01-26T10:00:00.1234567Z", "TIMESTAMPTZ", REFUSED),
        ("2024-01-26T10:00:00.1234560Z", "TIMESTAMPTZ", 1706263200123456),
        (date(1706263200123), "TIMESTAMP", 1706263200123000),
        (date(1706263200123), "DATE", datetime.date(2024, 1, 26)),
        (date(1706263200123), "TIME", datetime.time(10, 0, 0, 123000)),
        ("00000000-0000-8000-8000-000005cf01d0", "UUID", "00000000-0000-8000-8000-000005cf01d0"),
        ("no uuid", "UUID", REFUSED),
        (1.5, "VARCHAR", "1.5"),
    ],
)
def test_one_cast(value: Any, to: str, wanted: Any) -> None:
    assert cast([value], to) == [wanted]


@pytest.mark.parametrize("to", [*NUMERIC, "BOOLEAN", "DATE", "TIME", "TIMESTAMP", "TIMESTAMPTZ", "UUID", "VARCHAR"])
def test_null_stays_null(to: str) -> None:
    for values in ([None], [None, 1], [None, "1"], [None, 1.0], [None, True]):
        assert cast(values, to)[0] is None


def test_casts_of_expressions() -> None:
    """Where the compiler does not know a value's kind, the engine's type of it decides."""
    world = World({"e": [{"_id": 1, "d": 2.5, "n": 7, "s": "x1.50"}]})
    assert world.values("CAST(round(x.d) AS INTEGER)") == [3]
    assert world.values("CAST(x.n / 7 AS INTEGER)") == [1]
    assert world.values("CAST(substr(x.s, 2) AS DECIMAL(5, 2))") == [Decimal("1.50")]
    assert world.values("CAST(CAST(x.n AS DECIMAL(5, 2)) AS INTEGER)") == [7]
    assert world.values("CAST((x.n > 1) AS INTEGER)") == [1]
    assert world.values("x.d * 2 :: INTEGER") == [5]
    for refused in ("CAST(x.d + 1 AS INTEGER)", "CAST(x.n / 2 AS INTEGER)", "CAST(substr(x.s, 2) AS INTEGER)",
                    "CAST(CAST(x.d AS DECIMAL(5, 2)) AS INTEGER)", "CAST((x.n + 0.5) AS BIGINT)"):  # fmt: skip
        with pytest.raises(RECORD_ERRORS, match="CAST would change"):
            world.values(refused)


def test_dates_as_moments() -> None:
    """A DATE is its midnight in UTC; the text of one has no zone, and is not guessed."""
    world = World({"e": [{"_id": 1, "s": "2024-01-26"}]})
    midnight = [1706227200000000]
    for expression in ("DATE '2024-01-26'", "CAST(x.s AS DATE)"):
        assert world.values(f"CAST({expression} AS TIMESTAMPTZ)") == midnight
    assert world.values("parse_date(x.s)") == midnight
    with pytest.raises(RECORD_ERRORS, match="2024-01-26 is not a date and time in ISO 8601 with a zone"):
        world.values("CAST(x.s AS TIMESTAMPTZ)")
