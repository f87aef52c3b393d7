"""Values of the five storage classes, as texts that lead back to them.

A value is what Python's driver returns: int, float, str, bytes or None; and `BadText`, which is text that is not UTF-8.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

Value = int | float | str | bytes


class BadText(bytes):
    """The bytes of a text that is not valid UTF-8."""

    def __repr__(self) -> str:
        return f"BadText({bytes(self)!r})"


TYPES: Mapping[type, str] = {int: "integer", float: "real", str: "text", bytes: "blob"}
"""Storage classes by Python's types. NULL and BadText are not among them."""

_INFINITE = {"9e999": float("inf"), "-9e999": float("-inf")}
_INTEGER = re.compile(r"-?[0-9]+")
_REAL = re.compile(r"-?[0-9]+(?:\.[0-9]+(?:e[+-]?[0-9]+)?|e[+-]?[0-9]+)")
_BLOB = re.compile(r"x'((?:[0-9a-f]{2})*)'")
_QUOTED = re.compile(r"'(.*)'", re.DOTALL)
_BAD = re.compile(r"CAST\(x'((?:[0-9a-f]{2})*)' AS TEXT\)")

_LAST = frozenset("0123456789')")
"""The last characters of literals that are not text."""


def text_of(value: Value) -> str:
    """Return a value as SQLite's literal; text without quotes, unless it could be read as another value.

    >>> [text_of(v) for v in (7, 7.0, "7", "abc", b"\\xff", BadText(b"\\xff"), float("inf"))]
    ['7', '7.0', "'7'", 'abc', "x'ff'", "CAST(x'ff' AS TEXT)", '9e999']
    """
    if isinstance(value, str):
        return value if value[-1:] not in _LAST or value_of(value) == value else f"'{value}'"
    if isinstance(value, BadText):
        return f"CAST(x'{value.hex()}' AS TEXT)"
    if isinstance(value, bytes):
        return f"x'{value.hex()}'"
    if isinstance(value, float):
        return {float("inf"): "9e999", float("-inf"): "-9e999"}.get(value, repr(value))
    return str(value)


def value_of(text: str) -> Value:
    """Return the value of a text. Digits that are too long for an integer are text.

    >>> [value_of(t) for t in ("7", "7.0", "'7'", "abc", "x'ff'", "9e999", "")]
    [7, 7.0, '7', 'abc', b'\\xff', inf, '']
    """
    first, last = text[:1], text[-1:]
    if first.isdigit() or first == "-":
        return _number(text)
    if last == "'" and (found := _QUOTED.fullmatch(text)):
        return found[1]
    if last == "'" and (found := _BLOB.fullmatch(text)):
        return bytes.fromhex(found[1])
    if last == ")" and (found := _BAD.fullmatch(text)):
        return BadText(bytes.fromhex(found[1]))
    return text


def _number(text: str) -> Value:
    if _INTEGER.fullmatch(text):
        return int(text) if len(text) < 21 and -(2**63) <= int(text) < 2**63 and str(int(text)) == text else text
    if text in _INFINITE:
        return _INFINITE[text]
    if _REAL.fullmatch(text):
        number = float(text)
        return number if repr(number) == text else text
    return text


def of_number(digits: str) -> Value:
    """Return the number that SQLite stores for these digits: an integer, else a real.

    >>> of_number("2.50"), of_number("3.0"), of_number("Infinity")
    (2.5, 3, inf)
    """
    exact = Decimal(digits)
    if exact.is_finite() and exact == exact.to_integral_value() and -(2**63) <= exact < 2**63:
        return int(exact)
    return float(exact)


def digits_of(value: int | float) -> str:
    """Return a number as exact digits without an exponent: of a real, the shortest that lead back to it.

    >>> digits_of(10), digits_of(1e20), digits_of(0.1), digits_of(float("-inf"))
    ('10', '100000000000000000000', '0.1', '-Infinity')
    """
    if isinstance(value, int):
        return str(value)
    if value in (float("inf"), float("-inf")):
        return "Infinity" if value > 0 else "-Infinity"
    return format(Decimal(repr(value)), "f").removesuffix(".0")


# -- JSON


def extended(value: Value) -> str:
    """Return a value of any class in the form in which a place of several types reaches the mapping.

    >>> [extended(v) for v in (7, 1.5, "a", b"\\xff")]
    ['{"$numberLong":"7"}', '{"$numberDouble":"1.5"}', '"a"', '{"$binary":{"base64":"/w==","subType":"00"}}']
    """
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, bytes):
        return f'{{"$binary":{{"base64":"{base64.b64encode(value).decode()}","subType":"00"}}}}'
    if isinstance(value, float):
        shown = {"inf": "Infinity", "-inf": "-Infinity"}.get(str(value), repr(value))
        return f'{{"$numberDouble":"{shown}"}}'
    return f'{{"$numberLong":"{value}"}}'


def of_extended(text: str) -> Value:
    """Return the value of what `extended` makes. Raises ValueError for anything else."""
    found: Any = json.loads(text)
    match found:
        case str():
            return found
        case {"$numberLong": str(digits)}:
            return int(digits)
        case {"$numberDouble": str(digits)}:
            return float(digits)
        case {"$binary": {"base64": str(data)}}:
            return base64.b64decode(data)
    raise ValueError(f"{text} is not a value")


def plain_json(value: Value, *, is_json: bool = False) -> str:
    """Return a value as an application would print it in JSON. `is_json`: the column is declared as JSON, so that
    text which is JSON is embedded.
    """
    if isinstance(value, bytes):
        return f'"{base64.b64encode(value).decode()}"'
    if isinstance(value, float):
        return {"inf": '"Infinity"', "-inf": '"-Infinity"'}.get(str(value), repr(value))
    if isinstance(value, int):
        return str(value)
    return value if is_json and _is_json(value) else json.dumps(value, ensure_ascii=False)


def _is_json(text: str) -> bool:
    try:
        json.loads(text, parse_int=str, parse_constant=_refused)
    except (ValueError, RecursionError):
        return False
    return True


def _refused(name: str) -> Any:
    raise ValueError(name)
