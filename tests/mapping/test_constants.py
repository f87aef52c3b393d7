"""Constants of a mapping that DuckDB would read as another value, and what an INTERVAL counts."""

from __future__ import annotations

import datetime

import duckdb
import pytest
from bson import Int64

from checking import column, findings, table
from crossfade.model.target import ColumnType
from mapping_world import World, micros

AT = datetime.datetime(2020, 1, 1)
WORLD = World({"e": [{"_id": 1, "i": 2, "l": Int64(2**53 + 1), "d": 1.5, "w": 2.0, "s": "1.5", "at": AT}]})
ANY = table("t", column("id"), column("v", ColumnType("other", "anything")))


def faults(expression: str) -> list[str]:
    mapping = f"SELECT x._id AS id, {expression} AS v FROM e AS x"
    if refused := WORLD.faults(mapping):
        return [fault.reason for fault in refused]
    return [f.message for f in findings(mapping, ANY, world=WORLD) if f.kind == "converts"]


@pytest.mark.parametrize(
    "expression",
    [
        "1e400", "-1e400", "1e-400", "9007199254740993e0", "x.d * 1e400", "CAST(1e400 AS DOUBLE)",
        "123456789012345678901234567890.1234567890123", "1" + "0" * 40, "coalesce(x.d, 1e-400)",
        "list_transform([x.i], lambda z: z + 9007199254740993e0)",
    ],
)  # fmt: skip
def test_a_number_that_would_be_rounded_is_a_fault(expression: str) -> None:
    assert faults(expression)


@pytest.mark.parametrize(
    ("expression", "value"),
    [("1e5", 1e5), ("0.1e0", 0.1), ("1_000", 1000), ("1.7976931348623157e308", 1.7976931348623157e308),
     ("CAST(0.1 AS VARCHAR)", "0.1"), ("1" + "0" * 37, 10**37)],
)  # fmt: skip
def test_a_number_that_is_read_exactly_is_allowed(expression: str, value: object) -> None:
    assert WORLD.values(expression) == [value]


def test_text_that_becomes_a_decimal_of_fewer_digits_is_a_fault() -> None:
    of = "CASE WHEN x.i = 2 THEN {} ELSE as_decimal(x.i, 5, 2) END"
    assert len(faults(of.format("'1.005'"))) == 1
    assert faults(of.format("'1.00'")) == []


@pytest.mark.parametrize(
    "interval",
    ["1.7 DAY", "'1.7' HOUR", "'0.0000001' SECOND", "'0.0000001 seconds'", "'0.0001' MILLISECOND",
     "0.5 MICROSECOND", "1.9 MONTH"],
)  # fmt: skip
def test_an_interval_that_would_be_cut_is_a_fault(interval: str) -> None:
    assert faults(f"x.at + INTERVAL {interval}")


@pytest.mark.parametrize("of", ["(x.d) DAY", "(x.s) HOUR", "(CAST(x.d AS DOUBLE)) MONTH", "(x.d + 0.25) MINUTE"])
def test_a_count_with_a_fraction_is_refused_when_it_runs(of: str) -> None:
    with pytest.raises(duckdb.Error):
        WORLD.values(f"x.at + INTERVAL {of}")


@pytest.mark.parametrize(
    ("of", "moment"),
    [
        ("(x.i) DAY", "2020-01-03T00:00:00+00:00"),
        ("(x.w) DAY", "2020-01-03T00:00:00+00:00"),
        ("(x.d) SECOND", "2020-01-01T00:00:01.500000+00:00"),
        ("(x.d) MILLISECOND", "2020-01-01T00:00:00.001500+00:00"),
        ("(x.l) MICROSECOND", "2305-06-05T23:47:34.740993+00:00"),
        ("'1.5 days'", "2020-01-02T12:00:00+00:00"),
        ("'1.000001' SECOND", "2020-01-01T00:00:01.000001+00:00"),
        ("3 MONTH", "2020-04-01T00:00:00+00:00"),
    ],
)
def test_an_interval_counts_exactly(of: str, moment: str) -> None:
    assert WORLD.values(f"x.at + INTERVAL {of}") == [micros(moment)]
    assert faults(f"x.at + INTERVAL {of}") == []


@pytest.mark.parametrize(
    "text", ["3 days 02:00:00", "3 days ago", "-3 days 1:00", "@ 1 day ago", "+1 day 1:00", "- 1 day", "1 day,"]
)
@pytest.mark.parametrize("written", ["INTERVAL '{}'", "interval\n '{}'"])
def test_an_interval_that_the_parser_would_shorten_is_a_fault(text: str, written: str) -> None:
    (found,) = faults(f"x.at + {written.format(text)}")
    assert f"INTERVAL '{text}'" in found


@pytest.mark.parametrize(
    ("of", "moment"),
    [
        ("INTERVAL '1 day 2 hours'", "2020-01-02T02:00:00+00:00"),
        ("CAST('3 days 02:00:00' AS INTERVAL)", "2020-01-04T02:00:00+00:00"),
        ("INTERVAL '02:00:00'", "2020-01-01T02:00:00+00:00"),
        ("INTERVAL ' 3  days '", "2020-01-04T00:00:00+00:00"),
        ("INTERVAL '+3 days'", "2020-01-04T00:00:00+00:00"),
        ("INTERVAL '+ 3 days'", "2020-01-04T00:00:00+00:00"),
        ("INTERVAL '@ 3 days'", "2020-01-04T00:00:00+00:00"),
        ("INTERVAL ' @3 days'", "2020-01-04T00:00:00+00:00"),
        ("INTERVAL '@ -3 days'", "2019-12-29T00:00:00+00:00"),
    ],
)
def test_other_intervals_are_whole(of: str, moment: str) -> None:
    assert faults(f"x.at + {of}") == []
    assert WORLD.values(f"x.at + {of}") == [micros(moment)]
