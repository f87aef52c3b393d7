from __future__ import annotations

import datetime
import pickle
import random
from typing import Any

import pytest
from bson import Binary, Code, Decimal128, Int64, MaxKey, MinKey, ObjectId, Regex, Timestamp, encode
from bson.datetime_ms import DatetimeMS
from hypothesis import given
from hypothesis import strategies as st

from crossfade.errors import Refused
from crossfade.model.map_rules import MapRules
from crossfade.model.shape import Node, Shape, TypeStats
from crossfade.records.bson.count import CountLimits, Histogram, merge
from crossfade.records.bson.ejson import canonical
from crossfade.records.bson.types import type_name

VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**31), 2**31 - 1),
    st.integers(-(2**63), 2**63 - 1).map(Int64),
    st.floats(),
    st.sampled_from([0.0, -0.0, float("nan"), float("inf")]),
    st.text(max_size=3),
    st.sampled_from(["x" * 64, "x" * 65, "x" * 66, "x" * 65 + "a", "x" * 65 + "b", '"' * 40]),
    st.sampled_from(["1.0", "1.00", "-0", "0", "NaN", "Infinity", "1E+6000"]).map(Decimal128),
    st.binary(min_size=12, max_size=12).map(ObjectId),
    st.datetimes(datetime.datetime(1, 1, 1)).map(lambda d: d.replace(microsecond=0)),
    st.integers(-(2**63), 2**63 - 1).map(DatetimeMS),
    st.builds(Binary, st.binary(max_size=3), st.sampled_from([0, 4, 5, 128])),
    st.sampled_from([Timestamp(1, 2), Timestamp(1, 1), Code("x"), Code("x", {"a": 1}), Regex("a"), MinKey(), MaxKey()]),
)
NAMES = st.sampled_from(["a", "A", "b", "", "a.b", "$x", "[]", "\\[]", "a#ca97", "é"])
NESTED = st.recursive(
    VALUES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3), max_leaves=6
)
DOCUMENTS = st.lists(st.dictionaries(NAMES, NESTED, max_size=4), max_size=8).map(
    lambda docs: [{"_id": number, **doc} for number, doc in enumerate(docs)]
)


def counted(docs: list[dict[str, Any]], rules: MapRules | None = None, **limits: int) -> Histogram:
    histogram = Histogram(rules, limits=CountLimits(**limits))
    histogram.add(b"".join(map(encode, docs)))
    return histogram


def shape_of(docs: list[dict[str, Any]]) -> Shape:
    return counted(docs).to_shape("e")


def stats_of(values: list[Any]) -> dict[str, TypeStats]:
    (node,) = [n for n in shape_of([{"_id": i, "v": v} for i, v in enumerate(values)]).root.fields if n.name == "v"]
    return dict(node.types)


def slowly(docs: list[dict[str, Any]]) -> dict[tuple[str, ...], dict[str, int]]:
    """Counts of types by path, the obvious way."""
    found: dict[tuple[str, ...], dict[str, int]] = {}

    def visit(path: tuple[str, ...], value: Any) -> None:
        if isinstance(value, Binary) and value.subtype == 0:
            value = bytes(value)  # as the decoder gives it
        types = found.setdefault(path, {})
        types[type_name(value)] = types.get(type_name(value), 0) + 1
        if isinstance(value, dict):
            for name, inner in value.items():
                visit((*path, "\\" + name if name.lstrip("\\") == "[]" else name), inner)
        if isinstance(value, list):
            for inner in value:
                visit((*path, "[]"), inner)

    for doc in docs:
        visit((), doc)
    return found


@given(DOCUMENTS)
def test_every_value_of_every_document_is_counted(docs: list[dict[str, Any]]) -> None:
    shape = shape_of(docs)
    by_path = {path: {t: s.count for t, s in node.types.items()} for path, node in shape.root.walk() if node.types}
    assert by_path == slowly(docs)
    assert shape.count == len(docs)
    assert shape.bytes == sum(len(encode(doc)) for doc in docs)


@given(DOCUMENTS)
def test_missing_is_what_the_parents_of_type_object_lack(docs: list[dict[str, Any]]) -> None:
    def check(node: Node) -> None:
        parents = node.types["object"].count if "object" in node.types else 0
        for child in node.fields:
            assert child.missing + sum(s.count for s in child.types.values()) == parents
            check(child)
        if node.element is not None:
            assert node.element.missing == 0
            check(node.element)

    check(shape_of(docs).root)


@given(DOCUMENTS, st.randoms(use_true_random=False))
def test_the_shape_does_not_depend_on_the_order_or_on_how_the_work_was_divided(
    docs: list[dict[str, Any]], chance: random.Random
) -> None:
    whole = shape_of(docs)
    chance.shuffle(docs)
    cuts = sorted(chance.choices(range(len(docs) + 1), k=2))
    a, b, c = (counted(part) for part in (docs[: cuts[0]], docs[cuts[0] : cuts[1]], docs[cuts[1] :]))
    assert merge(merge(a, b), c).to_shape("e") == whole
    assert merge(a, merge(b, c)).to_shape("e") == whole
    assert merge(merge(c, a), b).to_shape("e") == whole
    for one in docs:
        a.add(encode(one))
    assert pickle.loads(pickle.dumps(a)).to_shape("e").count == cuts[0] + len(docs)


def test_merging_leaves_both_as_they_were() -> None:
    a, b = counted([{"_id": 1, "x": 1}]), counted([{"_id": 2, "x": "y"}])
    before = a.to_shape("e"), b.to_shape("e")
    merge(a, b).add(encode({"_id": 3, "x": 9}))
    assert (a.to_shape("e"), b.to_shape("e")) == before


@pytest.mark.parametrize(
    ("values", "least", "greatest"),
    [
        ([3, -1, 2], -1, 3),
        ([Int64(3), Int64(2**40)], Int64(3), Int64(2**40)),
        ([1.5, float("nan"), -1.0], float("nan"), 1.5),
        ([0.0, -0.0, 0.0], -0.0, 0.0),
        ([float("inf"), float("-inf")], float("-inf"), float("inf")),
        ([Decimal128("NaN"), Decimal128("-Infinity"), Decimal128("2")], Decimal128("NaN"), Decimal128("2")),
        ([Decimal128("10"), Decimal128("9")], Decimal128("9"), Decimal128("10")),
        (["b", "B", "é", "🙂", "\uffff"], "B", "🙂"),
        ([True, False], False, True),
        ([datetime.datetime(2020, 1, 1), DatetimeMS(2**55)], DatetimeMS(1577836800000), DatetimeMS(2**55)),
        ([Timestamp(2, 1), Timestamp(1, 9)], Timestamp(1, 9), Timestamp(2, 1)),
        ([ObjectId("f" * 24), ObjectId("0" * 24)], ObjectId("0" * 24), ObjectId("f" * 24)),
    ],
)
def test_least_and_greatest(values: list[Any], least: Any, greatest: Any) -> None:
    (stats,) = stats_of(values).values()
    assert (stats.least, stats.greatest) == (canonical(least), canonical(greatest))


def test_lengths_of_what_has_a_length() -> None:
    found = stats_of(["", "ab", Binary(b"abc", 4), b"", {"a": 1, "b": 2}, [1, 2, 3], []])
    lengths = {name: (stats.min_length, stats.max_length) for name, stats in found.items()}
    assert lengths == {
        "string": (0, 2),
        "binData:4": (3, 3),
        "binData:0": (0, 0),
        "object": (2, 2),
        "array": (0, 3),
    }


def test_a_long_text_is_cut_after_64_characters() -> None:
    (stats,) = stats_of(["x" * 1_000_000]).values()
    assert stats.least == stats.greatest == '"' + "x" * 63 + "…"
    assert stats.max_length == 1_000_000


def test_examples_are_the_least_keys_of_what_is_in_the_minority() -> None:
    values = stats_of([1] * 20 + ["a"] * 10 + [None])
    assert values["int"].keys == ()
    assert values["string"].keys == tuple(canonical(key) for key in (20, 21, 22))
    assert values["null"].keys == (canonical(30),)


@pytest.mark.parametrize("native", [True, False])
def test_examples_do_not_depend_on_how_documents_were_divided(native: bool) -> None:
    """Not even where keys are missing or occur twice, as in a dump that was put together."""
    long = "x" * 3000  # more documents than are counted at once
    docs: list[dict[str, Any]] = [{"few": long}] * 150 + [{"_id": 1, "few": long}] * 150
    docs += [{"_id": key, "few": long} for key in (ObjectId(b"z" * 12), "k" * 1001, "k" * 1002, 2)]
    docs += [{"_id": number} for number in range(10, 400)]
    for some, least in ((docs, ('"' + "k" * 999 + "…", canonical(1), canonical(2))), (docs[:150] + docs[-390:], ())):
        at_once, one_by_one = Histogram(native=native), Histogram(native=native)
        at_once.add(b"".join(map(encode, some)))
        for doc in some:
            one_by_one.add(encode(doc))
        assert at_once.to_shape("e") == one_by_one.to_shape("e")
        assert at_once.to_shape("e").root.by_name["few"].types["string"].keys == least


@pytest.mark.parametrize("native", [True, False])
def test_object_ids_that_occur_twice_are_one_example(native: bool) -> None:
    keys = [ObjectId(f"{number:024x}") for number in range(5)]
    histogram = Histogram(native=native)
    for some in (keys, keys[::-1]):  # in order and not
        histogram.add(b"".join(encode({"_id": key, "few": 1}) for key in some for _ in range(4)))
    histogram.add(b"".join(encode({"_id": number}) for number in range(50)))
    assert histogram.to_shape("e").root.by_name["few"].types["int"].keys == tuple(map(canonical, keys[:3]))


def test_what_few_documents_have_is_a_minority_too() -> None:
    shape = shape_of([{"_id": i} for i in range(9)] + [{"_id": 9, "rare": [[True]]}])
    (rare,) = [node for node in shape.root.fields if node.name == "rare"]
    assert rare.types["array"].keys == (canonical(9),)


def test_names_that_sql_would_confuse_get_names_of_their_own() -> None:
    shape = shape_of([{"_id": 1, "a": 1, "A": 1, "": 1, "b": {"B": 1}}])
    assert {node.name: node.engine for node in shape.root.fields} == {
        "": "#e3b0",
        "A": "A#559a",
        "_id": "_id",
        "a": "a#ca97",
        "b": "b",
    }


def test_documents_that_cannot_be_read_are_counted_by_reason_with_their_keys() -> None:
    twice = encode({"_id": 7, "a": 1, "b": 1}).replace(b"\x10b\0", b"\x10a\0")
    bad_text = encode({"_id": 8, "a": "xy"}).replace(b"xy", b"\xff\xfe")
    histogram = Histogram()
    histogram.add(encode({"_id": 1}) + twice + bad_text + encode({"_id": 2}))
    shape = histogram.to_shape("e")
    assert shape.problems == {"duplicate_key": 1, "invalid_utf8": 1}
    assert histogram.problems["duplicate_key"].keys == [canonical(7)]
    assert shape.count == 4
    assert shape.root.types["object"].count == 2


def test_deep_documents_have_a_shape_too() -> None:
    doc: dict[str, Any] = {"_id": 1}
    for _ in range(90):
        doc = {"_id": 1, "d": [doc]}
    shape = shape_of([doc])
    assert max(len(path) for path, _ in shape.root.walk()) == 181
    assert merge(counted([doc]), Histogram()).to_shape("e") == shape


def test_keys_that_are_values_are_refused_with_their_path() -> None:
    days = {f"day{n}": {"hits": n} for n in range(11)}
    no_map = MapRules(objects=frozenset({("stats", "byDay")}))
    with pytest.raises(Refused, match=r"objects at stats\.byDay have more than 10 .*'day0', 'day1', 'day2'"):
        counted([{"_id": 1, "stats": {"byDay": days}}], no_map, names=10, fields=10)


def test_the_number_of_places_is_limited_too() -> None:
    users = {f"u{n}": {"a": 1, "b": 2} for n in range(10)}
    with pytest.raises(Refused, match="objects at byUser have most of more than 20"):
        counted([{"_id": 1, "byUser": users}], places=20).to_shape("e")


def test_a_map_with_other_keys_in_each_document_is_counted_in_linear_time() -> None:
    docs = [{"_id": n, "m": {f"k{n}": 1, f"j{n}": 2}} for n in range(4000)]
    shape = counted(docs, MapRules(objects=frozenset({("m",)}))).to_shape("e")
    (m,) = [node for node in shape.root.fields if node.name == "m"]
    assert len(m.fields) == 8000
    assert {node.missing for node in m.fields} == {3999}
