"""The as_... and parse_... functions over values of every BSON type: as the slow implementation says, and refused
where it refuses.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import slow_functions as slow
from crossfade.model.program import ROOT_TABLE
from crossfade.records.bson.types import type_name
from crossfade.transform.engine import RECORD_ERRORS
from mapping_world import ENGINE, World
from odd_values import DATES_IN_TEXT, MISSING, REFUSED, anything, of_one_type, results, world_of


def expected(function: Any, value: Any) -> Any:
    if value is MISSING or value is None:
        return None
    try:
        return function(value)
    except slow.Refuse:
        return REFUSED


def alike(got: Any, wanted: Any) -> bool:
    if isinstance(wanted, float) and isinstance(got, float):
        return repr(got) == repr(wanted)
    if isinstance(wanted, UUID):
        return str(got) == str(wanted)
    if isinstance(wanted, Decimal) and isinstance(got, str):
        return (Decimal(got).is_nan() and wanted.is_nan()) or Decimal(got) == wanted
    return type(got) is type(wanted) and bool(got == wanted)


def check(expression: str, found: Sequence[Any]) -> None:
    function = slow.FUNCTIONS[expression]
    got = results(world_of(found), expression)
    wanted = [expected(function, v) for v in found]
    if got is None:  # refused before anything is read: it would have refused each, or the field is an object or a list
        others = [w for v, w in zip(found, wanted, strict=True) if not isinstance(v, dict | list)]
        assert all(w is REFUSED or w is None for w in others), (found, wanted)
        return
    for value, one, other in zip(found, got, wanted, strict=True):
        assert alike(one, other), (expression, value, one, other)


@pytest.mark.parametrize("expression", slow.FUNCTIONS)
@settings(max_examples=20)
@given(found=st.lists(anything, min_size=1, max_size=6))
def test_values_of_any_types(expression: str, found: list[Any]) -> None:
    check(expression, found)


@pytest.mark.parametrize("expression", slow.FUNCTIONS)
@settings(max_examples=20)
@given(found=of_one_type)
def test_values_of_one_type(expression: str, found: list[Any]) -> None:
    check(expression, found)


@pytest.mark.parametrize("expression", slow.FUNCTIONS)
def test_null_and_missing_alone(expression: str) -> None:
    assert results(World({"e": [{"_id": 1, "v": None}, {"_id": 2}]}), expression) == [None, None]


@pytest.mark.parametrize("text", DATES_IN_TEXT)
def test_every_date_in_text(text: str) -> None:
    check("parse_date(x.v)", [text])


@settings(max_examples=30)
@given(st.lists(anything, min_size=1, max_size=6))
def test_type_and_presence(found: list[Any]) -> None:
    there = [*found, "so that there is a v"]
    world = world_of(there)
    assert results(world, "bson_type(x.v)") == [None if v is MISSING else type_name(v) for v in there]
    assert results(world, "present(x.v)") == [v is not MISSING for v in there]
    assert results(world, "x.v IS NULL") == [v is MISSING or v is None for v in there]
    assert results(world, "bson_type(x.v) IS NULL") == [v is MISSING for v in there]


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("parse_int(x.v)", "parse_int: 12x is not an integer"),
        ("as_int(x.d)", "as_int: 0.5 is not an integer that a double holds exactly"),
        ("epoch_ms_date(x.d)", "epoch_ms_date: 0.5 is not an integer"),
        ("as_string(x.m)", "as_string: a value of type bool is not a string"),
        ("parse_int(x.m)", "parse_int: a value of type bool is not a number"),
        ("parse_bool(x.v)", "parse_bool: 12x is neither true nor false"),
        ("oid_of(x.v)", "oid_of: 12x is not the 24 hex digits of an ObjectId"),
        ("CAST(x.d AS INTEGER)", "CAST would change 0.5 to 0"),
        ("CAST(x.f AS FLOAT)", "CAST would change 0.1 to 0.10000000149011612"),
        ("CAST(x.n AS FLOAT)", "CAST would change 16777217 to 16777216"),
        ("CAST(x.blank AS INTEGER)", "CAST would change ' 7' to 7"),
        ("CAST(x.nan AS DOUBLE)", "CAST would change 'nan' to nan"),
    ],
)
def test_a_message_says_which_function_and_which_value(expression: str, message: str) -> None:
    first = {"_id": 1, "v": "12x", "d": 0.5, "m": True, "f": 0.1, "n": 16777217, "blank": " 7", "nan": "nan"}
    world = World({"e": [first, {"_id": 2, "m": "5"}]})
    with pytest.raises(RECORD_ERRORS, match=message):
        world.values(expression)


def test_the_type_of_a_result_does_not_depend_on_the_values() -> None:
    wanted = {
        "as_int(x.v)": pa.int64(),
        "as_bool(x.v)": pa.bool_(),
        "as_double(x.v)": pa.float64(),
        "as_text(x.v)": pa.string(),
        "oid_of(x.v)": pa.binary(),
        "as_date(x.v)": pa.timestamp("us", "UTC"),
    }
    world = World({"e": [{"_id": 1, "v": None}]})
    for expression, arrow in wanted.items():
        program = world.program(f"SELECT {expression} AS v FROM e AS x")
        found = ENGINE.run(program.branches[0].sql, {ROOT_TABLE: world.batch(program, "e").table})
        assert found.schema.field("v").type == arrow, expression


def test_a_time_in_text_keeps_its_microseconds() -> None:
    world = World({"e": [{"_id": 1, "s": "2024-01-26T10:00:00.123456Z"}, {"_id": 2, "s": "2024-01-26T10:00:00.12Z"}]})
    assert world.values("as_text(parse_date(x.s))") == ["2024-01-26T10:00:00.123456Z", "2024-01-26T10:00:00.120Z"]


def test_a_label_of_an_object_may_be_called_like_an_alias() -> None:
    world = World({"e": [{"_id": 1, "l": [1]}]})
    assert world.values("{'x': x._id, 'l': list_transform(x.l, lambda v: {'v': v})}") == [{"x": 1, "l": [{"v": 1}]}]
