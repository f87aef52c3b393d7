"""The parts of an entity that its mappings cover, as sets of paths."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from crossfade.model.program import DECIDES, Use, carries
from crossfade.model.shape import ELEMENT, Path

Types = Mapping[Path, frozenset[str]]


@dataclass(frozen=True)
class Covered:
    """Paths used by value, paths used with everything below them (each with the covered types), and arrays used for
    their elements.
    """

    values: Types
    wholes: Types
    arrays: frozenset[Path]
    below: Types
    """Path -> "object" and/or "array": there are used paths below it, through fields or through elements."""
    rest: bool
    keys: frozenset[Path] = frozenset()
    """Objects whose field names are values that reach a column."""

    def covers(self, path: Path, type_name: str) -> bool:
        if self.within_whole(path, type_name):
            return True
        below = self.below.get(path, frozenset())
        if type_name == "object":
            return "object" in below
        values = self.values.get(path, frozenset())
        if type_name == "array":
            return "array" in below or "array" in values or path in self.arrays
        is_used = path in self.values or path in self.arrays or bool(below)
        return type_name in values or (type_name == "null" and is_used)

    def within_whole(self, path: Path, type_name: str) -> bool:
        """Return whether the path is used with everything below it, or is below such a path."""
        for n in range(len(path) + 1):
            types = self.wholes.get(path[:n], frozenset())
            if (type_name if n == len(path) else holder(path[n])) in types:
                return True
        return type_name == "null" and path in self.wholes

    def in_rest(self, path: Path) -> bool:
        """Return whether the remainder holds the path: no mapping mentions its top-level field."""
        tops = {p[:1] for p in (*self.values, *self.wholes, *self.arrays, *self.below) if p}
        return self.rest and bool(path) and path[:1] not in tops


def covered_by(uses: Iterable[Use], entity: str) -> Covered:
    """Return what `uses` (of branches whose root is `entity`) cover of the entity."""
    places: dict[str, dict[Path, frozenset[str]]] = {"value": {}, "whole": {}, "elements": {}}
    below: dict[Path, frozenset[str]] = {}
    keys: set[Path] = set()
    rest = False
    for use in uses:
        rest = rest or (use.depth == "rest" and not use.looked_up and use.keeps != DECIDES)
        if use.entity != entity or not carries(use):
            continue
        if use.depth in ("entries", "keys"):
            keys |= {use.path} if use.depth == "keys" else set()
            below[use.path] = below.get(use.path, frozenset()) | {"object"}
        else:
            of_depth = places[use.depth]
            of_depth[use.path] = of_depth.get(use.path, frozenset()) | use.types
        for n in range(len(use.path)):
            below[use.path[:n]] = below.get(use.path[:n], frozenset()) | {holder(use.path[n])}
    return Covered(places["value"], places["whole"], frozenset(places["elements"]), below, rest, frozenset(keys))


def holder(step: str) -> str:
    """Return the type that a step of a path descends from."""
    return "array" if step == ELEMENT else "object"
