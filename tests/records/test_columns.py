from __future__ import annotations

import datetime
from collections.abc import Iterator
from typing import Any

import bson
import pyarrow as pa
import pytest
from bson import Binary, Decimal128, Int64, ObjectId
from bson.datetime_ms import DatetimeMS
from hypothesis import given
from hypothesis import strategies as st
from slow_columns import cell, fits, spelled
from slow_shapes import shape_of

from crossfade.model.batch import Batch, Column
from crossfade.model.map_rules import MapRules
from crossfade.model.nodes import listed_element
from crossfade.model.shape import Node, Path, Shape, escape_step
from crossfade.records.bson.columns import compile_columns, python_columns
from crossfade.records.bson.count import Histogram
from crossfade.records.bson.encode import to_bson
from crossfade.records.bson.forms import ARROW_KINDS
from crossfade.records.bson.walk import MAX_DEPTH
from strategies import documents, values

FORMS = ("ejson", "json", "type", "present")


def columns_of(node: Node, path: Path = (), *, listed: bool = False) -> Iterator[Column]:
    """Every column that can be asked for at this place and below it."""
    for form in FORMS:
        yield Column(f"{form} {path}", path, form)
    if node.kind == "objectId":
        yield from (Column(f"{form} {path}", path, form) for form in ("oid_uuid", "oid_text"))
    if node.kind in ARROW_KINDS:
        yield Column(f"native {path}", path)
    if node.element is not None:
        yield Column(f"list {path}", path, "list", tuple(columns_of(node.element)))
        yield Column(f"count {path}", path, "list")
    for child in node.fields:
        yield from columns_of(child, (*path, escape_step(child.name)))


def in_numbers(array: Any) -> Any:
    """Timestamps as microseconds, also inside lists: Python's datetime does not reach as far as they do."""
    kind = array.type
    if pa.types.is_timestamp(kind):
        return array.cast(pa.int64())
    if pa.types.is_struct(kind):
        parts = [in_numbers(array.field(i)) for i in range(kind.num_fields)]
        return pa.StructArray.from_arrays(parts, [f.name for f in kind])
    if pa.types.is_list(kind):
        return pa.ListArray.from_arrays(_offsets(array), in_numbers(array.values))
    return array


def _offsets(array: Any) -> Any:
    starts = array.offsets.to_pylist()
    there = [*array.is_valid().to_pylist(), True]
    return pa.array([s if ok else None for s, ok in zip(starts, there, strict=True)], pa.int32())


def rows_of(batch: Batch) -> list[dict[str, Any]]:
    table = batch.table.combine_chunks()
    columns = {}
    for field, column in zip(table.schema, table.columns, strict=True):
        chunks = [in_numbers(chunk) for chunk in column.chunks]
        columns[field.name] = [spelled(v) for chunk in chunks for v in chunk.to_pylist()]
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


@given(st.lists(documents(), min_size=1, max_size=5))
def test_every_column_of_every_document(docs: list[dict[str, Any]]) -> None:
    shape = shape_of(docs)
    columns = list(columns_of(shape.root))
    batch = compile_columns(shape, columns).read(b"".join(map(to_bson, docs)))
    assert batch.rejected == ()
    for i, (doc, row) in enumerate(zip(docs, rows_of(batch), strict=True)):
        assert row == {"#row": i} | {c.name: cell(doc, c, shape.root) for c in columns}


@given(st.lists(documents(), min_size=1, max_size=3), st.lists(documents(), max_size=3))
def test_what_is_not_in_the_shape_is_set_aside(seen: list[dict[str, Any]], new: list[dict[str, Any]]) -> None:
    shape = shape_of(seen)
    docs = [doc for pair in zip(seen, new, strict=False) for doc in pair] + seen + new
    raws = [to_bson(doc) for doc in docs]
    batch = compile_columns(shape, [Column("all", (), "ejson")]).read(b"".join(raws))
    assert [fits(doc, shape) for doc in docs].count(True) == len(batch.raws)
    assert batch.raws == [raw for doc, raw in zip(docs, raws, strict=True) if fits(doc, shape)]
    assert [(a.row, a.raw) for a in batch.rejected] == [
        (i, raw) for i, (doc, raw) in enumerate(zip(docs, raws, strict=True)) if not fits(doc, shape)
    ]
    assert {a.reason for a in batch.rejected} <= {"unseen_path", "unseen_type", "out_of_range"}


@given(st.lists(documents(st.lists(values(), max_size=3) | values()), min_size=1, max_size=4))
def test_listed_is_list_of_documents_whose_single_values_are_lists(docs: list[dict[str, Any]]) -> None:
    wrapped = [{k: v if v is None or type(v) is list else [v] for k, v in doc.items()} for doc in docs]
    shape, plain_shape = shape_of(docs), shape_of(wrapped)
    batch, lists_batch = b"".join(map(to_bson, docs)), b"".join(map(to_bson, wrapped))
    for node in shape.root.fields:
        inner = plain_shape.root.by_name[node.name].element
        if inner is None:
            continue
        path = (escape_step(node.name),)
        elements = tuple(columns_of(inner))
        listed = compile_columns(shape, [Column("l", path, "listed", elements)]).read(batch)
        lists = compile_columns(plain_shape, [Column("l", path, "list", elements)]).read(lists_batch)
        assert rows_of(listed) == rows_of(lists)
        assert listed.table.schema == lists.table.schema
        assert listed_element(node).kind == inner.kind


DAY = datetime.datetime(2024, 1, 26, 10, 0, 0, 7000)
ONE_OF_EACH = {
    "int": (7, pa.int32(), 7),
    "long": (Int64(7), pa.int64(), 7),
    "double": (0.5, pa.float64(), 0.5),
    "string": ("é", pa.string(), "é"),
    "bool": (True, pa.bool_(), True),
    "objectId": (ObjectId("a" * 24), pa.binary(), b"\xaa" * 12),
    "date": (DAY, pa.timestamp("us", "UTC"), DAY.replace(tzinfo=datetime.UTC)),
    "decimal": (Decimal128("1.10"), pa.string(), "1.10"),
    "binary": (b"\0", pa.binary(), b"\0"),
    "uuid": (Binary(bytes(16), 4), pa.binary(), bytes(16)),
    "null": (None, pa.null(), None),
    "mixed": (Binary(b"", 9), pa.string(), '{"$binary":{"base64":"","subType":"09"}}'),
}


def read(docs: list[dict[str, Any]], *columns: Column, shape: Shape | None = None) -> Batch:
    return compile_columns(shape or shape_of(docs), columns).read(b"".join(map(to_bson, docs)))


@pytest.mark.parametrize("kind", ONE_OF_EACH)
def test_what_arrives(kind: str) -> None:
    value, arrow, wanted = ONE_OF_EACH[kind]
    table = read([{"x": value}, {"x": None}, {}], Column("x", ("x",))).table
    assert table.schema.field("x").type == arrow
    assert table["x"].to_pylist() == [wanted, None, None]
    assert (table.schema.field("x").metadata == {b"crossfade": b"uuid"}) is (kind == "uuid")


def test_dates_beyond_python_arrive_as_timestamps() -> None:
    far = 9_000_000_000_000_000
    table = read([{"x": DatetimeMS(far)}, {"x": DAY}, {}], Column("x", ("x",))).table
    assert table["x"].cast(pa.int64()).to_pylist() == [far * 1000, 1706263200007000, None]


def test_an_int_goes_into_a_long_and_a_long_not_into_an_int() -> None:
    longs, ints = shape_of([{"x": Int64(1)}]), shape_of([{"x": 1}])
    assert read([{"x": 1}], Column("x", ("x",)), shape=longs).table["x"].to_pylist() == [1]
    (aside,) = read([{"x": Int64(1)}], Column("x", ("x",)), shape=ints).rejected
    assert (aside.reason, aside.path, aside.detail) == ("unseen_type", "x", "long where the survey saw int")


def test_a_new_date_that_no_timestamp_holds_is_out_of_range() -> None:
    shape = shape_of([{"_id": 1, "a": [DAY]}])
    (aside,) = read([{"_id": 2, "a": [DatetimeMS(2**62)]}], shape=shape).rejected
    assert (aside.reason, aside.path, aside.key) == ("out_of_range", "a[]", '{"$numberInt":"2"}')


def test_a_way_through_something_else_is_null() -> None:
    docs: list[dict[str, Any]] = [{"price": {"amount": 5}}, {"price": 5.0}, {"price": None}, {}]
    table = read(docs, Column("amount", ("price", "amount")), Column("there", ("price", "amount"), "present")).table
    assert table["amount"].to_pylist() == [5, None, None, None]
    assert table["there"].to_pylist() == [True, False, False, False]


def test_null_and_missing_are_distinguished() -> None:
    table = read([{"x": None}, {}, {"x": 1}], Column("p", ("x",), "present"), Column("t", ("x",), "type")).table
    assert table["p"].to_pylist() == [True, False, True]
    assert table["t"].to_pylist() == ["null", None, "int"]


def test_lists_of_elements() -> None:
    docs: list[dict[str, Any]] = [
        {"s": [{"n": 1}, {"n": None}, {}]},
        {"s": []},
        {"s": None},
        {},
        {"s": [None, {"n": 2}]},
    ]
    elements = (Column("n", ("n",)), Column("p", ("n",), "present"))
    table = read(docs, Column("s", ("s",), "list", elements), Column("k", ("s",), "list")).table
    n = [row and [e["n"] for e in row] for row in table["s"].to_pylist()]
    assert n == [[1, None, None], [], None, None, [None, 2]]
    assert table["k"].to_pylist()[0] == [{"#": 0}] * 3


def test_a_single_value_is_a_list_of_one_where_asked() -> None:
    docs: list[dict[str, Any]] = [{"tags": "a"}, {"tags": ["b", "c"]}, {"tags": None}]
    table = read(docs, Column("tags", ("tags",), "listed", (Column("tag", ()),))).table
    assert table.schema.field("tags").type == pa.list_(pa.struct([("tag", pa.string())]))
    assert table["tags"].to_pylist() == [[{"tag": "a"}], [{"tag": "b"}, {"tag": "c"}], None]


def test_a_uuid_inside_a_list_says_that_it_is_one() -> None:
    table = read([{"u": [Binary(bytes(16), 4)]}], Column("u", ("u",), "list", (Column("x", ()),))).table
    assert table.schema.field("u").type.value_type.field("x").metadata == {b"crossfade": b"uuid"}


def test_broken_and_unfitting_documents_stand_in_order() -> None:
    good = bson.encode({"_id": 1})
    broken = b"\x13\0\0\0\x10a\0\x01\0\0\0\x10a\0\x01\0\0\0\0"
    strange = bson.encode({"_id": 2, "x": 1})
    batch = compile_columns(shape_of([{"_id": 1}]), []).read(good + strange + broken + good)
    assert [(a.row, a.reason) for a in batch.rejected] == [(1, "unseen_path"), (2, "duplicate_key")]
    assert batch.table["#row"].to_pylist() == [0, 1]


def test_an_empty_batch_has_the_columns() -> None:
    table = read([], Column("x", ("x",)), Column("l", ("l",), "list", (Column("y", ("y",)),))).table
    assert (table.num_rows, table.column_names) == (0, ["#row", "x", "l"])


@pytest.mark.parametrize(
    "column", [Column("x", ("o",)), Column("x", ("a",)), Column("x", ("o",), "nonsense"), Column("x", ("a", "[]"))]
)
def test_what_is_no_column_is_refused(column: Column) -> None:
    with pytest.raises(ValueError, match=r"column|form"):
        compile_columns(shape_of([{"o": {}, "a": [1]}]), [column])


def test_a_map_of_many_names_is_held_against_the_shape_too() -> None:
    docs = [{"m": {f"k{i}": i, f"k{i + 1}": i}} for i in range(300)]
    shape = shape_of(docs)
    assert read(docs, shape=shape).rejected == ()
    (aside,) = read([*docs, {"m": {"k7": "text"}}], shape=shape).rejected
    assert (aside.row, aside.reason, aside.path) == (300, "unseen_type", "m.k7")


def test_many_names_at_every_level_of_the_deepest_documents_fit_on_the_stack() -> None:
    docs: list[dict[str, Any]] = [{f"x{number}": 1} for number in range(66)]
    for _ in range(MAX_DEPTH - 2):
        docs = [{"a": doc, f"x{number}": 1} for number, doc in enumerate(docs)]
    batch = b"".join(bson.encode({"_id": number, **doc}) for number, doc in enumerate(docs))
    no_maps = MapRules(objects=frozenset(("a",) * depth for depth in range(MAX_DEPTH)))
    histogram = Histogram(no_maps)
    histogram.add(batch)
    shape = histogram.to_shape("e")
    assert len(python_columns(shape, [Column("a", ("a",), "present")]).read(batch).raws) == len(docs)
