"""The values of a whole batch at a place of the documents, and the steps to the places below it.

`Values` is a column before it is converted to Arrow: one Python value for each row, None if the place is null or
missing, or if its path goes through something that is not an object. Each step is computed once for a batch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from itertools import accumulate, chain, repeat
from operator import contains, is_not, itemgetter
from types import NoneType
from typing import Any

from crossfade.model.nodes import entry_value, listed_element
from crossfade.model.shape import Node, Path, unescape_step

ONLY_DICT = frozenset((dict,))


class Values:
    """A place in all rows. `values` correspond to the rows of the batch, or to the elements of a list column.

    `within` are the values that contain the field. A place refers to those below it but never to its parent, because a
    reference cycle would keep the documents alive until the next garbage collection.
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
        """True where the field exists, even if it is null. The row itself and an element always exist."""
        if self._within is None:
            return [True] * len(self.values)
        name = self._name
        return [type(v) is dict and name in v for v in self._within]

    @cached_property
    def has_null(self) -> bool:
        """Whether a field exists and is null (and not missing)."""
        if NoneType not in self.classes:
            return False
        if self._within is not None and self._all_objects:  # more fields exist than have a value
            there = sum(map(contains, self._within, repeat(self._name)))
            return there > sum(map(is_not, self.values, repeat(None)))
        return any(there and v is None for there, v in zip(self.present, self.values, strict=True))

    @property
    def objects(self) -> Values:
        """Return the values that are objects, into which the check descends."""
        if self.classes == ONLY_DICT:
            return self
        objects = [v for v in self.values if type(v) is dict]
        # If most rows have an object, the check uses the aligned values of the columns.
        return self if len(objects) * 2 > len(self.values) else Values(objects)

    @cached_property
    def elements(self) -> Elements:
        """Return the arrays as lists."""
        return Elements([v if type(v) is list else None for v in self.values])

    @cached_property
    def entries(self) -> Entries:
        """Return the fields of the objects as lists of values, with their names."""
        return Entries([v if type(v) is dict else None for v in self.values])

    @cached_property
    def listed(self) -> Elements:
        """Return the arrays as lists, and a single value that is not null as a list of one."""
        return Elements([v if v is None or type(v) is list else [v] for v in self.values])


def _named(name: str, objects: Sequence[Mapping[str, Any]]) -> list[Any]:
    """Return the field of each object. If all objects have it, as usual, this takes half the time."""
    try:
        return list(map(itemgetter(name), objects))
    except KeyError:
        return [v.get(name) for v in objects]


class Elements:
    """The flattened lists at a place: `values` are the elements, `offsets` the start of each row's elements (None: the
    row has no list).
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
    """The fields of objects as lists: `keys` correspond to the values."""

    def __init__(self, objects: Sequence[dict[str, Any] | None]) -> None:
        super().__init__([None if v is None else list(v.values()) for v in objects])
        self.keys = list(chain.from_iterable(v for v in objects if v is not None))


LISTS = ("list", "listed", "entries")
"""The forms that are lists of structs."""


def element_of(form: str, node: Node) -> Node:
    """Return the node of the elements of a place that is read in one of these forms."""
    if form == "entries":
        return entry_value(node)
    return listed_element(node) if form == "listed" else node.element or Node("", "", {})
