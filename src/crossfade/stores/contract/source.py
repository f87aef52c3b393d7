"""Reads the records of a source, and only ever reads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from crossfade.model.batch import Batch, Chunk, Column
from crossfade.model.shape import Path, Shape


class Reader(Protocol):
    """Reads an entity's documents. Only ever reads: a user with read rights suffices."""

    def chunks(self, entity: str, *, target_bytes: int) -> Iterator[Chunk]:
        """Ranges that hold every document exactly once, whatever the types of their keys, each of about
        `target_bytes`.
        """
        ...

    def raw(self, chunk: Chunk) -> Iterator[bytes]:
        """The chunk's documents in key order: BSON documents one after another, at most about 16 MB (or one
        document) at a time.
        """
        ...

    def batches(self, chunk: Chunk, shape: Shape, columns: Sequence[Column]) -> Iterator[Batch]:
        """The chunk's documents held against `shape`, as Arrow: bounded batches (`documents_a_batch`, or 16 MB)."""
        ...

    def count(self, entity: str) -> int:
        """How many documents the entity has now, counted."""
        ...

    def scan(self, entity: str) -> Iterator[bytes]:
        """Every document of the entity, in whatever order is fastest, as `raw` gives them. For the survey.

        Neither gives the remainder of a torn source, which is no document: `batches` sets it aside.
        """
        ...

    def keys(self, entity: str) -> Iterator[bytes]:
        """As `scan`, but documents that hold their key alone: the cheapest way to see every key."""
        ...

    def fetch(self, entity: str, path: Path, values: Sequence[str]) -> Iterator[bytes]:
        """Documents whose value at `path` equals one of `values` (canonical Extended JSON), as `raw` gives them.

        Where the path leads through arrays, a document counts when any element matches. No order; no duplicates.
        """
        ...
