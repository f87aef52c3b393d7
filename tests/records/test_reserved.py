"""An object that looks like a value in Extended JSON is distinguished from that value everywhere."""

from __future__ import annotations

import json
from typing import Any

import pytest
from bson import Binary, Code, Decimal128, Int64, MaxKey, MinKey, ObjectId, Timestamp
from bson.regex import Regex
from hypothesis import given
from hypothesis import strategies as st

from crossfade.records.bson.ejson import canonical, loads, loads_canonical, plain
from crossfade.records.bson.rest import cut_of, remove
from crossfade.records.bson.values import DBPointer, Symbol, Undefined
from crossfade.records.bson.walk import date

OID = ObjectId("65b0c0ffee0000000000000a")
VALUES = [OID, 5, Int64(5), 1.5, float("nan"), Decimal128("1.10"), b"x", Binary(b"x", 5), Code("x"),
          Code("x", {"a": 1}), Timestamp(1, 2), Regex("a", "i"), Symbol("s"), DBPointer("a", OID), Undefined(),
          MinKey(), MaxKey(), date(0), date(2**62)]  # fmt: skip


def as_object(value: Any) -> Any:
    """The object that has the names and contents of a value's Extended JSON."""
    return json.loads(canonical(value))


def ids(value: Any) -> str:
    return f"{type(value).__name__} {value!r}"[:30]


@pytest.mark.parametrize("value", VALUES, ids=ids)
@pytest.mark.parametrize("write", [canonical, plain])
def test_no_value_has_the_text_of_an_object(value: Any, write: Any) -> None:
    twin = as_object(value)
    for wrap in (lambda v: v, lambda v: [v], lambda v: {"a": v}):
        assert write(wrap(value)) != write(wrap(twin))
    dollars = {f"${name}": v for name, v in twin.items()}
    assert len({write(one) for one in (value, twin, dollars, {f"${name}": v for name, v in dollars.items()})}) == 4


@pytest.mark.parametrize("value", VALUES, ids=ids)
def test_what_is_written_is_read_as_it_was(value: Any) -> None:
    for one in (
        value,
        as_object(value),
        [{"a": as_object(value)}, value],
        {f"$${n}": v for n, v in as_object(value).items()},
    ):
        assert canonical(loads_canonical(canonical(one))) == canonical(one)
        assert type(loads_canonical(canonical(one))) is type(one)


names = st.sampled_from(
    ["$oid", "$$oid", "$$$oid", "$code", "$scope", "$$scope", "$$code", "$numberLong", "$ref", "$id", "$", "a", ""]
)
objects = st.recursive(
    st.text(max_size=2), lambda inner: st.dictionaries(names, inner, max_size=3) | st.lists(inner, max_size=2)
)


@given(objects)
def test_any_object_comes_back(value: Any) -> None:
    assert loads_canonical(canonical(value)) == value


@given(objects, objects)
def test_two_objects_have_two_texts(one: Any, other: Any) -> None:
    assert (canonical(one) == canonical(other)) == (json.dumps(one) == json.dumps(other))
    assert (plain(one) == plain(other)) == (json.dumps(one) == json.dumps(other))


def test_other_objects_stay_as_they_are() -> None:
    for text in (
        '{"$ref":"a","$id":"b"}',
        '{"$regex":"a","$options":"i"}',
        '{"$gt":"5"}',
        '{"$code":"a","b":"c"}',
        '{"$$x":"a"}',
    ):
        assert canonical(json.loads(text)) == text == plain(json.loads(text))
    assert plain({"$oid": "x"}) == '{"$oid":"x"}'  # an ObjectId is its hex text there


def test_an_export_is_read_unchanged() -> None:
    assert loads('{"$$oid":"x"}') == {"$$oid": "x"}


def test_what_is_left_of_an_object() -> None:
    left = remove({"$numberDecimal": "5", "b": 1}, cut_of([("b",)]))
    assert plain(left) == '{"$$numberDecimal":"5"}'
