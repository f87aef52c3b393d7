"""Check that constants of a mapping have their full notation, so that the engine does not guess any part."""

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
    """Return whether a constant has the full notation of the type that DuckDB expects (a date is the day in UTC)."""
    return kind in _CONSTANTS and bool(re.fullmatch(_CONSTANTS[kind], text)) and not text.startswith("0000")


def is_double(number: Decimal) -> bool:
    """Return whether a double can represent the number, exactly or by its shortest digits."""
    double = float(number)
    return Decimal(repr(double)) == number or Decimal(double) == number


def fits_decimal(number: Decimal, scale: int) -> bool:
    """Return whether a decimal with this scale can represent the number."""
    return number.is_finite() and number == round(number, scale)
