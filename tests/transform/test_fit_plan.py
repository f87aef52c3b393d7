"""Which types can go into which columns: the plan and the fitting agree."""

from __future__ import annotations

import duckdb
import pyarrow as pa
import pytest

from crossfade.model.target import ColumnType, TargetColumn, TargetTable
from crossfade.transform.fit.canonical_rows import fit
from crossfade.transform.fit.plan import fit_plan

KINDS = [
    "int2", "int4", "int8", "float4", "float8", "numeric", "bool", "text", "char", "uuid", "timestamptz", "timestamp",
    "date", "time", "json", "jsonb", "bytea", "enum", "other",
]  # fmt: skip
VALUES = [
    "1::TINYINT", "1::BIGINT", "1::UBIGINT", "1::HUGEINT", "1.0", "1::DOUBLE", "1::FLOAT", "true", "'1'", "'[1]'::JSON",
    "'a'::ENUM('a')", "'a'::BLOB", "uuid()", "DATE '2024-01-01'", "TIMESTAMP '2024-01-01'", "TIMESTAMPTZ '2024-01-01'",
    "TIMESTAMP_NS '2024-01-01'", "TIME '10:00'", "[1]", "NULL", "{'a': 1}", "MAP {'a': 1}", "INTERVAL 1 DAY",
]  # fmt: skip


def _target(kind: ColumnType) -> TargetTable:
    return TargetTable("t", None, "t", (TargetColumn("x", kind),), ())


def _kind(name: str) -> ColumnType:
    return ColumnType(name, name, labels=("1", "a"))


@pytest.mark.parametrize("value", VALUES)
def test_what_the_plan_refuses_never_fits_and_what_it_lets_through_may(value: str) -> None:
    with duckdb.connect() as connection:
        relation = connection.sql(f"SELECT {value} AS x")
        types, rows = {"x": relation.types[0]}, relation.to_arrow_table()
    if pa.types.is_interval(rows.schema.field("x").type) or pa.types.is_nested(rows.schema.field("x").type):
        takes = {"json", "jsonb"} if value == "[1]" else set()  # a list of plain values is a JSON array
        assert {kind for kind in KINDS if not fit_plan(types, _target(_kind(kind)))} == takes
        return
    for kind in KINDS:
        refused = bool(fit_plan(types, _target(_kind(kind))))
        reasons = {m.reason for m in fit(rows, _target(_kind(kind))).rejections}
        assert not refused or reasons or _looks_like_text(types["x"]), (value, kind)
        assert refused or reasons <= {"bad_type", "not_json", "not_a_number"}, (value, kind, reasons)
        assert refused or "bad_type" not in reasons or kind == "uuid", (value, kind, reasons)


def _looks_like_text(mapped: object) -> bool:
    """DuckDB hands these out as text: only the plan can tell them from VARCHAR."""
    return str(mapped).startswith(("UUID", "JSON", "ENUM"))


@pytest.mark.parametrize(
    ("mapped", "kind", "hint"),
    [
        ("VARCHAR", _kind("int4"), "as_int"),
        ("DOUBLE", _kind("int8"), "as_int"),
        ("BLOB", _kind("uuid"), "uuid_of"),
        ("BLOB", _kind("text"), "oid_text"),
        ("BIGINT", _kind("text"), "as_text"),
        ("BIGINT", _kind("timestamptz"), "epoch_ms_date"),
        ("STRUCT(a INTEGER)", _kind("jsonb"), "json_of"),
        ("TIME WITH TIME ZONE", _kind("time"), "CAST"),
        ("BIT", _kind("bytea"), "binary data"),
        ("VARCHAR", ColumnType("array", "int4[]", of=_kind("int4")), "list_of"),
        ("VARCHAR[]", ColumnType("array", "int4[]", of=_kind("int4")), "as_int"),
        ("INTEGER[]", _kind("int4"), "a table of its own"),
        ("INTEGER[]", _kind("text"), "declared json"),
        ("INTEGER[][]", ColumnType("array", "int4[]", of=_kind("int4")), "list_transform"),
    ],
)
def test_a_refusal_says_what_to_write(mapped: str, kind: ColumnType, hint: str) -> None:
    (fault,) = fit_plan({"x": mapped}, _target(kind))
    assert fault.column == "x"
    assert mapped in fault.reason
    assert hint in fault.hint


@pytest.mark.parametrize("mapped", ["INTEGER[]", "BIGINT[2]", '"NULL"[]', '"NULL"'])
def test_lists_go_into_arrays(mapped: str) -> None:
    assert fit_plan({"x": mapped, "not there": "BLOB"}, _target(ColumnType("array", "int4[]", of=_kind("int4")))) == []
