"""Compare two texts: composite types part by part, base types by the parser of their literals."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from crossfade.stores.postgresql.meaning import addresses, nested, numbers, shapes, times, words
from crossfade.stores.postgresql.meaning.reading import Unread
from crossfade.stores.postgresql.meaning.types import ARRAY, MULTIRANGE, RANGE, RECORD, PgType

PRECISION, TOO_LONG, OUT_OF_RANGE, UNDECIDED = "precision", "too_long", "out_of_range", "bad_value"


def changed(given: str | None, printed: str | None, type_: PgType) -> str | None:
    """Return why the two differ in meaning, as a reason of quarantine, or None."""
    if given == printed:
        return None
    if given is None or printed is None:
        return UNDECIDED
    try:
        return _FORMS.get(type_.form, _plain)(given, printed, type_)
    except (Unread, RecursionError, ValueError, ArithmeticError):
        return UNDECIDED


# -- types with parts


def _array(given: str, printed: str, type_: PgType) -> str | None:
    (bounds, left), (others, right) = (nested.array(text, type_.delimiter) for text in (given, printed))
    return _lists(left, right, type_.parts[0]) if bounds == others else UNDECIDED


def _lists(left: nested.Parts, right: nested.Parts, element: PgType) -> str | None:
    if len(left) != len(right):
        return UNDECIDED
    for one, other in zip(left, right, strict=True):
        if isinstance(one, list) or isinstance(other, list):
            wrong = _lists(one, other, element) if isinstance(one, list) and isinstance(other, list) else UNDECIDED
        else:
            wrong = changed(one, other, element)
        if wrong:
            return wrong
    return None


def _record(given: str, printed: str, type_: PgType) -> str | None:
    left, right = nested.record(given), nested.record(printed)
    if not len(left) == len(right) == len(type_.parts):
        return UNDECIDED
    pairs = zip(left, right, type_.parts, strict=True)
    return next((wrong for one, other, part in pairs if (wrong := changed(one, other, part))), None)


def _range(given: str, printed: str, type_: PgType) -> str | None:
    left, right = nested.range_(given), nested.range_(printed)
    bound = type_.parts[0]
    if left is None or right is None:
        return None if right is None and _is_empty(left, bound) else UNDECIDED
    if bound.name in _DISCRETE:
        return None if _half_open(left, bound) == _half_open(right, bound) else UNDECIDED
    ends = (
        (left.lower, right.lower, left.with_lower, right.with_lower),
        (
            left.upper,
            right.upper,
            left.with_upper,
            right.with_upper,
        ),
    )
    for one, other, with_one, with_other in ends:
        if with_one != with_other:
            return UNDECIDED
        if wrong := changed(one, other, bound):
            return wrong
    return None


_DISCRETE = {"int4": 1, "int8": 1, "date": times.DAY}
"""The types whose ranges PostgreSQL prints as `[from, to)`, with the step to the next value."""


def _is_empty(found: nested.Range | None, bound: PgType) -> bool:
    if found is None:
        return True
    if found.lower is None or found.upper is None:
        return False
    if bound.name in _DISCRETE:
        lower, upper = _half_open(found, bound)
        return lower is not None and lower == upper
    same = changed(found.lower, found.upper, bound) is None
    return same and not (found.with_lower and found.with_upper)


def _half_open(found: nested.Range, bound: PgType) -> tuple[Any, Any]:
    step = _DISCRETE[bound.name]
    lower, upper = (None if text is None else _GIVEN[bound.name](text) for text in (found.lower, found.upper))
    if lower is not None and not found.with_lower and not isinstance(lower, str):
        lower += step
    if upper is not None and found.with_upper and not isinstance(upper, str):
        upper += step
    return lower, upper


def _multirange(given: str, printed: str, type_: PgType) -> str | None:
    """Compare the sets of points, if possible, because the server merges adjacent ranges."""
    left, right = (list(nested.multirange(text)) for text in (given, printed))
    range_type = type_.parts[0]
    bound = range_type.parts[0]
    if bound.name in (*_DISCRETE, "numeric", "timestamp", "timestamptz"):
        one, other = (_joined(found, bound) for found in (left, right))
        if one == other:
            return None
        return PRECISION if len(one) == len(other) and bound.name not in _DISCRETE else UNDECIDED
    if len(left) != len(right) or None in left:
        return UNDECIDED
    texts = ((_text(one), _text(other)) for one, other in zip(left, right, strict=True) if one and other)
    return next((wrong for one, other in texts if (wrong := _range(one, other, range_type))), None)


def _text(found: nested.Range) -> str:
    quoted = ['"' + t.replace("\\", r"\\").replace('"', r"\"") + '"' if t is not None else ""
              for t in (found.lower, found.upper)]  # fmt: skip
    return f"{'[' if found.with_lower else '('}{quoted[0]},{quoted[1]}{']' if found.with_upper else ')'}"


def _joined(ranges: list[nested.Range | None], bound: PgType) -> list[tuple[Any, Any]]:
    """Return the ranges in order, overlapping and adjacent ones merged. A bound is (value, whether it is after it)."""
    least, most = (Decimal("-Infinity"), False), (Decimal("Infinity"), True)
    ends = []
    for found in ranges:
        if found is None:
            continue
        if bound.name in _DISCRETE:
            values, beyond = _half_open(found, bound), (False, False)
        else:
            read = _GIVEN[bound.name]
            values = tuple(None if t is None else read(t) for t in (found.lower, found.upper))  # type: ignore[assignment]
            beyond = (not found.with_lower, found.with_upper)
        if any(isinstance(value, str) for value in values):
            raise Unread
        lower = least if values[0] is None else (values[0], beyond[0])
        upper = most if values[1] is None else (values[1], beyond[1])
        if lower < upper:
            ends.append((lower, upper))
    joined: list[tuple[Any, Any]] = []
    for lower, upper in sorted(ends):
        if joined and lower <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], upper))
        else:
            joined.append((lower, upper))
    return joined


_FORMS = {ARRAY: _array, RECORD: _record, RANGE: _range, MULTIRANGE: _multirange}


# -- base types


def _plain(given: str, printed: str, type_: PgType) -> str | None:
    name = type_.name
    if name == "char":
        return TOO_LONG if len(given.encode()) > 1 else UNDECIDED
    if name in _CUT:
        return TOO_LONG if given.startswith(printed) else UNDECIDED
    if name in _LOOKED_UP:
        return PRECISION if name == "regtype" and _modifier(given, printed) else _looked_up(given)
    if name == "interval":
        same = times.interval(given, type_.sql) == times.interval(printed, "")
    elif name == "line":
        same = shapes.same_line(given, printed)
    elif name in _SHAPES:
        same = _SHAPES[name](given, False) == _SHAPES[name](printed, True)
    elif name in ("float4", "float8"):
        same = numbers.given_float(given) == numbers.binary(printed, name)
    else:
        read = _GIVEN.get(name, words.tokens)
        same = read(given) == read(printed)
        if not same and name not in _GIVEN:
            return UNDECIDED
    return None if same else _REASONS.get(name, PRECISION)


_CUT = {"name", "text", "varchar", "refcursor", "citext"}
_LOOKED_UP = {
    "regclass", "regtype", "regproc", "regprocedure", "regoper", "regoperator", "regrole", "regnamespace",
    "regconfig", "regdictionary", "regcollation", "regdatabase",
}  # fmt: skip
_NAME_BYTES = 63


def _modifier(given: str, printed: str) -> bool:
    """Return whether `varchar(3)` was returned as `character varying`: regtype does not keep the modifier."""
    return "(" in words.tokens(given) and "(" not in words.tokens(printed)


def _looked_up(given: str) -> str | None:
    """Compare the name of a database object, which the server has found. It can only have been truncated."""
    return TOO_LONG if any(len(word.encode()) > _NAME_BYTES for word in words.tokens(given) if isinstance(word, str)) \
        else None  # fmt: skip


def _json(text: str) -> Any:
    def pairs(found: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(found)) < len(found):
            raise Unread
        return dict(found)

    return json.loads(text, parse_float=Decimal, parse_int=Decimal, object_pairs_hook=pairs)


_GIVEN: dict[str, Callable[[str], Any]] = {
    "int2": numbers.whole,
    "int4": numbers.whole,
    "int8": numbers.whole,
    "oid": numbers.whole,
    "xid": numbers.whole,
    "cid": numbers.whole,
    "xid8": numbers.whole,
    "numeric": numbers.decimal,
    "money": numbers.money,
    "bool": addresses.boolean,
    "date": times.without_zone,
    "timestamp": times.without_zone,
    "timestamptz": times.utc,
    "time": times.time,
    "timetz": times.timetz,
    "bpchar": lambda text: text.rstrip(" "),
    "bytea": addresses.raw,
    "uuid": addresses.uuid,
    "inet": addresses.inet,
    "cidr": addresses.cidr,
    "macaddr": addresses.mac,
    "macaddr8": addresses.mac,
    "bit": addresses.bits,
    "varbit": addresses.bits,
    "pg_lsn": addresses.lsn,
    "tsvector": words.tsvector,
    "tsquery": words.tsquery,
    "jsonpath": words.jsonpath,
    "json": _json,
    "jsonb": _json,
    "hstore": words.hstore,
    "xml": words.xml,
}
_SHAPES: dict[str, Callable[[str, bool], Any]] = {
    "point": shapes.points,
    "lseg": shapes.points,
    "polygon": shapes.points,
    "circle": shapes.points,
    "path": shapes.path,
    "box": shapes.box,
    "vector": shapes.vector("float4"),
    "halfvec": shapes.vector("float2"),
    "sparsevec": shapes.sparse,
    "geometry": shapes.geometry("geometry"),
    "geography": shapes.geometry("geography"),
}
_REASONS = {
    "oid": OUT_OF_RANGE,
    "xid": OUT_OF_RANGE,
    "cid": OUT_OF_RANGE,
    "xid8": OUT_OF_RANGE,
    "tsvector": OUT_OF_RANGE,
    "bit": TOO_LONG,
    "varbit": TOO_LONG,
    "bpchar": TOO_LONG,
    **dict.fromkeys(
        ("tsquery", "jsonpath", "json", "jsonb", "hstore", "bool", "bytea", "uuid", "pg_lsn", "xml"), UNDECIDED
    ),
    **dict.fromkeys(("inet", "cidr", "macaddr", "macaddr8"), UNDECIDED),
}
