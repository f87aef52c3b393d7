"""Read Extended JSON: version 2, canonical and relaxed, and version 1 as written by mongoexport before 4.0.

Cases that bson.json_util converts silently are errors here or have their own values: duplicate names in an object,
numbers beyond 64 bits, undefined, symbols, DBPointers. An object is read as a value only if its names are exactly those
of one; then its contents must be valid, too.
"""

from __future__ import annotations

import binascii
import datetime
import decimal
import json
import re
from base64 import b64decode
from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from bson import Binary, Code, Decimal128, Int64, MaxKey, MinKey, ObjectId, Timestamp
from bson.errors import InvalidId

from crossfade.records.bson.reserved import are_escaped
from crossfade.records.bson.values import DBPointer, Symbol, Undefined, regex
from crossfade.records.bson.walk import EPOCH, date

_MS = datetime.timedelta(milliseconds=1)
_OID = re.compile(r'\{"\$oid":"[0-9a-f]{24}"\}')
_INTEGER = re.compile(r'\{"\$number(Int|Long)":"(0|-?[1-9][0-9]{0,17})"\}')


def loads_canonical(text: str) -> Any:
    """Return the value that `canonical` wrote: like `loads`, but restore objects that look like values."""
    if _OID.fullmatch(text):  # the usual key, of which there are many
        return ObjectId(text[9:33])
    if (found := _INTEGER.fullmatch(text)) and (found[1] == "Long" or -(2**31) <= int(found[2]) < 2**31):
        return Int64(found[2]) if found[1] == "Long" else int(found[2])
    return _loaded(text, _pairs_canonical)


def loads(text: str | bytes, *, v1: bool = False) -> Any:
    """Return the value in the text. Raises ValueError, with the fault and the value, if it is invalid.

    `v1` also reads `{"$regex": "..", "$options": ".."}` as a regular expression, as version 1 wrote it; in version 2
    this is an object (a stored query). Everything else of version 1 is read in both cases.
    """
    return _loaded(text, _pairs_v1 if v1 else _pairs)


def _loaded(text: str | bytes, hook: Callable[[list[tuple[str, Any]]], Any]) -> Any:
    try:
        value = json.loads(
            text, object_pairs_hook=hook, parse_int=_int, parse_float=exact_double, parse_constant=_refuse
        )
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if isinstance(text, bytes):
        text = text.decode()  # json.loads has shown that it is valid
    if "\\u" in text:
        _refuse_surrogates(value)
    return value


def _refuse_surrogates(value: Any) -> None:
    """Raise ValueError for an unpaired surrogate such as `\\ud800`, which BSON cannot store."""
    try:
        json.dumps(value, ensure_ascii=False, default=_texts).encode()
    except UnicodeEncodeError as e:
        raise ValueError(f"unpaired surrogate: {e.object[e.start : e.end]!a}") from None


def _texts(value: Any) -> Any:
    """Return the texts inside a value of a class that JSON does not have."""
    names = ("text", "namespace", "pattern", "options", "scope")
    return [getattr(value, name) for name in names if hasattr(value, name)]


def _refuse(text: str) -> Any:
    raise ValueError(f"not JSON: {text}")


_DIGITS_OF_A_DOUBLE = 310  # and a sign; Python itself converts 4,300


def _int(text: str) -> Any:
    if len(text) > _DIGITS_OF_A_DOUBLE:
        raise ValueError(f"a number of {len(text):,} digits fits neither 64 bits nor a double")
    value = int(text)
    if -(2**31) <= value < 2**31:
        return value
    if -(2**63) <= value < 2**63:
        return Int64(value)
    double = float(text)
    # Wherever a double becomes text or a decimal, it has its shortest digits: those of 2^64 are 18446744073709552000.
    if double - double != 0.0 or decimal.Decimal(repr(double)) != value:
        raise ValueError(
            f'{text} is beyond 64 bits and would be rounded; write it as a text or as {{"$numberDecimal": "{text}"}}'
        )
    return double


def exact_double(text: str) -> float:
    """Return the double with these digits. Raises ValueError if it would be rounded or is too large.

    The digits may be the shortest that restore the double, or its first digits in the number that the text has:
    printf("%.17g") writes 0.1 as 0.10000000000000001, and mongoexport 2^63 as 9.223372036854775808E18.
    """
    value = float(text)
    if repr(value) == text:
        return value
    if value - value != 0.0:
        raise ValueError(f"{text} is out of range for a double")
    number = decimal.Decimal(text)
    if number != decimal.Decimal(repr(value)) and number != decimal.Decimal(
        f"{value:.{len(number.as_tuple().digits)}g}"
    ):
        raise ValueError(f"{text} is not exactly a double: it would be rounded to {value!r}")
    return value


def _pairs(pairs: list[tuple[str, Any]]) -> Any:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        twice = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise ValueError(f"the name {twice!r} occurs twice in one object")
    if not pairs or not pairs[0][0].startswith("$"):
        return found
    make = _VALUES.get(frozenset(found))
    if make is None:
        return found
    try:
        return make(found)
    except (ValueError, TypeError, KeyError, AttributeError, InvalidId, decimal.DecimalException) as e:
        said = json.dumps(found, ensure_ascii=False, default=str)
        raise ValueError(f"not a value of Extended JSON: {said[:100]}") from e


def _pairs_v1(pairs: list[tuple[str, Any]]) -> Any:
    value = _pairs(pairs)
    if type(value) is dict and value.keys() == {"$regex", "$options"} and all(type(v) is str for v in value.values()):
        return regex(value["$regex"], value["$options"])
    return value


def _pairs_canonical(pairs: list[tuple[str, Any]]) -> Any:
    value = _pairs(pairs)
    if type(value) is dict and are_escaped(value):
        return {name[1:]: v for name, v in value.items()}
    return value


def _exactly(value: Any, *classes: type) -> Any:
    if type(value) not in classes:
        raise TypeError(f"{type(value).__name__} instead of {classes[0].__name__}")
    return value


def _only(value: Any, *names: str) -> Mapping[str, Any]:
    if _exactly(value, dict).keys() != set(names):
        raise ValueError(f"names {list(value)}")
    return value  # type: ignore[no-any-return]


def _matching(value: Any, pattern: str) -> str:
    text: str = _exactly(value, str)
    if not re.fullmatch(pattern, text):
        raise ValueError(text)
    return text


def _whole(value: Any, bits: int) -> int:
    number = int(_matching(value, r"-?[0-9]+"))
    if not -(2 ** (bits - 1)) <= number < 2 ** (bits - 1):
        raise ValueError(f"{number} does not fit into {bits} bits")
    return number


_NUMBER = r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?|NaN|-?Infinity"


def _double(found: dict[str, Any]) -> float:
    text = _matching(found["$numberDouble"], _NUMBER)
    return float(text) if "I" in text or "N" in text else exact_double(text)


def _decimal(found: dict[str, Any]) -> Decimal128:
    text = _matching(found["$numberDecimal"], "[0-9A-Za-z.+-]+")
    value = Decimal128(text)
    if "nan" not in text.lower() and value.to_decimal() != decimal.Decimal(text):
        raise ValueError(f"{text} has more digits than a Decimal128")
    return value


def _binary(data: Any, subtype: Any) -> bytes:
    kind = int(_matching(subtype, r"[0-9a-fA-F]{1,2}|ffffff[0-9a-fA-F]{2}")[-2:], 16)
    try:
        raw = b64decode(_exactly(data, str), validate=True)
    except binascii.Error as e:
        raise ValueError(str(e)) from None
    return raw if kind == 0 else Binary(raw, kind)


def _binary_v2(found: dict[str, Any]) -> bytes:
    inner = _only(found["$binary"], "base64", "subType")
    return _binary(inner["base64"], inner["subType"])


def _date(found: dict[str, Any]) -> Any:
    value = found["$date"]
    if type(value) is not str:
        return date(int(_exactly(value, Int64, int)))
    at = datetime.datetime.fromisoformat(value)
    if at.tzinfo is None:
        raise ValueError("a date without a zone")
    since = at.astimezone(datetime.UTC).replace(tzinfo=None) - EPOCH
    if since % _MS:
        raise ValueError("finer than milliseconds")
    return date(since // _MS)


def _timestamp(found: dict[str, Any]) -> Timestamp:
    inner = _only(found["$timestamp"], "t", "i")
    return Timestamp(int(_exactly(inner["t"], int, Int64)), int(_exactly(inner["i"], int, Int64)))


def _regular_expression(found: dict[str, Any]) -> Any:
    inner = _only(found["$regularExpression"], "pattern", "options")
    texts = [_exactly(inner["pattern"], str), _exactly(inner["options"], str)]
    if any("\0" in text for text in texts):
        raise ValueError("a zero byte")
    return regex(*texts)


def _pointer(found: dict[str, Any]) -> DBPointer:
    inner = _only(found["$dbPointer"], "$ref", "$id")
    return DBPointer(_exactly(inner["$ref"], str), _exactly(inner["$id"], ObjectId))


def _constant(name: str, wanted: Any, value: Any) -> Callable[[dict[str, Any]], Any]:
    def make(found: dict[str, Any]) -> Any:
        if found[name] != wanted or type(found[name]) is not type(wanted):
            raise ValueError(found[name])
        return value

    return make


_VALUES: Mapping[frozenset[str], Callable[[dict[str, Any]], Any]] = {
    frozenset(names.split()): make
    for names, make in {
        "$oid": lambda found: ObjectId(_matching(found["$oid"], "[0-9a-fA-F]{24}")),
        "$symbol": lambda found: Symbol(_exactly(found["$symbol"], str)),
        "$numberInt": lambda found: _whole(found["$numberInt"], 32),
        "$numberLong": lambda found: Int64(_whole(found["$numberLong"], 64)),
        "$numberDouble": _double,
        "$numberDecimal": _decimal,
        "$binary": _binary_v2,
        "$binary $type": lambda found: _binary(found["$binary"], found["$type"]),
        "$uuid": lambda found: Binary(UUID(_matching(found["$uuid"], "[0-9a-fA-F-]{36}")).bytes, 4),
        "$code": lambda found: Code(_exactly(found["$code"], str)),
        "$code $scope": lambda found: Code(_exactly(found["$code"], str), _exactly(found["$scope"], dict)),
        "$timestamp": _timestamp,
        "$regularExpression": _regular_expression,
        "$dbPointer": _pointer,
        "$date": _date,
        "$minKey": _constant("$minKey", 1, MinKey()),
        "$maxKey": _constant("$maxKey", 1, MaxKey()),
        "$undefined": _constant("$undefined", True, Undefined()),
    }.items()
}
