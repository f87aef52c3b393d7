"""Reads the records of a source in memory, in the order of their keys."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from crossfade.errors import Refused
from crossfade.model.batch import Batch, Chunk, Column
from crossfade.model.keys import in_order
from crossfade.model.shape import Path, Shape
from crossfade.records.bson.finding import match_key, match_keys
from crossfade.stores.contract import Reader
from crossfade.stores.memory.database import Database

_PIECE = 16_000_000


class MemoryReader:
    """Every method raises Refused for an entity that does not exist. Reads have seen the write `floor`."""

    def __init__(self, database: Database, floor: int = 0) -> None:
        self._database, self._floor = database, floor

    def chunks(self, entity: str, *, target_bytes: int) -> Iterator[Chunk]:
        in_order = self._by_key(entity)
        bounds, size = list[str](), 0
        for place, (key, record) in enumerate(in_order):
            if size >= target_bytes or not place:
                bounds.append(key)
                size = 0
            size += len(record)
        edges: list[str | None] = [None, *bounds[1:], None]
        for number, (lower, upper) in enumerate(pairwise(edges)):
            yield Chunk(entity, number, lower, upper, sum(_inside(key, lower, upper) for key, _ in in_order))

    def raw(self, chunk: Chunk) -> Iterator[bytes]:
        in_order = self._by_key(chunk.entity)
        return self._read(record for key, record in in_order if _inside(key, chunk.lower, chunk.upper))

    def batches(self, chunk: Chunk, shape: Shape, columns: Sequence[Column]) -> Iterator[Batch]:
        reader = self._database.codec.reader(shape, columns)
        for piece in self.raw(chunk):
            yield reader.read(piece)

    def count(self, entity: str) -> int:
        return len(self._by_key(entity))

    def scan(self, entity: str) -> Iterator[bytes]:
        return self._read(record for _, record in self._by_key(entity))

    def keys(self, entity: str) -> Iterator[bytes]:
        return self._read(self._database.codec.of_key(key) for key, _ in self._by_key(entity))

    def fetch(self, entity: str, path: Path, values: Sequence[str], shape: Shape | None = None) -> Iterator[bytes]:
        wanted = {match_key(value) for value in values}
        in_order = self._by_key(entity)
        return self._read(r for _, r in in_order if wanted & match_keys(r, path))

    def _by_key(self, entity: str) -> list[tuple[str, bytes]]:
        """Return keys and records as they are now, in order."""
        database = self._database
        if entity not in database.entities:
            raise Refused(
                f"the database {database.name!r} in memory has no entity {entity!r}; nothing was read",
                hint="compare the entities in crossfade.toml with what the source holds (crossfade survey)",
            )
        database.reach("before read")
        found = [(str(database.codec.key(r)), r) for r in database.records(entity, self._floor).values()]
        database.reach("after read")
        return sorted(found, key=lambda one: in_order(one[0]))

    def _read(self, records: Iterator[bytes]) -> Iterator[bytes]:
        piece, size = list[bytes](), 0
        for record in records:
            if piece and size + len(record) > _PIECE:
                yield b"".join(piece)
                piece, size = [], 0
            piece.append(record)
            size += len(record)
        if piece:
            yield b"".join(piece)


def _inside(key: str, lower: str | None, upper: str | None) -> bool:
    place = in_order(key)
    return (lower is None or in_order(lower) <= place) and (upper is None or place < in_order(upper))


_: type[Reader] = MemoryReader
