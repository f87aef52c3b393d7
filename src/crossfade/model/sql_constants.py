"""Constants of a mapping that are written in full: nothing of them is left to a guess of the engine."""

from __future__ import annotations

import re
from decimal import Decimal

DAY = r"[0-9]{4,6}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
CLOCK = r"([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{1,6})?)?"
ZONE = r"(Z|[+-](0[0-9]|1[0-5])(:?[0-5][0-9])?)"

_CONSTANTS = {
    "DATE": DAY,
    "TIME": CLOCK,
    "TIMESTAMP": rf"{DAY}([ T]{CLOCK})?",
    "TIMESTAMP WITH TIME ZONE": rf"{DAY}([ T]{CLOCK}{ZONE})?",
    "UUID": r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}",
    "BOOLEAN": "true|false",
    "INTERVAL": r"-?[0-9]+ [A-Za-z]+",
}


def is_written_in_full(text: str, kind: str) -> bool:
    """Return whether a constant used where DuckDB expects such a type is written in full (a date is the day in UTC)."""
    return kind in _CONSTANTS and bool(re.fullmatch(_CONSTANTS[kind], text)) and not text.startswith("0000")


def is_double(number: Decimal) -> bool:
    """Whether a double holds the number, exactly or by its shortest digits."""
    double = float(number)
    return Decimal(repr(double)) == number or Decimal(double) == number


def fits_decimal(number: Decimal, scale: int) -> bool:
    """Whether a decimal of that scale holds the number."""
    return number.is_finite() and number == round(number, scale)
