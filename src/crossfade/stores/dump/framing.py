"""Splits a stream of bytes into BSON documents.

Only the frame is checked: the length in front and the zero byte at the end. The content is checked by the reader of the
document. After an invalid frame nothing can be trusted (the next plausible length may belong to an embedded document),
so the rest of the stream is a remainder with an unknown number of documents.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator

from crossfade.model.counts import counted
from crossfade.model.rejection import REMAINDER, Rejection

LENGTH = struct.Struct("<i")
LEAST = 5
# 16 MB, and the 16 kB more that servers allow for documents of their own (the oplog's, for one).
GREATEST = 16 * 1024 * 1024 + 16 * 1024
KEEP = 16 * 1024 * 1024
"""The most bytes of a broken piece that are stored: the file itself still has the rest."""

_BLOCK = 4 * 1024 * 1024

Read = Callable[[int], bytes]


def fault(buffer: bytes, at: int) -> str | None:
    """Return what is wrong with the frame at `at`, or None. The whole document must be in `buffer` if it is valid."""
    left = len(buffer) - at
    if left < LEAST:
        return f"{counted(left, 'byte is', 'bytes are')} left, too few for a document"
    (length,) = LENGTH.unpack_from(buffer, at)
    if not LEAST <= length <= GREATEST:
        return f"a document cannot be {counted(length, 'byte')} long"
    if length > left:
        return f"a document of {counted(length, 'byte')} ends after {left}"
    if buffer[at + length - 1] != 0:
        return f"a document of {counted(length, 'byte')} does not end with a zero byte"
    return None


def documents(read: Read) -> Iterator[bytes | Rejection]:
    """Yield every document of the stream in order; at most one rejection, the last: its bytes up to `KEEP`."""
    buffer, at, offset = b"", 0, 0
    trouble = None
    while True:
        at, length = 0, 0
        for at, length in _whole(buffer):
            yield buffer[at : at + length]
        at += length
        offset += at
        buffer = buffer[at:]
        if len(buffer) >= LEAST and (trouble := _hopeless(buffer)):
            break
        try:
            more = read(_BLOCK)
        except (EOFError, OSError, zlib.error) as error:  # a gzip stream that is cut or damaged
            trouble = f"decompressing failed: {error}"
            break
        if not more:
            trouble = fault(buffer, 0) if buffer else None
            break
        buffer += more
    if trouble is not None:
        first, length = _rest(read, buffer)
        detail = f"{trouble} (byte {offset:,}); the rest of the file, {counted(length, 'byte')}, is unreadable"
        yield Rejection(0, REMAINDER, detail, raw=first)


def _whole(buffer: bytes) -> Iterator[tuple[int, int]]:
    """Return the valid documents at the front of `buffer` as (offset, length)."""
    at, end = 0, len(buffer)
    while end - at >= LEAST:
        (length,) = LENGTH.unpack_from(buffer, at)
        if not LEAST <= length <= GREATEST or length > end - at or buffer[at + length - 1] != 0:
            return
        yield at, length
        at += length


def _hopeless(buffer: bytes) -> str | None:
    """Return the fault of the first document, unless it is only incomplete and more bytes follow."""
    (length,) = LENGTH.unpack_from(buffer)
    return None if LEAST <= length <= GREATEST and length > len(buffer) else fault(buffer, 0)


def _rest(read: Read, begun: bytes) -> tuple[bytes, int]:
    """Read the rest: return its first bytes and its length."""
    first, length = bytearray(begun[:KEEP]), len(begun)
    while True:
        try:
            more = read(_BLOCK)
        except (EOFError, OSError, zlib.error):
            break
        if not more:
            break
        length += len(more)
        first += more[: KEEP - len(first)]
    return bytes(first), length
