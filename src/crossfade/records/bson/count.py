"""Count for the survey: every path of every document, with each BSON type at it.

Documents are counted by batch and by column: all values of a place together, divided by class, so that min(), max() and
len() do the work on single values instead of lines of Python. The memory does not grow with the number of documents,
only with the number of places, which is limited: an object whose keys are data (dates or users) is a map, and all its
values are one place (maps.py).

Example keys are the three least (by their text) of each type at each place, so that they do not depend on the division
of the documents among workers or on their order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from dataclasses import dataclass
from itertools import chain
from typing import Any

from crossfade.errors import Refused
from crossfade.model.map_rules import MapRules
from crossfade.model.names import engine_names
from crossfade.model.rejection import Rejection
from crossfade.model.shape import ELEMENT, ENTRY, Node, Path, Shape, escape_step, format_path
from crossfade.records.bson.counted import PlaceStats, Seen, flattened, unflattened
from crossfade.records.bson.decode import decode, portions
from crossfade.records.bson.divided import (
    LONGEST_EXAMPLE,
    Owners,
    Values,
    by_key,
    by_type,
    columns,
    entries,
    first,
    split,
)
from crossfade.records.bson.extremes import Extremes, cut, extremes
from crossfade.records.bson.maps import MOST_FIELDS, is_map
from crossfade.records.bson.native import CountedPlace, native_count
from crossfade.records.bson.uncollected import uncollected
from crossfade.records.bson.vocabulary import WORDS

MOST_NAMES = 10_000  # different field names below a place that is not a map
MOST_PLACES = 100_000  # places in one entity
MOST_KEPT = 3  # times as many are allowed while counting, because maps are recognized at the end


@dataclass(frozen=True)
class CountLimits:
    """An object with more than `fields` keys is a map. If it may not be a map, more than `names` keys are refused. More
    than `places` in one entity are refused, too.
    """

    fields: int = MOST_FIELDS
    names: int = MOST_NAMES
    places: int = MOST_PLACES


class Histogram:
    """Counts batches of raw BSON. It can be pickled, and merged with others of the same entity."""

    def __init__(
        self, rules: MapRules | None = None, *, limits: CountLimits | None = None, native: bool = True
    ) -> None:
        self.root = PlaceStats()
        self.bytes = 0
        self.problems: dict[str, Seen] = {}
        self.rules = rules or MapRules()
        self.limits = limits or CountLimits()
        self._places = 0
        self._native = native

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "root": flattened(self.root)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__ = {**state, "root": unflattened(state["root"])}

    @property
    def count(self) -> int:
        """The number of documents, including those that cannot be read."""
        return self.root.count_of("object") + sum(seen.count for seen in self.problems.values())

    def add(self, batch: bytes) -> None:
        """Count the documents of a batch. Raises Refused if there are too many paths to be reviewed."""
        counted = native_count(batch) if self._native else None
        if counted is not None:
            self.bytes += len(batch)
            self._take(*counted)
            return
        with uncollected():
            for portion in portions(batch):
                self._add(portion)

    def merge(self, other: Histogram) -> None:
        """Add the counts of `other`, which is not changed."""
        self.bytes += other.bytes
        for reason, seen in other.problems.items():
            self.problems.setdefault(reason, Seen()).take(reason, seen)
        self._absorb(self.root, [other.root])

    def to_shape(self, entity: str, *, entity_class: str = "collection", plan: str = "") -> Shape:
        """Return the shape of the counted documents, with maps. Raises Refused if there are too many paths."""
        whole = Histogram(self.rules, limits=self.limits)
        whole.merge(self)
        whole._recognize()
        problems = {reason: self.problems[reason].count for reason in sorted(self.problems)}
        return Shape(entity, self.count, _node(whole.root), entity_class, plan, self.bytes, problems)

    # -- counting

    def _add(self, portion: bytes) -> None:
        self.bytes += len(portion)
        decoded = decode(portion)
        for broken in decoded.rejected:
            self._add_problem(broken)
        if not decoded.docs:
            return
        docs, owners, key_of = by_key(decoded.docs)
        pending: list[tuple[PlaceStats, Values, Owners]] = [(self.root, docs, owners)]
        while pending:
            place, values, owners = pending.pop()
            pending += self._count(place, values, owners, key_of)

    def _add_problem(self, broken: Rejection) -> None:
        keys = [cut(broken.key, LONGEST_EXAMPLE)] if broken.key is not None else []
        self.problems.setdefault(broken.reason, Seen()).add(broken.reason, 1, Extremes(), keys)

    def _take(self, problems: Sequence[tuple[str, str | None]], places: Sequence[CountedPlace]) -> None:
        """Add the counts of a batch from the native reader."""
        for reason, key in problems:
            self.problems.setdefault(reason, Seen()).add(reason, 1, Extremes(), [] if key is None else [key])
        names: list[list[str]] = [[] for _ in places]
        for parent, name, _ in places:
            if parent is not None and name is not None:
                names[parent].append(name)
        wanted: dict[int, set[str]] = {}  # many values of a map are one place here
        found: list[PlaceStats] = []
        for number, (parent, name, kinds) in enumerate(places):
            above = self.root if parent is None else found[parent]
            here = above if parent is None else self._element(above) if name is None else self._field(above, name)
            if above.entry is not None and name is not None:
                above.note_name(name, sum(count for _, count, _, _ in kinds))
            found.append(here)
            for kind, count, extent, keys in kinds:
                here.seen(kind).add(kind, count, extent, keys)
            if names[number]:
                of_place = wanted.setdefault(id(here), set())
                of_place.update(names[number])
                self._make_room(here, of_place)

    def _count(
        self, place: PlaceStats, values: Values, owners: Owners, key_of: Callable[[int], str]
    ) -> Iterator[tuple[PlaceStats, Values, Owners]]:
        """Count the values of a place, and yield the places below it with their values."""
        for cls, some, theirs in split(values, owners, list(map(type, values))):
            for kind, few, few_owners in by_type(cls, some, theirs):
                keys = [] if place is self.root else [key_of(owner) for owner in first(few_owners)]
                place.seen(kind).add(kind, len(few), extremes(cls, few), [key for key in keys if key])
            if cls is dict:
                yield from self._fields(place, some, theirs)
            elif cls is list:
                yield from self._elements(place, some, theirs)

    def _fields(
        self, place: PlaceStats, objects: Values, owners: Owners
    ) -> Iterator[tuple[PlaceStats, Values, Owners]]:
        names = dict.fromkeys(chain.from_iterable(objects))
        self._make_room(place, names.keys())
        if place.entry is not None:
            if names:
                place.note_names(list(chain.from_iterable(objects)))
                yield place.entry, *entries(objects, owners)
            return
        for name, column, column_owners in columns(objects, owners, names):
            yield self._field(place, name), column, column_owners

    def _elements(
        self, place: PlaceStats, arrays: Values, owners: Owners
    ) -> Iterator[tuple[PlaceStats, Values, Owners]]:
        values = list(chain.from_iterable(arrays))
        if values:
            theirs = [owner for owner, array in zip(owners, arrays, strict=True) for _ in array]
            yield self._element(place), values, theirs

    # -- places

    def _field(self, place: PlaceStats, name: str) -> PlaceStats:
        if place.entry is not None:
            return place.entry
        found = place.fields.get(name)
        if found is None:
            if len(place.fields) >= self.limits.names:
                raise _keys_are_values(place, f"more than {self.limits.names:,} different field names")
            found = place.fields[name] = self._new((*place.path, escape_step(name)))
        return found

    def _element(self, place: PlaceStats) -> PlaceStats:
        if place.element is None:
            place.element = self._new((*place.path, ELEMENT))
        return place.element

    def _new(self, path: Path) -> PlaceStats:
        self._places += 1
        if self._places > MOST_KEPT * self.limits.places:
            raise self._too_many(self.root)
        place = PlaceStats(path)
        if path in self.rules.maps:
            self._fold(place)
        return place

    def _too_many(self, root: PlaceStats) -> Refused:
        return _keys_are_values(_widest(root), f"most of more than {self.limits.places:,} different paths")

    # -- maps

    def _make_room(self, place: PlaceStats, names: Set[str]) -> None:
        """Fold a place that would have too many fields with these names. No reference to a place below it may exist."""
        if place.entry is None and self.rules.may_fold(place.path):
            most = self.limits.fields
            if len(place.fields) + len(names) > most and len(place.fields.keys() | names) > most:
                self._fold(place)

    def _fold(self, place: PlaceStats) -> None:
        """Convert an object to a map, with one place for all its fields."""
        fields, place.fields = place.fields, {}
        self._places -= sum(1 for child in fields.values() for _ in child.walk())
        place.entry = self._new((*place.path, ENTRY))
        self._absorb_fields(place, fields)

    def _absorb_fields(self, place: PlaceStats, fields: dict[str, PlaceStats]) -> None:
        """Add the fields of an object to a map."""
        assert place.entry is not None
        for name, child in fields.items():
            place.note_name(name, child.total)
        self._absorb(place.entry, fields.values())

    def _absorb(self, into: PlaceStats, others: Iterable[PlaceStats]) -> None:
        """Add the counts of other places and of those below them, which are not changed.

        It works depth first: the places below one are finished before the next one can make a map of it.
        """
        pending = [(into, other) for other in others]
        while pending:
            mine, theirs = pending.pop()
            for kind, seen in theirs.types.items():
                mine.seen(kind).take(kind, seen)
            self._make_room(mine, theirs.fields.keys())
            if theirs.entry is not None:
                if mine.entry is None:
                    self._fold(mine)
                mine.names.take("string", theirs.names)
            if mine.entry is not None:
                for name, child in theirs.fields.items():
                    mine.note_name(name, child.total)
            pending += [(self._field(mine, name), child) for name, child in theirs.fields.items()]
            if theirs.entry is not None and mine.entry is not None:
                pending.append((mine.entry, theirs.entry))
            if theirs.element is not None:
                pending.append((self._element(mine), theirs.element))

    def _absorbed(self, places: Iterable[PlaceStats]) -> PlaceStats:
        """Return a new place with the counts of several others."""
        apart = Histogram(limits=self.limits)
        apart._absorb(apart.root, places)
        return apart.root

    def _recognize(self) -> None:
        """Fold every object that is a map, from the top: the places below a map are merged before their turn."""
        pending = [self.root]
        while pending:
            place = pending.pop()
            if place.fields and self.rules.may_fold(place.path) and is_map(place, self._absorbed):
                self._fold(place)
            pending += [child for _, child in place.below()]
        if sum(1 for _ in self.root.walk()) > self.limits.places:
            raise self._too_many(self.root)


def merge(a: Histogram, b: Histogram) -> Histogram:
    """Return the sum of both, which are not changed. It is associative and commutative."""
    both = Histogram(a.rules, limits=a.limits)
    both.merge(a)
    both.merge(b)
    return both


def _node(root: PlaceStats) -> Node:
    """Return the places as nodes. Children are made before their parents."""
    made: dict[int, Node] = {}
    order = list(_named(root))
    for place, name, engine, missing in reversed(order):
        total = missing + place.total
        types = {
            kind: place.types[kind].stats(kind, examples=2 * place.types[kind].count <= total)
            for kind in sorted(place.types)
        }
        fields = tuple(made[id(child)] for _, child in sorted(place.fields.items()))
        element = None if place.element is None else made[id(place.element)]
        entry = None if place.entry is None else made[id(place.entry)]
        names = None if entry is None else place.names.stats("string", examples=False)
        made[id(place)] = Node(name, engine, types, missing, fields, element, entry, names, WORDS)
    return made[id(root)]


def _named(root: PlaceStats) -> Iterator[tuple[PlaceStats, str, str, int]]:
    """Yield every place with its name, its name in SQL, and the number of objects that lack it."""
    pending = [(root, "", "", 0)]
    while pending:
        place, own, engine, missing = pending.pop()
        yield place, own, engine, missing
        engines, objects = engine_names(place.fields), place.count_of("object")
        pending += [(child, name, engines[name], objects - child.total) for name, child in place.fields.items()]
        pending += [(child, step, step, 0) for step, child in place.below() if step in (ELEMENT, ENTRY)]


def _widest(root: PlaceStats) -> PlaceStats:
    return max(root.walk(), key=lambda place: len(place.fields))


def _keys_are_values(place: PlaceStats, what: str) -> Refused:
    some = ", ".join(repr(name) for name in list(place.fields)[:3])
    where = format_path(place.path)
    say = "declare in crossfade.toml that its keys are data ([survey] maps), or " if place.path else ""
    return Refused(
        f"the objects at {where} have {what} ({some}, ...): too many to review",
        hint=f"{say}leave the entity out of `entities`",
    )
