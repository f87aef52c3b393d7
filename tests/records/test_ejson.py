from __future__ import annotations

import datetime
import json
import math
from decimal import Decimal
from typing import Any

import pytest
from bson import Binary, Code, Decimal128, Int64, ObjectId
from bson.datetime_ms import DatetimeMS
from bson.regex import Regex
from hypothesis import given

from crossfade.records.bson.ejson import canonical, loads, loads_canonical, plain, to_bson
from crossfade.records.bson.plain import _PLAIN
from crossfade.records.bson.values import RawRegex, Undefined
from strategies import documents, values


@given(values())
def test_canonical_text_reads_back(value: Any) -> None:
    text = canonical(value)
    assert canonical(loads(text)) == text
    assert canonical(loads(text.encode())) == text


@given(documents())
def test_bytes_survive_the_text(doc: dict[str, Any]) -> None:
    """But for what has no text of its own: payloads of NaN, spellings of zero in a decimal."""
    if "NaN" not in canonical(doc) and "$numberDecimal" not in canonical(doc):
        assert to_bson(loads(canonical(doc))) == to_bson(doc)


@given(values())
def test_plain_is_json_of_the_same_value(value: Any) -> None:
    parsed = json.loads(plain(value), parse_constant=pytest.fail, parse_float=Decimal)
    assert_same(value, parsed)


@given(values())
def test_both_ways_of_plain_write_the_same(value: Any) -> None:
    assert plain(value) == _PLAIN[type(value)](value)


def assert_same(value: Any, parsed: Any) -> None:
    if type(value) is dict:
        assert list(value) == list(parsed)
        for name in value:
            assert_same(value[name], parsed[name])
    elif type(value) is list:
        for one, other in zip(value, parsed, strict=True):
            assert_same(one, other)
    elif type(value) in (int, Int64, str, bool, type(None)):
        assert parsed == value
        assert type(parsed) is (int if type(value) is Int64 else type(value))
    elif type(value) is float and math.isfinite(value) and str(value) != "-0.0":
        assert float(parsed) == value
        assert type(parsed) is Decimal
    elif type(parsed) is dict:
        assert parsed == json.loads(canonical(value))


DAY = datetime.datetime(2024, 1, 26, 10, 0, 0, 7000)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (DAY, '"2024-01-26T10:00:00.007Z"'),
        (datetime.datetime(1, 1, 1), '"0001-01-01T00:00:00.000Z"'),
        (DatetimeMS(0), '"1970-01-01T00:00:00.000Z"'),
        (DatetimeMS(2**60), '{"$date":{"$numberLong":"1152921504606846976"}}'),
        (1.0, "1.0"),
        (-0.0, '{"$numberDouble":"-0.0"}'),
        (float("nan"), '{"$numberDouble":"NaN"}'),
        ([float("-inf"), None, -0.5], '[{"$numberDouble":"-Infinity"},null,-0.5]'),
        ({"a": -0.0, "b": "-0.0"}, '{"a":{"$numberDouble":"-0.0"},"b":"-0.0"}'),
        ({"a": float("nan")}, '{"a":{"$numberDouble":"NaN"}}'),
        (Int64(2**63 - 1), "9223372036854775807"),
        (Decimal128("1.10"), '{"$numberDecimal":"1.10"}'),
        (Binary(bytes(16), 4), '"00000000-0000-0000-0000-000000000000"'),
        (Binary(bytes(2), 4), '{"$binary":{"base64":"AAA=","subType":"04"}}'),
        (b"\0", '{"$binary":{"base64":"AA==","subType":"00"}}'),
        ({"o": ObjectId("a" * 24)}, '{"o":"aaaaaaaaaaaaaaaaaaaaaaaa"}'),
        ({"é": "ü\n"}, '{"é":"ü\\n"}'),
        (Code("x"), '{"$code":"x"}'),
    ],
)
def test_plain(value: Any, text: str) -> None:
    assert plain(value) == text


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1),
        ("2147483648", Int64(2**31)),
        ("1.5", 1.5),
        ('{"$date":"2024-01-26T10:00:00.007Z"}', DAY),
        ('{"$date":"2024-01-26T12:00:00.007+0200"}', DAY),
        ('{"$date":0}', datetime.datetime(1970, 1, 1)),
        ('{"$binary":"AA==","$type":"00"}', b"\0"),
        ('{"$binary":"AA==","$type":"80"}', Binary(b"\0", 128)),
        ('{"$uuid":"00000000-0000-0000-0000-000000000000"}', Binary(bytes(16), 4)),
        ('{"$undefined":true}', Undefined()),
        ('{"$regularExpression":{"pattern":"a","options":"mi"}}', RawRegex("a", "mi")),
        ('{"$ref":"c","$id":1}', {"$ref": "c", "$id": 1}),
        ('{"$regex":"a","$options":"i"}', {"$regex": "a", "$options": "i"}),
        ('{"$gt":{"$numberLong":"1"}}', {"$gt": Int64(1)}),
        ('"\\ud83d\\ude00"', "\U0001f600"),
    ],
)
def test_other_spellings_are_read(text: str, value: Any) -> None:
    found = loads(text)
    assert found == value
    assert type(found) is type(value)


def test_version_1_writes_regular_expressions_as_version_2_writes_queries() -> None:
    assert loads('{"$regex":"a","$options":"i"}', v1=True) == Regex("a", "i")


@pytest.mark.parametrize(
    "text",
    [
        '{"a":1,"a":1}',
        '{"$oid":"x"}',
        '{"$numberInt":"2147483648"}',
        '{"$numberLong":"1_0"}',
        '{"$numberLong":1}',
        '{"$numberDouble":"1e999"}',
        '{"$numberDecimal":"1_0"}',
        '{"$date":"2024-01-26T10:00:00"}',
        '{"$date":"2024-01-26T10:00:00.0001Z"}',
        '{"$binary":{"base64":"?","subType":"00"}}',
        '{"$minKey":true}',
        '{"$timestamp":{"t":1}}',
        "123456789012345678901",
        "NaN",
        '"\\ud800"',
        '{"a":{"$symbol":"\\ud800"}}',
        "[" * 100_000,
        "{",
    ],
)
def test_what_is_no_value_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        loads(text)


def test_no_two_typed_keys_share_a_text() -> None:
    keys = [5, Int64(5), 5.0, "5", Decimal128("5"), ObjectId("5" * 24), "5" * 24, b"5", Binary(b"5", 5), None, True]
    assert len(set(map(canonical, keys))) == len(keys)


def test_a_foreign_class_is_refused() -> None:
    with pytest.raises(TypeError, match="not a BSON value: complex"):
        canonical({"a": 1j})


NUMBERS = ["0", "-0", "1", "-1", "007", "+5", "1_0", " 1", "٣", "", "-", "2147483647", "2147483648", "-2147483648",
           "-2147483649", "9" * 18, "-" + "9" * 18, str(2**63 - 1), str(2**63), str(-(2**63)), "1.0"]  # fmt: skip


@pytest.mark.parametrize("kind", ["Int", "Long"])
@pytest.mark.parametrize("digits", NUMBERS)
def test_an_integer_is_read_as_in_a_document(kind: str, digits: str) -> None:
    """Keys that are integers are read without a parser."""

    def found(text: str) -> object:
        try:
            value = loads_canonical(text)
        except ValueError:
            return ValueError
        (value,) = value if isinstance(value, list) else [value]
        return type(value), value

    text = f'{{"$number{kind}":"{digits}"}}'
    assert found(text) == found(f"[{text}]")


@pytest.mark.parametrize("number", [2**63, 2**64, 2**64 - 1, -(2**63) - 1, 10**22 + 1, 2**80])
def test_a_json_integer_beyond_64_bits_is_not_rounded(number: int) -> None:
    """A double has its shortest digits wherever it becomes a decimal or a text: of 2^64 they end with 000."""
    with pytest.raises(ValueError, match=str(number)):
        loads(f'{{"a": {number}}}')


@pytest.mark.parametrize("number", [10**19, 10**22, 2**63 - 1, -(2**63), 18446744073709552000])
def test_a_json_integer_that_stays_as_it_is(number: int) -> None:
    assert loads(f'{{"a": {number}}}')["a"] == (number if -(2**63) <= number < 2**63 else float(number))
