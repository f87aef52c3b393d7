"""Decide from the order of the expected keys of a table whether they are all different.

The source is read in the order of its keys, and a table's keys often ascend with them. An ascending run of keys holds
no key twice, and neither do several runs that do not overlap; the ends of the runs show that. If the keys are not in
order, this decides nothing, and they have to be grouped.
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
    """The ends of ascending runs; None if keys did not ascend, or if there are too many runs."""

    ends: list[tuple[Key, Key]] | None = field(default_factory=list)

    def add(self, keys: Any) -> None:
        """Add the next keys: a pyarrow.Table in the form of equal.key_form. Python's order applies."""
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
        """Add the runs of another part of the source, in any order."""
        if self.ends is None or other.ends is None or len(self.ends) + len(other.ends) > _MOST:
            self.ends = None
        else:
            self.ends += other.ends

    @property
    def apart(self) -> bool:
        """Return whether no key can have occurred twice."""
        return self.ends is not None and all(one[1] < other[0] for one, other in pairwise(sorted(self.ends)))


def _key(keys: Any, row: int) -> Key:
    return tuple(column[row].as_py() for column in keys.columns)


def _rise(keys: Any) -> bool:
    """Return whether each row is greater than the one before it. NULL, which no primary key holds, is never greater."""
    before, after = keys.slice(0, keys.num_rows - 1), keys.slice(1)
    greater = None
    for column in reversed(range(keys.num_columns)):
        one, other = before.column(column), after.column(column)
        rises = pc.less(one, other)
        greater = rises if greater is None else pc.or_(rises, pc.and_(pc.equal(one, other), greater))
    return pc.all(greater, skip_nulls=False, min_count=0).as_py() is True
