"""The number of documents that are read at once."""

from __future__ import annotations

from crossfade.records.native import extension


def documents_a_batch(count: int) -> int:
    """Return the batch size for a chunk of about `count` documents: equal parts near the size that the reader prefers.

    Every batch has a fixed cost (queries are planned, each table takes a COPY), so there should be no small batch at
    the end. The reader in Python makes an object of each value, so its batches exceed the processor's cache sooner than
    the native reader's columns.
    """
    some = 12_000 if extension() else 5_000
    parts = max(1, round(count / some))
    return max(some // 2, -(-count // parts))
