"""The survey's counting: every path of every document with each BSON type it holds.

Documents are counted by the batch and by the column: all values of one place together, split by their class, so that
the work on one value is a step of min(), max() or len() and not a line of Python. What is kept does not grow with the
number of documents, only with the number of places, and that is limited: an object whose field names are values (a
map by date or by user) has no shape that could be reviewed.

Example keys are the three least (by their text) of each type at each place, so that they do not depend on how the
documents were divided among workers, or in which order they came.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, compress
from operator import itemgetter
from typing import Any

from bson import Binary, Code, ObjectId

from crossfade.documents.decode import Broken, decode, portions
from crossfade.documents.ejson import canonical
from crossfade.documents.extremes import Extremes, cut, extremes, rank, shown
from crossfade.documents.native import CountedPlace, native_count
from crossfade.documents.types import TYPE_OF_CLASS, binary_type, code_type
from crossfade.documents.uncollected import uncollected
from crossfade.errors import Refused
from crossfade.model.names import engine_names
from crossfade.model.shape import ELEMENT, Node, Path, Shape, TypeStats, escape_step, format_path

MOST_NAMES = 10_000  # different field names below one place
MOST_PLACES = 100_000  # places in one entity
EXAMPLES = 3
LONGEST_EXAMPLE = 1000  # characters of a key's text

Values = Sequence[Any]
Owners = Sequence[int]
"""For each value the number of the document that holds it, counted in the order of the documents' keys; ascending."""


@dataclass(slots=True)
class Seen:
    """What was seen of one type at one place."""

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


@dataclass(slots=True)
class Place:
    """One place in the documents, while it is being counted."""

    path: Path = ()
    types: dict[str, Seen] = field(default_factory=dict)
    fields: dict[str, Place] = field(default_factory=dict)
    element: Place | None = None

    def seen(self, kind: str) -> Seen:
        return self.types.setdefault(kind, Seen())

    def count_of(self, kind: str) -> int:
        return self.types[kind].count if kind in self.types else 0


class Histogram:
    """Counts batches of raw BSON. Can be pickled, and merged with others of the same entity."""

    def __init__(self, *, most_names: int = MOST_NAMES, most_places: int = MOST_PLACES, native: bool = True) -> None:
        self.root = Place()
        self.bytes = 0
        self.problems: dict[str, Seen] = {}
        self._most_names = most_names
        self._most_places = most_places
        self._places = 0
        self._native = native

    @property
    def count(self) -> int:
        """All documents, with those that cannot be read."""
        return self.root.count_of("object") + sum(seen.count for seen in self.problems.values())

    def add(self, batch: bytes) -> None:
        """Count the documents of one batch. Raises Refused where an object has too many field names to be a shape."""
        counted = native_count(batch) if self._native else None
        if counted is not None:
            self.bytes += len(batch)
            self._take(*counted)
            return
        with uncollected():
            for portion in portions(batch):
                self._add(portion)

    def _add(self, portion: bytes) -> None:
        self.bytes += len(portion)
        decoded = decode(portion)
        for broken in decoded.broken:
            self._add_problem(broken)
        if not decoded.docs:
            return
        docs, key_of = _by_key(decoded.docs)
        pending: list[tuple[Place, Values, Owners]] = [(self.root, docs, range(len(docs)))]
        while pending:
            place, values, owners = pending.pop()
            pending += self._count(place, values, owners, key_of)

    def _take(self, problems: Sequence[tuple[str, str | None]], places: Sequence[CountedPlace]) -> None:
        """What the native reader counted in one batch."""
        for reason, key in problems:
            self.problems.setdefault(reason, Seen()).add(reason, 1, Extremes(), [] if key is None else [key])
        found: list[Place] = []
        for parent, name, kinds in places:
            above = self.root if parent is None else found[parent]
            here = above if parent is None else self._element(above) if name is None else self._field(above, name)
            found.append(here)
            for kind, count, extent, keys in kinds:
                here.seen(kind).add(kind, count, extent, keys)

    def merge(self, other: Histogram) -> None:
        """Take in what another one counted; `other` stays as it is."""
        self.bytes += other.bytes
        for reason, seen in other.problems.items():
            self.problems.setdefault(reason, Seen()).add(reason, seen.count, Extremes(), seen.keys)
        pending = [(self.root, other.root)]
        while pending:
            mine, theirs = pending.pop()
            for kind, seen in theirs.types.items():
                found = Extremes(seen.least, seen.greatest, seen.min_length, seen.max_length)
                mine.seen(kind).add(kind, seen.count, found, seen.keys)
            pending += [(self._field(mine, name), place) for name, place in theirs.fields.items()]
            if theirs.element is not None:
                pending.append((self._element(mine), theirs.element))

    def to_shape(self, entity: str, *, entity_class: str = "collection", plan: str = "") -> Shape:
        problems = {reason: self.problems[reason].count for reason in sorted(self.problems)}
        return Shape(entity, self.count, _node(self.root, "", "", 0), entity_class, plan, self.bytes, problems)

    def _add_problem(self, broken: Broken) -> None:
        keys = [cut(broken.key, LONGEST_EXAMPLE)] if broken.key is not None else []
        self.problems.setdefault(broken.reason, Seen()).add(broken.reason, 1, Extremes(), keys)

    def _count(
        self, place: Place, values: Values, owners: Owners, key_of: Callable[[int], str]
    ) -> Iterator[tuple[Place, Values, Owners]]:
        """Count the values of one place; yields the places below it with their values."""
        for cls, some, theirs in _split(values, owners, list(map(type, values))):
            for kind, few, few_owners in _by_type(cls, some, theirs):
                keys = [] if place is self.root else [key_of(owner) for owner in _first(few_owners)]
                place.seen(kind).add(kind, len(few), extremes(cls, few), [key for key in keys if key])
            if cls is dict:
                for name, column, column_owners in _columns(some, theirs):
                    yield self._field(place, name), column, column_owners
            elif cls is list:
                yield from self._elements(place, some, theirs)

    def _elements(self, place: Place, arrays: Values, owners: Owners) -> Iterator[tuple[Place, Values, Owners]]:
        values = list(chain.from_iterable(arrays))
        if values:
            theirs = [owner for owner, array in zip(owners, arrays, strict=True) for _ in array]
            yield self._element(place), values, theirs

    def _field(self, place: Place, name: str) -> Place:
        found = place.fields.get(name)
        if found is None:
            if len(place.fields) >= self._most_names:
                raise _keys_are_values(place, f"more than {self._most_names} different field names")
            found = place.fields[name] = self._new((*place.path, escape_step(name)))
        return found

    def _element(self, place: Place) -> Place:
        if place.element is None:
            place.element = self._new((*place.path, ELEMENT))
        return place.element

    def _new(self, path: Path) -> Place:
        self._places += 1
        if self._places > self._most_places:
            raise _keys_are_values(_widest(self.root), f"most of more than {self._most_places} different paths")
        return Place(path)


def merge(a: Histogram, b: Histogram) -> Histogram:
    """What both counted; both stay as they are. Associative and commutative."""
    both = Histogram(most_names=a._most_names, most_places=a._most_places)
    both.merge(a)
    both.merge(b)
    return both


def _by_key(docs: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], Callable[[int], str]]:
    """The documents in the order of their keys' texts, and what gives the text of the n-th ("": it has no key)."""
    ids = [doc.get("_id", ...) for doc in docs]
    if set(map(type, ids)) == {ObjectId}:
        ranks: list[Any] = [found.binary for found in ids]  # ordered as their texts are, and quicker to make
    else:
        ranks = ["" if found is ... else cut(canonical(found), LONGEST_EXAMPLE) for found in ids]
    order = sorted(range(len(docs)), key=ranks.__getitem__)
    texts: dict[int, str] = {}

    def key_of(number: int) -> str:
        text = texts.get(number)
        if text is None:
            found = ids[order[number]]
            text = texts[number] = "" if found is ... else cut(canonical(found), LONGEST_EXAMPLE)
        return text

    return [docs[at] for at in order], key_of


def _first(owners: Owners) -> Iterator[int]:
    """The first few different ones."""
    at = 0
    for _ in range(EXAMPLES):
        if at >= len(owners):
            return
        yield owners[at]
        at = bisect_right(owners, owners[at], at)


def _split(values: Values, owners: Owners, marks: Sequence[Any]) -> Iterator[tuple[Any, Values, Owners]]:
    """The values with their owners, apart by their marks."""
    different = set(marks)
    if len(different) == 1:
        yield marks[0], values, owners
        return
    for mark in different:
        picked = [other == mark for other in marks]
        yield mark, list(compress(values, picked)), list(compress(owners, picked))


def _by_type(cls: type[Any], values: Values, owners: Owners) -> Iterator[tuple[str, Values, Owners]]:
    """The values of one class by BSON type: one type, but for binary data and code."""
    if cls is Binary:
        yield from _split(values, owners, list(map(binary_type, values)))
    elif cls is Code:
        yield from _split(values, owners, list(map(code_type, values)))
    else:
        yield TYPE_OF_CLASS[cls], values, owners


def _columns(objects: Values, owners: Owners) -> Iterator[tuple[str, Values, Owners]]:
    """Each field name with its values and their owners."""
    names = dict.fromkeys(chain.from_iterable(objects))
    if len(names) * len(objects) > 8 * sum(map(len, objects)):
        yield from _sparse_columns(objects, owners)
        return
    for name in names:
        try:
            yield name, list(map(itemgetter(name), objects)), owners
        except KeyError:
            there = [name in found for found in objects]
            yield name, [found[name] for found in compress(objects, there)], list(compress(owners, there))


def _sparse_columns(objects: Values, owners: Owners) -> Iterator[tuple[str, Values, Owners]]:
    """The same where most objects lack most of the names: to ask each for all would take the square of the time."""
    columns: dict[str, tuple[list[Any], list[int]]] = {}
    for found, owner in zip(objects, owners, strict=True):
        for name, value in found.items():
            values, theirs = columns.setdefault(name, ([], []))
            values.append(value)
            theirs.append(owner)
    for name, (values, theirs) in columns.items():
        yield name, values, theirs


def _node(place: Place, name: str, engine: str, missing: int) -> Node:
    total = missing + sum(seen.count for seen in place.types.values())
    types = {
        kind: place.types[kind].stats(kind, examples=2 * place.types[kind].count <= total)
        for kind in sorted(place.types)
    }
    engines = engine_names(place.fields)
    parents = place.count_of("object")
    fields = tuple(
        _node(child, child_name, engines[child_name], parents - sum(seen.count for seen in child.types.values()))
        for child_name, child in sorted(place.fields.items())
    )
    element = None if place.element is None else _node(place.element, ELEMENT, ELEMENT, 0)
    return Node(name, engine, types, missing, fields, element)


def _widest(root: Place) -> Place:
    widest, pending = root, [root]
    while pending:
        place = pending.pop()
        widest = max(widest, place, key=lambda found: len(found.fields))
        pending += [*place.fields.values(), *([place.element] if place.element else [])]
    return widest


def _keys_are_values(place: Place, what: str) -> Refused:
    some = ", ".join(repr(name) for name in list(place.fields)[:3])
    return Refused(
        f"the objects at {format_path(place.path)} hold {what} ({some}, ...): their keys are values, and have no shape "
        "to review; nothing was written",
        hint="turn such a map into an array of {k, v} in the source ($objectToArray does it), or leave the entity out",
    )
