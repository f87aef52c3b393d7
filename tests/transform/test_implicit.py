"""Implicit conversions of DuckDB are refused by `check`, or refuse the value when they run."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from bson import Decimal128, Int64, ObjectId

from checking import column, findings, table
from crossfade.model.program import ROOT_TABLE
from crossfade.model.target import ColumnType
from crossfade.transform.engine import RECORD_ERRORS
from mapping_world import ENGINE, World, python_rows

MOMENT = ColumnType("timestamptz", "timestamptz")
ANY = ColumnType("other", "anything")
WORLD = World(
    {
        "e": [
            {"_id": 1, "i": 5, "l": Int64(2**53 + 1), "d": 1.5, "s": "x", "at": datetime.datetime(2020, 1, 1),
             "oid": ObjectId(), "b": b"x",
             "ls": [Int64(1)], "os": [{"n": Int64(1)}], "m": 1, "n": None, "dec": Decimal128("1.5")},
            {"_id": 2, "m": "t"},
        ],
        "f": [{"_id": Int64(1), "e": 1.5}],
    }
)  # fmt: skip
TARGET = table("t", column("id"), column("v", ANY), column("at", MOMENT))


def converts(rest: str) -> list[str]:
    found = findings(f"SELECT x._id AS id, {rest}", TARGET, world=WORLD)
    return [f.message for f in found if f.kind == "converts"]


REFUSED = {
    "long with double": "x.l = x.d AS v FROM e AS x",
    "long and double": "x.l + x.d AS v FROM e AS x",
    "long with an exponent": "x.l * 1e3 AS v FROM e AS x",
    "long in a function of doubles": "floor(x.l) AS v FROM e AS x",
    "a list of long, and double": "list_contains(x.ls, x.d) AS v FROM e AS x",
    "inside a lambda": "list_transform(x.ls, lambda z: z = x.d) AS v FROM e AS x",
    "inside a nested select": "(SELECT count(*) FROM unnest(x.os) AS u(e) WHERE u.e.n = x.d) AS v FROM e AS x",
    "in WHERE": "x.i AS v FROM e AS x WHERE x.l > x.d",
    "in ON": "y.e AS v FROM e AS x LEFT JOIN f AS y ON y._id = x._id AND y.e = x.l",
    "text with a day": "x.s = CAST(x.at AS DATE) AS v FROM e AS x",
    "text with a number": "x.s = greatest(x.i, 1.5) AS v FROM e AS x",
    "text with a moment": "x.s = timezone('UTC', CAST(x.at AS DATE)) AS v FROM e AS x",
    "epoch": "x.at > 'epoch' AS v FROM e AS x",
    "now": "x.at > 'now' AS v FROM e AS x",
    "a year": "x.at BETWEEN '2020' AND '2021' AS v FROM e AS x",
    "a time without a zone": "x.at > '2020-01-01 10:00:00' AS v FROM e AS x",
    "another zone's time": "coalesce(x.at, CAST(x.s AS TIMESTAMP)) AS v FROM e AS x",
    "timestamp with a moment": "CAST(x.at AS TIMESTAMP) = timezone('UTC', CAST(x.s AS TIMESTAMP)) AS v FROM e AS x",
    "bytes and text": "concat(x.oid, 'x') AS v FROM e AS x",
    "bytes as JSON": "to_json([x.b]) AS v FROM e AS x",
    "decimals of two scales": "coalesce(as_decimal(x.dec, 38, 30), as_decimal(x.dec, 38, 2)) AS v FROM e AS x",
    "a big decimal and a double": "as_decimal(x.dec, 38, 2) * x.d AS v FROM e AS x",
    "a number as a condition": "CASE WHEN x.l THEN 1 ELSE 2 END AS v FROM e AS x",
    "a double where a whole number is meant": "to_hex(x.d) AS v FROM e AS x",
    "a sum divided": "sum(x.l) / 2 AS v FROM e AS x GROUP BY x._id",
}
STANDS = {
    "int and double": "x.i = x.d AS v FROM e AS x",
    "int divided": "x.i / 2 AS v FROM e AS x",
    "long divided": "x.l / 100 AS v FROM e AS x",
    "long and a decimal": "x.l * 1.1 AS v FROM e AS x",
    "long in a list": "x.l IN (1, 2) AS v FROM e AS x",
    "a moment and a day": "x.at >= DATE '2020-01-01' AS v FROM e AS x",
    "a moment and a day as text": "x.at >= '2020-01-01' AS v FROM e AS x",
    "a moment in full": "x.at >= '2020-01-01T10:00:00Z' AS v FROM e AS x",
    "NULL among doubles": "CASE WHEN x.i > 1 THEN NULL ELSE x.d END AS v FROM e AS x",
    "interval": "date_trunc('day', x.at) + INTERVAL 1 DAY AS v FROM e AS x",
    "text and a number": "x.s || x.l AS v FROM e AS x",
    "only null": "x.n = 'a' AS v FROM e AS x",
    "double with a constant": "x.d = 0.1 AS v FROM e AS x",
    "a small decimal and a double": "as_decimal(x.dec, 10, 2) * x.d AS v FROM e AS x",
    "JSON": "json_of(x) ->> 'a' AS v FROM e AS x",
    "functions of ours": "uuid_of(x.oid, x.s, x.d) AS v FROM e AS x WHERE as_decimal(x.m, 12, 2) > 1",
    "a lookup": "y.e AS v FROM e AS x LEFT JOIN f AS y ON y._id = x._id",
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(case: str) -> None:
    assert converts(REFUSED[case]), REFUSED[case]


@pytest.mark.parametrize("case", STANDS)
def test_allowed(case: str) -> None:
    assert not converts(STANDS[case]), converts(STANDS[case])


def test_a_discard_is_looked_at_too() -> None:
    from crossfade.project import Discard

    discard = Discard(entity="e", alias="x", where="x.l > x.d", reason="old")
    found = findings("SELECT x._id AS id FROM e AS x", TARGET, world=WORLD, discards=[discard])
    assert [f.place for f in found if f.kind == "converts"] == ["e"]


def test_what_has_no_zone_is_no_moment() -> None:
    for made in ("strptime(x.s, '%Y-%m-%d %H')", "epoch_ms(x.l)", "CAST(x.s AS TIMESTAMP)"):
        found = findings(f"SELECT x._id AS id, {made} AS at FROM e AS x", TARGET, world=WORLD)
        assert "t.at" in [f.place for f in found if f.kind == "type"], made
    for made in ("timezone('UTC', strptime(x.s, '%Y'))", "parse_date(x.s)", "CAST(x.at AS DATE)", "x.at"):
        found = findings(f"SELECT x._id AS id, {made} AS at FROM e AS x", TARGET, world=WORLD)
        assert not [f for f in found if f.kind == "type"], made


def run(expression: str, value: Any) -> Any:
    world = World({"e": [{"_id": 1, "v": value}]})
    program = world.program(f"SELECT {expression} AS v FROM e AS x")
    try:
        return python_rows(ENGINE.run(program.branches[0].sql, {ROOT_TABLE: world.batch(program, "e").table}))[0]["v"]
    except RECORD_ERRORS:
        return "refused"


@pytest.mark.parametrize(
    ("expression", "value", "wanted"),
    [
        # overflow and division by zero
        ("x.v * 10", 1e308, "refused"),
        ("x.v * 10 - x.v", 1e307, 9e307),
        ("x.v / 0", 1.5, "refused"),
        ("x.v / 0", 1, "refused"),
        ("x.v % 0", 1.5, "refused"),
        ("x.v // 0", 1, "refused"),
        ("exp(x.v)", 1000.0, "refused"),
        ("x.v ** 2", 1e200, "refused"),
        ("x.v + 1", 2**31 - 1, "refused"),
        ("x.v + 1", Int64(2**63 - 1), "refused"),
        ("x.v / 100", Int64(2**53), 2**53 / 100),
        ("x.v / 100", Int64(2**53 + 1), "refused"),
        # numbers in JSON that is not ours
        ("x.v ->> 'a'", '{"a":12345678901234567890.123}', "refused"),
        ("x.v ->> 'a'", '{"a":0.30000000000000004,"b":"12345678901234567890.123"}', "0.30000000000000004"),
        ("x.v ->> 'a'", '{"a":9223372036854775807}', "9223372036854775807"),
        ("x.v ->> 'a'", '{"a":-9223372036854775809}', "refused"),
        ("x.v ->> 'a'", '{"a":1e400}', "refused"),
        ("json_merge_patch(x.v, '{}')", '{"a":12345678901234567890.123}', "refused"),
        ("CAST(x.v AS JSON) ->> 'a'", '{"a":1e-400}', "refused"),
        # what sqlglot writes as a cast
        ("date(x.v)", "2009-01-01T23:00:00", "refused"),
        ("date(x.v)", "2009-01-01", datetime.date(2009, 1, 1)),
    ],
)  # fmt: skip
def test_values_that_refuse(expression: str, value: Any, wanted: Any) -> None:
    assert run(expression, value) == wanted
