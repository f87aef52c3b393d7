"""Fit text and types that are sent as text (varchar, char, enum labels, JSON, others), UUIDs and bytes."""

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
from crossfade.model.rejection import Rejected
from crossfade.model.target import ColumnType
from crossfade.transform.fit.numbers import not_of_type
from crossfade.transform.fit.numeric import FRACTION_DIGITS, WHOLE_DIGITS
from crossfade.transform.fit.rejections import Rejections, shown

_UUID = "^(?:[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}|[0-9a-fA-F]{32})$"
_NO_UUID = "0" * 32
_BIG_NUMBER = re.compile(r"[0-9][eE][-+]?[0-9]{4}|[0-9.]{9999}")
"""A number that may be too large for NUMERIC. A match inside quotes only costs a slow check."""
_ESCAPE = re.compile(rb"\\.", re.DOTALL)
_ESCAPED_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")


def fit_text(values: Any, kind: ColumnType, rejections: Rejections) -> Any:
    if not pa.types.is_string(values.type):
        return not_of_type(values, kind, rejections, "as_text(...), or oid_text(...) of an ObjectId")
    values = _without_nul(values, rejections)
    if kind.length is None:
        return values
    long = pc.greater(pc.utf8_length(values), kind.length)
    return rejections.where(long, values, "too_long", lambda v: f"{v} has more characters than {kind.sql}")


def fit_char(values: Any, kind: ColumnType, rejections: Rejections) -> Any:
    """Fit char(n). Trailing blanks are not significant, so the canonical form has none."""
    if pa.types.is_string(values.type):
        values = pc.utf8_rtrim(values, characters=" ")
    return fit_text(values, kind, rejections)


def fit_other(values: Any, kind: ColumnType, rejections: Rejections) -> Any:
    if not pa.types.is_string(values.type):
        return not_of_type(values, kind, rejections, f"text in the notation of {kind.sql}")
    return _without_nul(values, rejections)


def _without_nul(values: Any, rejections: Rejections) -> Any:
    if b"\0" not in _bytes_of(values):  # the usual case: one search for all
        return values
    return rejections.where(
        pc.match_substring(values, "\0"), values, "nul_character", lambda v: f"{v} contains the NUL character"
    )


def _bytes_of(values: Any) -> bytes:
    """Return the concatenated texts of a column. Bytes under a NULL may be included."""
    offsets, data = values.buffers()[1:]
    if not len(values) or data is None:
        return b""
    first, last = (memoryview(offsets).cast("i")[values.offset + i] for i in (0, len(values)))
    text: bytes = data.slice(first, last - first).to_pybytes()
    return text


def fit_enum(values: Any, kind: ColumnType, rejections: Rejections) -> Any:
    if not pa.types.is_string(values.type):
        return not_of_type(values, kind, rejections, "one of the labels as text")
    known = pc.is_in(values, value_set=pa.array([*kind.labels, None], pa.string()))
    labels = ", ".join(kind.labels)
    return rejections.where(pc.invert(known), values, "not_a_label", lambda v: f"{v} is not one of {labels}")


def fit_json(values: Any, kind: ColumnType, rejections: Rejections) -> Any:
    """Fit JSON text unchanged, and a list of plain values as a JSON array."""
    if pa.types.is_list(values.type):
        return rejections.each(values, pa.string(), _json_array)
    if not pa.types.is_string(values.type):
        return not_of_type(values, kind, rejections, "json_of(...)")
    once = kind.kind == "jsonb"
    return values if _all_json(values, once) else rejections.each(values, pa.string(), _jsonb if once else _json)


def _all_json(values: Any, once: bool) -> bool:
    """Return whether all texts are certainly valid, which is the usual case: then the column is used unchanged.

    `once`: no object may have duplicate names. Of those, orjson keeps the last value: printed again, the text lacks at
    least the quotes of one name. Nothing else changes their number.
    """
    try:
        for text in values.drop_null().cast(pa.binary()).to_pylist():
            parsed = orjson.loads(text)
            if once and (printed := orjson.dumps(parsed)) != text and not _has_as_many_quotes(printed, text):
                return False
    except (orjson.JSONDecodeError, orjson.JSONEncodeError, RecursionError):
        return False
    return printed_json_fits(values)


def _has_as_many_quotes(printed: bytes, text: bytes) -> bool:
    """Return whether two texts of JSON have as many names and strings. What is printed has an escape only if the text
    has one.
    """
    if b"\\" in text:
        printed, text = _ESCAPE.sub(b"", printed), _ESCAPE.sub(b"", text)
    return printed.count(b'"') == text.count(b'"')


def printed_json_fits(values: Any) -> bool:
    """Return whether valid JSON contains nothing that PostgreSQL's JSON cannot store: the NUL character."""
    return b"\\u0000" not in _bytes_of(values)


def _json_array(items: list[Any]) -> str:
    if any(isinstance(item, float) and not math.isfinite(item) for item in items):
        raise Rejected("not_json", f"{shown(items)} contains a number that JSON cannot represent")
    return _json(json.dumps(items, ensure_ascii=False, separators=(",", ":"), default=str))


def _json(text: str) -> str:
    """Return the text unchanged. PostgreSQL refuses an escaped NUL; `\\\\u0000` is not one."""
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        _parse(text)
    if "\\u0000" in text and _ESCAPED_NUL.search(text):
        raise Rejected("nul_character", f"{shown(text)} contains the NUL character")
    return text


def _parse(text: str) -> None:
    """Parse text that orjson refuses. It may still be JSON: with numbers beyond a double, deeply nested, or with an
    unpaired surrogate.
    """
    try:
        json_text.parse(text)
    except ValueError as error:
        raise Rejected("not_json", f"{shown(text)} is not JSON: {error}") from None


def _jsonb(text: str) -> str:
    """Check like `_json`, and refuse what only a column declared json keeps: an unpaired surrogate, and duplicate
    names, of which PostgreSQL would keep only the last value.
    """
    text = _json(text)
    if half := json_text.unpaired_surrogate(text):
        detail = f"{shown(text)} is JSON with an unpaired surrogate ({half}), which jsonb cannot hold; json keeps it"
        raise Rejected("unpaired_surrogate", detail)
    if (name := _duplicate_name(text)) is not None:
        raise Rejected("duplicate_key", f"{shown(text)} has the name {shown(name)} twice; jsonb keeps only one value")
    if _BIG_NUMBER.search(text):
        json_text.parse(text, number=_for_numeric)
    return text


def _for_numeric(digits: str) -> None:
    """Raise Rejected for a number that jsonb, whose numbers are NUMERIC, cannot store."""
    number = json_text.number(digits)
    if not isinstance(number, Decimal) or (number and number.adjusted() >= WHOLE_DIGITS):
        raise Rejected("out_of_range", f"{shown(digits)} has more than {WHOLE_DIGITS} digits")
    if -int(number.as_tuple().exponent) > FRACTION_DIGITS:
        raise Rejected("precision", f"{shown(digits)} has more than {FRACTION_DIGITS} digits after the point")


def _duplicate_name(text: str) -> str | None:
    """Return a name that occurs more than once in an object of the JSON text, or None."""
    found: list[str] = []

    def look(pairs: list[tuple[str, Any]]) -> None:
        if len(dict(pairs)) < len(pairs):
            found.append(max(Counter(name for name, _ in pairs).items(), key=lambda item: item[1])[0])

    try:
        json.loads(text, object_pairs_hook=look, parse_int=len, parse_float=len)
    except RecursionError:
        json_text.parse(text, number=len, object_of=look)
    return found[0] if found else None


def fit_bytea(values: Any, kind: ColumnType, rejections: Rejections) -> Any:
    if pa.types.is_fixed_size_binary(values.type):
        return values.cast(pa.binary())
    return values if pa.types.is_binary(values.type) else not_of_type(values, kind, rejections, "a BLOB")


def fit_uuid(values: Any, kind: ColumnType, rejections: Rejections) -> Any:
    """Fit UUIDs. DuckDB returns them as text; Arrow's own type has 16 bytes."""
    if pa.types.is_fixed_size_binary(values.type) and values.type.byte_width == 16:
        return values
    if not pa.types.is_string(values.type):
        return not_of_type(values, kind, rejections, "uuid_of(...)")
    bad = pc.invert(pc.match_substring_regex(values, _UUID))
    values = rejections.where(bad, values, "bad_type", lambda v: f"{v} is not a UUID")
    return _sixteen_bytes(values)


def _sixteen_bytes(values: Any) -> Any:
    """Decode all hex digits of the column at once, which is a hundred times faster than one UUID at a time."""
    digits = pc.replace_substring(pc.fill_null(values, _NO_UUID), "-", "")
    raw = bytes.fromhex("".join(digits.to_pylist()))
    packed = pa.FixedSizeBinaryArray.from_buffers(pa.binary(16), len(values), [None, pa.py_buffer(raw)])
    return pc.if_else(values.is_valid(), packed, pa.scalar(None, pa.binary(16))) if values.null_count else packed
