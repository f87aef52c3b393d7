"""The `_id` of a BSON document, cut out of its bytes without decoding the rest."""

from __future__ import annotations

import struct

from bson import Int64, encode

_INT = struct.Struct("<i")
_FRONT = b"_id\0"
# Sizes of values, by type byte: fixed ones; those with a length in front that counts n bytes fewer than there are.
_FIXED = {0x01: 8, 0x06: 0, 0x07: 12, 0x08: 1, 0x09: 8, 0x0A: 0, 0x10: 4, 0x11: 8, 0x12: 8, 0x13: 16, 0x7F: 0, 0xFF: 0}
_COUNTED = {0x02: 4, 0x03: 0, 0x04: 0, 0x05: 5, 0x0C: 16, 0x0D: 4, 0x0E: 4, 0x0F: 0}
_REGEX = 0x0B


def has_id(document: bytes) -> bool:
    """Whether a field `_id` is there; true too where the document is too broken to say (what reads it will tell)."""
    return document[5:9] == _FRONT or id_element(document) != b""


def id_element(document: bytes) -> bytes | None:
    """The first `_id`: type, name and value as they stand; b"" where there is none, None where that cannot be said."""
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
    """Where a document ends whose elements end before its length says so; None where they do not."""
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
    """A document that holds the `_id` alone; None where it cannot be cut out."""
    element = id_element(document)
    return _document(element) if element else None


def with_position(document: bytes, position: int) -> bytes:
    """The document with `_id: {"#position": position}` in front; for documents that have no `_id`."""
    added = encode({"_id": {"#position": Int64(position)}})[4:-1]
    return _document(added + document[4:-1])


def _document(elements: bytes) -> bytes:
    return _INT.pack(len(elements) + 5) + elements + b"\0"


def _value_end(data: bytes, tag: int, at: int, limit: int) -> int | None:
    """Where the value at `at` ends; None where it cannot."""
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
