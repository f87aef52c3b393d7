"""Documents of a target, written and read natively: as the reference does it, or left to it."""

from __future__ import annotations

import json
from typing import Any

import bson
import pyarrow as pa
import pytest
from bson import Binary, Decimal128, Int64, ObjectId
from hypothesis import example, given, settings
from hypothesis import strategies as st

from crossfade.model.canonical import arrow_type
from crossfade.model.rejection import Rejected
from crossfade.model.target import ColumnType, TargetColumn, TargetTable
from crossfade.records.bson.ejson import canonical, loads_canonical
from crossfade.records.native import extension
from crossfade.stores.mongodb.columnar import columns_of
from crossfade.stores.mongodb.documents import _any
from crossfade.stores.mongodb.encoded import encoded
from crossfade.stores.mongodb.rows import UNREADABLE, canonical_batch

pytestmark = pytest.mark.skipif(extension() is None, reason="crossfade-native is not installed: make native")

ANY = TargetColumn("any", ColumnType("ejson", "any"), absent=True)

names = st.text(max_size=3) | st.sampled_from(["$oid", "$$oid", "$numberInt", "$date", "$x", "a"])
numbers = st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False)
written = st.sampled_from(
    [
        '{"$numberInt":"5"}', '{"$numberInt":"05"}', '{"$numberLong":"-9"}', '{"$numberDouble":"1.5"}', '{"a":1,"a":2}',
        '{"$numberDouble":"NaN"}', '{"$oid":"0123456789abcdef01234567"}', '{"$oid":"0123456789ABCDEF01234567"}',
        '{"$date":{"$numberLong":"7"}}', '{"$date":"2024-01-01T00:00:00Z"}', '{"$numberDecimal":"1.10"}', "1.50", "1e5",
        "-0", "-0.0", "1.0", "0.10000000000000001", "12345678901234567890", "1E400", "01",
        '"\\ud800"', '"\\ud83d\\ude00"',
        '"\\u0000"', '{"\\u0000":1}', "[1, 2.50 , null]", "", " 1 ", "1 2", '{"a" : [ ] }', "nul", '"\t"', "5.e1", "+1",
    ]
)  # fmt: skip
values = st.recursive(
    st.none() | st.booleans() | numbers | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=6,
)
texts = values.map(lambda v: json.dumps(v, ensure_ascii=False)) | values.map(json.dumps) | written


def _reference(text: str) -> bytes | None:
    try:
        return _any(text)
    except Rejected:
        return None


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


@given(texts.filter(_encodable))
@example("[" * 95 + "]" * 95)
@settings(max_examples=600, deadline=None)
def test_values_of_any_type_are_written_as_the_reference_writes_them(text: str) -> None:
    made = encoded([pa.array([text])], [ANY])
    if made is not None:
        wanted = _reference(text)
        assert wanted is not None
        name = wanted[:1] + b"any\0" + wanted[1:]
        assert made == [(len(name) + 5).to_bytes(4, "little") + name + b"\0"]


@given(texts.filter(_encodable))
@example("1357107500279940.3")  # as near to the double as ...40.2, which is its text
@example("-1357107500279940.20")
@example("1e400")
@settings(max_examples=600, deadline=None)
def test_values_of_any_type_are_printed_as_the_reference_prints_them(text: str) -> None:
    module = extension()
    assert module is not None
    (found,) = pa.record_batch(module.printed(pa.array([text]))).column(0).to_pylist()
    if found is not None:
        assert found == canonical(loads_canonical(text))


def test_the_usual_values_are_done_natively() -> None:
    module = extension()
    assert module is not None
    usual = ['{"a": 1, "b": [1.5, null, "x"]}', '{"n":{"$numberInt":"5"}}', "[]", '"\\u00e9"', "9007199254740993"]
    assert encoded([pa.array(usual)], [ANY]) is not None
    assert pa.record_batch(module.printed(pa.array(usual))).column(0).null_count == 0


COLUMNS = (
    TargetColumn("_id", ColumnType("int8", "long"), nullable=False),
    TargetColumn("flag", ColumnType("bool", "bool"), absent=True),
    TargetColumn("n", ColumnType("int4", "int")),
    TargetColumn("ratio", ColumnType("float8", "double"), absent=True),
    TargetColumn("price", ColumnType("decimal128", "decimal"), absent=True),
    TargetColumn("text", ColumnType("string", "string"), absent=True),
    TargetColumn("ref", ColumnType("objectid", "objectId"), absent=True),
    TargetColumn("uuid", ColumnType("uuid", "uuid"), absent=True),
    TargetColumn("data", ColumnType("bytea", "binData:5", subtype=5), absent=True),
    TargetColumn("at", ColumnType("timestamptz", "date", precision=3), absent=True),
    ANY,
)
TABLE = TargetTable("things", None, "things", COLUMNS, ("_id",))

right: dict[str, st.SearchStrategy[Any]] = {
    "flag": st.booleans(), "n": st.none() | st.integers(-(2**31), 2**31 - 1), "ratio": st.floats(allow_nan=False),
    "price": st.sampled_from(["1.10", "NaN", "1E+10", "-0"]).map(Decimal128), "text": st.text(max_size=4),
    "ref": st.just(ObjectId(b"z" * 12)), "uuid": st.binary(min_size=16, max_size=16).map(lambda b: Binary(b, 4)),
    "data": st.binary(max_size=4).map(lambda b: Binary(b, 5)),
    "at": st.sampled_from([0, -1, 253402300799999]).map(bson.datetime_ms.DatetimeMS),
    "any": values.filter(lambda v: "$" not in repr(v) and "\\x00" not in repr(v) and _in_range(v)),
}  # fmt: skip
wrong = st.none() | st.just("text") | st.just(1.5) | st.just(Int64(1)) | st.just(Binary(b"short", 4))


def _in_range(value: Any) -> bool:
    if isinstance(value, dict | list):
        return all(map(_in_range, value.values() if isinstance(value, dict) else value))
    return not isinstance(value, int) or abs(value) < 2**63


@st.composite
def stored(draw: st.DrawFn) -> dict[str, Any]:
    document: dict[str, Any] = {"_id": Int64(draw(st.integers(-5, 5)))}
    for name, some in right.items():
        if draw(st.integers(0, 3)):
            document[name] = draw(some if draw(st.integers(0, 9)) else wrong)
    if not draw(st.integers(0, 9)):
        document["more"] = 1
    return document


@given(st.lists(stored(), min_size=1, max_size=5))
@settings(max_examples=200, deadline=None)
def test_documents_are_read_back_as_the_reference_reads_them(documents: list[dict[str, Any]]) -> None:
    try:
        raws = [bson.encode(document) for document in documents]
    except (bson.errors.InvalidDocument, OverflowError):
        return
    reader = columns_of(TABLE, [c.name for c in COLUMNS])
    assert reader is not None
    batch, others = reader.read(b"".join(raws))
    assert [field.type for field in batch.schema] == [arrow_type(c.type) for c in COLUMNS]
    reference = [canonical_batch(TABLE, batch.schema.names, raw) for raw in raws]
    good = [one for one in reference if UNREADABLE not in one.schema.names]
    assert batch.num_rows + len(others) == len(raws)
    assert batch.num_rows <= len(good)
    fit = [one for one, raw in zip(reference, raws, strict=True) if raw not in others]
    assert batch.num_rows == 0 or pa.Table.from_batches([batch]).equals(pa.Table.from_batches(fit).combine_chunks())


@pytest.mark.parametrize("change", [{"n": Int64(1)}, {"more": 1}, {"any": None}, {"flag": None}])
def test_what_is_not_as_the_schema_says_is_left_to_the_reference(change: dict[str, Any]) -> None:
    reader = columns_of(TABLE, ["_id", "n"])
    assert reader is not None
    raw = bson.encode({"_id": Int64(1), "n": 1, **change})
    batch, others = reader.read(raw + bson.encode({"_id": Int64(2), "n": 2}) + bson.encode({"_id": Int64(3)}))
    assert batch.num_rows == 1
    assert [*others] == [raw, bson.encode({"_id": Int64(3)})]
