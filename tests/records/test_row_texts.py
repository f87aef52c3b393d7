"""Values as text, and back: as PostgreSQL itself prints and reads them."""

from __future__ import annotations

import json
from collections.abc import Callable

import psycopg
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossfade.model.target import ColumnType
from crossfade.records.rows import calendar
from crossfade.records.rows.codec import ROWS
from crossfade.records.rows.keys import key_of_texts, texts_of_key
from crossfade.records.rows.raw import RawRow, read, split, write
from crossfade.records.rows.texts import canonical, elements, json_text, require, texts_of
from scratch import PostgresScratch

MICROS = st.integers(-210_866_803_200_000_000, 2**63 - 2)
DAYS = st.integers(-2_440_588, 2_145_031_948)
TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))


@given(MICROS, DAYS, st.integers(0, 86_400_000_000))
def test_calendar_texts_lead_back(micros: int, days: int, of_day: int) -> None:
    assert calendar.micros_of(calendar.timestamp(micros)) == micros
    assert calendar.micros_of(calendar.timestamp(micros, "+00")) == micros
    assert calendar.days_of(calendar.date(days)) == days
    assert calendar.micros_of_day(calendar.time(of_day)) == of_day


@pytest.mark.parametrize("text", ["2024-13", "20240126", "", "24:00", "2024-01-26T10:00:00", "2024-01-26 10:00:00+02"])
def test_what_is_no_moment(text: str) -> None:
    for read_text in (calendar.micros_of, calendar.days_of, calendar.micros_of_day):
        with pytest.raises(ValueError, match="is not a"):
            read_text(text)


def test_the_server_prints_the_same(pg_db: PostgresScratch) -> None:
    micros = [-210_866_803_200_000_000, -1, 0, 1, 1_500_000, 1_706_263_200_123_456, 253_402_300_799_999_999]
    days = [-2_440_588, -719_529, -719_528, -1, 0, 19_748, 2_145_031_948]
    with psycopg.connect(pg_db.url) as connection:
        connection.execute("SET TimeZone = 'UTC'; SET DateStyle = 'ISO, YMD'")
        moment = "timestamp 'epoch' + (x / 86400000000) * interval '1 day' + (x % 86400000000) * interval '1 us'"
        for n in micros:
            asked = connection.execute(f"SELECT ({moment})::text FROM (VALUES ({n}::int8)) AS v(x)".encode())
            assert asked.fetchone() == (calendar.timestamp(n),)
        for n in days:
            asked = connection.execute(f"SELECT (date '1970-01-01' + ({n}))::text".encode())
            assert asked.fetchone() == (calendar.date(n),)


BLANKS = [chr(n) for n in range(1, 0x3001) if chr(n).isspace()]
"""Of Unicode: the server quotes an element only for those of ASCII."""


def test_blanks_of_elements_are_characters(pg_db: PostgresScratch) -> None:
    held = [[form.format(c) for form in ("{}", "{}a", "a{}", "a{}b")] for c in BLANKS]
    with psycopg.connect(pg_db.url) as connection:
        for values in held:
            asked = connection.execute("SELECT %s::text[]::text, (%s::text[])[2]", [values, values]).fetchone()
            assert asked is not None
            assert (elements(asked[0]), asked[1]) == (values, values[1])


WHOLE = st.integers(-(2**65), 2**65).map(str) | st.sampled_from([f"{n}" for b in (15, 31, 63) for n in (-(2**b), 2**b)])
LIKE_NUMBERS = st.from_regex(r"[-+]?[0-9]{0,4}[. ]?[0-9]{0,4}(e[0-9])?", fullmatch=True)
ODD = st.sampled_from(
    ["NaN", "Infinity", "t", "true", "yes", r"\x00ff", r"\x0", "٣", "1_0", "0x1", "\ud800", "2024-01-26"]
)
ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]))


@given(st.lists(ANY_TEXT, max_size=2), st.dictionaries(ANY_TEXT, st.none() | ANY_TEXT, max_size=3))
def test_the_form_of_raw_records(key: list[str], columns: dict[str, str | None]) -> None:
    """Digests of it are in journals, so that it stays the same whichever library writes it."""
    expected = json.dumps({"key": key, "row": columns}, ensure_ascii=False, separators=(",", ":")) + "\n"
    assert write(RawRow(key, columns)) == expected.encode()
    assert read(expected.encode()) == RawRow(key, columns)


ONE_KIND = st.sampled_from(
    "int2 int4 int8 float4 float8 numeric bool text uuid timestamp date time json bytea other".split()
)


@given(WHOLE | LIKE_NUMBERS | ODD | st.uuids().map(str) | TEXTS, ONE_KIND)
def test_one_text_is_required_as_many_are_read(text: str, kind: str) -> None:
    def refuses(read: Callable[[], object]) -> bool:
        try:
            read()
        except (ValueError, OverflowError):
            return True
        return False

    of = ColumnType(kind, kind)
    assert refuses(lambda: require(text, of)) == refuses(lambda: canonical([text], of))


@given(st.lists(st.none() | TEXTS, max_size=5))
def test_array_literals(values: list[str | None]) -> None:
    literal = "{" + ",".join("NULL" if v is None else json.dumps(v, ensure_ascii=False) for v in values) + "}"
    if not any((v is not None and set(v) & set("\n\t\r\b\f\x1f")) or (v and not v.isprintable()) for v in values):
        assert elements(literal) == values


@pytest.mark.parametrize("literal", ["{{1,2},{3,4}}", "[0:1]={1,2}", "1,2", "{1", '{"a}'])
def test_odd_array_literals(literal: str) -> None:
    with pytest.raises(ValueError, match="array"):
        elements(literal)


@given(st.lists(TEXTS, min_size=1, max_size=3))
def test_keys_never_look_alike(parts: list[str]) -> None:
    key = key_of_texts(parts)
    assert texts_of_key(key) == parts
    assert key == ROWS.key(ROWS.of_key(key))
    assert "\n" not in key


@given(st.lists(TEXTS, min_size=1, max_size=2), st.dictionaries(TEXTS, st.none() | TEXTS, max_size=4))
def test_raw_records_are_lossless(key: list[str], columns: dict[str, str | None]) -> None:
    raw = write(RawRow(key, columns))
    assert split(raw + raw) == [raw, raw]
    assert read(raw) == RawRow(key, columns)
    assert ROWS.key(raw) == key_of_texts(key)
    assert (
        ROWS.digests(raw) == ROWS.digests(write(RawRow(key, dict(reversed(columns.items())))), ordered=False) or columns
    )


def test_a_record_that_is_none() -> None:
    for raw in (b"\xff\n", b"{}\n", b'{"key":[1],"row":{}}\n', b'{"key":["1"],"row":{"a":1}}\n'):
        assert ROWS.digests(raw) == [None]
    assert ROWS.key(b'{"key":["1"],"row":{"a":1}}') == '["1"]'
    assert ROWS.key(b"{}") is None


def test_texts_of_values_lead_back() -> None:
    kinds = {
        "long": (ColumnType("int8", "bigint"), pa.array([1, None, -(2**63)], pa.int64())),
        "uuid": (ColumnType("uuid", "uuid"), pa.array([b"0123456789abcdef", None], pa.binary(16))),
        "binary": (ColumnType("bytea", "bytea"), pa.array([b"", b"\x00\xff", None], pa.binary())),
        "bool": (ColumnType("bool", "boolean"), pa.array([True, False, None], pa.bool_())),
        "date": (ColumnType("timestamptz", ""), pa.array([0, -1, None, 2**62], pa.int64()).cast(pa.timestamp("us"))),
        "day": (ColumnType("date", ""), pa.array([0, -719_529, None], pa.int32()).cast(pa.date32())),
        "time": (ColumnType("time", ""), pa.array([0, 86_400_000_000 - 1, None], pa.int64()).cast(pa.time64("us"))),
        "decimal": (ColumnType("numeric", ""), pa.array(["1.50", "NaN", None], pa.string())),
    }
    for kind, (of, values) in kinds.items():
        assert canonical(texts_of(values, kind), of).equals(values), kind


def test_json_as_an_application_prints_it() -> None:
    numeric, text, of = (
        ColumnType("numeric", ""),
        ColumnType("other", ""),
        ColumnType("array", "", of=ColumnType("int4", "")),
    )
    assert [json_text(t, numeric) for t in ("1.50", "NaN", None)] == ["1.50", '"NaN"', "null"]
    assert json_text('a"b', text) == '"a\\"b"'
    assert json_text("{1,NULL}", of) == "[1,null]"
    assert json_text('{"a": 1}', ColumnType("json", "")) == '{"a": 1}'


@pytest.mark.parametrize(
    ("text", "meant"),
    [("7", [['["7"]']]), ('["7", "a"]', [['["7","a"]']]), ("[7]", [['["7"]']]), ("[x", [['["[x"]']])],
)
def test_keys_as_people_write_them(text: str, meant: list[list[str]]) -> None:
    assert ROWS.keys_meant(text) == meant
