"""Every type of DuckDB cast to every type that a mapping may cast to, compared with the meaning of the value.

What a value means is worked out here, in Python, from its text alone. A cast gives a value of the same meaning, or it
refuses; and what fits must pass.
"""

# ruff: noqa: E501
from __future__ import annotations

import datetime
import json
import re
import struct
from decimal import Decimal
from fractions import Fraction
from typing import Any
from uuid import UUID

import duckdb
import pytest
from sqlglot import exp

from crossfade.mapping.language.casts import exact_cast
from crossfade.transform.macros import macros

REFUSED = "refused"
TARGETS = ["BOOLEAN", "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT",
           "UHUGEINT", "FLOAT", "DOUBLE", "DECIMAL(18,3)", "DECIMAL(38,0)", "DECIMAL(38,20)", "DECIMAL(4,4)", "VARCHAR",
           "UUID", "DATE", "TIME", "TIMESTAMP", "TIMESTAMPTZ", "INTERVAL", "JSON"]  # fmt: skip

_INTEGERS = {"TINYINT": 8, "SMALLINT": 16, "INTEGER": 32, "BIGINT": 64, "HUGEINT": 128}
_DOUBLES = ["0.0", "-0.0", "1.0", "0.5", "0.1", "-1.5", "2.5", "255.5", "9007199254740993", "9007199254740994", "9223372036854775808",
            "1e22", "1e38", "1.7e38", "1e300", "5e-324", "123456789.123456789", "0.30000000000000004", "nan", "inf", "-inf"]  # fmt: skip
_TIMES = ["2009-01-01 00:00:00", "2009-01-01 12:30:45.123456", "1969-12-31 23:59:59.999999", "0044-03-15 (BC) 10:00:00",
          "12009-01-01 00:00:00", "infinity", "-infinity"]  # fmt: skip
_TEXTS = [
    "", " ", "abc", "true", "TRUE", "t", "yes", "y", "no", "on", "0", "1", "2", " 1", "1 ", "+7", "007", "-0", "1.0", "1.5", "5.", ".5",
    "1e3", "1e-3", "1E400", "1e-400", "1_000", "0x10", "0b11", "nan", "NaN", "inf", "-inf", "Infinity", "-infinity", "0.1",
    "9007199254740993", "0.1000000000000000055", "12345678901234567890.123", "170141183460469231731687303715884105728", "1.0000000001",
    "\u0663", "\uff11", "1\u00a0", "2009-01-01", "2009-1-1", "2009-02-30", "2009-01-01T00:00:00+02:00", "2009-01-01 00:00:00", "2009-01-01T10:20",
    "2009-01-01T10:20:30.123456", "2009-01-01T10:20:30.1234567", "2009-01-01T10:20:30.1230000000", "2009-01-01T10:20:30Z", "2009-01-01T10:20:30+00",
    "2009-01-01T10:20:30-03:30", "2009-01-01 10:20:30.5+0530", "2009-01-01T10:20:30 Europe/Berlin", "2009-01-01T10:20:30 UTC", "2009-01-01 BC", "0044-03-15 (BC)",
    "2009-01-01T24:00:00", "2009-01-01T23:59:60", "2009-01-01T23:59:60Z", "12009-01-01", "12009-01-01T00:00:00Z", "0000-01-01", "0000-01-01T00:00:00Z",
    "2009-01-01T10:20:30+15:59", "2009-01-01T10:20:30+16:00", "2009-01-01T10:20:30+02:00:30", "epoch", "infinity", "now", "today", "tomorrow", " 2009-01-01 ",
    "2009-01-01 garbage", "2009/01/01", "01.02.2009", "20090101", "10:20", "1:20:30", "10:20:30.5", "10:20:30.1234567", "24:00:00", "23:59:60",
    "10:20:30+02", "10:20:30Z", "65b0c0ff-ee00-8000-8000-00000acf01d0", "65B0C0FFEE00800080000000 0ACF01D0", "65b0c0ffee008000800000000acf01d0",
    "{65b0c0ff-ee00-8000-8000-00000acf01d0}", "6-5b0c0ffee0-0800-0800-000000acf01d0", "1 day", "3 days 10:00:00", "1.5 days", "0.0000001 seconds",
    "1 year 2 months", "1 day 10:00:00.1234567", "-2 hours", "P1D", "@ 1 day ago", "5", "{\"a\": 1.10}", "[1,2]", "\"a\"", "null", "{", "[1,]",
]  # fmt: skip

VALUES: dict[str, list[str]] = {
    "BOOLEAN": ["true", "false"],
    **{t: [str(n) for n in (-(2 ** (b - 1)), -1, 0, 1, 2, 100, 2 ** (b - 1) - 1)] for t, b in _INTEGERS.items()},
    **{f"U{t}": [str(n) for n in (0, 1, 200, 2**b - 1)] for t, b in _INTEGERS.items()},
    "BIGNUM": ["0", "1", "9007199254740993", "-170141183460469231731687303715884105729"],
    "FLOAT": [d for d in _DOUBLES if d not in ("1e300", "5e-324", "1e38", "1.7e38")] + ["16777216", "3.4e38"],
    "DOUBLE": _DOUBLES,
    "DECIMAL(18,3)": ["0", "1", "1.5", "0.001", "-0.1", "123456789012345.123", "255.5"],
    "DECIMAL(38,0)": ["1", "9007199254740993", "9" * 38],
    "DECIMAL(38,20)": ["0.1", "0.00000000000000000001", "999999999999999999.99999999999999999999", "1"],
    "DECIMAL(4,4)": ["0.1234", "0"],
    "VARCHAR": _TEXTS,
    "ENUM('a', '1', 'true', '2009-01-01', '10:20', '2009-01-01T00:00:00+02:00')": ["a", "1", "true", "2009-01-01", "10:20", "2009-01-01T00:00:00+02:00"],
    "BLOB": ["abc", "1", "\\x00\\xAA", "true", "65b0c0ff-ee00-8000-8000-00000acf01d0"],
    "BIT": ["0", "1", "101", "00000000000000000000000000000001"],
    "UUID": ["65b0c0ff-ee00-8000-8000-00000acf01d0", "00000000-0000-0000-0000-000000000001"],
    "DATE": ["2009-01-01", "1969-12-31", "0044-03-15 (BC)", "12009-01-01", "infinity"],
    "TIME": ["00:00:00", "10:20:30.123456", "23:59:59"],
    "TIME_NS": ["10:20:30.123456", "10:20:30.123456789"],
    "TIMETZ": ["10:20:30+02", "10:20:30+00"],
    "TIMESTAMP": _TIMES,
    "TIMESTAMP_S": ["2009-01-01 00:00:00", "1969-12-31 23:59:59"],
    "TIMESTAMP_MS": ["2009-01-01 00:00:00", "1969-12-31 23:59:59.999"],
    "TIMESTAMP_NS": ["2009-01-01 00:00:00", "1969-12-31 23:59:59.999999", "1969-12-31 23:59:59.900000001"],
    "TIMESTAMPTZ": ["2009-01-01 00:00:00+00", "2009-01-01 00:00:00+02", "1969-12-31 23:59:59.999999+00"],
    "INTERVAL": ["1 day", "1 month 10:00:00"],
    "JSON": ["1", "1.5", "\"5\"", "null", "true", "{\"a\": 1}", "\"2009-01-01\"", "12345678901234567890.123", "\"65b0c0ff-ee00-8000-8000-00000acf01d0\""],
    "INTEGER[]": ["[1, 2]", "[]"],
    "VARCHAR[]": ["[a, b]", "['a, b']"],
    "BLOB[]": ["[a]"],
    "STRUCT(a INTEGER)": ["{'a': 1}"],
    "MAP(VARCHAR, INTEGER)": ["{a=1}"],
}  # fmt: skip

Meaning = tuple[Any, ...]


def sql_of(to: str) -> str:
    return exact_cast(exp.column("v"), exp.DataType.build(to, dialect="duckdb")).sql("duckdb")


def casts(kind: str, to: str) -> list[tuple[str, str | None]]:
    """For each value of the type: its text, and the text of what the cast gives; None where it refuses.

    All in one query: errors are NULL here, those of our macros and those of DuckDB's own casts.
    """
    values = f"SELECT TRY(CAST(t AS {kind})) AS v FROM (SELECT unnest($1) AS t)"
    found = re.sub(r"\bCAST\(v AS", "TRY_CAST(v AS", sql_of(to))
    sql = f"SELECT CAST(v AS VARCHAR), CAST({found} AS VARCHAR) FROM ({values}) WHERE v IS NOT NULL"
    found_rows: list[tuple[str, str | None]] = QUIET.execute(sql, [VALUES[kind]]).fetchall()
    return found_rows


def _connection(fail: str) -> duckdb.DuckDBPyConnection:
    con = duckdb.connect()
    con.execute("SET TimeZone = 'UTC'")
    con.execute("CREATE MACRO quiet(message) AS NULL")
    for statement in macros().values():
        con.execute(re.sub(r"\berror\(", f"{fail}(", statement))
    return con


CON, QUIET = _connection("error"), _connection("quiet")


def meanings(kind: str, text: str, source: bool) -> set[Meaning]:
    """What a value may stand for. A double stands for its own number and for its shortest digits."""
    if kind == "BOOLEAN":
        return {("bool", text == "true"), ("number", Fraction(text == "true"))}
    if kind in ("DOUBLE", "FLOAT"):
        return _of_float(kind, text)
    if re.fullmatch(r"U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER|BIGNUM|DECIMAL.*", kind):
        return _of_number(Fraction(Decimal(text)))
    if kind == "VARCHAR" or kind.startswith("ENUM"):
        return _of_text(text) if source else {("text", text)}
    if kind == "UUID":
        return {("uuid", UUID(text).int)}
    if kind == "DATE":
        return {("day", day) for day in [_day(text)] if day is not None}
    if kind in ("TIME", "TIME_NS"):
        return {("clock", clock) for clock in [_clock(text)] if clock is not None}
    if kind.startswith("TIMESTAMP"):
        return _of_timestamp(text, kind.endswith("TZ"))
    if kind == "INTERVAL":
        return {("interval", text)}
    if kind == "JSON":
        return {("json", _json(text))}
    return set()


def _of_number(number: Fraction) -> set[Meaning]:
    return {("number", number), *([("bool", bool(number))] if number in (0, 1) else [])}


def _of_float(kind: str, text: str) -> set[Meaning]:
    if text.strip("-") in ("nan", "inf"):
        return {("number", text.replace("-nan", "nan"))}
    exact = float(text) if kind == "DOUBLE" else struct.unpack("f", struct.pack("f", float(text)))[0]
    return _of_number(Fraction(exact)) | {("digits", Fraction(Decimal(text)))}


def _of_text(text: str) -> set[Meaning]:
    """Text may be read as what it says in full."""
    found: set[Meaning] = {("text", text)}
    if re.fullmatch(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?", text, re.ASCII):
        number = Fraction(Decimal(text))
        found |= {("number", number), ("digits", number)}
    if text.lower() in ("true", "t", "yes", "1", "false", "f", "no", "0"):
        found.add(("bool", text.lower() in ("true", "t", "yes", "1")))
    if re.fullmatch(r"[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}|[0-9a-fA-F]{32}", text):
        found.add(("uuid", UUID(text).int))
    if (day := _day(text)) is not None:
        found |= {("day", day), ("local", day * 86_400 * 10**9)}
    if (clock := _clock(text)) is not None:
        found.add(("clock", clock))
    parts = re.fullmatch(r"(.+)[ T]([0-9:.]+)(Z|[+-][0-9]{2}(?::?[0-9]{2})?)?", text)
    if parts and (day := _day(parts[1])) is not None and (clock := _clock(parts[2])) is not None:
        since = day * 86_400 * 10**9 + clock
        zone = parts[3]
        if zone is None:
            found.add(("local", since))
        else:
            hours, minutes = (0, 0) if zone == "Z" else (int(zone[1:3]), int(zone[3:].strip(":") or 0))
            offset = (-1 if zone[0] == "-" else 1) * (hours * 3600 + minutes * 60) * 10**9
            found |= {("moment", since - offset), *([("local", since)] if offset == 0 else [])}
    if re.fullmatch(r"(-?[0-9]+ [a-z]+ ?)*([0-9:]+(\.[0-9]{1,6})?)?", text):
        found.add(("interval", text))
    found.add(("json", _json(text)))
    return found


def _of_timestamp(text: str, zone: bool) -> set[Meaning]:
    if "infinity" in text:
        return {("infinity", text)}
    text = text.removesuffix("+00") if zone else text
    day, clock = _day(text[: text.rindex(" ")]), _clock(text[text.rindex(" ") + 1 :])
    assert day is not None
    assert clock is not None
    since = day * 86_400 * 10**9 + clock
    return {("local", since), ("day of", day), ("clock", clock), *([("moment", since)] if zone else [])}


def _day(text: str) -> int | None:
    """Days since 1970, by arithmetic of our own: Python's dates end in the year 9999."""
    found = re.fullmatch(r"([0-9]{4,7})-([0-9]{2})-([0-9]{2})( \(BC\))?", text, re.ASCII)
    if not found or int(found[1]) == 0:
        return None
    year = 1 - int(found[1]) if found[4] else int(found[1])
    month, day = int(found[2]), int(found[3])
    cycles, within = divmod(year - 1, 400)
    try:
        return datetime.date(within + 1, month, day).toordinal() - 719_163 + cycles * 146_097
    except ValueError:
        return None


def _clock(text: str) -> int | None:
    found = re.fullmatch(r"([0-9]{1,2}):([0-9]{2})(?::([0-9]{2})(?:\.([0-9]+))?)?", text, re.ASCII)
    if not found:
        return None
    hours, minutes, seconds = int(found[1]), int(found[2]), int(found[3] or 0)
    nanos = int((found[4] or "0").ljust(9, "0")[:9]) if not (found[4] or "")[9:].strip("0") else -1
    if hours > 23 or minutes > 59 or seconds > 59 or nanos < 0:
        return None
    return (hours * 3600 + minutes * 60 + seconds) * 10**9 + nanos


def _json(text: str) -> Any:
    try:
        return repr(json.loads(text, parse_int=Decimal, parse_float=Decimal, parse_constant=lambda _: 1 / 0))
    except (ValueError, ZeroDivisionError):
        return ("no JSON", text)


def right(kind: str, value: str, to: str, found: str) -> bool:
    """Whether the value that was given means what was found."""
    given, got = meanings(kind, value, True), meanings(to, found, False)
    if to == "VARCHAR":
        return not re.search(r"BLOB|\]$|STRUCT|MAP", kind) and value == found
    if to == "JSON":
        if kind in ("VARCHAR", "JSON") or kind.startswith("ENUM"):
            return value == (json.loads(found) if kind.startswith("ENUM") else found)
        if given & {("number", n) for n in ("nan", "inf", "-inf")}:
            return False
        numbers = {v for tag, v in given if tag in ("number", "digits")}
        if numbers and kind != "BOOLEAN":
            return Fraction(Decimal(found)) in numbers
        return "BLOB" not in kind
    if to == "DATE" and kind.startswith("TIMESTAMP"):
        return any(("day of", v) in given for tag, v in got if tag == "day") or ("infinity", found) in given
    if to == "DATE" and kind == "DATE":
        return value == found
    if to == "TIMESTAMPTZ" and kind == "DATE":
        return "infinity" in value or ("day", meanings_day(got)) in given
    if to == "TIMESTAMP" and kind == "DATE":
        return "infinity" in value or ("day", meanings_day(got)) in given
    if to in ("FLOAT", "DOUBLE"):
        same = {v for tag, v in given if tag == "number" or (tag == "digits" and kind not in ("FLOAT", "DOUBLE"))}
        binary = kind in ("FLOAT", "DOUBLE")
        return any(v in same for tag, v in got if tag == "number" or (tag == "digits" and not binary))
    if kind in ("FLOAT", "DOUBLE") and to != "BOOLEAN":
        return any(v in {n for _, n in given} for tag, v in got if tag == "number")
    if to == "INTERVAL":
        return kind == "INTERVAL" or ("interval", value) in given
    return bool(given & got)


def meanings_day(got: set[Meaning]) -> Any:
    since = next(v for tag, *rest in got if tag == "local" for v in rest)
    return since // (86_400 * 10**9) if since % (86_400 * 10**9) == 0 else None


@pytest.mark.parametrize("kind", VALUES)
def test_a_cast_gives_the_same_value_or_refuses(kind: str) -> None:
    tried = [(value, to, found) for to in TARGETS for value, found in casts(kind, to)]
    assert tried
    assert not [(v, to, f) for v, to, f in tried if f is not None and not right(kind, v, to, f)]


@pytest.mark.parametrize(
    ("kind", "value", "to", "wanted"),
    [
        ("VARCHAR", "2009-01-01T10:20:30Z", "TIMESTAMPTZ", "2009-01-01 10:20:30+00"),
        ("VARCHAR", "2009-01-01T00:00:00+02:00", "TIMESTAMPTZ", "2008-12-31 22:00:00+00"),
        ("VARCHAR", "2009-01-01 10:20:30.5+0530", "TIMESTAMPTZ", "2009-01-01 04:50:30.5+00"),
        ("VARCHAR", "2009-01-01T10:20:30.123456", "TIMESTAMP", "2009-01-01 10:20:30.123456"),
        ("VARCHAR", "2009-01-01", "TIMESTAMP", "2009-01-01 00:00:00"),
        ("VARCHAR", "2009-01-01T10:20:30Z", "TIMESTAMP", "2009-01-01 10:20:30"),
        ("VARCHAR", "2009-01-01", "DATE", "2009-01-01"),
        ("VARCHAR", "10:20", "TIME", "10:20:00"),
        ("VARCHAR", "007", "INTEGER", "7"),
        ("VARCHAR", "0.1", "DOUBLE", "0.1"),
        ("VARCHAR", "3 days 10:00:00", "INTERVAL", "3 days 10:00:00"),
        ("VARCHAR", "65b0c0ffee008000800000000acf01d0", "UUID", "65b0c0ff-ee00-8000-8000-00000acf01d0"),
        ("ENUM('1', 'a')", "1", "INTEGER", "1"),
        ("TIMESTAMP", "2009-01-01 12:30:45.123456", "TIME", "12:30:45.123456"),
        ("TIMESTAMP_NS", "1969-12-31 23:59:59.999999", "TIMESTAMP", "1969-12-31 23:59:59.999999"),
        ("TIMESTAMPTZ", "2009-01-01 00:00:00+02", "DATE", "2008-12-31"),
        ("DECIMAL(18,3)", "1.500", "DECIMAL(38,20)", "1.50000000000000000000"),
        ("DECIMAL(38,0)", "9007199254740993", "DOUBLE", REFUSED),
        ("DOUBLE", "0.5", "FLOAT", "0.5"),
        ("DOUBLE", "0.1", "FLOAT", REFUSED),
        ("FLOAT", "0.1", "DOUBLE", "0.10000000149011612"),
        ("DOUBLE", "nan", "FLOAT", "nan"),
        ("UBIGINT", "18446744073709551615", "DECIMAL(38,0)", "18446744073709551615"),
        ("BIGNUM", "9007199254740993", "BIGINT", "9007199254740993"),
        # and what is refused, though DuckDB would give something
        ("VARCHAR", "2009-01-01T00:00:00+02:00", "TIMESTAMP", REFUSED),
        ("VARCHAR", "2009-01-01T00:00:00", "TIMESTAMPTZ", REFUSED),
        ("TIMESTAMP", "2009-01-01 00:00:00", "TIMESTAMPTZ", REFUSED),
        ("VARCHAR", "epoch", "TIMESTAMP", REFUSED),
        ("VARCHAR", "infinity", "DATE", REFUSED),
        ("VARCHAR", "2009-01-01T24:00:00", "TIMESTAMP", REFUSED),
        ("TIMETZ", "10:20:30+02", "TIME", REFUSED),
        ("BIT", "101", "INTEGER", REFUSED),
        ("JSON", "1.5", "INTEGER", REFUSED),
        ("JSON", "null", "INTEGER", REFUSED),
        ("BLOB", "abc", "VARCHAR", REFUSED),
        ("INTEGER[]", "[1, 2]", "VARCHAR", REFUSED),
        ("DOUBLE", "nan", "JSON", REFUSED),
        ("VARCHAR", "inf", "DOUBLE", REFUSED),
        ("VARCHAR", "1.5 days", "INTERVAL", REFUSED),
    ],
)  # fmt: skip
def test_what_it_gives(kind: str, value: str, to: str, wanted: str) -> None:
    try:
        row = CON.execute(
            f"SELECT CAST({sql_of(to)} AS VARCHAR) FROM (SELECT CAST($1 AS {kind}) AS v)", [value]
        ).fetchone()
    except duckdb.Error:
        row = (REFUSED,)
    assert row == (wanted,)
