"""Both make the same binary form of numerics and arrays; unusual values are left to Python."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossfade.model.canonical import arrow_type
from crossfade.model.target import ColumnType
from crossfade.stores.postgresql.writing import wire
from crossfade.stores.postgresql.writing.native import wired
from strategies import texts

OID = 1234
digits = st.text("0123456789", min_size=1, max_size=12) | st.sampled_from(["0", "0000", "10000", "00012"])
numerics = st.one_of(
    st.builds("{}{}".format, st.sampled_from(["", "-"]), digits),
    st.builds("{}{}.{}".format, st.sampled_from(["", "-"]), digits, digits),
    st.sampled_from(["NaN", "Infinity", "-Infinity", "-0", "0.000", "-0.0000000001", "9" * 1000]),
)
ELEMENTS: dict[str, st.SearchStrategy[Any]] = {
    "int2": st.integers(-(2**15), 2**15 - 1),
    "int4": st.integers(-(2**31), 2**31 - 1),
    "int8": st.integers(-(2**63), 2**63 - 1),
    "float4": st.floats(width=32),
    "float8": st.floats(),
    "numeric": numerics,
    "bool": st.booleans(),
    "text": texts,
    "enum": texts,
    "jsonb": texts,
    "uuid": st.binary(min_size=16, max_size=16),
    "bytea": st.binary(max_size=5),
    "timestamptz": st.integers(wire.EPOCH_MICROS - 2**62, 2**62),
    "timestamp": st.integers(wire.EPOCH_MICROS - 2**62, 2**62),
    "date": st.integers(wire.EPOCH_DAYS - 2**30, 2**30),
    "time": st.integers(0, 86_399_999_999),
}


def python(values: Sequence[Any], kind: ColumnType) -> list[bytes | None]:
    form = wire.form(kind, OID)
    return [None if value is None else form(value) for value in values]


def arrays_of(kind: str) -> ColumnType:
    return ColumnType("array", kind + "[]", of=ColumnType(kind, kind))


def assert_alike(values: list[Any], kind: ColumnType) -> None:
    array = pa.array(values, arrow_type(kind))
    for start, stop in (
        (0, len(values)),
        (min(1, len(values)), len(values)),
        (0, 2),
    ):  # a part of an array has its buffers still
        made = wired(array.slice(start, stop - start), kind, OID)
        assert made is not None
        made.validate(full=True)
        assert made.to_pylist() == python(values[start:stop], kind)


@given(st.lists(st.none() | numerics, max_size=20))
def test_numerics(values: list[str | None]) -> None:
    assert_alike(values, ColumnType("numeric", "numeric"))


@pytest.mark.parametrize("kind", ELEMENTS)
@given(data=st.data())
def test_arrays(kind: str, data: st.DataObject) -> None:
    elements = st.none() | ELEMENTS[kind]
    assert_alike(data.draw(st.lists(st.none() | st.lists(elements, max_size=4), max_size=8)), arrays_of(kind))


@pytest.mark.parametrize("text", ["", ".5", "1_0", "+1", "1e5", "１", "--1", "x", "0." + "0" * 70_000])
def test_texts_that_are_not_plain_digits_are_left_to_python(text: str) -> None:
    assert wired(pa.array([text]), ColumnType("numeric", "numeric"), 0) is None


@pytest.mark.parametrize("kind", ["array", "other"])
def test_other_kinds_are_left_to_python(kind: str) -> None:
    assert wired(pa.array(["x"]), ColumnType(kind, kind), 0) is None
    assert wired(pa.array([["x"]]), arrays_of("other"), 0) is None
    assert wired(pa.array([1]), ColumnType("numeric", "numeric"), 0) is None


def test_moments_beyond_the_target_are_left_to_python() -> None:
    assert (
        wired(
            pa.array([[-(2**63)]], pa.list_(pa.int64())).cast(arrow_type(arrays_of("timestamp"))),
            arrays_of("timestamp"),
            0,
        )
        is None
    )
