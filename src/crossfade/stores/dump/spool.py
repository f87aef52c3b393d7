"""A collection of a dump laid out for random access: a plain .bson file and an index of positions in it.

A spool is built in one pass over the source: a `Spooler` takes the pieces in order. A plain .bson file in which every
document has an `_id` is its own spool; for every other source the documents are written out. Beside it is a small
SQLite file with a mark (position and offset) at intervals, all broken pieces, and the totals. It is complete or absent.
"""

from __future__ import annotations

import os
import sqlite3
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO

from crossfade.model.rejection import REMAINDER, Rejection
from crossfade.stores.dump.elements import has_id, with_position
from crossfade.stores.dump.framing import LENGTH

# Marks are dense at the start and sparse later: small dumps get several chunks, and big ones few marks.
_MARK_LEAST, _MARK_MOST = 8 * 1024, 1024 * 1024
_FLUSH = 1024 * 1024
_SCHEMA = """
CREATE TABLE total (data TEXT, count INTEGER, bytes INTEGER, without_id INTEGER);
CREATE TABLE mark (position INTEGER PRIMARY KEY, offset INTEGER);
CREATE TABLE broken (position INTEGER PRIMARY KEY, offset INTEGER, kept INTEGER, reason TEXT, detail TEXT);
"""


class NeedsCopy(Exception):
    """A file that was to be read in place holds a document without `_id`."""


@dataclass(frozen=True, slots=True)
class BrokenAt:
    """A broken piece in a spool: `kept` bytes at `offset`."""

    position: int
    offset: int
    kept: int
    reason: str
    detail: str


@dataclass(frozen=True)
class Spool:
    """A finished spool. Pieces (documents and broken ones) have positions from 0 to `count`, in the source's order."""

    data: Path
    count: int
    bytes: int
    without_id: int
    positions: tuple[int, ...]
    offsets: tuple[int, ...]
    broken: tuple[BrokenAt, ...]

    @property
    def remainders(self) -> tuple[BrokenAt, ...]:
        """Return the pieces with an unknown number of records; `count` includes their positions."""
        return tuple(piece for piece in self.broken if piece.reason == REMAINDER)

    @property
    def records(self) -> int:
        return self.count - len(self.remainders)

    def mark_before(self, position: int) -> tuple[int, int]:
        """Return the last mark at or before `position`, as (position, offset)."""
        at = bisect_right(self.positions, position) - 1
        return self.positions[at], self.offsets[at]


class Spooler:
    """Takes a collection's pieces in order and builds a spool. `path` is its index; the data file is beside it.

    With `in_place` only the index is written, and `NeedsCopy` is raised if that is not possible.
    """

    def __init__(self, path: Path, in_place: Path | None = None) -> None:
        self._path = path
        self._draft = path.with_suffix(f".{os.getpid()}.draft")
        self._data = in_place or path.with_suffix(".bson")
        self._data_draft = path.with_suffix(f".{os.getpid()}.bson.draft")
        self._out: IO[bytes] | None = None if in_place else self._data_draft.open("wb")
        self._waiting: list[bytes] = []
        self._waiting_bytes = 0
        self._count = self._offset = self._without_id = 0
        self._next_mark = 0
        self._marks: list[tuple[int, int]] = []
        self._broken: list[BrokenAt] = []

    def __enter__(self) -> Spooler:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        if self._out is not None:
            self._out.close()
        self._draft.unlink(missing_ok=True)
        self._data_draft.unlink(missing_ok=True)

    def add_all(self, pieces: Iterable[bytes | Rejection]) -> None:
        for piece in pieces:
            self.add(piece)

    def add(self, piece: bytes | Rejection) -> None:
        if self._offset >= self._next_mark:
            self._marks.append((self._count, self._offset))
            self._next_mark = self._offset + min(max(self._offset // 256, _MARK_LEAST), _MARK_MOST)
        if isinstance(piece, Rejection):
            written = piece.raw
            self._broken.append(BrokenAt(self._count, self._offset, len(written), piece.reason, piece.detail))
        elif has_id(piece):
            written = piece
        else:
            written = self._identified(piece)
        self._write(written)
        self._count += 1
        self._offset += len(written)

    def finish(self) -> None:
        """Complete the spool and rename it into place."""
        self._flush()
        if self._out is not None:
            self._out.close()
            self._data_draft.replace(self._data)
        self._draft.unlink(missing_ok=True)
        with closing(sqlite3.connect(self._draft)) as db, db:
            db.executescript(_SCHEMA)
            total = (os.fsencode(self._data), self._count, self._offset, self._without_id)
            db.execute("INSERT INTO total VALUES (?, ?, ?, ?)", total)
            db.executemany("INSERT INTO mark VALUES (?, ?)", self._marks or [(0, 0)])
            rows = [(b.position, b.offset, b.kept, b.reason, b.detail) for b in self._broken]
            db.executemany("INSERT INTO broken VALUES (?, ?, ?, ?, ?)", rows)
        self._draft.replace(self._path)

    def _identified(self, document: bytes) -> bytes:
        if self._out is None:
            raise NeedsCopy
        self._without_id += 1
        return with_position(document, self._count)

    def _write(self, written: bytes) -> None:
        if self._out is None:
            return
        self._waiting.append(written)
        self._waiting_bytes += len(written)
        if self._waiting_bytes > _FLUSH:
            self._flush()

    def _flush(self) -> None:
        if self._out is not None:
            self._out.write(b"".join(self._waiting))
        self._waiting, self._waiting_bytes = [], 0


def open_spool(path: Path) -> Spool:
    """Open the spool whose index is at `path`."""
    with closing(sqlite3.connect(path)) as db:
        data, count, size, without_id = db.execute("SELECT data, count, bytes, without_id FROM total").fetchone()
        marks = db.execute("SELECT position, offset FROM mark ORDER BY position").fetchall()
        broken = db.execute("SELECT position, offset, kept, reason, detail FROM broken ORDER BY position").fetchall()
    positions, offsets = zip(*marks, strict=True)
    return Spool(
        Path(os.fsdecode(data)), count, size, without_id, positions, offsets, tuple(BrokenAt(*row) for row in broken)
    )


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece read from a spool: a run of whole documents, or (with `broken`) one piece that is not a document."""

    position: int
    data: bytes
    broken: BrokenAt | None = None


def read_pieces(spool: Spool, lower: int, upper: int, limit: int) -> Iterator[Piece]:
    """Yield the pieces from position `lower` up to `upper`; documents in runs of at most `limit` bytes, or one."""
    with spool.data.open("rb", buffering=0) as file:
        fd = file.fileno()
        position, offset = spool.mark_before(lower)
        for broken in (*(b for b in spool.broken if b.position >= position), None):
            stop = min(upper, broken.position if broken else spool.count)
            for at, run in _runs(fd, position, offset, stop, limit):
                inside = _from(run, lower - at) if at < lower else run
                if inside:
                    yield Piece(max(at, lower), inside)
            if broken is None or broken.position >= upper:
                return
            if broken.position >= lower:
                yield Piece(broken.position, os.pread(fd, broken.kept, broken.offset), broken)
            position, offset = broken.position + 1, broken.offset + broken.kept


def _runs(fd: int, position: int, offset: int, stop: int, limit: int) -> Iterator[tuple[int, bytes]]:
    """Yield documents from `position` (at `offset`) up to `stop` in runs, each with the position of its first."""
    want = limit
    while position < stop:
        block = os.pread(fd, want, offset)
        count, end = whole_documents(block, stop - position)
        if count == 0:
            (length,) = LENGTH.unpack_from(block)
            if len(block) < want:
                raise EOFError(f"the spool ends before position {position}")
            want = length
            continue
        yield position, block[:end]
        position, offset, want = position + count, offset + end, limit


def whole_documents(block: bytes, most: int) -> tuple[int, int]:
    """Return the number of whole documents at the front, at most `most`, and where they end."""
    count = at = 0
    size = len(block)
    while count < most and size - at >= 4:
        (length,) = LENGTH.unpack_from(block, at)
        if length > size - at:
            break
        count, at = count + 1, at + length
    return count, at


def _from(run: bytes, skip: int) -> bytes:
    """Return the run without its first `skip` documents."""
    return run[whole_documents(run, skip)[1] :]
