"""Read a BSON document byte by byte: slowly, exactly, and without trusting its lengths.

decode.py uses it for documents that pymongo cannot restore exactly or cannot read. Every length is compared with the
remaining bytes, so broken bytes raise `Rejected` and nothing else. Unusual but valid documents (deprecated types,
`_id` not first, array indexes that do not count up) are returned as plain dicts.
"""

from __future__ import annotations

import datetime
import struct
from collections.abc import Callable, Mapping
from typing import Any

from bson import Binary, Code, Decimal128, Int64, MaxKey, MinKey, ObjectId, Timestamp
from bson.datetime_ms import DatetimeMS

from crossfade.model.rejection import Rejected
from crossfade.model.shape import ELEMENT, escape_step
from crossfade.records.bson.values import DBPointer, Symbol, Undefined, regex

MAX_DEPTH = 200  # MongoDB's own limit for what it stores

EPOCH = datetime.datetime(1970, 1, 1)
FIRST_MS = -62_135_596_800_000  # 0001-01-01T00:00:00.000Z, the first that datetime can hold
LAST_MS = 253_402_300_799_999  # 9999-12-31T23:59:59.999Z


def walk(raw: bytes) -> dict[str, Any]:
    """Return the document, with classes of records/bson/values.py if pymongo has none. Raises `Rejected`."""
    try:
        value, end = _fields(raw, 0, len(raw), 1)
    except RecursionError:
        raise _broken(f"nested deeper than {MAX_DEPTH}") from None
    if end != len(raw):
        raise _broken(f"{len(raw) - end} bytes after its end")
    return value


def read_id(raw: bytes) -> Any:
    """Return the value of the first `_id`, whatever follows it. Raises `Rejected` if there is none."""
    pos = 4
    while pos < len(raw) and raw[pos] != 0:
        name, start = _name(raw, pos, len(raw))
        value, pos = _value(raw, pos, start, len(raw), 1, name)
        if name == "_id":
            return value
    raise _broken("no _id")


def date(ms: int) -> datetime.datetime | DatetimeMS:
    """Return a date as by pymongo's DATETIME_AUTO: a datetime without a zone, or milliseconds beyond its range."""
    if FIRST_MS <= ms <= LAST_MS:
        return EPOCH + datetime.timedelta(milliseconds=ms)
    return DatetimeMS(ms)


def _broken(detail: str) -> Rejected:
    return Rejected("broken", detail)


def _bounds(raw: bytes, pos: int, limit: int, depth: int) -> int:
    """Return where the document that starts at `pos` ends, including its terminator."""
    if depth > MAX_DEPTH:
        raise _broken(f"nested deeper than {MAX_DEPTH}")
    length = _int32(raw, pos, limit)[0]
    if length < 5 or pos + length > limit:
        raise _broken(f"says it is {length} bytes long where {limit - pos} are left")
    if raw[pos + length - 1] != 0:
        raise _broken("does not end with a zero byte")
    return pos + int(length)


def _fields(raw: bytes, pos: int, limit: int, depth: int) -> tuple[dict[str, Any], int]:
    end = _bounds(raw, pos, limit, depth)
    found: dict[str, Any] = {}
    pos += 4
    while pos < end - 1:
        name, start = _name(raw, pos, end - 1)
        step = escape_step(name)
        if name in found:
            raise Rejected("duplicate_key", f"the field {name!r} occurs twice", (step,))
        found[name], pos = _value(raw, pos, start, end - 1, depth, step)
    return found, end


def _elements(raw: bytes, pos: int, limit: int, depth: int) -> tuple[list[Any], int]:
    end = _bounds(raw, pos, limit, depth)
    found: list[Any] = []
    pos += 4
    while pos < end - 1:
        _, start = _name(raw, pos, end - 1)  # the index, which is ignored: the order counts
        value, pos = _value(raw, pos, start, end - 1, depth, ELEMENT)
        found.append(value)
    return found, end


def _value(raw: bytes, tag_at: int, pos: int, limit: int, depth: int, step: str) -> tuple[Any, int]:
    """Return the value at `pos`, whose type byte is at `tag_at`, and where it ends. One function, to save stack."""
    tag = raw[tag_at]
    try:
        if tag == 0x03:
            return _fields(raw, pos, limit, depth + 1)
        if tag == 0x04:
            return _elements(raw, pos, limit, depth + 1)
        if tag == 0x0F:
            return _code_with_scope(raw, pos, limit, depth)
        if tag in _READERS:
            return _READERS[tag](raw, pos, limit)
    except Rejected as e:
        e.path = (step, *e.path)
        raise
    raise Rejected("broken", f"unknown type 0x{tag:02x}", (step,))


def _name(raw: bytes, pos: int, limit: int) -> tuple[str, int]:
    """Return the field name after the type byte at `pos`, and where its value starts."""
    return _cstring(raw, pos + 1, limit)


def _cstring(raw: bytes, pos: int, limit: int) -> tuple[str, int]:
    end = raw.find(b"\0", pos, limit)
    if end < 0:
        raise _broken("a name without an end")
    return _text(raw[pos:end]), end + 1


def _text(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as e:
        raise Rejected("invalid_utf8", f"byte 0x{data[e.start]:02x} at {e.start}: {e.reason}") from None


def _take(raw: bytes, pos: int, limit: int, size: int) -> tuple[bytes, int]:
    if size < 0 or pos + size > limit:
        raise _broken(f"a value of {size} bytes where {max(limit - pos, 0)} are left")
    return raw[pos : pos + size], pos + size


def _unpacker(form: str) -> Callable[[bytes, int, int], tuple[Any, int]]:
    packed = struct.Struct(form)

    def read(raw: bytes, pos: int, limit: int) -> tuple[Any, int]:
        data, pos = _take(raw, pos, limit, packed.size)
        return packed.unpack(data)[0], pos

    return read


_int32 = _unpacker("<i")
_int64 = _unpacker("<q")
_uint64 = _unpacker("<Q")
_double = _unpacker("<d")


def _string(raw: bytes, pos: int, limit: int) -> tuple[str, int]:
    size, pos = _int32(raw, pos, limit)
    if size < 1:
        raise _broken(f"a text of {size} bytes")
    data, pos = _take(raw, pos, limit, size)
    if data[-1] != 0:
        raise _broken("a text that does not end with a zero byte")
    return _text(data[:-1]), pos


def _binary(raw: bytes, pos: int, limit: int) -> tuple[bytes, int]:
    size, pos = _int32(raw, pos, limit)
    head, pos = _take(raw, pos, limit, 1)
    data, pos = _take(raw, pos, limit, size)
    subtype = head[0]
    if subtype == 0:
        return data, pos
    if subtype == 2:  # the old form contains its length a second time
        inner, start = _int32(data, 0, len(data))
        if inner != len(data) - 4:
            raise _broken(f"binary data says {inner} bytes inside {len(data) - 4}")
        data = data[start:]
    return Binary(data, subtype), pos


def _object_id(raw: bytes, pos: int, limit: int) -> tuple[ObjectId, int]:
    data, pos = _take(raw, pos, limit, 12)
    return ObjectId(data), pos


def _bool(raw: bytes, pos: int, limit: int) -> tuple[bool, int]:
    data, pos = _take(raw, pos, limit, 1)
    if data[0] > 1:
        raise _broken(f"a boolean that is {data[0]}")
    return data[0] == 1, pos


def _date(raw: bytes, pos: int, limit: int) -> tuple[Any, int]:
    ms, pos = _int64(raw, pos, limit)
    return date(ms), pos


def _regex(raw: bytes, pos: int, limit: int) -> tuple[Any, int]:
    pattern, pos = _cstring(raw, pos, limit)
    options, pos = _cstring(raw, pos, limit)
    return regex(pattern, options), pos


def _pointer(raw: bytes, pos: int, limit: int) -> tuple[DBPointer, int]:
    namespace, pos = _string(raw, pos, limit)
    target, pos = _object_id(raw, pos, limit)
    return DBPointer(namespace, target), pos


def _code(raw: bytes, pos: int, limit: int) -> tuple[Code, int]:
    text, pos = _string(raw, pos, limit)
    return Code(text), pos


def _symbol(raw: bytes, pos: int, limit: int) -> tuple[Symbol, int]:
    text, pos = _string(raw, pos, limit)
    return Symbol(text), pos


def _code_with_scope(raw: bytes, pos: int, limit: int, depth: int) -> tuple[Code, int]:
    size, start = _int32(raw, pos, limit)
    if size < 14 or pos + size > limit:
        raise _broken(f"code with scope of {size} bytes where {limit - pos} are left")
    text, start = _string(raw, start, pos + size)
    scope, end = _fields(raw, start, pos + size, depth + 1)
    if end != pos + size:
        raise _broken("code with scope of another length than it says")
    return Code(text, scope), end


def _timestamp(raw: bytes, pos: int, limit: int) -> tuple[Timestamp, int]:
    value, pos = _uint64(raw, pos, limit)
    return Timestamp(value >> 32, value & 0xFFFF_FFFF), pos


def _long(raw: bytes, pos: int, limit: int) -> tuple[Int64, int]:
    value, pos = _int64(raw, pos, limit)
    return Int64(value), pos


def _decimal(raw: bytes, pos: int, limit: int) -> tuple[Decimal128, int]:
    data, pos = _take(raw, pos, limit, 16)
    return Decimal128.from_bid(data), pos


_READERS: Mapping[int, Callable[[bytes, int, int], tuple[Any, int]]] = {
    0x01: _double,
    0x02: _string,
    0x05: _binary,
    0x06: lambda raw, pos, limit: (Undefined(), pos),
    0x07: _object_id,
    0x08: _bool,
    0x09: _date,
    0x0A: lambda raw, pos, limit: (None, pos),
    0x0B: _regex,
    0x0C: _pointer,
    0x0D: _code,
    0x0E: _symbol,
    0x10: _int32,
    0x11: _timestamp,
    0x12: _long,
    0x13: _decimal,
    0x7F: lambda raw, pos, limit: (MaxKey(), pos),
    0xFF: lambda raw, pos, limit: (MinKey(), pos),
}
