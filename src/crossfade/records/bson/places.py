"""The values of a whole batch at one place of the documents, and how to step from there to the next place.

`Values` is a column before it is Arrow: one Python value for each row, None where the place is null or missing or
where the way to it leads through something that is no object. Each step is made once a batch, whoever asks first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property, reduce
from itertools import accumulate, chain, repeat
from operator import contains, is_not, itemgetter
from types import NoneType
from typing import Any

from crossfade.model.shape import ENTRY, Node, Path, TypeStats, date_ms, unescape_step

ONLY_DICT = frozenset((dict,))


class Values:
    """One place in all rows. `values` line up with the rows of the batch, or with the elements of a list column.

    `within` are the values that a field was taken out of. A place knows those below it and never the one above: in a
    ring of references the documents would live until the garbage collector comes round.
    """

    def __init__(
        self, values: Sequence[Any], within: Sequence[Any] | None = None, name: str = "", *, all_objects: bool = False
    ) -> None:
        self.values = values
        self._within, self._name, self._all_objects = within, name, all_objects
        self._fields: dict[str, Values] = {}

    @cached_property
    def classes(self) -> set[type[Any]]:
        return set(map(type, self.values))

    def field(self, name: str) -> Values:
        found = self._fields.get(name)
        if found is None:
            all_objects = self.classes == ONLY_DICT
            if all_objects:
                values = _named(name, self.values)
            elif dict in self.classes:
                values = [v.get(name) if type(v) is dict else None for v in self.values]
            else:
                values = [None] * len(self.values)
            found = self._fields[name] = Values(values, self.values, name, all_objects=all_objects)
        return found

    def at(self, path: Path) -> Values:
        place = self
        for step in path:
            place = place.field(unescape_step(step))
        return place

    @cached_property
    def present(self) -> list[bool]:
        """True where the field is there, also with null. The row itself and an element are always there."""
        if self._within is None:
            return [True] * len(self.values)
        name = self._name
        return [type(v) is dict and name in v for v in self._within]

    @cached_property
    def has_null(self) -> bool:
        """Whether a field is there and null (as against missing)."""
        if NoneType not in self.classes:
            return False
        if self._within is not None and self._all_objects:  # more are there than have a value
            there = sum(map(contains, self._within, repeat(self._name)))
            return there > sum(map(is_not, self.values, repeat(None)))
        return any(there and v is None for there, v in zip(self.present, self.values, strict=True))

    @property
    def objects(self) -> Values:
        """The values here that are objects, without the rest: what the check goes down into."""
        if self.classes == ONLY_DICT:
            return self
        objects = [v for v in self.values if type(v) is dict]
        # Where most rows hold one, the columns' own aligned values serve the check too.
        return self if len(objects) * 2 > len(self.values) else Values(objects)

    @cached_property
    def elements(self) -> Elements:
        """The arrays here as lists."""
        return Elements([v if type(v) is list else None for v in self.values])

    @cached_property
    def entries(self) -> Entries:
        """The fields of the objects here, as lists of their values, with their names."""
        return Entries([v if type(v) is dict else None for v in self.values])

    @cached_property
    def listed(self) -> Elements:
        """As `elements`, but a single value that is not null is a list of one."""
        return Elements([v if v is None or type(v) is list else [v] for v in self.values])


def _named(name: str, objects: Sequence[Mapping[str, Any]]) -> list[Any]:
    """The field of each; most fields stand in every object, and then it takes half the time."""
    try:
        return list(map(itemgetter(name), objects))
    except KeyError:
        return [v.get(name) for v in objects]


class Elements:
    """The lists at one place, flattened: `values` are the elements, `offsets` where each row's begin (None: the row
    has no list).
    """

    def __init__(self, lists: Sequence[list[Any] | None]) -> None:
        present = [v for v in lists if v is not None]
        self.values = Values(list(chain.from_iterable(present)))
        starts = accumulate((0 if v is None else len(v) for v in lists), initial=0)
        if len(present) == len(lists):
            self.offsets: list[int | None] = list(starts)
        else:
            self.offsets = [None if v is None else start for v, start in zip(lists, starts, strict=False)]
            self.offsets.append(len(self.values.values))


class Entries(Elements):
    """The fields of objects as lists: `keys` line up with the values."""

    def __init__(self, objects: Sequence[dict[str, Any] | None]) -> None:
        super().__init__([None if v is None else list(v.values()) for v in objects])
        self.keys = list(chain.from_iterable(v for v in objects if v is not None))


def entry_value(node: Node) -> Node:
    """The node of the values where a place is read as `entries`: those of a map, or of all fields together."""
    found = reduce(_merged_if, [node.entry, *(replace(field, name=ENTRY, engine=ENTRY) for field in node.fields)], None)
    return found or Node(ENTRY, ENTRY, {})


def listed_element(node: Node) -> Node:
    """The node of the elements where a place is read as `listed`: what its arrays hold, together with its single
    values.
    """
    alone = {name: stats for name, stats in node.types.items() if name not in ("array", "null")}
    single = Node(node.name, node.engine, alone, fields=node.fields, entry=node.entry, names=node.names)
    return single if node.element is None else _merged(node.element, single)


LISTS = ("list", "listed", "entries")
"""The forms that are lists of structs."""


def element_of(form: str, node: Node) -> Node:
    """The node of the elements of a place that is read in one of these forms."""
    if form == "entries":
        return entry_value(node)
    return listed_element(node) if form == "listed" else node.element or Node("", "", {})


def _merged(one: Node, other: Node) -> Node:
    types = dict(one.types)
    for name, stats in other.types.items():
        types[name] = _both(types[name], stats) if name in types else stats
    fields = dict(one.by_name)
    for name, node in other.by_name.items():
        fields[name] = _merged(fields[name], node) if name in fields else node
    element = _merged_if(one.element, other.element)
    missing = one.missing + other.missing
    whole = Node(one.name, one.engine, types, missing, tuple(fields[name] for name in sorted(fields)), element)
    if one.entry is None and other.entry is None:
        return whole
    return _as_map(whole, [one.entry, other.entry], one.names or other.names)


def _merged_if(one: Node | None, other: Node | None) -> Node | None:
    return one or other if one is None or other is None else _merged(one, other)


def _as_map(node: Node, entries: Sequence[Node | None], names: TypeStats | None) -> Node:
    """Where one of two places is a map, so are both together: what the other has are keys and values of it."""
    entry = reduce(_merged_if, [*entries, *(replace(field, name=ENTRY, engine=ENTRY) for field in node.fields)])
    return replace(node, fields=(), entry=entry, names=names)


def _both(one: TypeStats, other: TypeStats) -> TypeStats:
    """What decides a node's kind, of two places: the range of dates, the lengths of binary data."""
    dates = [(date_ms(text), text) for text in (one.least, one.greatest, other.least, other.greatest)]
    known = sorted((ms, text) for ms, text in dates if ms is not None)
    least, greatest = (known[0][1], known[-1][1]) if len(known) == 4 else (None, None)
    return TypeStats(
        one.count + other.count,
        least,
        greatest,
        _either(min, one.min_length, other.min_length),
        _either(max, one.max_length, other.max_length),
    )


def _either(choose: Any, one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else choose(one, other)
