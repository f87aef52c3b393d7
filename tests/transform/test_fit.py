"""Values fitted to their columns: exactly, or a rejection with its reason."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossfade.errors import Misused
from crossfade.model.canonical import arrow_type
from crossfade.model.target import ColumnType, TargetColumn, TargetTable
from crossfade.transform.fit.canonical_rows import Fitted, fit

INT4, FLOAT4, FLOAT8 = ColumnType("int4", "int4"), ColumnType("float4", "float4"), ColumnType("float8", "float8")
NUMERIC, MONEY = ColumnType("numeric", "numeric"), ColumnType("numeric", "numeric(7,2)", precision=7, scale=2)
TEXT, CODE, BLANKS = (
    ColumnType("text", "text"),
    ColumnType("text", "varchar(2)", length=2),
    ColumnType("char", "char(2)", length=2),
)
MILLIS = ColumnType("timestamptz", "timestamptz(3)", precision=3)
MOMENT, DATE, TIME = (
    ColumnType("timestamptz", "timestamptz"),
    ColumnType("date", "date"),
    ColumnType("time", "time(0)", precision=0),
)
JSONB, UUID, BYTES = ColumnType("jsonb", "jsonb"), ColumnType("uuid", "uuid"), ColumnType("bytea", "bytea")
MOOD = ColumnType("enum", "mood", labels=("happy", "sad"))
INTS = ColumnType("array", "int4[]", of=INT4)

KEPT = ColumnType("json", "json")
LOCAL = ColumnType("timestamp", "timestamp")
US, NS, MS = pa.timestamp("us", "UTC"), pa.timestamp("ns"), pa.timestamp("ms")
DEC = pa.decimal128(38, 2)


def fitted(kind: ColumnType, values: Any, arrow: Any = None, *, nullable: bool = True) -> Fitted:
    target = TargetTable("t", None, "t", (TargetColumn("x", kind, nullable=nullable),), ())
    return fit(pa.table({"x": values if isinstance(values, pa.ChunkedArray) else pa.array(values, arrow)}), target)


def test_a_column_whose_name_begins_with_a_hash_is_fitted_too() -> None:
    target = TargetTable("t", None, "t", (TargetColumn("#n", INT4),), ())
    done = fit(pa.table({"#row": pa.array([7, 8]), "#n": pa.array([1, 2**40])}), target)
    assert done.table.to_pydict() == {"#row": [7], "#n": [1]}
    assert done.table.column("#n").type == pa.int32()
    assert [one.reason for one in done.rejections] == ["out_of_range"]


def outcome(kind: ColumnType, value: Any, arrow: Any = None) -> Any:
    """The canonical value (times as integers), or the reason why there is none."""
    done = fitted(kind, [value], arrow)
    if done.rejections:
        assert done.table.num_rows == 0
        return done.rejections[0].reason
    column = done.table.column("x")
    assert column.type == arrow_type(kind)
    if pa.types.is_temporal(column.type):
        column = column.cast(pa.int32() if pa.types.is_date32(column.type) else pa.int64())
    return column.to_pylist()[0]


@pytest.mark.parametrize(
    ("kind", "value", "arrow", "expected"),
    [
        (INT4, 2**31 - 1, pa.int64(), 2**31 - 1),
        (INT4, 2**31, pa.int64(), "out_of_range"),
        (INT4, -(2**31) - 1, pa.int64(), "out_of_range"),
        (INT4, 2**64 - 1, pa.uint64(), "out_of_range"),
        (INT4, Decimal("5.00"), DEC, 5),
        (INT4, Decimal("5.01"), DEC, "precision"),
        (INT4, Decimal(10) ** 30, DEC, "out_of_range"),
        (INT4, 1.0, pa.float64(), "bad_type"),
        (INT4, "1", pa.string(), "bad_type"),
        (FLOAT8, 2**53, pa.int64(), 2.0**53),
        (FLOAT8, 2**53 + 1, pa.int64(), "precision"),
        (FLOAT8, -(2**53) - 1, pa.int64(), "precision"),
        (FLOAT8, Decimal("0.10"), DEC, 0.1),
        (FLOAT8, Decimal("12345678901234567890.01"), DEC, "precision"),
        (FLOAT4, 0.5, pa.float64(), 0.5),
        (FLOAT4, 0.1, pa.float64(), "precision"),
        (FLOAT4, 1e300, pa.float64(), "out_of_range"),
        (FLOAT4, float("inf"), pa.float64(), float("inf")),
        (NUMERIC, "1.10", pa.string(), "1.10"),
        (NUMERIC, "1E+3", pa.string(), "1000"),
        (NUMERIC, "-0.00", pa.string(), "0.00"),
        (NUMERIC, "0E+3", pa.string(), "0"),
        (NUMERIC, "1E-7", pa.string(), "0.0000001"),
        (NUMERIC, "NaN", pa.string(), "NaN"),
        (NUMERIC, "-Infinity", pa.string(), "-Infinity"),
        (NUMERIC, "1E+6111", pa.string(), "1" + "0" * 6111),
        (NUMERIC, "1E+999999", pa.string(), "out_of_range"),
        (NUMERIC, "1E-20000", pa.string(), "precision"),
        (NUMERIC, "007", pa.string(), "not_a_number"),
        (NUMERIC, " 5", pa.string(), "not_a_number"),
        (NUMERIC, "1,5", pa.string(), "not_a_number"),
        (NUMERIC, "", pa.string(), "not_a_number"),
        (NUMERIC, 0.1, pa.float64(), "0.1"),
        (NUMERIC, 0.1, pa.float32(), "0.1"),
        (NUMERIC, 5.0, pa.float64(), "5"),
        (NUMERIC, 1e22, pa.float64(), "1" + "0" * 22),
        (NUMERIC, -0.0, pa.float64(), "0"),
        (NUMERIC, float("nan"), pa.float64(), "NaN"),
        (NUMERIC, 5, pa.int64(), "5"),
        (NUMERIC, Decimal("1.50"), DEC, "1.50"),
        (MONEY, "1.1", pa.string(), "1.10"),
        (MONEY, "1.100", pa.string(), "1.10"),
        (MONEY, "1.101", pa.string(), "precision"),
        (MONEY, "99999.99", pa.string(), "99999.99"),
        (MONEY, "100000", pa.string(), "out_of_range"),
        (MONEY, "99999.999", pa.string(), "precision"),
        (MONEY, "Infinity", pa.string(), "precision"),
        (MONEY, 0.1, pa.float64(), "0.10"),
        (MONEY, 0.125, pa.float64(), "precision"),
        (MONEY, 5, pa.int64(), "5.00"),
        (TEXT, "a\0b", pa.string(), "nul_character"),
        (TEXT, b"\1" * 12, pa.binary(), "bad_type"),
        (CODE, "é́", pa.string(), "é́"),
        (CODE, "abc", pa.string(), "too_long"),
        (CODE, "ab ", pa.string(), "too_long"),
        (BLANKS, "ab   ", pa.string(), "ab"),
        (BLANKS, "abc", pa.string(), "too_long"),
        (MOOD, "sad", pa.string(), "sad"),
        (MOOD, "Sad", pa.string(), "not_a_label"),
        (JSONB, '{"a": 1}', pa.string(), '{"a": 1}'),
        (JSONB, "{a: 1}", pa.string(), "not_json"),
        (JSONB, "NaN", pa.string(), "not_json"),
        (JSONB, "", pa.string(), "not_json"),
        (JSONB, '{"a":1e400}', pa.string(), '{"a":1e400}'),
        (JSONB, "1e131071", pa.string(), "1e131071"),
        (JSONB, "1e131072", pa.string(), "out_of_range"),
        (JSONB, "[1e99999999999999999999]", pa.string(), "out_of_range"),
        (JSONB, "1e-16383", pa.string(), "1e-16383"),
        (JSONB, "[1e400, 1e-16384]", pa.string(), "precision"),
        (KEPT, "1e-16384", pa.string(), "1e-16384"),
        (JSONB, "[" * 5000 + "]" * 5000, pa.string(), "[" * 5000 + "]" * 5000),
        (JSONB, "[" * 5000 + "]" * 4999, pa.string(), "not_json"),
        (JSONB, '{"a":' * 5000 + '{"b":1,"b":2}' + "}" * 5000, pa.string(), "duplicate_key"),
        (JSONB, "[" * 5000 + '"\\u0000"' + "]" * 5000, pa.string(), "nul_character"),
        (JSONB, '[1e400,"\\ud800"]', pa.string(), "unpaired_surrogate"),
        (JSONB, r'"\ud83d\ude00 \\\\ude00 \ude00"', pa.string(), "unpaired_surrogate"),
        (JSONB, r'{"\ud800"', pa.string(), "not_json"),
        (KEPT, r'{"\ud800": 1}', pa.string(), r'{"\ud800": 1}'),
        (JSONB, '[1e400,"\\ud83d\\ude00"]', pa.string(), '[1e400,"\\ud83d\\ude00"]'),
        (JSONB, r'"\u0000"', pa.string(), "nul_character"),
        (JSONB, r'{"\\\u0000": 1}', pa.string(), "nul_character"),
        (JSONB, r'"\\u0000"', pa.string(), r'"\\u0000"'),
        (UUID, "284BB05B-a009-4279-b7fc-2725f4124e93", pa.string(), bytes.fromhex("284bb05ba0094279b7fc2725f4124e93")),
        (UUID, "284bb05b", pa.string(), "bad_type"),
        (UUID, b"\1" * 12, pa.binary(), "bad_type"),
        (BYTES, b"\0\xff", pa.binary(), b"\0\xff"),
        (MOMENT, 2**63 - 1, US, "out_of_range"),
        (MOMENT, 2**63 - 2, US, 2**63 - 2),
        (MOMENT, -(2**63), US, "out_of_range"),
        (LOCAL, 1001, NS, "precision"),
        (LOCAL, 1000, NS, 1),
        (LOCAL, 2**62, MS, "out_of_range"),
        (LOCAL, -1, MS, -1000),
        (LOCAL, -1, US, -1),
        (MOMENT, 1000, NS, "bad_type"),  # it has no zone
        (MOMENT, 1000, pa.timestamp("us"), "bad_type"),
        (MOMENT, 1, pa.date32(), 86_400_000_000),
        (MOMENT, 2**31 - 1, pa.date32(), "out_of_range"),
        (MOMENT, "2024-01-01", pa.string(), "bad_type"),
        (MILLIS, -1000, US, -1000),
        (MILLIS, -1001, US, "precision"),
        (DATE, -86_400_000_000, US, -1),
        (DATE, 1, US, "precision"),
        (DATE, -(2**31), pa.date32(), "out_of_range"),
        (TIME, 1_000_000, pa.time64("us"), 1_000_000),
        (TIME, 1, pa.time64("us"), "precision"),
        (INTS, [1, None, 2], pa.list_(pa.int64()), [1, None, 2]),
        (INTS, [], pa.list_(pa.null()), []),
        (INTS, [1, 2**31], pa.list_(pa.int64()), "out_of_range"),
        (INTS, [1, 2], pa.list_(pa.int64(), 2), [1, 2]),
        (INTS, 1, pa.int64(), "bad_type"),
        (INTS, [[1]], pa.list_(pa.list_(pa.int64())), "bad_type"),
    ],
)  # fmt: skip
def test_a_value_fits_exactly_or_says_why(kind: ColumnType, value: Any, arrow: Any, expected: Any) -> None:
    assert repr(outcome(kind, value, arrow)) == repr(expected)


ALL = [INT4, FLOAT4, FLOAT8, NUMERIC, MONEY, TEXT, BLANKS, MILLIS, DATE, TIME, JSONB, UUID, BYTES, MOOD, INTS]


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.sql)
def test_null_stays_null_where_it_may_stand(kind: ColumnType) -> None:
    assert fitted(kind, [None, None]).table.column("x").to_pylist() == [None, None]
    assert [m.reason for m in fitted(kind, [None], nullable=False).rejections] == ["not_null"]


def test_rows_that_do_not_fit_are_left_out_and_the_others_keep_their_numbers() -> None:
    done = fitted(CODE, ["ok", "too long", None, "a\0", ""])
    assert done.table.column("x").to_pylist() == ["ok", None, ""]
    assert done.rows.to_pylist() == [0, 2, 4]
    assert [(m.row, m.column, m.reason) for m in done.rejections] == [(1, "x", "too_long"), (3, "x", "nul_character")]
    assert "'too long'" in done.rejections[0].detail


def test_half_of_a_surrogate_pair_is_named_with_its_place() -> None:
    (rejection,) = fitted(JSONB, [r'{"a": "\ud83d\ude00", "b": "x\ud800"}']).rejections
    assert r"is JSON with an unpaired surrogate (\ud800 at character 30), which jsonb cannot hold" in rejection.detail


def test_bookkeeping_passes_and_unknown_columns_do_not() -> None:
    target = TargetTable("t", None, "t", (TargetColumn("x", INT4),), ())
    done = fit(pa.table({"#row": [7, 8], "x": [2**40, 1]}), target)
    assert done.table.to_pydict() == {"#row": [8], "x": [1]}
    with pytest.raises(Misused, match="'y'"):
        fit(pa.table({"y": [1]}), target)


def test_sliced_and_chunked_columns_are_no_others() -> None:
    chunks = pa.chunked_array([pa.array([[9], None, [1, None]]).slice(1), pa.array([[], [2**40]])])
    done = fitted(INTS, chunks)
    assert done.table.column("x").to_pylist() == [None, [1, None], []]
    assert [(m.row, m.reason) for m in done.rejections] == [(3, "out_of_range")]


@pytest.mark.parametrize(
    ("kind", "sql", "expected"),
    [
        (UUID, "'284bb05b-a009-4279-b7fc-2725f4124e93'::UUID", bytes.fromhex("284bb05ba0094279b7fc2725f4124e93")),
        (JSONB, "'[1]'::JSON", "[1]"),
        (MOOD, "'sad'::ENUM('happy', 'sad')", "sad"),
        (INT4, "sum(5)", 5),
        (NUMERIC, "1.50", "1.50"),
        (NUMERIC, "1e-7::DECIMAL(10,7)", "0.0000001"),
        (MOMENT, "'infinity'::TIMESTAMPTZ", "out_of_range"),
        (DATE, "'infinity'::DATE", "out_of_range"),
        (MOMENT, "TIMESTAMPTZ '1970-01-01 01:00:00+01'", 0),
        (INTS, "[1, NULL]::INTEGER[2]", [1, None]),
        (INT4, "NULL", None),
    ],
)
def test_what_duckdb_hands_out(kind: ColumnType, sql: str, expected: Any) -> None:
    with duckdb.connect() as connection:
        column = connection.sql(f"SELECT {sql} AS x").to_arrow_table().column("x")
    done = fitted(kind, column)
    if done.rejections:
        assert done.rejections[0].reason == expected
    else:
        found = done.table.column("x")
        assert (found.cast(pa.int64()) if pa.types.is_timestamp(found.type) else found).to_pylist() == [expected]


@given(value=st.decimals(allow_nan=False, allow_infinity=False, places=None).filter(lambda d: abs(d.adjusted()) < 500))
def test_a_decimal_keeps_its_value_and_its_scale(value: Decimal) -> None:
    text = outcome(NUMERIC, str(value), pa.string())
    assert Decimal(text) == value
    assert -int(Decimal(text).as_tuple().exponent) == max(0, -int(value.as_tuple().exponent))


@given(value=st.floats(allow_nan=False, allow_infinity=False))
def test_a_double_leads_back_from_its_digits(value: float) -> None:
    assert float(outcome(NUMERIC, value, pa.float64())) == value


@given(value=st.floats())
def test_a_float4_is_the_double_or_a_rejection(value: float) -> None:
    found = outcome(FLOAT4, value, pa.float64())
    assert found in ("precision", "out_of_range") or repr(found) == repr(value)


@given(value=st.integers(-(10**20), 10**20), scale=st.integers(0, 9))
def test_numeric_with_a_scale_never_rounds(value: int, scale: int) -> None:
    kind = ColumnType("numeric", "numeric(12,3)", precision=12, scale=3)
    exact = Decimal(value).scaleb(-scale)
    found = outcome(kind, str(exact), pa.string())
    fits = exact * 1000 == int(exact * 1000) and abs(exact) < 10**9
    assert (found not in ("precision", "out_of_range")) == fits
    assert not fits or (Decimal(found) == exact and found.partition(".")[2] == found[-3:])
