"""Rows become documents byte for byte as the driver would write them, and are read back by a path of its own."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import bson
import pyarrow as pa
import pytest
from bson import Binary, CodecOptions, Decimal128, Int64, ObjectId
from bson.codec_options import DatetimeConversion
from bson.datetime_ms import DatetimeMS
from hypothesis import given, settings
from hypothesis import strategies as st

from crossfade.model.canonical import arrow_schema
from crossfade.model.target import ColumnType, TargetColumn, TargetTable
from crossfade.records.bson.ejson import canonical
from crossfade.stores.contract import RowRejected
from crossfade.stores.mongodb.documents import documents
from crossfade.stores.mongodb.printed import printed
from crossfade.stores.mongodb.rows import UNREADABLE, canonical_batch

DATE = ColumnType("timestamptz", "date", precision=3)
TEXT, LONG, DECIMAL, ANY = (
    ColumnType("string", "string"), ColumnType("int8", "long"), ColumnType("decimal128", "decimal"),
    ColumnType("ejson", "any"),
)  # fmt: skip
LINE = ColumnType(
    "struct", "object", fields=(TargetColumn("n", LONG, nullable=False), TargetColumn("t", TEXT, absent=True))
)
COLUMNS = (
    TargetColumn("_id", ColumnType("objectid", "objectId"), nullable=False),
    TargetColumn("small", ColumnType("int4", "int")),
    TargetColumn("long", LONG, absent=True),
    TargetColumn("double", ColumnType("float8", "double")),
    TargetColumn("flag", ColumnType("bool", "bool")),
    TargetColumn("text", TEXT, absent=True),
    TargetColumn("at", DATE),
    TargetColumn("price", DECIMAL),
    TargetColumn("uuid", ColumnType("uuid", "uuid")),
    TargetColumn("photo", ColumnType("bytea", "binData:5", subtype=5)),
    TargetColumn("any", ANY, absent=True),
    TargetColumn("line", LINE),
    TargetColumn("lines", ColumnType("array", "array of object", of=LINE)),
)
TABLE = TargetTable("things", None, "things", COLUMNS, ("_id",))
DRIVER: CodecOptions[dict[str, Any]] = CodecOptions(datetime_conversion=DatetimeConversion.DATETIME_MS)

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
longs = st.integers(-(2**63), 2**63 - 1)
millis = st.integers(-(2**50), 2**50)
decimals = st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**20), max_value=10**20).map(str)
lines = st.fixed_dictionaries({"n": longs, "t": st.none() | texts})
field_names = texts.map(lambda text: "k" + text.replace("\0", ""))
values = st.recursive(
    st.none() | st.booleans() | longs.map(Int64) | texts | st.just(Decimal128("1.10")) | st.just(ObjectId(b"z" * 12)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(field_names, inner, max_size=3),
    max_leaves=5,
)
rows = st.fixed_dictionaries(
    {
        "_id": st.binary(min_size=12, max_size=12),
        "small": st.none() | st.integers(-(2**31), 2**31 - 1),
        "long": st.none() | longs,
        "double": st.none() | st.floats(allow_nan=False),
        "flag": st.none() | st.booleans(),
        "text": st.none() | texts,
        "at": st.none() | millis,
        "price": st.none() | decimals,
        "uuid": st.none() | st.binary(min_size=16, max_size=16),
        "photo": st.none() | st.binary(max_size=5),
        "any": st.none() | values.filter(lambda v: v is not None),
        "line": st.none() | lines,
        "lines": st.none() | st.lists(lines, max_size=3),
    }
)


def table_of(given_rows: list[dict[str, Any]]) -> Any:
    schema = arrow_schema(TABLE, [c.name for c in COLUMNS])
    columns = []
    for field in schema:
        found = [row[field.name] for row in given_rows]
        if field.name == "at":
            micros = pa.array([None if v is None else v * 1000 for v in found], pa.int64())
            columns.append(micros.cast(field.type))
        elif field.name == "any":
            columns.append(pa.array([None if v is None else canonical(v) for v in found], pa.string()))
        else:
            columns.append(pa.array(found, field.type))
    return pa.table(columns, schema=schema)


def as_driver(row: dict[str, Any]) -> dict[str, Any]:
    def line(value: dict[str, Any]) -> dict[str, Any]:
        return {"n": Int64(value["n"])} | ({} if value["t"] is None else {"t": value["t"]})

    convert: dict[str, Any] = {
        "_id": ObjectId, "long": Int64, "at": DatetimeMS, "price": Decimal128, "line": line,
        "uuid": lambda v: Binary(v, 4), "photo": lambda v: Binary(v, 5), "lines": lambda v: [line(one) for one in v],
    }  # fmt: skip
    kept = {c.name: row[c.name] for c in COLUMNS if row[c.name] is not None or not c.absent}
    return {name: convert[name](v) if v is not None and name in convert else v for name, v in kept.items()}


@given(st.lists(rows, min_size=1, max_size=4))
@settings(deadline=None, max_examples=60)
def test_documents_are_those_of_the_driver_and_come_back_as_they_were(given_rows: list[dict[str, Any]]) -> None:
    table = table_of(given_rows)
    found = documents(TABLE, table)
    assert found == [bson.encode(as_driver(row)) for row in given_rows]
    sliced = documents(TABLE, table.slice(1))
    assert sliced == found[1:]
    back = canonical_batch(TABLE, table.column_names, b"".join(found))
    for name in ("any", "price"):
        place = table.column_names.index(name)
        table = table.set_column(place, name, printed(table.column(name), COLUMNS[place].type))
    assert UNREADABLE not in back.schema.names
    assert pa.Table.from_batches([back]).equals(table.combine_chunks())


def changed(name: str, value: Any) -> bytes:
    raw = documents(TABLE, table_of([ROW]))[0]
    document = bson.decode(raw, DRIVER)
    document = {k: v for k, v in document.items() if k != name} | ({} if value is GONE else {name: value})
    return bson.encode(document)


GONE = object()
ROW = {
    "_id": b"a" * 12, "small": 1, "long": 2, "double": 3.0, "flag": True, "text": "t", "at": 0, "price": "1.10",
    "uuid": b"u" * 16, "photo": b"p", "any": {"a": 1}, "line": {"n": 1, "t": None}, "lines": [],
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("small", Int64(1)), ("small", 1.0), ("small", GONE), ("long", 2), ("long", None), ("double", 3), ("flag", 1),
        ("text", 5), ("at", "1970-01-01"), ("price", 1.1), ("uuid", Binary(b"u" * 16, 3)), ("photo", b"p"),
        ("line", {"n": 1}), ("line", {"n": Int64(1), "more": 1}), ("line", [1]), ("line", {"n": Int64(1), "t": None}),
        ("lines", {"0": 1}), ("lines", [{"n": "x"}]), ("beside", 1),
    ],
)  # fmt: skip
def test_a_value_that_the_schema_does_not_have_is_reported(name: str, value: Any) -> None:
    batch = canonical_batch(TABLE, [c.name for c in COLUMNS], changed(name, value))
    (said,) = batch.column(UNREADABLE).to_pylist()
    assert said.startswith("small holds beside it" if name == "beside" else f"{name} holds ")


def test_a_collection_that_is_open_may_hold_more() -> None:
    batch = canonical_batch(replace(TABLE, is_open=True), ["_id", "small"], changed("beside", 1))
    assert batch.to_pylist() == [{"_id": b"a" * 12, "small": 1}]


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("price", "1" * 35, "precision"),
        ("price", "1E+7000", "precision"),
        ("text", "x" * 17_000_000, "too_long"),
    ],
)
def test_what_mongodb_does_not_hold_is_named_by_its_row(name: str, value: Any, reason: str) -> None:
    with pytest.raises(RowRejected) as caught:
        documents(TABLE, table_of([ROW, {**ROW, name: value}, ROW]))
    assert [(r.row, r.reason) for r in caught.value.rows] == [(1, reason)]
    assert caught.value.column in (name, None)


@pytest.mark.parametrize(
    ("text", "reason"),
    [("{", "not_json"), ("[" * 120 + "]" * 120, "too_deep"), ('{"a\u0000b":1}', "not_json")],
)
def test_json_that_is_no_value(text: str, reason: str) -> None:
    table = table_of([ROW])
    place = table.column_names.index("any")
    with pytest.raises(RowRejected) as caught:
        documents(TABLE, table.set_column(place, "any", pa.array([text])))
    assert [(r.row, r.reason, r.column) for r in caught.value.rows] == [(0, reason, "any")]


def test_an_empty_timestamp_would_become_the_present_time() -> None:
    empty = '{"$timestamp":{"t":0,"i":0}}'
    table = table_of([ROW, ROW, ROW])
    place = table.column_names.index("any")
    values = ['{"$timestamp":{"t":0,"i":1}}', f'{{"inside":{empty}}}', empty]
    with pytest.raises(RowRejected) as caught:
        documents(TABLE, table.set_column(place, "any", pa.array(values)))
    assert [(r.row, r.reason, r.column) for r in caught.value.rows] == [(2, "bad_value", "any")]


def test_plain_json_is_read_as_an_application_writes_it() -> None:
    table = table_of([ROW])
    place = table.column_names.index("any")
    (raw,) = documents(TABLE, table.set_column(place, "any", pa.array(['{"n":5,"big":5000000000,"x":1.5}'])))
    found = bson.decode(raw)["any"]
    assert (found, type(found["big"])) == ({"n": 5, "big": 5_000_000_000, "x": 1.5}, Int64)


def test_a_key_of_several_columns_is_an_object() -> None:
    columns = (
        TargetColumn("a", TEXT, nullable=False),
        TargetColumn("b", LONG, nullable=False),
        TargetColumn("c", TEXT),
    )
    table = TargetTable("pairs", None, "pairs", columns, ("a", "b"))
    rows = pa.table([pa.array(["x"]), pa.array([1], pa.int64()), pa.array(["y"])], names=["a", "b", "c"])
    (raw,) = documents(table, rows)
    assert bson.decode(raw) == {"_id": {"a": "x", "b": 1}, "a": "x", "b": 1, "c": "y"}
    assert canonical_batch(table, ["a", "b", "c"], raw).to_pylist() == rows.to_pylist()
    other = bson.encode({"_id": {"a": "x", "b": Int64(1)}, "a": "other", "b": Int64(1), "c": "y"})
    assert "'a'" in canonical_batch(table, ["a", "b", "c"], other).column(UNREADABLE)[0].as_py()


def test_moments_are_whole_milliseconds() -> None:
    moment = datetime(2024, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)
    (raw,) = documents(TABLE, table_of([{**ROW, "at": int(moment.timestamp() * 1000)}]))
    assert bson.decode(raw, CodecOptions(tz_aware=True))["at"] == moment
