"""A reader that reads with a floor in each call, for single records of a source that is followed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from crossfade.model.batch import Batch, Chunk, Column
from crossfade.model.positions import Floor
from crossfade.model.shape import Path, Shape
from crossfade.stores.contract import Changes, Reader


class FlooredReader:
    """A Reader with `changes.reading(floor)` around every call."""

    def __init__(self, changes: Changes, floor: Floor) -> None:
        self._changes, self._floor = changes, floor

    def chunks(self, entity: str, *, target_bytes: int) -> Iterator[Chunk]:
        with self._changes.reading(self._floor) as reader:
            yield from reader.chunks(entity, target_bytes=target_bytes)

    def raw(self, chunk: Chunk) -> Iterator[bytes]:
        with self._changes.reading(self._floor) as reader:
            yield from reader.raw(chunk)

    def batches(self, chunk: Chunk, shape: Shape, columns: Sequence[Column]) -> Iterator[Batch]:
        with self._changes.reading(self._floor) as reader:
            yield from reader.batches(chunk, shape, columns)

    def count(self, entity: str) -> int:
        with self._changes.reading(self._floor) as reader:
            return reader.count(entity)

    def scan(self, entity: str) -> Iterator[bytes]:
        with self._changes.reading(self._floor) as reader:
            yield from reader.scan(entity)

    def keys(self, entity: str) -> Iterator[bytes]:
        with self._changes.reading(self._floor) as reader:
            yield from reader.keys(entity)

    def fetch(self, entity: str, path: Path, values: Sequence[str], shape: Shape | None = None) -> Iterator[bytes]:
        with self._changes.reading(self._floor) as reader:
            yield from reader.fetch(entity, path, values, shape)


_: type[Reader] = FlooredReader
