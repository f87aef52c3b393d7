"""Counts the records of a source in the database itself."""

from __future__ import annotations

from typing import Protocol

from crossfade.model.batch import Chunk
from crossfade.model.map_rules import MapRules
from crossfade.records.codec import Counter


class Surveyor(Protocol):
    """For stores that count faster than their records could be read, and as exactly."""

    def counted(self, piece: str | Chunk, rules: MapRules) -> Counter:
        """Return the counts of an entity, or of one of its ranges."""
        ...
