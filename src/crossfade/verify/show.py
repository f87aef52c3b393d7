"""Format values for a report: short, on one line, and unambiguous.

NULL is `NULL` and the empty text is `""`. Characters that cannot be distinguished by eye (control characters, another
composition of the same letter, a letter of another script) are escaped or named.
"""

from __future__ import annotations

import datetime as dt
import json
import uuid
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any

from crossfade.model.canonical import element_of
from crossfade.model.json_values import differences_in, write_json
from crossfade.model.target import ColumnType, TargetTable

SHOWN = 200  # characters
NULL = "NULL"


def shown_pair(expected: Any, found: Any, kind: ColumnType) -> tuple[str, str]:
    """Format two Arrow scalars that differ, so that the difference is visible."""
    if not expected.is_valid or not found.is_valid:
        return shown(expected, kind), shown(found, kind)
    left, right = value_of(expected), value_of(found)
    if kind.kind == "jsonb":
        return _json_pair(left, right)
    if isinstance(left, str) and _is_text(kind):
        return _text_pair(left, right)
    one, other = _plain(left, kind), _plain(right, kind)
    return _around(one, other)


def shown(scalar: Any, kind: ColumnType) -> str:
    """Format an Arrow scalar."""
    return cut(_plain(value_of(scalar), kind)) if scalar.is_valid else NULL


def key_text(row: Any, table: TargetTable, names: Sequence[str]) -> str:
    """Format a key (a pyarrow.Table of one row): its value, or `name=value` for each column of a compound key."""
    parts = []
    for name in names:
        column = table.column(name)
        assert column is not None
        parts.append((name, shown(row.column(name)[0], column.type)))
    return parts[0][1] if len(parts) == 1 else ", ".join(f"{name}={value}" for name, value in parts)


def value_of(scalar: Any) -> Any:
    """Return the scalar as a Python value. Dates and times beyond Python's calendar are returned as their number."""
    try:
        return scalar.as_py()
    except (ValueError, OverflowError):
        return scalar.value


def cut(text: str) -> str:
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}… ({len(text)} characters)"


def visible(text: str) -> str:
    """Return text in quotes, with escapes for invisible characters."""
    return '"' + printable(text.replace("\\", "\\\\").replace('"', '\\"')) + '"'


def printable(text: str) -> str:
    """Return text with escapes for control characters, unusual blanks and marks of writing direction."""
    return text if text.isprintable() else "".join(map(_printable, text))


def _printable(letter: str) -> str:
    if letter.isprintable():
        return letter
    return json.dumps(letter)[1:-1] if letter < "\x80" else _escaped(letter)


def _escaped(letter: str) -> str:
    return f"\\u{ord(letter):04x}" if ord(letter) < 0x10000 else f"\\U{ord(letter):08x}"


def _is_text(kind: ColumnType) -> bool:
    return kind.kind in ("text", "char", "enum", "other", "string")


def _text_pair(left: str, right: str) -> tuple[str, str]:
    first = _first_difference(left, right)
    start, end = _window(first)
    foreign = not (left[first : first + 1] + right[first : first + 1]).isascii()
    one, other = (_excerpt(t, start, end) + (_named(t, first) if foreign else "") for t in (left, right))
    return one, other


def _first_difference(left: str, right: str) -> int:
    pairs = enumerate(zip(left, right, strict=False))
    return next((i for i, (a, b) in pairs if a != b), min(len(left), len(right)))


def _window(first: int) -> tuple[int, int]:
    """Return the range of characters to show: from the start, or around the first difference if it is further on."""
    start = max(0, first - SHOWN // 4) if first > SHOWN // 2 else 0
    return start, start + SHOWN * 3 // 4


def _excerpt(text: str, start: int, end: int) -> str:
    body = cut(visible(text[start:end]))
    if start == 0 and len(text) <= end:
        return body
    return f"{body} (characters {start + 1} to {min(end, len(text))} of {len(text)})"


def _named(text: str, place: int) -> str:
    """Name the character at a position, because many look alike."""
    return f" [U+{ord(text[place]):04X} at character {place + 1}]" if place < len(text) else f" [ends after {place}]"


def _json_pair(left: str, right: str) -> tuple[str, str]:
    """Format the first place where the two differ, and the number of further places."""
    found = list(islice(differences_in(left, right), 100))
    if not found:
        return _around(left, right)
    path, one, other = found[0]
    more = f" (and in {len(found) - 1}{'+' if len(found) == 100 else ''} more)" if len(found) > 1 else ""
    pair = _text_pair(one, other) if isinstance(one, str) and isinstance(other, str) else None
    values = pair or _around(write_json(one), write_json(other))
    place = "" if path == "$" else f"{cut(path)}: "
    return f"{place}{values[0]}{more}", f"{place}{values[1]}{more}"


def _around(left: str, right: str) -> tuple[str, str]:
    """Shorten two spellings to a part that contains the difference."""
    if len(left) <= SHOWN and len(right) <= SHOWN:
        return left, right
    start, end = _window(_first_difference(left, right))
    return _part(left, start, end), _part(right, start, end)


def _part(text: str, start: int, end: int) -> str:
    return f"{'…' if start else ''}{text[start:end]}{'…' if len(text) > end else ''} ({len(text)} characters)"


def _plain(value: Any, kind: ColumnType) -> str:
    """Format a value that is not NULL in the notation of its type."""
    if kind.kind == "array":
        return "{" + ", ".join(NULL if v is None else _plain(v, element_of(kind)) for v in value) + "}"
    if kind.kind == "struct":
        fields = ((field.name, value[field.name], field.type) for field in kind.fields)
        return "{" + ", ".join(f"{name}: {NULL if v is None else _plain(v, of)}" for name, v, of in fields) + "}"
    if kind.kind == "objectid":
        return str(value.hex())
    if isinstance(value, str) and kind.kind in ("numeric", "json", "jsonb", "decimal128", "ejson"):
        return printable(value)
    if isinstance(value, int) and kind.kind in ("timestamptz", "timestamp", "date"):
        return _ENDS.get(value, f"{value} {'days' if kind.kind == 'date' else 'microseconds'} since 1970")
    if isinstance(value, dt.datetime):
        return value.isoformat(" ", "microseconds") + ("+00" if kind.kind == "timestamptz" else "")
    if kind.kind == "uuid":
        return str(uuid.UUID(bytes=value))
    writer = _WRITERS.get(type(value))
    return writer(value) if writer else str(value)


# Stores return infinite dates and times as the largest and smallest integers.
_ENDS = {sign * 2**bits - (sign > 0): word for bits in (31, 63) for sign, word in ((1, "infinity"), (-1, "-infinity"))}
_WRITERS: dict[type, Callable[[Any], str]] = {
    str: visible,
    bool: lambda v: "true" if v else "false",
    float: repr,
    bytes: lambda v: "\\x" + v.hex(),
    dt.date: str,
    dt.time: lambda v: v.isoformat("microseconds"),
}
