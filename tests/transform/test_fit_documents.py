"""Values held against the columns of document stores."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from crossfade.model.target import ColumnType, TargetColumn, TargetTable
from crossfade.transform.fit.canonical_rows import fit
from crossfade.transform.fit.plan import fit_plan

LONG, TEXT = ColumnType("int8", "long"), ColumnType("string", "string")
INNER = (TargetColumn("n", LONG, nullable=False), TargetColumn("t", TEXT, absent=True))
KINDS = {
    "oid": ColumnType("objectid", "objectId"),
    "text": TEXT,
    "d": ColumnType("decimal128", "decimal"),
    "any": ColumnType("ejson", "any"),
    "one": ColumnType("struct", "object", fields=INNER),
    "many": ColumnType("array", "array of object", of=ColumnType("struct", "object", fields=INNER)),
    "at": ColumnType("timestamptz", "date", precision=3),
}
TABLE = TargetTable("t", None, "t", tuple(TargetColumn(n, k) for n, k in KINDS.items()), ("oid",))


def fitted(name: str, values: Any) -> tuple[list[Any], list[tuple[int, str]]]:
    found = fit(pa.table({name: values}), TABLE)
    return found.table.column(name).to_pylist(), [(r.row, r.reason) for r in found.rejections]


@pytest.mark.parametrize(
    ("name", "values", "kept", "rejected"),
    [
        ("oid", pa.array([b"a" * 12, None, b"short"]), [b"a" * 12, None], [(2, "bad_type")]),
        ("text", pa.array(["a\0b", None]), ["a\0b", None], []),
        ("d", pa.array(["1.10", "NaN", "x"]), ["1.10", "NaN"], [(2, "not_a_number")]),
        ("d", pa.array(["007", "-0.5", "0E-3", "00"]), ["-0.5", "0E-3"], [(0, "not_a_number"), (3, "not_a_number")]),
        ("d", pa.array(["1" * 34, "1" * 35]), ["1" * 34], [(1, "precision")]),
        ("d", pa.array([Decimal("1.50"), None]), ["1.50", None], []),
        ("any", pa.array(['{"a":{"$numberLong":"1"}}', "{"]), ['{"a":{"$numberLong":"1"}}'], [(1, "not_json")]),
        ("any", pa.array([r'"\ud83d\ude00"', r'"\ud800"']), [r'"\ud83d\ude00"'], [(1, "unpaired_surrogate")]),
        ("one", pa.array([{"n": 1, "t": "x"}, None]), [{"n": 1, "t": "x"}, None], []),
        ("one", pa.array([{"n": None, "t": "y"}, None]), [None], [(0, "not_null")]),
        ("one", pa.array([{"n": 1}]), [{"n": 1, "t": None}], []),
        ("many", pa.array([[{"n": 1, "t": None}], []]), [[{"n": 1, "t": None}], []], []),
        ("many", pa.array([[{"n": 1}], [{"n": None}]]), [[{"n": 1, "t": None}]], [(1, "not_null")]),
    ],
)  # fmt: skip
def test_values(name: str, values: Any, kept: list[Any], rejected: list[tuple[int, str]]) -> None:
    assert fitted(name, values) == (kept, rejected)


def test_a_moment_is_never_rounded_to_milliseconds() -> None:
    moments = pa.array([1_500_000, 1_500_001], pa.int64()).cast(pa.timestamp("us", "UTC"))
    kept, rejected = fitted("at", moments)
    assert (len(kept), rejected) == (1, [(1, "precision")])


@pytest.mark.parametrize(
    ("column", "mapped", "fits"),
    [
        ("oid", "BLOB", True), ("oid", "VARCHAR", False), ("any", "JSON", True), ("any", "INTEGER", False),
        ("d", "DECIMAL(10,2)", True), ("d", "DOUBLE", False), ("text", "VARCHAR", True),
        ("one", "STRUCT(n BIGINT, t VARCHAR)", True), ("one", "STRUCT(n BIGINT)", True),
        ("one", "STRUCT(t VARCHAR)", False), ("one", "STRUCT(n BIGINT, more VARCHAR)", False),
        ("one", "STRUCT(n VARCHAR)", False), ("one", "VARCHAR", False), ("many", "STRUCT(n BIGINT)[]", True),
        ("many", "STRUCT(n BIGINT)", False), ("one", "STRUCT(n BIGINT)[]", False),
    ],
)  # fmt: skip
def test_what_may_go_in(column: str, mapped: str, fits: bool) -> None:
    assert (fit_plan({column: mapped}, TABLE) == []) is fits
