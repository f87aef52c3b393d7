"""Canonical values as SQLite stores them, in SQLAlchemy 2's formats, so that an application can read them.

SQLite's columns have an affinity, not a type: a column declared NUMERIC silently turns the text '007' into 7 and a
decimal into a double, REAL turns -0.0 into 0.0, and NaN becomes NULL. A value that would change is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any

import pyarrow as pa

from crossfade.errors import Unsupported
from crossfade.model.target import ColumnType

Keep = Callable[[Any], Any]

# Text that SQLite would read as a number, including surrounding whitespace.
_NUMBER = re.compile(r"[ \t\n\v\f\r]*[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?[ \t\n\v\f\r]*")
_FIRST_MICRO, _LAST_MICRO = -62_135_596_800_000_000, 253_402_300_799_999_999  # of the years 1 to 9999
_FIRST_DAY, _LAST_DAY = -719_162, 2_932_896
_DAY = 86_400_000_000


class Unstorable(Exception):
    """SQLite would change the value."""

    def __init__(self, reason: str, message: str) -> None:
        self.reason, self.message = reason, message
        super().__init__(message)


def affinity(sql: str) -> str:
    """Return the affinity of a declared type by SQLite's rules: INTEGER, TEXT, BLOB, REAL or NUMERIC.

    >>> affinity("CHAR(32)"), affinity("JSON"), affinity("STRING")
    ('TEXT', 'NUMERIC', 'NUMERIC')
    """
    upper = sql.upper()
    if "INT" in upper:
        return "INTEGER"
    if any(word in upper for word in ("CHAR", "CLOB", "TEXT")):
        return "TEXT"
    if not upper.strip() or "BLOB" in upper:
        return "BLOB"
    return "REAL" if any(word in upper for word in ("REAL", "FLOA", "DOUB")) else "NUMERIC"


def stored(values: Any, kind: ColumnType) -> list[Any]:
    """Return the column's values as they are bound. Raises Unstorable for the first that SQLite would change."""
    keep = _keeper(kind)
    return [None if v is None else keep(v) for v in _plain(values, kind)]


def unstorable(values: Any, kind: ColumnType) -> dict[int, Unstorable]:
    """Return the values that SQLite would change, by their row."""
    keep, found = _keeper(kind), dict[int, Unstorable]()
    for place, value in enumerate(_plain(values, kind)):
        try:
            if value is not None:
                keep(value)
        except Unstorable as refusal:
            found[place] = refusal
    return found


def _plain(values: Any, kind: ColumnType) -> list[Any]:
    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks()
    if kind.kind == "array":
        raise Unsupported(
            f"SQLite has no arrays ({kind.sql})", hint="declare the column as JSON and map it with json_of(...)"
        )
    if pa.types.is_timestamp(values.type) or pa.types.is_time64(values.type):
        values = values.cast(pa.int64())
    elif pa.types.is_date32(values.type):
        values = values.cast(pa.int32())
    return list(values.to_pylist())


def _keeper(kind: ColumnType) -> Keep:
    changes_numbers = affinity(kind.sql) in ("INTEGER", "REAL", "NUMERIC")
    if kind.kind == "uuid":
        return bytes if affinity(kind.sql) == "BLOB" and kind.sql else _text_keeper(changes_numbers, bytes.hex)
    if kind.kind == "numeric":
        return _numeric_keeper(kind) if changes_numbers else str
    if kind.kind in ("json", "jsonb"):
        return _json if changes_numbers else str
    if kind.kind in ("float4", "float8"):
        return _real if changes_numbers else _not_nan
    if kind.kind in _FORMS:
        return _FORMS[kind.kind]
    return _text_keeper(changes_numbers, str)


def _text_keeper(changes_numbers: bool, form: Keep) -> Keep:
    def keep(value: Any) -> Any:
        text = form(value)
        if _NUMBER.fullmatch(text):
            raise Unstorable("bad_type", f"SQLite would turn the text {text!r} into a number in a column of this type")
        return text

    return keep if changes_numbers else form


def _numeric_keeper(kind: ColumnType) -> Keep:
    """Check a number: SQLite stores int64 or double. Without a declared scale, trailing zeros would be lost too."""

    def keep(text: str) -> Any:
        number = _as_number(text)
        if number is None or (kind.precision is None and canonical_number(number, None) != text):
            raise Unstorable("precision", f"SQLite cannot store {text} exactly in a column declared {kind.sql}")
        return number

    return keep


def _json(text: str) -> Any:
    """Check a bare JSON number, which becomes a number in a column declared JSON: it must stay the same."""
    if _NUMBER.fullmatch(text) and _as_number(text.strip()) is None:
        raise Unstorable("precision", f"SQLite cannot store the JSON number {text} exactly")
    return text


def printed_form(kind: ColumnType) -> Callable[[str], str] | None:
    """Return how a text is read back; None if every text is read back unchanged."""
    is_json = kind.kind in ("json", "jsonb") and affinity(kind.sql) in ("INTEGER", "REAL", "NUMERIC")
    return _printed_json if is_json else None


def _printed_json(text: str) -> str:
    number = _as_number(text.strip()) if _NUMBER.fullmatch(text) else None
    return text if number is None else canonical_number(number, None)


def _as_number(text: str) -> int | float | None:
    """Return the int64 or double whose shortest digits are this decimal, or None if there is none."""
    try:
        exact = Decimal(text)
    except InvalidOperation:
        return None
    if not exact.is_finite() or (exact.is_zero() and exact.is_signed()):
        return None
    if exact == exact.to_integral_value() and abs(exact) < 2**63:
        return int(exact)
    double = float(exact)
    return double if Decimal(repr(double)) == exact else None


def canonical_number(number: int | float, scale: int | None) -> str:
    """Format a decimal without an exponent, with at least `scale` digits after the point."""
    text = str(number) if isinstance(number, int) else format(Decimal(repr(number)), "f").removesuffix(".0")
    if not scale or scale < 0 or not text.lstrip("-").replace(".", "").isdigit():
        return text
    whole, _, fraction = text.partition(".")
    return f"{whole}.{fraction.ljust(scale, '0')}"


def _not_nan(value: float) -> float:
    if value != value:
        raise Unstorable("out_of_range", "SQLite has no NaN: it would become NULL")
    return value


def _real(value: float) -> float:
    if value == 0 and str(value).startswith("-"):
        raise Unstorable("precision", "SQLite would turn -0.0 into 0.0")
    return _not_nan(value)


def _timestamp(micros: int) -> str:
    if not _FIRST_MICRO <= micros <= _LAST_MICRO:
        raise Unstorable("out_of_range", f"{micros} microseconds since 1970 is outside the years 1 to 9999")
    return f"{_date(micros // _DAY)} {_time(micros % _DAY)}"


def _date(days: int) -> str:
    if not _FIRST_DAY <= days <= _LAST_DAY:
        raise Unstorable("out_of_range", f"day {days} since 1970 is outside the years 1 to 9999")
    return str(pa.scalar(days, pa.date32()).as_py())


def _time(micros: int) -> str:
    if not 0 <= micros < _DAY:
        raise Unstorable("out_of_range", "SQLAlchemy cannot read the time of day 24:00")
    seconds, part = divmod(micros, 1_000_000)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{part:06}"


_FORMS: dict[str, Keep] = {
    "int2": int,
    "int4": int,
    "int8": int,
    "bool": int,
    "bytea": bytes,
    "timestamptz": _timestamp,
    "timestamp": _timestamp,
    "date": _date,
    "time": _time,
}
