"""A value has the same name in the engine and in Python, and equal numbers have one name."""

from __future__ import annotations

from decimal import Decimal

import pyarrow as pa
import pytest
from bson import Decimal128
from hypothesis import given
from hypothesis import strategies as st

from crossfade.transform.engine import Engine
from crossfade_ids import identity_name

ENGINE = Engine()


def names(values: list[object], macro: str, arrow: pa.DataType) -> list[str]:
    table = pa.table({"v": pa.array(values, arrow)})
    found: list[str] = ENGINE.run(f"SELECT {macro}(v) AS n FROM t", {"t": table}).column("n").to_pylist()
    return found


def decimal128(sign: int, digits: int, exponent: int) -> Decimal128:
    return Decimal128(Decimal((sign, tuple(map(int, str(digits))), exponent)))


DECIMALS = st.builds(decimal128, st.sampled_from([0, 1]), st.integers(0, 10**34 - 1), st.integers(-40, 60)) | st.builds(
    decimal128, st.sampled_from([0, 1]), st.integers(0, 999) | st.just(1000), st.integers(-6176, 6111)
)


@given(st.lists(DECIMALS, min_size=1, max_size=50))
def test_decimals(values: list[Decimal128]) -> None:
    texts = [str(v) for v in values]
    assert names(list(texts), "cf_name_decimal", pa.string()) == [identity_name(Decimal(t)) for t in texts]


@given(st.lists(st.floats() | st.integers(-(2**62), 2**62).map(float), min_size=1, max_size=50))
def test_doubles_that_are_whole(values: list[float]) -> None:
    whole = [v for v in values if v.is_integer() and abs(v) < 9e18]
    assert names(list(whole), "cf_name_double", pa.float64()) == [identity_name(int(v)) for v in whole]
    assert [identity_name(v) for v in whole] == [identity_name(int(v)) for v in whole]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("1", "number:1"),
        ("1.00", "number:1"),
        ("1E+3", "number:1000"),
        ("-0", "number:0"),
        ("0E-7", "number:0"),
        ("0E+6111", "number:0"),
        ("1.10", "decimal:11E-1"),
        ("NaN", "decimal:NaN"),
    ],
)
def test_a_decimal_is_named_by_its_value(text: str, name: str) -> None:
    assert names([text], "cf_name_decimal", pa.string()) == [name]
    assert identity_name(Decimal(text)) == name


def test_every_nan_has_one_name() -> None:
    """0 / 0 has its sign bit set on many processors."""
    odd = [float("nan"), -float("nan"), float("-nan")]
    assert set(names(list(odd), "cf_name_double", pa.float64())) == {"number:nan"} == {identity_name(v) for v in odd}
