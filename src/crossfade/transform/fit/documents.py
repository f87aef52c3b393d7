"""Values of document stores: keys of twelve bytes, text of any characters, decimals of 34 digits, values of any type.

The store itself checks, when it writes, how deep a value is nested and how large the document is.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from decimal import Context, Inexact, InvalidOperation, Overflow
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from crossfade.model.canonical import element_of
from crossfade.model.json_text import unpaired_surrogate
from crossfade.model.rejection import Rejected
from crossfade.model.target import ColumnType
from crossfade.transform.fit.numbers import not_of_type
from crossfade.transform.fit.rejections import Rejections, shown

_BYTES = 12
_TYPES = frozenset(
    "oid date numberInt numberLong numberDouble numberDecimal binary uuid timestamp regularExpression regex options "
    "dbPointer ref id db code scope symbol undefined minKey maxKey type".split()
)
"""The names, after their $, of objects that are values in Extended JSON."""
_EXACT = Context(prec=34, Emin=-6143, Emax=6144, clamp=1, traps=[Inexact, InvalidOperation, Overflow])
_NUMBER = re.compile(r"-?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,6})?|Infinity)|NaN")


def fit_objectid(values: Any, kind: ColumnType, rejections: Rejections) -> Any:
    if pa.types.is_fixed_size_binary(values.type) and values.type.byte_width == _BYTES:
        return values
    if not pa.types.is_binary(values.type):
        return not_of_type(values, kind, rejections, "oid_of(...)")
    other = pc.not_equal(pc.binary_length(values), _BYTES)
    values = rejections.where(other, values, "bad_type", lambda v: f"{v} does not have the 12 bytes of a key")
    return values.cast(pa.binary(_BYTES))


def fit_string(values: Any, kind: ColumnType, rejections: Rejections) -> Any:
    return values if pa.types.is_string(values.type) else not_of_type(values, kind, rejections, "as_text(...)")


def fit_decimal128(values: Any, kind: ColumnType, rejections: Rejections) -> Any:
    """Fit decimals with all their digits: 1.10 stays 1.10."""
    if pa.types.is_integer(values.type):
        values = values.cast(pa.string())
    if pa.types.is_decimal(values.type):
        return rejections.each(values, pa.string(), lambda value: _exact(str(value)))
    if not pa.types.is_string(values.type):
        return not_of_type(values, kind, rejections, "as_decimal(...) or as_number(...)")
    return rejections.each(values, pa.string(), _exact)


def _exact(text: str) -> str:
    if not _NUMBER.fullmatch(text):
        raise Rejected("not_a_number", f"{shown(text)} is not a number in plain digits")
    try:
        _EXACT.create_decimal(text)
    except (Inexact, InvalidOperation, Overflow):
        raise Rejected("precision", f"{shown(text)} has more than 34 digits, or is beyond what they hold") from None
    return text


def fit_ejson(values: Any, kind: ColumnType, rejections: Rejections) -> Any:
    """Fit Extended JSON as text. The store finds out which types it has."""
    if not pa.types.is_string(values.type):
        return not_of_type(values, kind, rejections, "ejson_of(...) or json_of(...)")
    return rejections.each(values, pa.string(), _json)


def _json(text: str) -> str:
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError as error:
        said = str(error)
        may_be_json = "recursion" in said or "number" in said
        if (may_be_json or "surrogate" in said) and (half := unpaired_surrogate(text)):
            detail = f"{shown(text)} is JSON with an unpaired surrogate ({half}), which a document cannot hold"
            raise Rejected("unpaired_surrogate", detail) from None
        if not may_be_json:
            raise Rejected("not_json", f"{shown(text)} is not JSON: {error}") from None
    return text


def refuse_ambiguous(values: Any, kind: ColumnType, rejections: Rejections) -> None:
    """Refuse the rows whose plain JSON the target would read as Extended JSON: `{"$date": 5}` is an object in one and
    a date in the other.
    """
    for row, text in _extended(values, kind):
        detail = f"{shown(text)} is plain JSON that would be read as a value of Extended JSON"
        rejections.add(row, "not_json", f"{detail}; use ejson_of(...)")


def _extended(values: Any, kind: ColumnType) -> Iterator[tuple[int, str]]:
    """Yield the row and the text of each value of any type, at any depth, in which a name is one of Extended JSON."""
    if kind.kind == "ejson":
        maybe = pc.match_substring_regex(values, r'"(\$|\\u0024)')
        for row in pc.indices_nonzero(maybe.fill_null(False)).to_pylist():
            text = values[row].as_py()
            if _has_extended_name(text):
                yield row, text
    elif kind.kind == "array":
        parents = pc.list_parent_indices(values)
        yield from ((parents[at].as_py(), text) for at, text in _extended(values.flatten(), element_of(kind)))
    elif kind.kind == "struct":
        for field, part in zip(kind.fields, values.flatten(), strict=True):
            yield from _extended(part, field.type)


def _has_extended_name(text: str) -> bool:
    found = False

    def names(pairs: list[tuple[str, Any]]) -> None:
        nonlocal found
        found = found or any(name[:1] == "$" and (name[1:2] == "$" or name[1:] in _TYPES) for name, _ in pairs)

    try:
        json.loads(text, object_pairs_hook=names)
    except RecursionError:
        return True  # nested too deeply to be parsed
    return found


__all__ = ["fit_decimal128", "fit_ejson", "fit_objectid", "fit_string", "refuse_ambiguous"]
