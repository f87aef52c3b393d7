"""Reads the records of a source."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from crossfade.model.batch import Batch, Chunk, Column
from crossfade.model.shape import Path, Shape


class Reader(Protocol):
    """Reads an entity's documents. It never writes: a user with read privileges is enough."""

    def chunks(self, entity: str, *, target_bytes: int) -> Iterator[Chunk]:
        """Yield ranges that hold every document exactly once, whatever the types of their keys, each of about
        `target_bytes`.
        """
        ...

    def raw(self, chunk: Chunk) -> Iterator[bytes]:
        """Yield the chunk's documents in the source's own order, the same every time: concatenated BSON documents, at
        most about 16 MB (or one document) at a time.
        """
        ...

    def batches(self, chunk: Chunk, shape: Shape, columns: Sequence[Column]) -> Iterator[Batch]:
        """Yield the chunk's documents as Arrow, checked against `shape`, in batches of `documents_a_batch` or 16 MB."""
        ...

    def count(self, entity: str) -> int:
        """Return the number of documents that the entity has now, counted."""
        ...

    def scan(self, entity: str) -> Iterator[bytes]:
        """Yield every document of the entity in the fastest order, in the form of `raw`. For the survey.

        Neither yields the remainder of a torn source, which is not a document: `batches` rejects it.
        """
        ...

    def keys(self, entity: str) -> Iterator[bytes]:
        """Like `scan`, but with documents that have only their key: the cheapest way to read every key."""
        ...

    def fetch(self, entity: str, path: Path, values: Sequence[str], shape: Shape | None = None) -> Iterator[bytes]:
        """Yield documents whose value at `path` equals one of `values` (canonical Extended JSON), in the form of `raw`.

        If the path leads through arrays, a document matches when any element does. No order; no duplicates.

        With `shape`, raises Stale if the entity has another key than the survey saw, or no longer has what it saw:
        its records would not be found, or read as others.
        """
        ...


class Finder(Protocol):
    """Finds records by their values, for a source whose records arrive as Arrow. Without this part, raw records are
    fetched and converted.
    """

    def found(
        self,
        entity: str,
        path: Path,
        values: Sequence[str],
        shape: Shape,
        columns: Sequence[Column],
        also: Sequence[tuple[Path, Sequence[str]]] = (),
    ) -> Iterator[Batch]:
        """Like `Reader.fetch`, with the records as Arrow, checked against `shape`.

        Only records are needed that also have, at each path in `also`, one of its values. This is a hint: more may be
        returned.
        """
        ...
