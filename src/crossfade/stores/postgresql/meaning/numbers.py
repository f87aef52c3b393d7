"""Numbers: exact decimals, whatever they are spelled as; and the binary ones, by the decimals that lead to them."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from crossfade.stores.postgresql.meaning.reading import Unread

_DECIMAL = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,6})?")
_WHOLE = re.compile(r"[+-]?[0-9]+")
_MONEY = re.compile(r"(?P<sign>-?)\$?(?P<inner>-?)(?P<whole>[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?P<part>\.[0-9]*)?")
_SPECIAL = {
    "nan": "NaN",
    "inf": "Infinity",
    "+inf": "Infinity",
    "infinity": "Infinity",
    "+infinity": "Infinity",
    "-inf": "-Infinity",
    "-infinity": "-Infinity",
}
_PACKED = {"float2": "<e", "float4": "<f", "float8": "<d"}
_DIGITS = {"float2": "%.5g", "float4": "%.9g", "float8": "%.17g"}  # that always lead back to the binary number


@dataclass(frozen=True)
class Binary:
    """A binary floating point number, as the decimals that are its spellings: it equals each of them."""

    spellings: frozenset[Decimal]

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Binary):
            return bool(self.spellings & other.spellings)
        return other in self.spellings

    def __hash__(self) -> int:
        return hash(self.spellings)


def decimal(text: str) -> Decimal | str:
    """The exact number; NaN and the infinities as words, so that NaN equals itself."""
    text = text.strip()
    if word := _SPECIAL.get(text.lower()):
        return word
    if not _DECIMAL.fullmatch(text):
        raise Unread
    try:
        return Decimal(text)
    except InvalidOperation:
        raise Unread from None


def whole(text: str) -> int:
    if not _WHOLE.fullmatch(text.strip()):
        raise Unread
    return int(text)


def binary(text: str, kind: str) -> Binary | Decimal | str:
    """What the server printed of a float: its shortest digits, as many as always do, and all that it has."""
    number = decimal(text)
    if not isinstance(number, Decimal) or (not number and "-" in text):
        return str(number) if not isinstance(number, Decimal) else "-0"
    (value,) = struct.unpack(_PACKED[kind], struct.pack(_PACKED[kind], float(number)))
    as_double = float(value)
    spellings = {number, Decimal(_DIGITS[kind] % as_double), Decimal(repr(as_double)), Decimal(as_double)}
    return Binary(frozenset({*spellings, Decimal(_DIGITS["float8"] % as_double)}))


def given_float(text: str) -> Decimal | str:
    """A float as it was given; the sign of a zero counts."""
    number = decimal(text)
    return "-0" if isinstance(number, Decimal) and not number and text.strip().startswith("-") else number


def money(text: str) -> Decimal:
    """Digits with a point, a dollar sign and commas between thousands; other spellings depend on a locale."""
    text = text.strip()
    negative = text.startswith("(") and text.endswith(")")
    found = _MONEY.fullmatch(text[1:-1] if negative else text)
    if not found:
        raise Unread
    number = Decimal(found["whole"].replace(",", "") + (found["part"] or ""))
    signs = negative + bool(found["sign"]) + bool(found["inner"])
    if signs > 1:
        raise Unread
    return -number if signs else number
