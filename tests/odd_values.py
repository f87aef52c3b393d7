"""Values that functions of mappings stumble over, and the results of an expression for each of some values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from bson import Binary, Decimal128, Int64, MaxKey, ObjectId
from bson.datetime_ms import DatetimeMS
from hypothesis import strategies as st

from crossfade.errors import MappingFault
from crossfade.model.program import ROOT_TABLE
from crossfade.records.bson.walk import date
from crossfade.transform.engine import RECORD_ERRORS
from mapping_world import ENGINE, World, python_rows
from strategies import scalars, values

MISSING = object()
REFUSED = object()

NUMBERS_IN_TEXT = """5 -5 +5 005 5.0 5.10 1e3 1E-2 .5 5. 0x5 1_000 - NaN inf 9223372036854775807 9223372036854775808
    -9223372036854775808 9007199254740993 1e400 -1e-400 0.1 0.30000000000000004 123456789012345678901234567890
    0.1234567890123456789 1e999999999999 ٣""".split()
DATES_IN_TEXT = """2024-01-26 2024-02-30 2024-01-26T10:00:00Z 2024-01-26T10:00:00.123456Z 2024-01-26T10:00:00
    2024-01-26T10:00Z 2024-01-26T10:00:00.1234567Z 2024-01-26T10:00:00+0530 2024-01-26T10:00:00+05 2024-01-26T25:00:00Z
    2024-01-26T10:60:00Z 2024-13-01 0001-01-01 0000-01-01 9999-12-31T23:59:59.999999Z 2024-01-26T10:00:00+16:00
    2024-01-26T10:00:60Z yesterday 20240126 2024-01-26T24:00:00Z 2024-01-26T10:00:00-00:00 2024-01-26T10:00:00z
    2024-01-26T10:00:00.5-15:59""".split()
OTHER_TEXT = [
    *("", " 5", "5 ", "2024-01-26 10:00:00+05:30", "true", "TRUE", "false", "yes", "ab" * 12, "AB" * 12, "g" * 24),
    *("a" * 23, "a\0b", "it's", '"', "\\", "\\x00", "\u2028", "ß", "x" * 100_000, "e\u0301", "\U0001f600"),
]
EXTREMES: list[Any] = [
    *(2**31 - 1, Int64(2**53), Int64(2**53 + 1), Int64(-(2**63)), Int64(1704067200000), 1704067200, 1704067200.5),
    *(float(2**53), float(2**53 + 2), -0.0, 0.0, math.nan, math.inf, -math.inf, 1e300, 1e15, 1e16, 999999999999999.0),
    *(123456.789, 0.1, 5e-324, 1.0, -1.0, 2.5),
    *map(Decimal128, ("1E+3", "1.10", "0E-6176", "-0", "1E+6111", "12.00", "9223372036854775807", "1E-3")),
    *map(
        date,
        (0, -1, -62_135_596_800_001, 72_057_594_037_929, -62_135_596_800_000, 253_402_300_799_999, 253_402_300_800_000),
    ),
    *map(DatetimeMS, (-210_866_803_200_000, -210_866_803_200_001, 9_223_371_331_199_999, 2**63 - 1)),
    *(
        Binary(bytes(range(16)), 4),
        Binary(b"short", 4),
        Binary(bytes(16), 3),
        b"",
        MaxKey(),
        {},
        [],
        [1],
        {"$oid": "x"},
    ),
]

odd_texts = st.sampled_from([*NUMBERS_IN_TEXT, *DATES_IN_TEXT, *OTHER_TEXT])
anything: st.SearchStrategy[Any] = st.one_of(
    scalars(), values(), odd_texts, st.sampled_from(EXTREMES), st.just(MISSING), st.none(),
    st.integers(-(10**20), 10**20).map(str), st.decimals(allow_nan=False, places=3).map(str),
)  # fmt: skip


def _some(of: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    return st.lists(st.none() | st.just(MISSING) | of, min_size=1, max_size=6)


of_one_type: st.SearchStrategy[list[Any]] = st.one_of(
    _some(odd_texts),
    _some(st.floats()),
    _some(st.integers(-(2**31), 2**31 - 1)),
    _some(st.integers(-(2**63), 2**63 - 1).map(Int64)),
    _some(st.booleans()),
    _some(st.binary(min_size=12, max_size=12).map(ObjectId)),
    _some(st.binary(min_size=16, max_size=16).map(lambda data: Binary(data, 4))),
    _some(st.binary(max_size=20)),
    _some(st.integers(-(10**14), 3 * 10**14).map(date)),
    _some(st.binary(min_size=16, max_size=16).map(Decimal128.from_bid)),
    _some(st.sampled_from([v for v in EXTREMES if isinstance(v, Decimal128)])),
)


def world_of(found: Sequence[Any]) -> World:
    """One document for each value, in the field `v`."""
    return World({"e": [{"_id": i} if v is MISSING else {"_id": i, "v": v} for i, v in enumerate(found)]})


def results(world: World, expression: str) -> list[Any] | None:
    """What the expression gives for each document, or REFUSED; None where it does not even compile."""
    try:
        program = world.program(f"SELECT {expression} AS v FROM e AS x")
    except MappingFault:
        return None
    (branch,) = program.branches
    table = world.batch(program, "e").table
    try:
        return [row["v"] for row in python_rows(ENGINE.run(branch.sql, {ROOT_TABLE: table}))]
    except RECORD_ERRORS:
        return [_single(branch.sql, table.slice(i, 1)) for i in range(table.num_rows)]


def _single(sql: str, table: Any) -> Any:
    try:
        return python_rows(ENGINE.run(sql, {ROOT_TABLE: table}))[0]["v"]
    except RECORD_ERRORS:
        return REFUSED
