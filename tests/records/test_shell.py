"""Values in the notation of people: read back without loss, so that no two keys look the same."""

from __future__ import annotations

import datetime
import uuid
from typing import Any

import pytest
from bson import Binary, Decimal128, Int64, ObjectId
from hypothesis import given

from crossfade.records.bson.canonical import canonical
from crossfade.records.bson.shell import loads_shell, readable, shell, shell_lines
from strategies import values

HEX = "5e0be1000000000000000007"


@given(values())
def test_what_is_written_reads_back(value: Any) -> None:
    assert canonical(loads_shell(shell(value))) == canonical(value)
    assert canonical(loads_shell(shell_lines(value))) == canonical(value)
    assert shell(value).isprintable()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (117, "117"),
        (Int64(5), 'Long("5")'),
        (Int64(2**40), "1099511627776"),
        (5.0, "5.0"),
        ("5", '"5"'),
        (ObjectId(HEX), f'ObjectId("{HEX}")'),
        (HEX, f'"{HEX}"'),
        ('ObjectId("x")', '"ObjectId(\\"x\\")"'),
        (Decimal128("7.250"), 'Decimal128("7.250")'),
        (datetime.datetime(2024, 1, 1), 'ISODate("2024-01-01T00:00:00.000Z")'),
        (Binary(uuid.UUID(int=77).bytes, 4), f'UUID("{uuid.UUID(int=77)}")'),
        ({"a": 1, "b": [ObjectId(HEX)]}, f'{{"a": 1, "b": [ObjectId("{HEX}")]}}'),
        ({"$oid": HEX}, f'{{"$$oid": "{HEX}"}}'),
    ],
)
def test_values_for_people(value: Any, text: str) -> None:
    assert readable(canonical(value)) == shell(value) == text


@pytest.mark.parametrize("text", [f"ObjectId('{HEX}')", f'{{"$oid": "{HEX}"}}', f'ObjectId( "{HEX}" )'])
def test_other_spellings_of_the_same(text: str) -> None:
    assert loads_shell(text) == ObjectId(HEX)


@pytest.mark.parametrize("text", ["", "abc", 'ObjectId("abc")', "ObjectId(", "{", "Timestamp(x)"])
def test_what_is_no_value(text: str) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        loads_shell(text)


def test_what_was_cut_stays_as_it_is() -> None:
    assert readable('{"$oid":"5e0b…') == '{"$oid":"5e0b…'
    assert readable(None) == "-"
