"""How many documents are read at a time."""

from __future__ import annotations

from crossfade.records.bson.native import extension


def documents_a_batch(count: int) -> int:
    """For a chunk of about `count` documents: equal parts of about as many as the reader is fast with.

    Every batch has its price whatever is in it (some queries are planned, each table takes a COPY), so no small one is
    left over at the end. The reader in Python makes objects of all values, which leave the processor's cache sooner
    than the native reader's columns.
    """
    some = 12_000 if extension() else 5_000
    parts = max(1, round(count / some))
    return max(some // 2, -(-count // parts))
