"""Objects whose keys are data: recognized independently of the order and the division of the work."""

from __future__ import annotations

import pickle
import random
from typing import Any

import pytest
from bson import encode
from hypothesis import given
from hypothesis import strategies as st

from crossfade.model.map_rules import MapRules
from crossfade.model.shape import Node, Path, Shape, format_path
from crossfade.records.bson.count import CountLimits, Histogram
from crossfade.records.bson.maps import looks_like_data

NAMES = st.sampled_from(["a", "b", "c", "2024-01", "2024-02", "2023-12", "{}", "[]", "", "10001", "10002"])
VALUES = st.recursive(
    st.sampled_from([1, 2.5, "x", None]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(NAMES, inner, max_size=5),
    max_leaves=12,
)
DOCUMENTS = st.lists(st.dictionaries(st.sampled_from("xy"), VALUES, max_size=2), max_size=8).map(
    lambda docs: [{"_id": number, **doc} for number, doc in enumerate(docs)]
)
FEW = CountLimits(fields=3)


def counted(docs: list[dict[str, Any]], rules: MapRules | None = None, limits: CountLimits | None = None) -> Histogram:
    histogram = Histogram(rules, limits=limits)
    histogram.add(b"".join(map(encode, docs)))
    return histogram


def shape_of(docs: list[dict[str, Any]], rules: MapRules | None = None) -> Shape:
    return counted(docs, rules).to_shape("e")


def maps_of(docs: list[dict[str, Any]], rules: MapRules | None = None) -> set[str]:
    return {format_path(path) for path, node in shape_of(docs, rules).root.walk() if node.is_map}


def node(shape: Shape, *path: str) -> Node:
    found = shape.node(path)
    assert found is not None
    return found


def slugs(count: int, value: Any = 1, each: int = 5) -> list[dict[str, Any]]:
    """Documents with `each` of so many names that do not look like data."""
    names = [f"tag-{'abcdefghij'[n // 26 % 10]}{'abcdefghijklmnopqrstuvwxyz'[n % 26]}" for n in range(count)]
    return [{"_id": n, "tags": {names[(n * each + i) % count]: value for i in range(each)}} for n in range(count)]


@pytest.mark.parametrize(
    "name",
    ["2024-01", "2024-01-31", "2024/1", "31.01.2024", "2024-W05", "2024Q1", "2024-01-31T10:00:00.000Z", "2024", "12345",
     "507f1f77bcf86cd799439011", "8D7F1B2C-0000-4000-8000-1234567890AB", "a@b.org", "-NxYz0123456789abcdE",
     "d41d8cd98f00b204e9800998ecf8427e"],
)  # fmt: skip
def test_keys_that_look_like_data(name: str) -> None:
    assert looks_like_data(name)


@pytest.mark.parametrize(
    "name",
    ["", "name", "address2", "lineItems", "1", "12", "1024", "de", "en-US", "created_at", "x1y2", "facebook",
     "deadbeef", "a.b", "$set", "{}", "shippingAddressOfTheCustomer", "SHA256", "utf8mb4_unicode_ci"],
)  # fmt: skip
def test_names_of_fields_do_not(name: str) -> None:
    assert not looks_like_data(name)


def test_a_map_by_its_keys_however_few() -> None:
    shape = shape_of(
        [{"_id": 1, "usage": {"2024-01": {"n": 1}, "2024-02": {"n": 2, "x": "y"}}}, {"_id": 2, "usage": {}}]
    )
    usage, entry = node(shape, "usage"), node(shape, "usage", "{}")
    assert [(format_path(p), sorted(n.types)) for p, n in usage.walk(("usage",))] == [
        ("usage", ["object"]),
        ("usage.{}", ["object"]),
        ("usage.{}.n", ["int"]),
        ("usage.{}.x", ["string"]),
    ]
    assert (entry.missing, entry.types["object"].count) == (0, 2)
    assert (node(shape, "usage", "{}", "x").missing, node(shape, "usage", "{}", "n").missing) == (1, 0)
    assert usage.names is not None
    assert (usage.names.count, usage.names.least, usage.names.greatest) == (2, '"2024-01"', '"2024-02"')


def test_one_key_in_ten_may_be_a_name() -> None:
    months = {f"2024-{n:02}": n for n in range(1, 10)}
    assert maps_of([{"_id": 1, "m": {**months, "total": 45}}]) == {"m"}
    assert maps_of([{"_id": 1, "m": {**months, "total": 45, "mean": 5}}]) == set()


def test_many_names_that_change_and_values_alike() -> None:
    assert maps_of(slugs(60)) == {"tags"}
    assert maps_of(slugs(60, {"n": 1, "by": "me"})) == {"tags"}
    assert maps_of(slugs(60, {"2024-01": 1})) == {"tags", "tags.{}"}


def test_few_names_the_same_names_or_values_of_several_kinds_are_fields() -> None:
    assert maps_of(slugs(49)) == set()
    wide = {f"feature_{n}": float(n) for n in range(200)}
    assert maps_of([{"_id": n, "f": wide} for n in range(20)]) == set()
    assert maps_of([{"_id": 1, "f": wide}]) == set()
    assert maps_of([{"_id": n, "f": wide if n == 0 else {}} for n in range(500)]) == set()
    assert maps_of([doc if n % 9 else {**doc, "tags": {"tag-aa": "x"}} for n, doc in enumerate(slugs(60))]) == set()
    sparse = [{"_id": n, "f": {f"name_{n}": {f"part_{n % 30}": 1}}} for n in range(60)]
    assert maps_of(sparse) == set()


def test_more_names_than_any_object_has() -> None:
    shape = shape_of([{"_id": 1, "f": {f"name_{n}": n if n % 2 else str(n) for n in range(1001)}}])
    assert node(shape, "f").is_map
    assert {kind: stats.count for kind, stats in node(shape, "f", "{}").types.items()} == {"int": 500, "string": 501}


def test_the_document_itself_is_no_map() -> None:
    docs = [{"_id": n, f"{n + 10000}": 1} for n in range(1200)]
    assert maps_of(docs) == set()


def test_it_can_be_forced_and_forbidden() -> None:
    months, names = {"2024-01": {"a": 1}}, {"home": 1, "work": 2}
    docs = [{"_id": 1, "m": months, "n": names, "list": [{"n": names}]}]
    rules = MapRules(
        maps=frozenset({("n",), ("list", "[]", "n"), ("m", "{}")}), objects=frozenset({("m",), ("list", "[]")})
    )
    assert maps_of(docs) == {"m"}
    assert maps_of(docs, rules) == {"n", "list[].n"}
    deeper = MapRules(maps=frozenset({("m", "{}")}))
    assert maps_of(docs, deeper) == {"m", "m.{}"}
    empty = shape_of([{"_id": 1, "n": {}}], rules)
    assert node(empty, "n").is_map
    assert node(empty, "n", "{}").types == {}


def test_values_of_a_map_inside_arrays_and_maps() -> None:
    users = {f"{n:024x}": {f"2024-{m:02}": [n, m] for m in range(1, 3)} for n in range(1, 4)}
    shape = shape_of([{"_id": 1, "by": [users]}])
    assert node(shape, "by", "[]", "{}", "{}", "[]").types["int"].count == 12


def test_maps_of_maps_beyond_all_limits_stay_small() -> None:
    docs = [{"_id": n, "u": {f"user{n * 7 + i}": {f"k{n * i + j}": j for j in range(30)} for i in range(7)}}
            for n in range(300)]  # fmt: skip
    shape = shape_of(docs)
    assert node(shape, "u", "{}", "{}").types["int"].count == 300 * 7 * 30
    assert sum(1 for _ in shape.root.walk()) == 5


@given(DOCUMENTS, st.randoms(use_true_random=False), st.sampled_from([FEW, CountLimits()]))
def test_the_shape_does_not_depend_on_order_and_division(
    docs: list[dict[str, Any]], rand: random.Random, limits: CountLimits
) -> None:
    whole = counted(docs, limits=limits).to_shape("e")
    shuffled = rand.sample(docs, len(docs))
    parts = [counted(shuffled[i::3], limits=limits) for i in range(3)]
    one_by_one = Histogram(limits=limits, native=False)
    for doc in shuffled:
        one_by_one.add(encode(doc))
    merged = Histogram(limits=limits)
    for part in parts:
        merged.merge(pickle.loads(pickle.dumps(part)))
    assert merged.to_shape("e") == whole
    assert merged.to_shape("e") == whole  # and it may be asked again
    assert one_by_one.to_shape("e") == whole


@given(DOCUMENTS, st.sampled_from([FEW, CountLimits()]))
def test_every_value_is_counted_once(docs: list[dict[str, Any]], limits: CountLimits) -> None:
    shape = counted(docs, limits=limits).to_shape("e")
    expected: dict[Path, int] = {}
    for doc in docs:
        _count(doc, shape.root, (), expected)
    assert {p: sum(s.count for s in n.types.values()) for p, n in shape.root.walk() if n.types} == expected


def _count(value: Any, at: Node, path: Path, into: dict[Path, int]) -> None:
    into[path] = into.get(path, 0) + 1
    if isinstance(value, dict):
        for name, child in value.items():
            step = "{}" if at.is_map else "\\" + name if name in ("{}", "[]") else name
            below = at.below(step)
            assert below is not None
            _count(child, below, (*path, step), into)
    elif isinstance(value, list):
        for child in value:
            assert at.element is not None
            _count(child, at.element, (*path, "[]"), into)
