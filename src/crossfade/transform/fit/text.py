"""Text and what travels as text: varchar, char, enum labels, JSON, other types; and UUIDs and bytes."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from decimal import Decimal
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from crossfade.model import json_text
from crossfade.model.target import ColumnType
from crossfade.transform.fit.misfits import Misfits, Unfit, shown
from crossfade.transform.fit.numbers import not_of_type
from crossfade.transform.fit.numeric import FRACTION_DIGITS, WHOLE_DIGITS

_UUID = "^(?:[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}|[0-9a-fA-F]{32})$"
_NO_UUID = "0" * 32
_BIG_NUMBER = re.compile(r"[0-9][eE][-+]?[0-9]{4}|[0-9.]{9999}")
"""A number that might be too much for NUMERIC; where it stands inside quotes, the look at it is merely slow."""
_ESCAPED_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")


def fit_text(values: Any, kind: ColumnType, misfits: Misfits) -> Any:
    if not pa.types.is_string(values.type):
        return not_of_type(values, kind, misfits, "as_text(...), or oid_text(...) of an ObjectId")
    values = _without_nul(values, misfits)
    if kind.length is None:
        return values
    long = pc.greater(pc.utf8_length(values), kind.length)
    return misfits.where(long, values, "too_long", lambda v: f"{v} has more characters than {kind.sql}")


def fit_char(values: Any, kind: ColumnType, misfits: Misfits) -> Any:
    """Blanks at the end do not count in char(n), so the canonical form has none."""
    if pa.types.is_string(values.type):
        values = pc.utf8_rtrim(values, characters=" ")
    return fit_text(values, kind, misfits)


def fit_other(values: Any, kind: ColumnType, misfits: Misfits) -> Any:
    if not pa.types.is_string(values.type):
        return not_of_type(values, kind, misfits, f"the text that {kind.sql} is written as")
    return _without_nul(values, misfits)


def _without_nul(values: Any, misfits: Misfits) -> Any:
    if b"\0" not in _bytes_of(values):  # one look at all of them, as is usual
        return values
    return misfits.where(
        pc.match_substring(values, "\0"), values, "nul_character", lambda v: f"{v} holds the character NUL"
    )


def _bytes_of(values: Any) -> bytes:
    """All the texts of a column, one behind the other; what stands under a NULL may be among them."""
    offsets, data = values.buffers()[1:]
    if not len(values) or data is None:
        return b""
    first, last = (memoryview(offsets).cast("i")[values.offset + i] for i in (0, len(values)))
    text: bytes = data.slice(first, last - first).to_pybytes()
    return text


def fit_enum(values: Any, kind: ColumnType, misfits: Misfits) -> Any:
    if not pa.types.is_string(values.type):
        return not_of_type(values, kind, misfits, "one of the labels as text")
    known = pc.is_in(values, value_set=pa.array([*kind.labels, None], pa.string()))
    labels = ", ".join(kind.labels)
    return misfits.where(pc.invert(known), values, "not_a_label", lambda v: f"{v} is not one of {labels}")


def fit_json(values: Any, kind: ColumnType, misfits: Misfits) -> Any:
    """JSON text as it is; a list of plain values as a JSON array of them."""
    if pa.types.is_list(values.type):
        return misfits.each(values, pa.string(), _json_array)
    if not pa.types.is_string(values.type):
        return not_of_type(values, kind, misfits, "json_of(...)")
    once = kind.kind == "jsonb"
    return values if _all_json(values, once) else misfits.each(values, pa.string(), _jsonb if once else _json)


def _all_json(values: Any, once: bool) -> bool:
    """Whether nothing needs a second look, as is usual: then the column goes on as it is, and is not made anew.

    `once`: no object may say a name twice. Text that is printed again as it was does not.
    """
    try:
        for text in values.drop_null().to_pylist():
            parsed = orjson.loads(text)
            if once and orjson.dumps(parsed) != text.encode() and _name_said_twice(text) is not None:
                return False
    except (orjson.JSONDecodeError, orjson.JSONEncodeError, RecursionError):
        return False
    return printed_json_fits(values)


def printed_json_fits(values: Any) -> bool:
    """Whether JSON, which it is known to be, says nothing that PostgreSQL's JSON cannot hold: the character NUL."""
    return b"\\u0000" not in _bytes_of(values)


def _json_array(items: list[Any]) -> str:
    if any(isinstance(item, float) and not math.isfinite(item) for item in items):
        raise Unfit("not_json", f"{shown(items)} holds a number that JSON has no word for")
    return _json(json.dumps(items, ensure_ascii=False, separators=(",", ":"), default=str))


def _json(text: str) -> str:
    """The text as it is. NUL may stand there as an escape, which PostgreSQL refuses; `\\\\u0000` is no NUL."""
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        _look_through(text)
    if "\\u0000" in text and _ESCAPED_NUL.search(text):
        raise Unfit("nul_character", f"{shown(text)} holds the character NUL")
    return text


def _look_through(text: str) -> None:
    """Reads text that orjson does not take: JSON it may be all the same, with numbers beyond a double, or very deep."""
    try:
        value = json_text.parse(text)
        if "\\u" in text:
            json_text.write(value, str).encode()
    except UnicodeEncodeError:
        raise Unfit("not_json", f"{shown(text)} is not JSON: half of a surrogate pair is no character") from None
    except ValueError as error:
        raise Unfit("not_json", f"{shown(text)} is not JSON: {error}") from None


def _jsonb(text: str) -> str:
    """As `_json`; of a name that an object says twice PostgreSQL would keep the last value, and drop the others."""
    text = _json(text)
    if (name := _name_said_twice(text)) is not None:
        raise Unfit("duplicate_key", f"{shown(text)} says {shown(name)} twice, and jsonb keeps one of the values")
    if _BIG_NUMBER.search(text):
        json_text.parse(text, number=_for_numeric)
    return text


def _for_numeric(digits: str) -> None:
    """Raises Unfit for a number that jsonb, whose numbers are NUMERIC, does not hold."""
    number = json_text.number(digits)
    if not isinstance(number, Decimal) or (number and number.adjusted() >= WHOLE_DIGITS):
        raise Unfit("out_of_range", f"{shown(digits)} has more than {WHOLE_DIGITS} digits")
    if -int(number.as_tuple().exponent) > FRACTION_DIGITS:
        raise Unfit("precision", f"{shown(digits)} has more than {FRACTION_DIGITS} digits after the point")


def _name_said_twice(text: str) -> str | None:
    """A name that an object in the JSON text says more than once."""
    found: list[str] = []

    def look(pairs: list[tuple[str, Any]]) -> None:
        if len(dict(pairs)) < len(pairs):
            found.append(max(Counter(name for name, _ in pairs).items(), key=lambda item: item[1])[0])

    try:
        json.loads(text, object_pairs_hook=look, parse_int=len, parse_float=len)
    except RecursionError:
        json_text.parse(text, number=len, object_of=look)
    return found[0] if found else None


def fit_bytea(values: Any, kind: ColumnType, misfits: Misfits) -> Any:
    if pa.types.is_fixed_size_binary(values.type):
        return values.cast(pa.binary())
    return values if pa.types.is_binary(values.type) else not_of_type(values, kind, misfits, "a BLOB")


def fit_uuid(values: Any, kind: ColumnType, misfits: Misfits) -> Any:
    """DuckDB hands out UUIDs as text; 16 bytes come from Arrow's own type."""
    if pa.types.is_fixed_size_binary(values.type) and values.type.byte_width == 16:
        return values
    if not pa.types.is_string(values.type):
        return not_of_type(values, kind, misfits, "uuid_of(...)")
    bad = pc.invert(pc.match_substring_regex(values, _UUID))
    values = misfits.where(bad, values, "bad_type", lambda v: f"{v} is not a UUID")
    return _sixteen_bytes(values)


def _sixteen_bytes(values: Any) -> Any:
    """All hex digits of the column decoded in one go: a hundred times faster than one UUID after the other."""
    digits = pc.replace_substring(pc.fill_null(values, _NO_UUID), "-", "")
    raw = bytes.fromhex("".join(digits.to_pylist()))
    packed = pa.FixedSizeBinaryArray.from_buffers(pa.binary(16), len(values), [None, pa.py_buffer(raw)])
    return pc.if_else(values.is_valid(), packed, pa.scalar(None, pa.binary(16))) if values.null_count else packed
