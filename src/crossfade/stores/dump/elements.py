"""Extracts the `_id` of a BSON document from its bytes without decoding the rest."""

from __future__ import annotations

import struct

from bson import Int64, encode

_INT = struct.Struct("<i")
_FRONT = b"_id\0"
# Sizes of values by type byte: fixed ones, and those with a length prefix that counts n bytes fewer than the value has.
_FIXED = {0x01: 8, 0x06: 0, 0x07: 12, 0x08: 1, 0x09: 8, 0x0A: 0, 0x10: 4, 0x11: 8, 0x12: 8, 0x13: 16, 0x7F: 0, 0xFF: 0}
_COUNTED = {0x02: 4, 0x03: 0, 0x04: 0, 0x05: 5, 0x0C: 16, 0x0D: 4, 0x0E: 4, 0x0F: 0}
_REGEX = 0x0B


def has_id(document: bytes) -> bool:
    """Return whether the document has an `_id`. True also if it is too damaged to tell: its reader reports that."""
    return document[5:9] == _FRONT or id_element(document) != b""


def id_element(document: bytes) -> bytes | None:
    """Return the bytes of the first `_id`: type, name and value; b"" if there is none, None if it cannot be found."""
    at, end = 4, len(document) - 1
    while at < end:
        name_end = document.find(b"\0", at + 1, end)
        stop = _value_end(document, document[at], name_end + 1, end) if name_end > 0 else None
        if stop is None:
            return None
        if document[at + 1 : name_end + 1] == _FRONT:
            return document[at:stop]
        at = stop
    return b""


def early_end(document: bytes) -> int | None:
    """Return where the elements of a document end if that is before the end by its length, else None."""
    at, end = 4, len(document) - 1
    while at < end:
        if document[at] == 0:
            return at + 1
        name_end = document.find(b"\0", at + 1, end)
        stop = _value_end(document, document[at], name_end + 1, end) if name_end > 0 else None
        if stop is None:
            return None
        at = stop
    return None


def id_document(document: bytes) -> bytes | None:
    """Return a document that holds only the `_id`; None if it cannot be extracted."""
    element = id_element(document)
    return _document(element) if element else None


def with_position(document: bytes, position: int) -> bytes:
    """Return a document without `_id` with `_id: {"#position": position}` put in front."""
    added = encode({"_id": {"#position": Int64(position)}})[4:-1]
    return _document(added + document[4:-1])


def _document(elements: bytes) -> bytes:
    return _INT.pack(len(elements) + 5) + elements + b"\0"


def _value_end(data: bytes, tag: int, at: int, limit: int) -> int | None:
    """Return where the value at `at` ends; None if it cannot be known."""
    if tag == _REGEX:
        pattern = data.find(b"\0", at, limit)
        end = data.find(b"\0", pattern + 1, limit) + 1 if pattern >= 0 else 0
    elif tag in _FIXED:
        end = at + _FIXED[tag]
    elif tag in _COUNTED and at + 4 <= limit:
        (length,) = _INT.unpack_from(data, at)
        end = at + length + _COUNTED[tag] if length >= 0 else 0
    else:
        return None
    return end if at <= end <= limit else None
