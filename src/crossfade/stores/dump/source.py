"""Reads the documents of a dump: chunks are ranges of positions, in the order of the file.

Broken pieces have positions too. `scan` and `raw` yield each alone, so that what follows is not read as part of it;
`batches` rejects them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from crossfade.model.batch import Batch, Chunk, Column
from crossfade.model.rejection import REMAINDER, Rejection
from crossfade.model.shape import Path, Shape
from crossfade.records.bson.batch_size import documents_a_batch
from crossfade.records.bson.columns import compile_columns
from crossfade.stores.contract import Reader
from crossfade.stores.dump.elements import early_end, id_document
from crossfade.stores.dump.framing import LENGTH
from crossfade.stores.dump.lookup import build_index, documents_at, find, index_name
from crossfade.stores.dump.spool import Piece, Spool, read_pieces, whole_documents
from crossfade.stores.dump.unpack import Spools

RAW_BYTES = 16 * 1024 * 1024
_NO_LENGTH = b"\xff\xff\xff\xff"


class DumpReader:
    def __init__(self, spools: Spools) -> None:
        self._spools = spools

    def chunks(self, entity: str, *, target_bytes: int) -> Iterator[Chunk]:
        spool = self._spools.spool(entity)
        bounds = list(_bounds(spool, target_bytes))
        for number, (lower, upper) in enumerate(pairwise(bounds)):
            yield Chunk(entity, number, str(lower), str(upper), upper - lower)

    def raw(self, chunk: Chunk) -> Iterator[bytes]:
        return map(_as_bytes, _documents(self._pieces(chunk)))

    def count(self, entity: str) -> int:
        return self._spools.spool(entity).records

    def scan(self, entity: str) -> Iterator[bytes]:
        spool = self._spools.spool(entity)
        return map(_as_bytes, _documents(read_pieces(spool, 0, spool.count, RAW_BYTES)))

    def keys(self, entity: str) -> Iterator[bytes]:
        """Yield the keys (see the contract). A document whose `_id` cannot be read has no key and is left out."""
        waiting: list[bytes] = []
        for _, document in documents_at(self._spools.spool(entity)):
            if (alone := id_document(document)) is not None:
                waiting.append(alone)
            if len(waiting) >= 50_000:
                yield b"".join(waiting)
                waiting = []
        if waiting:
            yield b"".join(waiting)

    def batches(self, chunk: Chunk, shape: Shape, columns: Sequence[Column]) -> Iterator[Batch]:
        """Yield the batches (see the contract). The `row` of a rejected document is its position in the entity."""
        reader = compile_columns(shape, columns)
        for piece in self._pieces(chunk):
            if piece.broken is not None:
                empty = reader.read(b"")
                yield replace(empty, rejected=(_rejection(piece),))
                continue
            for position, documents in _portions(piece, documents_a_batch(chunk.count)):
                batch = reader.read(documents)
                rejected = tuple(_in_its_place(one, position) for one in batch.rejected)
                yield replace(batch, rejected=rejected) if rejected else batch

    def fetch(self, entity: str, path: Path, values: Sequence[str], shape: Shape | None = None) -> Iterator[bytes]:
        spool = self._spools.spool(entity)
        name = f"{self._spools.file_name(entity)}.{index_name(path)}.index"
        index = self._spools.cache.built(name, lambda target: build_index(spool, path, target))
        with spool.data.open("rb", buffering=0) as file:
            waiting: list[bytes] = []
            size = 0
            for offset, length in find(index, values):
                waiting.append(os.pread(file.fileno(), length, offset))
                size += length
                if size >= RAW_BYTES:
                    yield b"".join(waiting)
                    waiting, size = [], 0
            if waiting:
                yield b"".join(waiting)

    def _pieces(self, chunk: Chunk) -> Iterator[Piece]:
        spool = self._spools.spool(chunk.entity)
        lower = int(chunk.lower) if chunk.lower is not None else 0
        upper = int(chunk.upper) if chunk.upper is not None else spool.count
        return read_pieces(spool, lower, min(upper, spool.count), RAW_BYTES)


def _bounds(spool: Spool, target_bytes: int) -> Iterator[int]:
    """Return positions about `target_bytes` apart, from 0 to the end; none if there are no documents."""
    if spool.count == 0:
        return
    yield 0
    last = 0
    for position, offset in zip(spool.positions, spool.offsets, strict=True):
        if offset - last >= target_bytes:
            yield position
            last = offset
    yield spool.count


def _portions(piece: Piece, size: int) -> Iterator[tuple[int, bytes]]:
    """Yield the piece's documents, at most `size` at a time, with the position of the first."""
    position, data = piece.position, piece.data
    while data:
        count, end = whole_documents(data, size)
        yield position, data[:end]
        position, data = position + count, data[end:]


def _documents(pieces: Iterator[Piece]) -> Iterator[Piece]:
    """Leave out remainders, which are not documents."""
    return (piece for piece in pieces if piece.broken is None or piece.broken.reason != REMAINDER)


def _in_its_place(one: Rejection, position: int) -> Rejection:
    """Return a rejection of a batch with its position in the entity. If the document's elements end before its length
    says, the length is wrong, and other documents, or parts of them, were read as part of it.
    """
    one = one.at(one.row + position)
    if one.reason == "broken" and (end := early_end(one.raw)) is not None:
        detail = f"a document of {len(one.raw):,} bytes ends after {end:,}: its length is wrong; {one.detail}"
        return replace(one, reason=REMAINDER, detail=detail)
    return one


def _as_bytes(piece: Piece) -> bytes:
    """Return the bytes of a piece for the caller. Those of a broken one must not look like documents."""
    data = piece.data
    if piece.broken is None or len(data) < 4:
        return data
    (length,) = LENGTH.unpack_from(data)
    return _NO_LENGTH + data if 5 <= length <= len(data) else data


def _rejection(piece: Piece) -> Rejection:
    assert piece.broken is not None
    return Rejection(piece.position, piece.broken.reason, piece.broken.detail, raw=piece.data)


_: type[Reader] = DumpReader
