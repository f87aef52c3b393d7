"""Canonical values as the text that PostgreSQL reads: for keys in statements, and for the text COPY of rare types."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any

import pyarrow as pa

from crossfade.model.canonical import element_of
from crossfade.model.target import ColumnType
from crossfade.records.rows.texts import INFINITE, INFINITE_DAYS

_ENDLESS = {end: text for ends in (INFINITE, INFINITE_DAYS) for text, end in ends.items()}
_DAYS_TO_1970 = 719_468  # from 0000-03-01, where the calendar below begins


def texts(values: Any, kind: ColumnType, delimiter: str = ",") -> list[str | None]:
    """Return one text for each value; None is NULL. `delimiter` is the sign between the elements of its arrays."""
    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks()
    if kind.kind == "array":
        return _arrays(values, element_of(kind), delimiter)
    if pa.types.is_timestamp(values.type) or pa.types.is_time64(values.type):
        values = values.cast(pa.int64())
    elif pa.types.is_date32(values.type):
        values = values.cast(pa.int32())
    form = _FORMS.get(kind.kind, str)
    return [None if v is None else form(v) for v in values.to_pylist()]


def array(values: Sequence[str | None]) -> str:
    """Return the text of a text[] parameter. This is faster than the driver, which inspects each element.

    >>> array(["a", 'b"c', None])
    '{"a","b\\\\"c",NULL}'
    """
    if not values:
        return "{}"
    text = "\x1f".join(["\x1e" if v is None else v for v in values])
    if text.count("\x1f") != len(values) - 1 or text.count("\x1e") != values.count(None):
        return "{" + ",".join(map(_element, values)) + "}"
    text = text.replace("\\", r"\\").replace('"', r"\"").replace("\x1f", '","')
    return f'{{"{text}"}}'.replace('"\x1e"', "NULL")


def copy_lines(columns: list[list[str | None]]) -> Iterator[bytes]:
    """Return the lines of a COPY in text format."""
    escaped = [[r"\N" if v is None else v.translate(_COPY_ESCAPES) for v in column] for column in columns]
    for row in zip(*escaped, strict=True):
        yield ("\t".join(row) + "\n").encode()


_COPY_ESCAPES = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})


def _arrays(values: Any, of: ColumnType, delimiter: str) -> list[str | None]:
    elements = map(_element, texts(values.flatten(), of))
    lengths = values.value_lengths().to_pylist()
    return [None if n is None else "{" + delimiter.join(islice(elements, n)) + "}" for n in lengths]


def _element(text: str | None) -> str:
    return "NULL" if text is None else '"' + text.replace("\\", r"\\").replace('"', r"\"") + '"'


def date(days: int) -> str:
    """Format days since 1970 as PostgreSQL writes a date; Python's calendar ends at 9999 and has no years BC.

    >>> date(0), date(-719529)
    ('1970-01-01', '0002-12-31 BC')
    """
    if days in _ENDLESS:
        return _ENDLESS[days]
    text, era = _calendar(days)
    return text + era


def timestamp(micros: int) -> str:
    if micros in _ENDLESS:
        return _ENDLESS[micros]
    days, of_day = divmod(micros, 86_400_000_000)
    text, era = _calendar(days)
    return f"{text} {time(of_day)}{era}"


def time(micros: int) -> str:
    seconds, part = divmod(micros, 1_000_000)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{part:06}"


def _timestamptz(micros: int) -> str:
    if micros in _ENDLESS:
        return _ENDLESS[micros]
    days, of_day = divmod(micros, 86_400_000_000)
    text, era = _calendar(days)
    return f"{text} {time(of_day)}+00{era}"


def _calendar(days: int) -> tuple[str, str]:
    """Return year, month and day of the proleptic Gregorian calendar."""
    era, of_era = divmod(days + _DAYS_TO_1970, 146_097)
    year_of_era = (of_era - of_era // 1460 + of_era // 36_524 - of_era // 146_096) // 365
    of_year = of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    shifted = (5 * of_year + 2) // 153
    month = shifted + 3 if shifted < 10 else shifted - 9
    year = year_of_era + era * 400 + (month <= 2)
    day = of_year - (153 * shifted + 2) // 5 + 1
    return (f"{year if year > 0 else 1 - year:04}-{month:02}-{day:02}", "" if year > 0 else " BC")


def _float(value: float) -> str:
    return {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}.get(str(value), repr(value))


_FORMS: dict[str, Callable[[Any], str]] = {
    "float4": _float,
    "float8": _float,
    "bool": lambda value: "t" if value else "f",
    "uuid": bytes.hex,
    "bytea": lambda value: r"\x" + value.hex(),
    "date": date,
    "time": time,
    "timestamp": timestamp,
    "timestamptz": _timestamptz,
}
