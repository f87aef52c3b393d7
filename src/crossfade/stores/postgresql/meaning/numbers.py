"""Parse numbers: exact decimals in any notation, and binary numbers by the decimals that round to them."""

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
_DIGITS = {"float2": "%.5g", "float4": "%.9g", "float8": "%.17g"}  # enough digits to restore the binary number


@dataclass(frozen=True)
class Binary:
    """A binary floating-point number as the decimals that denote it. It equals each of them."""

    spellings: frozenset[Decimal]

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Binary):
            return bool(self.spellings & other.spellings)
        return other in self.spellings

    def __hash__(self) -> int:
        return hash(self.spellings)


def decimal(text: str) -> Decimal | str:
    """Return the exact number; NaN and infinities as text, so that NaN equals itself."""
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
    """Return the notations of a printed float: its shortest digits, a sufficient number of digits, and all."""
    number = decimal(text)
    if not isinstance(number, Decimal) or (not number and "-" in text):
        return str(number) if not isinstance(number, Decimal) else "-0"
    (value,) = struct.unpack(_PACKED[kind], struct.pack(_PACKED[kind], float(number)))
    as_double = float(value)
    spellings = {number, Decimal(_DIGITS[kind] % as_double), Decimal(repr(as_double)), Decimal(as_double)}
    return Binary(frozenset({*spellings, Decimal(_DIGITS["float8"] % as_double)}))


def given_float(text: str) -> Decimal | str:
    """Return the given float. The sign of a zero is significant."""
    number = decimal(text)
    return "-0" if isinstance(number, Decimal) and not number and text.strip().startswith("-") else number


def money(text: str) -> Decimal:
    """Parse digits with a point, a dollar sign and commas between thousands. Other notations depend on a locale."""
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
