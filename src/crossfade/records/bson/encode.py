"""Encodes values into BSON, byte for byte as they were read (except that the indexes of arrays are renumbered)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from bson import Code, encode
from bson.errors import InvalidDocument

from crossfade.records.bson.values import DBPointer, RawRegex, Symbol, Undefined


def to_bson(value: Mapping[str, Any]) -> bytes:
    """Return the document as BSON, with its order of fields. Raises ValueError or TypeError for unsupported values."""
    if "_id" not in value or next(iter(value)) == "_id":  # pymongo puts _id first
        try:
            return encode(value)
        except InvalidDocument:  # a class of values.py, or not a BSON value: the exact writer decides
            pass
    return _document(value.items())


def _document(items: Iterable[tuple[str, Any]]) -> bytes:
    body = bytearray()
    for name, value in items:
        tag, payload = _payload(value)
        body += tag + _cstring(name) + payload
    return _int32(len(body) + 5) + bytes(body) + b"\0"


def _payload(value: Any) -> tuple[bytes, bytes]:
    """Return the type byte and the bytes of a value."""
    cls = type(value)
    if cls is dict:
        return b"\x03", _document(value.items())
    if cls is list:
        return b"\x04", _document((str(i), v) for i, v in enumerate(value))
    if cls is Undefined:
        return b"\x06", b""
    if cls is RawRegex:
        return b"\x0b", _cstring(value.pattern) + _cstring(value.options)
    if cls is DBPointer:
        return b"\x0c", _string(value.namespace) + value.id.binary
    if cls is Symbol:
        return b"\x0e", _string(value.text)
    if cls is Code and value.scope is not None:
        body = _string(str(value)) + _document(value.scope.items())
        return b"\x0f", _int32(len(body) + 4) + body
    alone = encode({"": value})  # length, type, the empty name's NUL, the value, NUL
    return alone[4:5], alone[6:-1]


def _int32(value: int) -> bytes:
    return value.to_bytes(4, "little")


def _string(text: str) -> bytes:
    data = text.encode() + b"\0"
    return _int32(len(data)) + data


def _cstring(text: str) -> bytes:
    if "\0" in text:
        raise ValueError(f"a name cannot hold a zero byte: {text!r}")
    return text.encode() + b"\0"
