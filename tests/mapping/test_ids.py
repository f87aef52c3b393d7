"""Ids: the same in the engine and in Python, independent of other values at the place, and unique for each key."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid5

from bson import Binary, Decimal128, Int64, ObjectId
from hypothesis import given, settings
from hypothesis import strategies as st

import crossfade_ids as ids
import slow_functions as slow
from crossfade.records.bson.walk import date
from odd_values import MISSING, anything, results, world_of


@settings(max_examples=30)
@given(st.lists(anything, min_size=2, max_size=6))
def test_derived_ids_are_those_of_python(found: list[Any]) -> None:
    got = results(world_of([*found, "so that there is a v, and no object alone"]), "uuid_of(x._id, x.v, 'const')")
    assert got is not None
    for i, (value, one) in enumerate(zip(found, got, strict=False)):
        parts = [f"number:{i}", None if value is MISSING else slow.name(value), "string:const"]
        text = "".join("4:null" if p is None else f"{len(p)}:{p}" for p in parts)
        assert one == str(uuid5(ids.NAMESPACE, text))


def test_other_values_at_the_place_do_not_change_an_id() -> None:
    found = [
        *(
            5,
            Int64(5),
            5.0,
            Decimal128("5.00"),
            1.5,
            Decimal128("1.10"),
            1e300,
            float(2**60),
            Int64(2**60),
            -0.0,
            1000.0,
        ),
        *(Decimal128(str(2**60)), Decimal128("1E+3"), "5", "", True, ObjectId("1" * 24), date(5), b"\x01"),
        *(Binary(bytes(16), 4), Binary(b"x", 2)),
    ]
    for expression in ("uuid_of(x.v)", "uuid_of(x.v, 1)"):
        alone = [world_of([v]).values(expression)[0] for v in found]
        assert world_of(found).values(expression) == alone


def test_distinct_keys_never_collapse_and_equal_numbers_are_one() -> None:
    five = [5, Int64(5), 5.0, Decimal128("5"), Decimal128("5.0"), Decimal128("50E-1")]
    others = ["5", "number:5", ObjectId("5" * 24), "5" * 24, True, date(5), b"5", Binary(b"5", 2), [5], {"a": 5}, 5.5]
    got = world_of([*five, *others]).values("uuid_of(x.v)")
    assert len(set(got[: len(five)])) == 1
    assert len(set(got)) == 1 + len(others)


def test_parts_of_a_derived_id_do_not_run_together() -> None:
    pairs = [("a", "b"), ("ab", ""), ("", "ab"), ("a", None), (None, "a"), ("4:null", ""), ("1:a", "b")]
    assert len({ids.derived_uuid(*pair) for pair in pairs}) == len(pairs)


@given(st.lists(st.binary(min_size=12, max_size=12), min_size=2, max_size=20, unique=True))
def test_ids_of_object_ids_keep_their_order_and_lead_back(found: list[bytes]) -> None:
    got = [UUID(v) for v in world_of([ObjectId(v) for v in found]).values("uuid_of(x.v)")]
    assert got == [ids.uuid_of_object_id(v) for v in found]
    assert [ids.object_id_in(v) for v in got] == found
    assert {(v.version, v.variant) for v in got} == {(8, "specified in RFC 4122")}
    assert [v for _, v in sorted(zip(got, found, strict=True))] == sorted(found)


def test_other_uuids_hold_no_object_id() -> None:
    assert ids.object_id_in(uuid5(ids.NAMESPACE, "x")) is None
    assert ids.object_id_in(UUID(int=0)) is None
