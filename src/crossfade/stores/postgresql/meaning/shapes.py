"""Parse geometric types by their numbers, with any brackets, and PostGIS types by the bytes that they print."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

from crossfade.stores.postgresql.meaning.numbers import binary, given_float
from crossfade.stores.postgresql.meaning.reading import Unread

_NUMBER = r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|[+-]?(?i:infinity|inf|nan)"
_ANY = re.compile(_NUMBER)
_FRAME = re.compile(r"[\s,()\[\]<>{}]*")


def _numbers(text: str, printed: bool) -> list[Any]:
    if not _FRAME.fullmatch(_ANY.sub("", text)):
        raise Unread
    return [binary(n, "float8") if printed else given_float(n) for n in _ANY.findall(text)]


def points(text: str, printed: bool) -> list[Any]:
    """Return the numbers of a point, lseg, polygon or circle in order."""
    return _numbers(text, printed)


def path(text: str, printed: bool) -> list[Any]:
    return ["open" if text.strip().startswith("[") else "closed", *_numbers(text, printed)]


def box(text: str, printed: bool) -> list[Any]:
    """Return the numbers of a box, with the upper right corner first, as it is printed."""
    numbers = _numbers(text, printed)
    if printed or len(numbers) != 4:
        return numbers
    if any(isinstance(n, str) for n in numbers):
        raise Unread
    x1, y1, x2, y2 = numbers
    return [max(x1, x2), max(y1, y2), min(x1, x2), min(y1, y2)]


def same_line(given: str, printed: str) -> bool:
    """Compare `{A,B,C}`, or two points that must be exactly on the printed line."""
    if given.strip().startswith("{"):
        return _numbers(given, False) == _numbers(printed, True)
    found = [Fraction(Decimal(n)) for n in _ANY.findall(given)]
    a, b, c = (Fraction(float(n)) for n in _ANY.findall(printed))
    return len(found) == 4 and all(a * x + b * y + c == 0 for x, y in (found[:2], found[2:]))


# -- vectors of extensions


def vector(kind: str) -> Callable[[str, bool], list[Any]]:
    """Return a parser for pgvector's `[1,2,3]`, of float4 or float2."""

    def read(text: str, printed: bool) -> list[Any]:
        text = text.strip()
        if not (text.startswith("[") and text.endswith("]")):
            raise Unread
        return [_element(part, kind, printed) for part in text[1:-1].split(",")]

    return read


def sparse(text: str, printed: bool) -> tuple[dict[int, Any], int]:
    """Parse `{1:0.5,3:2}/5` into numbers by index, and the number of dimensions. Zeros are left out."""
    found = re.fullmatch(r"\s*\{([^}]*)\}\s*/\s*([0-9]+)\s*", text)
    if not found:
        raise Unread
    pairs = [part.split(":") for part in found[1].split(",") if part.strip()]
    if any(len(pair) != 2 or not pair[0].strip().isdigit() for pair in pairs):
        raise Unread
    numbers = {int(place): _element(number, "float4", printed) for place, number in pairs}
    if len(numbers) < len(pairs):
        raise Unread
    return {place: number for place, number in numbers.items() if number not in (Decimal(0), "-0")}, int(found[2])


def _element(text: str, kind: str, printed: bool) -> Any:
    return binary(text.strip(), kind) if printed else given_float(text)


# -- PostGIS

_GEOMETRIES = {
    1: "POINT",
    2: "LINESTRING",
    3: "POLYGON",
    4: "MULTIPOINT",
    5: "MULTILINESTRING",
    6: "MULTIPOLYGON",
    7: "GEOMETRYCOLLECTION",
}
_WKT = re.compile(rf"\s*(?:({_NUMBER})|([a-zA-Z]+)|([(),]))")
_SRID = re.compile(r"\s*(?i:srid)=([0-9]+);")
_DEFAULT_SRID = {"geometry": 0, "geography": 4326}


def geometry(kind: str) -> Callable[[str, bool], tuple[int, Any]]:
    """Return a parser for (E)WKT and printed hex (E)WKB, which returns the SRID and the shape as nested lists."""

    def read(text: str, printed: bool) -> tuple[int, Any]:
        text = text.strip()
        if re.fullmatch(r"(?:[0-9a-fA-F]{2}){9,}", text):
            reader = _Wkb(bytes.fromhex(text), binary if printed else lambda n, _: given_float(n))
            shape = reader.shape()
            return reader.srid or _DEFAULT_SRID[kind], shape
        srid = _SRID.match(text)
        shape = _of_wkt(text[srid.end() :] if srid else text)
        return int(srid[1]) if srid and int(srid[1]) else _DEFAULT_SRID[kind], shape

    return read


class _Wkb:
    def __init__(self, data: bytes, number: Callable[[str, str], Any]) -> None:
        self._data, self._at, self._number, self.srid = data, 0, number, 0

    def shape(self) -> Any:
        try:
            return self._shape()
        except (struct.error, KeyError, IndexError):
            raise Unread from None

    def _shape(self) -> Any:
        order = "<" if self._take("<b", 1) else ">"
        code = self._take(f"{order}I", 4)
        if code & 0x20000000:
            self.srid = self._take(f"{order}I", 4)
        dimensions = 2 + bool(code & 0x80000000) + bool(code & 0x40000000)
        kind = _GEOMETRIES[code & 0xFF]
        if kind == "POINT":
            point = self._point(order, dimensions)
            return (kind, [] if all(n == "NaN" for n in point) else point)
        parts = []
        for _ in range(self._take(f"{order}I", 4)):
            if kind == "LINESTRING":
                parts.append(self._point(order, dimensions))
            elif kind == "POLYGON":
                parts.append([self._point(order, dimensions) for _ in range(self._take(f"{order}I", 4))])
            else:
                inner = self._shape()
                parts.append(inner if kind == "GEOMETRYCOLLECTION" else inner[1])
        return (kind, parts)

    def _point(self, order: str, dimensions: int) -> list[Any]:
        return [self._number(repr(self._take(f"{order}d", 8)), "float8") for _ in range(dimensions)]

    def _take(self, form: str, size: int) -> Any:
        (value,) = struct.unpack(form, self._data[self._at : self._at + size])
        self._at += size
        return value


def _of_wkt(text: str) -> Any:
    tokens: list[Any] = []
    at, text = 0, text.rstrip()
    while at < len(text):
        found = _WKT.match(text, at)
        if not found:
            raise Unread
        tokens.append(given_float(found[1]) if found[1] else (found[2] or "").upper() or found[3])
        at = found.end()
    shape = _wkt_shape(tokens)
    if tokens:
        raise Unread
    return shape


def _wkt_shape(tokens: list[Any]) -> Any:
    kind = tokens.pop(0) if tokens else None
    if kind not in _GEOMETRIES.values():
        raise Unread
    if tokens and tokens[0] in ("Z", "M", "ZM"):
        tokens.pop(0)
    if tokens and tokens[0] == "EMPTY":
        tokens.pop(0)
        return (kind, [])
    parts = _wkt_list(tokens)
    if kind == "POINT":
        return (kind, parts[0])
    if kind == "MULTIPOINT":  # each point may have its own brackets
        return (kind, [p[0] if p and isinstance(p[0], list) else p for p in parts])
    return (kind, parts)


def _wkt_list(tokens: list[Any]) -> list[Any]:
    """Parse the contents of a pair of brackets, split at commas."""
    if not tokens or tokens.pop(0) != "(":
        raise Unread
    parts: list[Any] = []
    while tokens:
        if tokens[0] == "(":
            parts.append(_wkt_list(tokens))
        elif isinstance(tokens[0], str) and tokens[0] in _GEOMETRIES.values():
            parts.append(_wkt_shape(tokens))
        else:
            point = []
            while tokens and tokens[0] not in (",", ")"):
                point.append(tokens.pop(0))
            parts.append(point)
        if not tokens:
            break
        if tokens.pop(0) == ")":
            return parts
    raise Unread
