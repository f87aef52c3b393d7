"""Both readers return the same columns and reject the same documents with the same messages, for any bytes."""

from __future__ import annotations

import json
import os
from functools import cache
from pathlib import Path
from typing import Any

import bson
import pytest
from alike import NOTHING, assert_read_alike, columns_of, damaged
from bson import Binary, Code, Decimal128, Int64
from bson.datetime_ms import DatetimeMS
from hypothesis import given
from hypothesis import strategies as st

from crossfade.model.batch import Column
from crossfade.model.map_rules import MapRules
from crossfade.model.shape import Shape
from crossfade.records.bson.count import Histogram
from crossfade.records.bson.encode import to_bson
from crossfade.records.bson.reserved import CANONICAL
from crossfade.records.bson.walk import MAX_DEPTH
from crossfade.records.native import extension
from strategies import documents, values

RESERVED = sorted(" ".join(sorted(names)) for names in CANONICAL | {frozenset(["$ref", "$id"]), frozenset(["$scope"])})
INT = b"\x10%b\0\x01\0\0\0"


def framed(body: bytes) -> bytes:
    return (len(body) + 5).to_bytes(4, "little") + body + b"\0"


def batch_of(docs: list[dict[str, Any]]) -> bytes:
    return b"".join(map(to_bson, docs))


def shape_of(batch: bytes) -> Shape:
    histogram = Histogram()
    histogram.add(batch)
    return histogram.to_shape("things")


@given(st.lists(documents(), min_size=1, max_size=5))
def test_every_column_of_every_document(docs: list[dict[str, Any]]) -> None:
    batch = batch_of(docs)
    shape = shape_of(batch)
    found = assert_read_alike(shape, list(columns_of(shape.root)), batch)
    assert len(found.raws) == len(docs)


@pytest.mark.parametrize("names", RESERVED)
def test_objects_that_look_as_a_value_does(names: str) -> None:
    """Also where only a cut makes them so, and with more dollars."""
    inside = [dict.fromkeys(names.split(), "5"), dict.fromkeys((f"$${n}" for n in names.split()), "5")]
    docs = [{"_id": i, "o": one, "l": [one], "c": {"$x": 1, **one}} for i, one in enumerate(inside)]
    batch = batch_of(docs)
    shape = shape_of(batch)
    cut = Column("cut", ("c",), "rest", without=frozenset([("$x",)]))
    assert_read_alike(shape, [*columns_of(shape.root), cut], batch)


@given(st.lists(documents(st.lists(values(), max_size=3) | values()), min_size=1, max_size=4))
def test_documents_that_hold_lists(docs: list[dict[str, Any]]) -> None:
    batch = batch_of(docs)
    shape = shape_of(batch)
    assert_read_alike(shape, list(columns_of(shape.root)), batch)


@given(st.lists(documents(), max_size=3), st.lists(documents(), max_size=4))
def test_documents_of_another_shape(seen: list[dict[str, Any]], new: list[dict[str, Any]]) -> None:
    shape = shape_of(batch_of(seen))
    batch = batch_of([doc for pair in zip(seen, new, strict=False) for doc in pair] + new + seen)
    assert_read_alike(shape, list(columns_of(shape.root)), batch)
    assert_read_alike(NOTHING, [], batch)


@given(st.lists(documents(), min_size=1, max_size=4), st.data())
def test_damaged_bytes(docs: list[dict[str, Any]], data: st.DataObject) -> None:
    batch = batch_of(docs)
    shape = shape_of(batch)
    columns = list(columns_of(shape.root, deep=1))
    assert_read_alike(shape, columns, data.draw(damaged(batch)))


@given(st.binary(max_size=200))
def test_any_bytes_at_all(batch: bytes) -> None:
    shape = shape_of(bson.encode({"a": [{"b": 1}, "x"]}))
    assert_read_alike(shape, list(columns_of(shape.root)), batch)


@given(st.integers(4, 40), st.binary(max_size=40))
def test_any_bytes_as_the_text_of_a_document(length: int, text: bytes) -> None:
    good = bson.encode({"_id": 1, "s": "x"})
    hurt = framed(INT % b"_id" + b"\x02s\0" + (len(text) + 1).to_bytes(4, "little") + text + b"\0")
    assert_read_alike(shape_of(good), [Column("s", ("s",))], good + hurt + good)
    hurt = framed(INT % b"_id" + b"\x02" + text.replace(b"\0", b"") + b"\0" + length.to_bytes(4, "little") + b"x" * 20)
    assert_read_alike(shape_of(good), [Column("s", ("s",))], good + hurt + good)


@cache
def corpus() -> list[tuple[str, bytes]]:
    """Every document of the drivers' corpus, whole ones and broken ones."""
    beside = Path(__file__).parents[3] / "shared" / "samples" / "bson-corpus"
    folder = Path(os.environ.get("BSON_CORPUS", beside))
    files = sorted(folder.glob("**/bson_corpus/*.json")) or sorted(folder.glob("*.json"))
    found = []
    for file in files:
        content = json.loads(file.read_text())
        for part in ("valid", "decodeErrors"):
            for case in content.get(part, ()):
                texts = [case[name] for name in ("canonical_bson", "degenerate_bson", "bson") if name in case]
                found += [(f"{file.stem}: {case['description']}", bytes.fromhex(text)) for text in texts]
    return found


@pytest.mark.skipif(not corpus(), reason="no BSON corpus: set BSON_CORPUS to its folder")
def test_the_corpus() -> None:
    for name, raw in corpus():
        shape = shape_of(raw)
        found = assert_read_alike(shape, list(columns_of(shape.root)), raw)
        assert len(found.raws) + len(found.rejected) >= 1, name


@pytest.mark.skipif(not corpus(), reason="no BSON corpus: set BSON_CORPUS to its folder")
def test_the_corpus_cut_at_every_byte() -> None:
    for _, raw in corpus():
        if len(raw) < 300:
            shape = shape_of(raw)
            for end in range(len(raw)):
                assert_read_alike(shape, [Column("all", (), "ejson")], raw[:end])
                assert_read_alike(shape, [], framed(raw[4:end]))


@pytest.mark.parametrize("depth", [1, 2, MAX_DEPTH - 1, MAX_DEPTH, MAX_DEPTH + 1, 900])
@pytest.mark.parametrize("opening", [b"\x03a\0", b"\x04a\0"])
def test_nesting(depth: int, opening: bytes) -> None:
    raw = framed(b"")
    for level in range(depth - 1):
        raw = framed((opening if level % 2 else b"\x03a\0") + raw)
    shape = shape_of(raw)
    columns = [Column("e", (), "ejson"), Column("j", (), "json"), Column("a", ("a", "a"), "ejson")]
    assert_read_alike(shape, columns, raw)
    assert_read_alike(shape_of(b""), columns, raw)


@pytest.mark.parametrize(
    "doc",
    [
        {"_id": 1, "_x": 2, "a": Code("f", {"a": 1, "r": {"$ref": "c", "$id": 1}})},
        {"_id": {"$ref": "c", "$id": 1, "$db": "d"}},
        {"_id": 1, "a": [None, None], "b": [[], [[]], {}]},
        {"_id": 1, "u": Binary(b"x" * 15, 4), "v": Binary(b"x" * 16, 4), "w": Binary(b"", 2)},
        {"_id": 1, "d": DatetimeMS(2**63 - 1), "e": DatetimeMS(-(2**63))},
        {"_id": 1, "d": Decimal128.from_bid(b"\xff" * 16), "e": Decimal128.from_bid(b"\xff" * 14 + b"\x41\x30")},
        {"_id": Int64(5), "a": '\0\x01\x1f\x7f\u2028"\\\b\f\n\r\t', 'k\u0007"': float("nan")},
        {},
    ],
)
def test_odd_documents(doc: dict[str, Any]) -> None:
    batch = to_bson(doc)
    shape = shape_of(batch)
    assert_read_alike(shape, list(columns_of(shape.root)), batch)
    assert_read_alike(shape_of(bson.encode({"_id": 1, "a": 1, "d": [1], "u": "x"})), [], batch)


def test_names_that_are_there_twice_are_shown_as_python_shows_them() -> None:
    names = ["a", "'", "'\"", "\\", "\n", "é", "\u200b", "\U0001f600", "\u0085", "\U000e0001", ""]
    twice = [framed(INT % name.encode() * 2) for name in names]
    assert len(assert_read_alike(NOTHING, [], b"".join(twice)).rejected) == len(names)


def test_a_date_and_a_uuid_out_of_range() -> None:
    shape = shape_of(bson.encode({"_id": 1, "d": DatetimeMS(0), "u": Binary(bytes(16), 4)}))
    docs = [{"_id": 2, "d": DatetimeMS(2**62)}, {"_id": 3, "u": Binary(bytes(3), 4)}, {"_id": 4, "u": Binary(b"", 5)}]
    found = assert_read_alike(shape, [Column("d", ("d",)), Column("u", ("u",))], b"".join(map(bson.encode, docs)))
    assert [aside.reason for aside in found.rejected] == ["out_of_range", "out_of_range", "unseen_type"]


def test_a_map_of_many_names() -> None:
    docs = [{"_id": i, "m": {f"k{i * 7 % 300}": i, f"k{i * 11 % 300}x": i}} for i in range(600)]
    batch = b"".join(map(bson.encode, docs))
    histogram = Histogram(MapRules(objects=frozenset({("m",)})))
    histogram.add(batch)
    assert_read_alike(histogram.to_shape("things"), [Column("m", ("m",), "json"), Column("k", ("m", "k7"))], batch)


KEYS = st.sampled_from(["2024-01", "2024-02", "2023-12", "", "é", "{}"])
ENTRIES = st.recursive(
    st.sampled_from([1, Int64(2), 2.5, "x", None]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)
MAPS = st.lists(st.dictionaries(st.sampled_from("ab"), ENTRIES, max_size=2), max_size=4).map(
    lambda docs: [{"_id": n, **doc} for n, doc in enumerate(docs)]
)


@given(MAPS, MAPS, st.data())
def test_maps(seen: list[dict[str, Any]], new: list[dict[str, Any]], data: st.DataObject) -> None:
    places = [("a",), ("b",), ("a", "{}"), ("a", "[]"), ("b", "[]"), ("a", "{}", "{}")]
    histogram = Histogram(MapRules(maps=frozenset(places)))
    histogram.add(batch_of(seen))
    shape = histogram.to_shape("things")
    columns = list(columns_of(shape.root, deep=1))
    found = assert_read_alike(shape, columns, batch_of(seen))
    assert len(found.raws) == len(seen)
    assert_read_alike(shape, columns, batch_of(new))
    assert_read_alike(shape, columns, data.draw(damaged(batch_of(seen))))


def test_a_key_that_comes_later_is_nothing_new_and_a_type_is() -> None:
    histogram = Histogram()
    histogram.add(bson.encode({"_id": 1, "m": {"2024-01": {"n": 1}}}))
    shape = histogram.to_shape("things")
    docs = [{"_id": 1, "m": {"2031-07": {"n": 1}, "any": {"n": 2}}}, {"_id": 2, "m": {"2024-01": {"n": "x"}}},
            {"_id": 3, "m": {"2024-01": {"o": 1}}}, {"_id": 4, "m": {"2024-01": 1}}]  # fmt: skip
    twice = bson.encode({"_id": 5, "m": {"2024-01": {"n": 1}, "2024-02": {"n": 1}}}).replace(b"2024-02", b"2024-01")
    found = assert_read_alike(shape, [Column("m", ("m",), "json")], b"".join(map(bson.encode, docs)) + twice)
    assert found.table["m"].to_pylist() == ['{"2031-07":{"n":1},"any":{"n":2}}']
    assert [(one.reason, one.path) for one in found.rejected] == [
        ("unseen_type", "m.{}.n"),
        ("unseen_path", "m.{}.o"),
        ("unseen_type", "m.{}"),
        ("duplicate_key", "m.2024-01"),
    ]


def test_doubles_of_all_sizes() -> None:
    powers = [float(f"{m}e{e}") for e in range(-324, 309) for m in ("1", "1.5", "-9.999999999999999", "123456789")]
    batch = b"".join(bson.encode({"x": x}) for x in powers if abs(x) != float("inf"))
    shape = shape_of(batch)
    assert_read_alike(
        shape, [Column("e", ("x",), "ejson"), Column("j", ("x",), "json"), Column("o", (), "json")], batch
    )


@given(st.lists(st.integers(0, 2**64 - 1), max_size=50))
def test_doubles_of_any_bits(bits: list[int]) -> None:
    batch = b"".join(framed(b"\x01x\0" + b.to_bytes(8, "little")) for b in bits)
    shape = shape_of(batch)
    assert_read_alike(shape, [Column("x", ("x",)), Column("e", ("x",), "ejson"), Column("j", (), "json")], batch)


@given(st.lists(st.binary(min_size=16, max_size=16), max_size=50))
def test_decimals_of_any_bits(bits: list[bytes]) -> None:
    batch = b"".join(framed(b"\x13x\0" + b) for b in bits)
    shape = shape_of(batch)
    assert_read_alike(shape, [Column("x", ("x",)), Column("e", ("x",), "ejson")], batch)


@given(st.lists(st.integers(-(2**63), 2**63 - 1) | st.integers(-(10**14), 10**15), max_size=50))
def test_dates_of_any_bits(dates: list[int]) -> None:
    batch = b"".join(bson.encode({"x": DatetimeMS(ms)}) for ms in dates)
    shape = shape_of(batch)
    assert_read_alike(shape, [Column("x", ("x",)), Column("e", ("x",), "ejson"), Column("j", (), "json")], batch)


@pytest.mark.parametrize(
    ("rule", "columns"),
    [
        ("", ""),
        ("[]", '{"top": [], "columns": [], "plus": true}'),
        ('[{"types": [], "dates": false, "uuids": false, "fields": [["a", 7]], "element": null}]', "{}"),
        ("[]", '{"top": [0], "columns": [], "plus": true}'),
    ],
)
def test_what_is_no_plan_is_refused(rule: str, columns: str) -> None:
    module = extension()
    assert module is not None
    with pytest.raises(ValueError, match=r"place|line|missing"):
        module.ColumnReader(rule, columns)
