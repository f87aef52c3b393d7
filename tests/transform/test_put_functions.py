"""The two laws of the put, for every function of the mapping language: GetPut and PutGet."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from bson import Binary, Code, Decimal128, Int64, ObjectId, Timestamp, decode
from hypothesis import given, settings
from hypothesis import strategies as st

from crossfade.mapping.invert.functions import INVERSES
from crossfade.model.target import ColumnType, TargetColumn, TargetTable
from crossfade.records.bson.encode import to_bson
from crossfade.records.bson.values import regex
from crossfade.transform.numbered import Numbered, unlike
from mapping_world import World
from putting import PutWorld
from strategies import int32s, int64s, object_ids, texts

NO_NUL = texts.map(lambda text: text.replace("\0", ""))
MOMENTS = st.integers(-2_208_988_800_000, 4_102_444_800_000)
DATES = MOMENTS.map(lambda ms: datetime.datetime(1970, 1, 1) + datetime.timedelta(milliseconds=ms))
ISO = DATES.map(lambda at: at.isoformat(timespec="milliseconds") + "Z")
WHOLE = int32s | st.integers(-(2**53), 2**53).map(Int64) | int32s.map(float)
NUMBERS = WHOLE | st.integers(-(10**6), 10**6).map(lambda n: Decimal128(f"{n}E-2"))
UUIDS = st.binary(min_size=16, max_size=16)
JSON = st.recursive(
    st.none() | st.booleans() | int32s | st.floats(-1e6, 1e6).map(lambda x: round(x, 3)) | NO_NUL | object_ids | DATES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=5,
)
TEXT = ColumnType("text", "text")


@dataclass(frozen=True)
class Case:
    """A function of x.v, the type of its column, and the values that it accepts. Not `total`: not all come back."""

    expression: str
    kind: ColumnType
    values: st.SearchStrategy[Any]
    total: bool = True


def kind(name: str, **how: Any) -> ColumnType:
    return ColumnType(name, name, **how)


CASES: Mapping[str, Case] = {
    "uuid_of": Case("uuid_of(x.v)", kind("uuid"), object_ids),
    "uuid_of_legacy": Case("uuid_of_legacy(x.v, 'java')", kind("uuid"), UUIDS.map(lambda b: Binary(b, 3))),
    "oid_of": Case("oid_text(oid_of(x.v))", TEXT, object_ids | object_ids.map(str)),
    "oid_in": Case(
        "oid_text(oid_in(x.v))",
        TEXT,
        object_ids.map(
            lambda o: Binary(UUID(f"{str(o)[:12]}8{str(o)[12:15]}8{str(o)[15:18]}{str(o)[18:]}cf01d0").bytes, 4)
        ),
    ),
    "oid_text": Case("oid_text(x.v)", TEXT, object_ids),
    "type_of": Case("type_of(x.v)", TEXT, int32s | NO_NUL, total=False),
    "bson_type": Case("bson_type(x.v)", TEXT, int32s | NO_NUL, total=False),
    "present": Case("present(x.v)", kind("bool"), st.none() | int32s, total=False),
    "json_of": Case("json_of(x.v)", kind("jsonb"), JSON, total=False),
    "ejson_of": Case("ejson_of(x.v)", kind("jsonb"), JSON),
    "json_list": Case("json_list(x.v)", kind("jsonb"), st.lists(int32s, min_size=1, max_size=3) | int32s, total=False),
    "list_of": Case("list_of(x.v)", kind("array", of=TEXT), st.lists(NO_NUL, max_size=3) | NO_NUL, total=False),
    "rest_of": Case(
        "rest_of(x)", kind("jsonb"), st.dictionaries(st.sampled_from("abc"), int32s, min_size=1, max_size=3)
    ),
    "as_text": Case("as_text(x.v)", TEXT, NO_NUL | int32s | st.booleans() | object_ids),
    "as_string": Case("as_string(x.v)", TEXT, NO_NUL),
    "as_int": Case("as_int(x.v)", kind("int8"), WHOLE),
    "as_double": Case("as_double(x.v)", kind("float8"), st.floats(allow_nan=False) | int32s),
    "as_number": Case("as_number(x.v)", kind("numeric"), NUMBERS),
    "as_bool": Case("as_bool(x.v)", kind("bool"), st.booleans()),
    "as_date": Case("as_date(x.v)", kind("timestamptz"), DATES),
    "as_decimal": Case("as_decimal(x.v, 38, 2)", kind("numeric", precision=38, scale=2), NUMBERS),
    "timestamp_date": Case(
        "timestamp_date(x.v)", kind("timestamptz"), st.builds(Timestamp, st.integers(1, 9), st.just(1)), total=False
    ),
    "timestamp_counter": Case(
        "timestamp_counter(x.v)", kind("int8"), st.builds(Timestamp, st.just(1), st.integers(1, 9)), total=False
    ),
    "regex_pattern": Case("regex_pattern(x.v)", TEXT, st.sampled_from("abc").map(lambda p: regex(p, "i")), total=False),
    "regex_options": Case("regex_options(x.v)", TEXT, st.sampled_from("im").map(lambda o: regex("a", o)), total=False),
    "code_text": Case("code_text(x.v)", TEXT, st.sampled_from("abc").map(Code), total=False),
    "code_scope": Case(
        "code_scope(x.v)", kind("jsonb"), st.sampled_from("abc").map(lambda n: Code("f()", {n: 1})), total=False
    ),
    "bytes_of": Case(
        "bytes_of(x.v)", kind("bytea"), st.binary(max_size=8) | st.binary(max_size=8).map(lambda b: Binary(b, 5))
    ),
    "without_nul": Case("without_nul(x.v)", TEXT, texts),
    "nul_as": Case("nul_as(x.v, '?')", TEXT, texts),
    "escape_nul": Case("escape_nul(x.v)", TEXT, texts),
    "parse_int": Case("parse_int(x.v)", kind("int8"), WHOLE | int64s.map(str)),
    "parse_double": Case("parse_double(x.v)", kind("float8"), st.floats(allow_nan=False) | int32s.map(str)),
    "parse_bool": Case("parse_bool(x.v)", kind("bool"), st.booleans() | st.sampled_from(["true", "False"])),
    "parse_date": Case("parse_date(x.v)", kind("timestamptz"), DATES | ISO),
    "epoch_ms_date": Case("epoch_ms_date(x.v)", kind("timestamptz"), MOMENTS.map(Int64)),
    "epoch_s_date": Case("epoch_s_date(x.v)", kind("timestamptz"), int32s),
    "julian_date": Case("julian_date(x.v)", kind("timestamptz"), st.floats(2_400_000, 2_500_000)),
    "CAST": Case("CAST(x.v AS DATE)", kind("date"), DATES),
    "CASE": Case("CASE x.v WHEN 'a' THEN 'A' WHEN 'b' THEN 'B' ELSE x.v END", TEXT, st.sampled_from(["a", "b", "c"])),
    "coalesce": Case("coalesce(x.v, 'none')", TEXT, NO_NUL | st.none()),
    "nullif": Case("nullif(x.v, '')", TEXT, NO_NUL),
    "upper": Case("upper(x.v)", TEXT, st.text("abcABC", max_size=4)),
    "replace": Case("replace(upper(x.v), '-', '_')", TEXT, st.text("ab-", max_size=4)),
    "arithmetic": Case("x.v + 1", kind("int8"), int32s),
    "prefix": Case("'/u/' || x.v", TEXT, NO_NUL),
    "round": Case("CAST(round(as_double(x.v)) AS INTEGER)", kind("int4"), st.floats(-1e6, 1e6)),
}
_IN_FROM = {"entries_of"}


def test_every_function_has_a_case() -> None:
    assert INVERSES.keys() - CASES.keys() == _IN_FROM


def world_of(case: Case, values: list[Any]) -> tuple[PutWorld, list[bytes]]:
    documents = [_document(case, number, value) for number, value in enumerate(values)]
    table = TargetTable(
        "t", None, "t", (TargetColumn("id", TEXT, nullable=False), TargetColumn("v", case.kind)), ("id",)
    )
    mapping = {"t": f"SELECT oid_text(x._id) AS id, {case.expression} AS v FROM e AS x"}
    world = World({"e": documents})
    return PutWorld(world, "e", mapping, {"t": table}), world.raws["e"]


def _document(case: Case, number: int, value: Any) -> dict[str, Any]:
    rest = value if "rest_of" in case.expression else {"v": value}
    return {"_id": ObjectId(f"{number:024x}"), **rest, "unknown": {"kept": number}} if rest is not value else {
        "_id": ObjectId(f"{number:024x}"), **rest
    }  # fmt: skip


def exchanged(rows: Numbered) -> Numbered:
    """The rows with the value of the next row in each."""
    column = rows.rows.column("v").combine_chunks()
    order = [(place + 1) % len(column) for place in range(len(column))]
    at = rows.rows.column_names.index("v")
    return Numbered(rows.table, rows.rows.set_column(at, "v", column.take(order)), rows.numbers)


@pytest.mark.parametrize("name", CASES)
@settings(max_examples=settings().max_examples // 8)  # of each of fifty functions
@given(data=st.data())
def test_get_put_and_put_get(name: str, data: st.DataObject) -> None:
    case = CASES[name]
    values = data.draw(st.lists(case.values, min_size=2, max_size=6))
    if all(value is None for value in values) or (name == "rest_of" and len({*map(str, values)}) == 0):
        return
    world, raws = world_of(case, values)
    rows = world.forward(raws)
    if not rows or len(rows["t"].numbers) != len(raws):
        return  # the mapping refuses one of them

    same = world.put(raws, rows)
    assert (same.records, same.changed, same.refused) == (raws, set(), [])
    rebuilt = world.put(raws, rows, rebuild=True)
    assert (rebuilt.records, rebuilt.changed, rebuilt.refused) == (raws, set(), [])

    wanted = {"t": exchanged(rows["t"])}
    put = world.put(raws, wanted)
    refused = {one.row for one in put.refused}
    if case.total:
        assert put.refused == []
    accepted = [row for row in range(len(raws)) if row not in refused]
    made = world.forward([raw for row in accepted if (raw := put.records[row]) is not None])
    expected = {"t": wanted["t"].only(accepted).renumbered({row: i for i, row in enumerate(accepted)})}
    assert list(unlike(expected, made if accepted else expected, {})) == []
    assert all(put.records[row] == raws[row] for row in refused)


def test_a_text_that_no_number_prints_stays_a_text() -> None:
    """Where the field of the old record was the number that it means."""
    world, raws = world_of(CASES["as_text"], ["-0.0", 0, "+5", 5, "007", 7, "1e3", 1000])
    put = world.put(raws, {"t": exchanged(world.forward(raws)["t"])})
    assert put.refused == []
    assert [decode(raw or b"")["v"] for raw in put.records] == ["0", "+5", "5", "007", "7", "1e3", "1000", "-0.0"]


def test_to_bson_is_what_the_world_holds() -> None:
    assert to_bson({"_id": 1}) == World({"e": [{"_id": 1}]}).raws["e"][0]
