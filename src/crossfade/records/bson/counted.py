"""The survey's counts: a tree of places, each with the statistics of each type.

An object is at first a set of fields. If its keys are data, it is folded into a map: the values of all keys become one
place, its `entry`, and only statistics of the keys are kept. The result does not depend on when this is done, nor on
the order of counting.

Nothing here is recursive, because documents nest deeper than Python's stack allows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from crossfade.model.shape import ELEMENT, ENTRY, Path, TypeStats, escape_step, unescape_step
from crossfade.records.bson.extremes import Extremes, extremes, rank, shown

EXAMPLES = 3


@dataclass(slots=True)
class Seen:
    """The statistics of a type at a place."""

    count: int = 0
    least: Any = None
    greatest: Any = None
    min_length: int | None = None
    max_length: int | None = None
    keys: list[str] = field(default_factory=list)

    def add(self, kind: str, count: int, found: Extremes, keys: Sequence[str]) -> None:
        self.count += count
        if found.least is not None:
            self._widen(kind, found)
        if found.min_length is not None and found.max_length is not None:
            self.min_length = min(found.min_length, found.min_length if self.min_length is None else self.min_length)
            self.max_length = max(found.max_length, self.max_length or 0)
        if keys and keys != self.keys:
            self.keys = sorted({*self.keys, *keys})[:EXAMPLES]

    def take(self, kind: str, other: Seen) -> None:
        found = Extremes(other.least, other.greatest, other.min_length, other.max_length)
        self.add(kind, other.count, found, other.keys)

    def _widen(self, kind: str, found: Extremes) -> None:
        if self.least is None or rank(kind, found.least) < rank(kind, self.least):
            self.least = found.least
        if self.greatest is None or rank(kind, found.greatest) > rank(kind, self.greatest):
            self.greatest = found.greatest

    def stats(self, kind: str, *, examples: bool) -> TypeStats:
        return TypeStats(
            self.count,
            shown(kind, self.least),
            shown(kind, self.greatest),
            self.min_length,
            self.max_length,
            tuple(self.keys) if examples else (),
        )


@dataclass(slots=True, eq=False)
class PlaceStats:
    """A place in the documents while it is being counted. A map has no fields but an `entry`, and `names`, the
    statistics of its keys.
    """

    path: Path = ()
    types: dict[str, Seen] = field(default_factory=dict)
    fields: dict[str, PlaceStats] = field(default_factory=dict)
    element: PlaceStats | None = None
    entry: PlaceStats | None = None
    names: Seen = field(default_factory=Seen)

    def seen(self, kind: str) -> Seen:
        return self.types.setdefault(kind, Seen())

    def count_of(self, kind: str) -> int:
        return self.types[kind].count if kind in self.types else 0

    @property
    def total(self) -> int:
        """The number of values of all types."""
        return sum(seen.count for seen in self.types.values())

    def below(self) -> Iterator[tuple[str, PlaceStats]]:
        """Yield the places one step below, with the steps."""
        for name, child in self.fields.items():
            yield escape_step(name), child
        if self.entry is not None:
            yield ENTRY, self.entry
        if self.element is not None:
            yield ELEMENT, self.element

    def walk(self) -> Iterator[PlaceStats]:
        """Yield this place and all places below it."""
        pending = [self]
        while pending:
            place = pending.pop()
            yield place
            pending += [child for _, child in place.below()]

    def note_names(self, names: Sequence[str]) -> None:
        """Count keys of a map: each once for every object that has it."""
        self.names.add("string", len(names), extremes(str, names), [])

    def note_name(self, name: str, count: int) -> None:
        self.names.add("string", count, extremes(str, [name]), [])


Flat = tuple[int, str, dict[str, Seen], Seen]
"""A place without those below it: the number of its parent, the step from there, types and keys."""


def flattened(root: PlaceStats) -> list[Flat]:
    """Return the tree as a list, parents first, for pickling."""
    flat: list[Flat] = []
    pending = [(-1, "", root)]
    while pending:
        above, step, place = pending.pop()
        number = len(flat)
        flat.append((above, step, place.types, place.names))
        pending += [(number, below, child) for below, child in place.below()]
    return flat


def unflattened(flat: Sequence[Flat]) -> PlaceStats:
    """Return the tree from the list of `flattened`."""
    places: list[PlaceStats] = []
    for above, step, types, names in flat:
        place = PlaceStats(types=types, names=names)
        places.append(place)
        if above >= 0:
            parent = places[above]
            place.path = (*parent.path, step)
            _hang(parent, step, place)
    return places[0]


def _hang(parent: PlaceStats, step: str, place: PlaceStats) -> None:
    if step == ENTRY:
        parent.entry = place
    elif step == ELEMENT:
        parent.element = place
    else:
        parent.fields[unescape_step(step)] = place
