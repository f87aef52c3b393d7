"""Whether the expected keys of a table are all different, seen from the order in which they come.

The source is read in the order of its keys, and a table's keys often rise with them. A stretch of keys that rises
throughout holds none twice, and neither do several that lie apart from each other: their ends tell. Where keys come in
no order this says nothing, and they have to be grouped.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import pyarrow.compute as pc

_MOST = 200_000  # runs that are remembered

Key = tuple[Any, ...]


@dataclass
class Runs:
    """The ends of rising stretches; None where keys did not rise, or in too many of them."""

    ends: list[tuple[Key, Key]] | None = field(default_factory=list)

    def add(self, keys: Any) -> None:
        """The keys that come next: a pyarrow.Table in the form of equal.key_form, ordered here as Python orders it."""
        if not keys.num_rows or self.ends is None:
            return
        if not _rise(keys):
            self.ends = None
            return
        first, last = _key(keys, 0), _key(keys, keys.num_rows - 1)
        if self.ends and self.ends[-1][1] < first:
            self.ends[-1] = self.ends[-1][0], last
        else:
            self.join(Runs([(first, last)]))

    def join(self, other: Runs) -> None:
        """The runs of another part of the source, which may lie anywhere."""
        if self.ends is None or other.ends is None or len(self.ends) + len(other.ends) > _MOST:
            self.ends = None
        else:
            self.ends += other.ends

    @property
    def apart(self) -> bool:
        """Whether it is certain that no key was there twice."""
        return self.ends is not None and all(one[1] < other[0] for one, other in pairwise(sorted(self.ends)))


def _key(keys: Any, row: int) -> Key:
    return tuple(column[row].as_py() for column in keys.columns)


def _rise(keys: Any) -> bool:
    """Whether each row is greater than the one before it; NULL, which no primary key holds, is never."""
    before, after = keys.slice(0, keys.num_rows - 1), keys.slice(1)
    greater = None
    for column in reversed(range(keys.num_columns)):
        one, other = before.column(column), after.column(column)
        rises = pc.less(one, other)
        greater = rises if greater is None else pc.or_(rises, pc.and_(pc.equal(one, other), greater))
    return pc.all(greater, skip_nulls=False, min_count=0).as_py() is True
