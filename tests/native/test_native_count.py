"""Both counters return the same counts for every batch, for any bytes."""

from __future__ import annotations

import datetime
import pickle
from typing import Any

import bson
import pytest
from alike import damaged
from bson import Binary, Code, Decimal128, Int64, ObjectId, Timestamp
from bson.datetime_ms import DatetimeMS
from hypothesis import given
from hypothesis import strategies as st
from test_native_columns import INT, batch_of, corpus, framed

from crossfade.errors import Refused
from crossfade.model.map_rules import MapRules
from crossfade.model.shape import Shape
from crossfade.records.bson.count import CountLimits, Histogram, merge
from crossfade.records.bson.values import Symbol
from strategies import documents

texts = st.sampled_from(["x" * 64, "x" * 65, "x" * 66, "x" * 65 + "a", "é" * 70, "\U0001f600" * 66, "\uffff", ""])
numbers = st.sampled_from([0.0, -0.0, 1.0, -1.0, float("nan"), float("inf"), float("-inf"), 5e-324])
decimals = st.sampled_from(
    [
        Decimal128(t)
        for t in "1 1.0 1.00 -1 -1.0 0 -0 0E+5 0.00 10 9.9E+1 1E+6000 -1E-6000 NaN Infinity -Infinity".split()
    ]
) | st.binary(min_size=16, max_size=16).map(Decimal128.from_bid)
close = st.one_of(
    texts,
    texts.map(Symbol),
    numbers,
    decimals,
    st.sampled_from([1, Int64(1), True, False, None, Timestamp(2, 1), Timestamp(1, 9), DatetimeMS(2**60)]),
    st.sampled_from([datetime.datetime(1, 1, 1), datetime.datetime(9999, 12, 31), Code("é"), Code("ab", {"a": 1})]),
    st.builds(Binary, st.binary(max_size=3), st.sampled_from([2, 4, 5, 128])),
    st.binary(min_size=12, max_size=12).map(ObjectId),
)
# Alike in their first eight or sixteen bytes, or in their last.
starts = st.sampled_from(["", "a", "abcdefg", "abcdefgh", "abcdefghijklmnop", "abcdefgXijklmnop", "abcdefghijklmnopq"])
names = st.builds("{}{}".format, starts, st.sampled_from(["", "r", "stuvwxyz", "é"]))
alike_texts = st.builds("{}{}".format, starts, st.sampled_from(["", "\0", "\0\0", "a", "é", "\U0001f600"]))
key_numbers = st.lists(st.integers(0, 99), max_size=8) | st.lists(st.integers(0, 99), max_size=8).map(sorted)


def both(*batches: bytes) -> tuple[Histogram, Histogram]:
    mine, theirs = Histogram(), Histogram(native=False)
    for batch in batches:
        mine.add(batch)
        theirs.add(batch)
    return mine, theirs


def assert_counted_alike(*batches: bytes) -> Shape:
    mine, theirs = both(*batches)
    shape = mine.to_shape("things")
    assert shape == theirs.to_shape("things")
    assert {reason: seen.keys for reason, seen in mine.problems.items()} == {
        reason: seen.keys for reason, seen in theirs.problems.items()
    }
    return shape


@given(st.lists(documents(), max_size=6), st.lists(documents(), max_size=6))
def test_every_document(one: list[dict[str, Any]], other: list[dict[str, Any]]) -> None:
    assert assert_counted_alike(batch_of(one), batch_of(other)).count == len(one) + len(other)


@given(st.lists(st.dictionaries(st.sampled_from("ab"), close | st.lists(close, max_size=4)), max_size=12))
def test_extremes_and_examples(docs: list[dict[str, Any]]) -> None:
    assert_counted_alike(batch_of([{"_id": number * 37 % 11, **doc} for number, doc in enumerate(docs)]))


@given(key_numbers, st.data())
def test_object_ids_in_order_and_not_with_names_and_texts_that_begin_alike(ids: list[int], data: st.DataObject) -> None:
    values = alike_texts | alike_texts.map(Symbol) | st.lists(alike_texts, max_size=12)
    fields = st.dictionaries(names, values | st.dictionaries(names, values, max_size=3), max_size=5)
    batch = batch_of([{"_id": ObjectId(f"{number:024x}"), **data.draw(fields)} for number in ids])
    assert_counted_alike(batch)
    if batch:
        assert_counted_alike(data.draw(damaged(batch)))


@given(st.lists(documents(), min_size=1, max_size=4), st.data())
def test_damaged_bytes(docs: list[dict[str, Any]], data: st.DataObject) -> None:
    batch = batch_of(docs)
    assert_counted_alike(data.draw(damaged(batch)), batch)


@given(st.binary(max_size=200))
def test_any_bytes_at_all(batch: bytes) -> None:
    assert_counted_alike(batch)


@pytest.mark.skipif(not corpus(), reason="no BSON corpus: set BSON_CORPUS to its folder")
def test_the_corpus() -> None:
    for _, raw in corpus():
        assert_counted_alike(raw)
    assert_counted_alike(*(raw for _, raw in corpus()))
    assert_counted_alike(b"".join(raw for _, raw in corpus() if len(raw) == int.from_bytes(raw[:4], "little")))


def test_long_keys_are_cut_and_shown_in_the_order_of_their_texts() -> None:
    keys: list[Any] = ["x" * 2000, "é" * 1001, 9, 10, Int64(8), ObjectId("a" * 24), {"a": 1}]
    shape = assert_counted_alike(b"".join(bson.encode({"_id": key, "a": [1, "x"]}) for key in keys))
    assert all(
        len(stats.keys) == 3 for node in shape.root.by_name["a"].by_name.values() for stats in node.types.values()
    )
    assert_counted_alike(
        b"".join(bson.encode({"_id": key, "n": 1} if i % 3 else {"_id": key}) for i, key in enumerate(keys))
    )


def test_merged_and_pickled_it_stays_the_same() -> None:
    batches = [bson.encode({"_id": i, "v": "x" * i, "d": Decimal128(str(i))}) for i in range(5)]
    mine, theirs = both(*batches)
    again = pickle.loads(pickle.dumps(merge(mine, Histogram())))
    assert again.to_shape("things") == theirs.to_shape("things")


def surveyed(batch: bytes, histogram: Histogram) -> Shape:
    histogram.add(batch)
    return histogram.to_shape("things")


def test_keys_that_are_values_are_refused_in_the_same_words() -> None:
    batch = bson.encode({"_id": 1, "stats": {"byDay": {f"day{n}": {"hits": n} for n in range(11)}}})
    no_map = MapRules(objects=frozenset({("stats", "byDay")}))
    said = []
    for native in (True, False):
        for limits in (CountLimits(fields=10, names=10), CountLimits(places=12)):
            with pytest.raises(Refused) as e:
                surveyed(batch, Histogram(no_map, limits=limits, native=native))
            said.append(str(e.value))
    assert said[:2] == said[2:]


def test_a_place_that_only_a_broken_document_has_is_none() -> None:
    broken = framed(INT % b"_id" + INT % b"new" + b"\x02s\0\x01\0\0\0x")
    shape = assert_counted_alike(bson.encode({"_id": 2, "z": 1, "new2": 1}) + broken)
    assert set(shape.root.by_name) == {"_id", "z", "new2"}
