"""Keys of records, and sets of them, which a pass over the source reads.

A key is the canonical text of the source's key of a record. A key set is a range, as in the plan of a copy
(`model.batch.Chunk`), or a list.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from crossfade.model.batch import Chunk

Key = str

_NUMBERS = ("$numberInt", "$numberLong", "$numberDouble", "$numberDecimal")


@dataclass(frozen=True, slots=True)
class Listed:
    """A list of keys of an entity: named by a change feed, in quarantine, or suspected by verification."""

    entity: str
    keys: tuple[Key, ...]


KeySet = Chunk | Listed


def in_order(key: Key | None) -> tuple[int, float, str]:
    """Return the sort key of a key: texts, then numbers by value, then others by their text, then records without key.

    >>> sorted(['"b"', '{"$numberInt":"10"}', '{"$numberInt":"9"}'], key=in_order)
    ['"b"', '{"$numberInt":"9"}', '{"$numberInt":"10"}']
    """
    if key is None:
        return 3, 0.0, ""
    if key.startswith('{"$number'):
        parts = key.split('"')
        if len(parts) == 5 and parts[1] in _NUMBERS:
            number = float(parts[3])
            return 1, -math.inf if math.isnan(number) else number, key
    return 2 if key.startswith("{") else 0, 0.0, key
