"""Keys of records, and sets of them: what every pass over the source is told to read.

A key is the canonical text of what the source knows a record by. A key set is a range, as the plan of a copy has it
(`model.batch.Chunk`), or a list.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any

from crossfade.model.batch import Chunk

Key = str

_NUMBERS = ("$numberInt", "$numberLong", "$numberDouble", "$numberDecimal")


@dataclass(frozen=True, slots=True)
class Listed:
    """Keys of one entity: what a change feed named, what is in quarantine, what verification suspects."""

    entity: str
    keys: tuple[Key, ...]


KeySet = Chunk | Listed


def in_order(key: Key | None) -> tuple[int, float, str]:
    """What sorts keys: text, then numbers by what they amount to, then the others by their text, then records without.

    >>> sorted(['"b"', '{"$numberInt":"10"}', '{"$numberInt":"9"}'], key=in_order)
    ['"b"', '{"$numberInt":"9"}', '{"$numberInt":"10"}']
    """
    if key is None:
        return 3, 0.0, ""
    if key.startswith('{"$number'):
        value: dict[str, Any] = json.loads(key)
        ((name, text),) = value.items()
        if name in _NUMBERS:
            number = float(text)
            return 1, -math.inf if math.isnan(number) else number, key
    return 2 if key.startswith("{") else 0, 0.0, key
