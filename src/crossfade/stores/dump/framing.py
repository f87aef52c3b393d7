"""One BSON document after another: where each begins and ends in a stream of bytes.

Only the frame is looked at: the length in front and the zero at the end. What stands between is judged by whoever reads
the document. Where a frame does not hold, nothing after it can be trusted (the next plausible length may belong to an
embedded document), so the rest of the stream is a remainder: nobody knows how many
documents it held.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from crossfade.model.batch import REMAINDER
from crossfade.model.counts import counted

LENGTH = struct.Struct("<i")
LEAST = 5
# 16 MB and the 16 kB more that servers allow themselves for a document of their own making (the oplog's, for one).
GREATEST = 16 * 1024 * 1024 + 16 * 1024
KEEP = 16 * 1024 * 1024
"""Of a broken piece no more than this many bytes are kept: the file itself is still there."""

_BLOCK = 4 * 1024 * 1024

Read = Callable[[int], bytes]


@dataclass(frozen=True, slots=True)
class Broken:
    """A piece of a source that is no document: its first `KEEP` bytes, its whole length, and what is wrong with it.

    `reason` is one of those of `SetAside`: `broken` for what was one record, REMAINDER for what nobody can count.
    """

    raw: bytes
    length: int
    detail: str
    reason: str = "broken"


def fault(buffer: bytes, at: int) -> str | None:
    """What is wrong with the frame at `at`, or None. The whole document must be in `buffer` if it is sound."""
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


def documents(read: Read) -> Iterator[bytes | Broken]:
    """Every document that `read` (as a file's) gives, in order; at most one `Broken`, the last."""
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
            trouble = f"cannot be decompressed further: {error}"
            break
        if not more:
            trouble = fault(buffer, 0) if buffer else None
            break
        buffer += more
    if trouble is not None:
        kept, length = _rest(read, buffer)
        detail = f"{trouble} (byte {offset:,}); the rest of the file, {counted(length, 'byte')}, is unreadable"
        yield Broken(kept, length, detail, REMAINDER)


def _whole(buffer: bytes) -> Iterator[tuple[int, int]]:
    """Where the sound documents at the front of `buffer` are, as (offset, length)."""
    at, end = 0, len(buffer)
    while end - at >= LEAST:
        (length,) = LENGTH.unpack_from(buffer, at)
        if not LEAST <= length <= GREATEST or length > end - at or buffer[at + length - 1] != 0:
            return
        yield at, length
        at += length


def _hopeless(buffer: bytes) -> str | None:
    """The fault of the first document, unless all that it lacks is bytes still to come."""
    (length,) = LENGTH.unpack_from(buffer)
    return None if LEAST <= length <= GREATEST and length > len(buffer) else fault(buffer, 0)


def _rest(read: Read, begun: bytes) -> tuple[bytes, int]:
    """All that is left: the first of it, and how much it is."""
    kept, length = bytearray(begun[:KEEP]), len(begun)
    while True:
        try:
            more = read(_BLOCK)
        except (EOFError, OSError, zlib.error):
            break
        if not more:
            break
        length += len(more)
        kept += more[: KEEP - len(kept)]
    return bytes(kept), length
