"""Decide which records a verification compares while others write, and what the result means. Values in, values out.

A generation begins with a position of the source. When the journal has all changes up to there, and everything that
was pending then has been applied, its records are fixed: the suspects, and all that was applied since the generation
before. They are compared by reads that have seen the position. So every write up to the position was compared, or the
record has changed again since.

A record that differs is judged when the next generation begins. Then the journal has all changes up to a position after
its comparison, and everything that depends on them. If the record is not among those, and was not applied either,
nothing disturbed the comparison: the difference is real. Otherwise the record is moving, and is compared again.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

from crossfade.model.positions import Position

Who = tuple[str, str]
"""An entity and the key of one of its records."""

MOST = 10
"""The most generations of listed records. Records that still move then are not in the verdict, which counts them."""
LAST = 5
"""Nothing is known about a record that differed in each of so many last generations: it may never have been equal. A
record that is written now and then differs in one generation and is equal in the next.
"""


@dataclass(frozen=True)
class Generation:
    """The state of a verification. `number` is 0 before the first generation; `whole`: the first is of all records.

    `position` is the one that this generation began with; `differing` are its records that differ, once it is
    `compared`. When it is `over`, they are either `real` or `moving`; `unsettled` of the moving ones differed in
    each of the LAST generations.
    """

    whole: bool
    number: int = 0
    position: Position | None = None
    compared: bool = False
    differing: frozenset[Who] = frozenset()
    real: frozenset[Who] = frozenset()
    moving: frozenset[Who] = frozenset()
    unsettled: frozenset[Who] = frozenset()
    over: bool = False

    @property
    def listed(self) -> int:
        """How many generations of listed records there are, this one included."""
        return self.number - (1 if self.whole else 0)

    @property
    def is_listed(self) -> bool:
        """Whether this generation is of listed records."""
        return self.listed > 0

    @property
    def needs_judgement(self) -> bool:
        """Whether the next generation has to begin, if only to judge what differs in this one."""
        return not self.over and self.compared


def begin(whole: bool) -> Generation:
    return Generation(whole)


def fixed(last: Generation, position: Position, changed: Collection[Who]) -> Generation:
    """Return the next generation, whose records are fixed; or the last one, if it is over.

    `changed`: records that differed in the last one, and were put into the journal or applied since it was fixed. They
    were read when the journal had reached `position`, before the records of the next generation were fixed.
    """
    assert last.compared or last.number == 0, "a generation is judged when it has been compared"
    real, moving = last.differing - frozenset(changed), last.differing & frozenset(changed)
    if last.is_listed and (not moving or last.listed >= MOST):
        return replace(last, over=True, real=real, moving=moving, unsettled=last.unsettled & moving)
    return Generation(last.whole, last.number + 1, position, unsettled=last.unsettled)


def compared(now: Generation, differing: Collection[Who]) -> Generation:
    """Return the generation with its result. It is over if nothing differs, and the first was not of all records."""
    found = frozenset(differing)
    unsettled = found & now.unsettled if now.listed > MOST - LAST + 1 else found
    return replace(now, compared=True, differing=found, unsettled=unsettled, over=now.is_listed and not found)
