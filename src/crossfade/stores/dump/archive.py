"""Archives of `mongodump --archive`: several collections in one file, their documents interleaved.

    magic, block of the whole archive, blocks of documents until the file's end
    block = header document, body documents, terminator

The first block's header has versions, its body one document for each collection (`db`, `collection`, `metadata`,
`size`, `type`). Every other block's header is `{db, collection, EOF, CRC}`: documents of that collection follow; with
`EOF` none do, the collection is complete, and `CRC` is the CRC-64 of all its documents' bytes (a signed 64-bit number).

An archive that ends early or has a wrong checksum is refused as a whole: it does not tell which collections and how
many documents are missing.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import bson

from crossfade.errors import Damaged
from crossfade.model.counts import counted
from crossfade.stores.dump.crc64 import Crc64
from crossfade.stores.dump.files import Stream
from crossfade.stores.dump.framing import GREATEST, LEAST, LENGTH

MAGIC = struct.pack("<I", 0x8199E26D)
TERMINATOR = b"\xff\xff\xff\xff"
FORMAT_VERSION = "0.1"

_BLOCK = 4 * 1024 * 1024
_AGAIN = "dump it again, or restore what is there with mongorestore and dump that"


@dataclass(frozen=True, slots=True)
class Prelude:
    """The start of an archive: its header, and one document for each collection."""

    header: Mapping[str, Any]
    collections: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class ArchivePart:
    """Documents of one collection, one after another; `complete` when none follow."""

    db: str
    collection: str
    data: bytes
    complete: bool


@dataclass
class ArchiveReader:
    """Reads an archive from its start: `prelude` once, then `parts`. Raises `Damaged` if the archive is damaged."""

    stream: Stream
    name: str
    _buffer: bytes = b""
    _at: int = 0
    _offset: int = 0
    _sums: dict[tuple[str, str], Crc64] = field(default_factory=dict)
    _closed: set[tuple[str, str]] = field(default_factory=set)

    def prelude(self) -> Prelude:
        if self._take(4) != MAGIC:
            raise Damaged(f"{self.name} is not a mongodump archive (it does not begin with {MAGIC.hex()})")
        header = self._document()
        if header is None:
            raise self._damaged("the archive has no header")
        return Prelude(self._decode(header), tuple(self._decode(each) for each in self._body()))

    def parts(self, expected: set[tuple[str, str]]) -> Iterator[ArchivePart]:
        """Yield the documents in runs of one collection. Every collection in `expected` must be complete."""
        while self._fill(1):
            header = self._document()
            if header is None:
                raise self._damaged("two terminators follow one another")
            yield from self._block(self._decode(header))
        unfinished = sorted(".".join(key) for key in (set(self._sums) | expected) - self._closed)
        if unfinished:
            raise self._damaged(f"the archive ends before {', '.join(unfinished[:5])} is complete")

    def _block(self, header: Mapping[str, Any]) -> Iterator[ArchivePart]:
        key = (str(header.get("db", "")), str(header.get("collection", "")))
        if not key[1]:
            raise self._damaged("a block names no collection")
        if key in self._closed:
            raise self._damaged(f"{'.'.join(key)} continues after its end")
        running = self._sums.setdefault(key, Crc64())
        for run in self._runs():
            if header.get("EOF"):
                raise self._damaged(f"the block that ends {'.'.join(key)} holds documents")
            running.update(run)
            yield ArchivePart(*key, run, complete=False)
        if header.get("EOF"):
            self._close(key, int(header.get("CRC", 0)))
            yield ArchivePart(*key, b"", complete=True)

    def _close(self, key: tuple[str, str], expected: int) -> None:
        self._closed.add(key)
        found, wanted = self._sums.pop(key).value(), expected & 0xFFFFFFFFFFFFFFFF
        if found != wanted:
            raise self._damaged(f"{'.'.join(key)} has the checksum {found:016x}, but the archive says {wanted:016x}")

    def _runs(self) -> Iterator[bytes]:
        """Yield the documents up to the next terminator, about 1 MB at a time."""
        run: list[bytes] = []
        size = 0
        for document in self._body():
            run.append(document)
            size += len(document)
            if size > 1024 * 1024:
                yield b"".join(run)
                run, size = [], 0
        if run:
            yield b"".join(run)

    def _body(self) -> Iterator[bytes]:
        while (document := self._document()) is not None:
            yield document

    def _document(self) -> bytes | None:
        """Return the next document; None for a terminator."""
        front = self._peek(4)
        if front == TERMINATOR:
            self._take(4)
            return None
        (length,) = LENGTH.unpack(front)
        if not LEAST <= length <= GREATEST:
            raise self._damaged(f"{length} is neither the length of a document nor a terminator")
        document = self._take(length)
        if document[-1] != 0:
            raise self._damaged(f"a document of {counted(length, 'byte')} does not end with a zero byte")
        return document

    def _decode(self, document: bytes) -> Mapping[str, Any]:
        try:
            return bson.decode(document)
        except bson.errors.InvalidBSON as error:
            raise self._damaged(f"a header cannot be read: {error}") from error

    def _peek(self, size: int) -> bytes:
        if not self._fill(size):
            left = len(self._buffer) - self._at
            raise self._damaged(f"the file ends early: {counted(size, 'byte')} expected, {left} left")
        return self._buffer[self._at : self._at + size]

    def _take(self, size: int) -> bytes:
        found = self._peek(size)
        self._at += size
        return found

    def _fill(self, size: int) -> bool:
        """Read on until `size` bytes are buffered. Return false if the file ends first."""
        if self._at > _BLOCK:
            self._offset += self._at
            self._buffer, self._at = self._buffer[self._at :], 0
        while len(self._buffer) - self._at < size:
            more = self._read()
            if not more:
                return False
            self._buffer += more
        return True

    def _read(self) -> bytes:
        try:
            return self.stream.read(_BLOCK)
        except (EOFError, OSError, zlib.error) as error:
            raise self._damaged(f"reading or decompressing failed: {error}") from error

    def _damaged(self, what: str) -> Damaged:
        place = self._offset + self._at
        return Damaged(f"the archive {self.name} is damaged at byte {place:,}: {what}", hint=_AGAIN)
