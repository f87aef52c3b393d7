"""Counts what JSON columns hold: every path with its types, as a survey of documents does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from crossfade.model.names import engine_names
from crossfade.model.shape import ELEMENT, Node, TypeStats
from crossfade.model.vocabulary import Vocabulary
from crossfade.records.rows.json_values import parse, parse_quickly, type_of

MOST_FIELDS = 1000
"""The names of an object with more of them are data: its column has no shape, and is covered as a whole."""


@dataclass
class JsonPlace:
    """One place in the JSON of a column."""

    types: dict[str, int] = field(default_factory=dict)
    fields: dict[str, JsonPlace] = field(default_factory=dict)
    element: JsonPlace | None = None

    def add(self, value: Any) -> None:
        name = type_of(value)
        self.types[name] = self.types.get(name, 0) + 1
        if name == "object":
            for step, part in value.items():
                place = self.fields.get(step)
                (self._field(step) if place is None else place).add(part)
        elif name == "array":
            self.element = self.element or JsonPlace()
            for part in value:
                self.element.add(part)

    def merge(self, other: Self) -> None:
        for name, count in other.types.items():
            self.types[name] = self.types.get(name, 0) + count
        for step, place in other.fields.items():
            self._field(step).merge(place)
        if other.element is not None:
            self.element = self.element or JsonPlace()
            self.element.merge(other.element)

    def _field(self, step: str) -> JsonPlace:
        """Return the place of a field. Raises ValueError if an object has too many names."""
        if len(self.fields) >= MOST_FIELDS and step not in self.fields:
            raise ValueError(f"an object has more than {MOST_FIELDS} names")
        return self.fields.setdefault(step, JsonPlace())

    def below(self, vocabulary: Vocabulary) -> Mapping[str, Any]:
        """Return what a node has below it."""
        engines = engine_names(self.fields)
        objects = self.types.get("object", 0)
        fields = tuple(self.fields[name].node(name, engines[name], objects, vocabulary) for name in sorted(self.fields))
        element = None if self.element is None else self.element.node(ELEMENT, ELEMENT, 0, vocabulary)
        return {"fields": fields, "element": element}

    def node(self, name: str, engine: str, objects: int, vocabulary: Vocabulary) -> Node:
        """Return the place as a node; `objects` is how many there are that may hold it."""
        missing = max(0, objects - sum(self.types.values()))
        types = {kind: TypeStats(count) for kind, count in self.types.items()}
        return Node(name, engine, types, missing, vocabulary=vocabulary, **self.below(vocabulary))


@dataclass
class JsonCount:
    """The JSON of one column; `is_open` is false once it has no shape: a name twice, too many names."""

    root: JsonPlace = field(default_factory=JsonPlace)
    is_open: bool = True

    def add(self, text: str, *, unique: bool = False) -> None:
        """Count a text. `unique`: no object has a name twice, as in jsonb."""
        if not self.is_open:
            return
        try:
            self.root.add(parse_quickly(text) if unique else parse(text))
        except (ValueError, RecursionError):
            self._close()

    def merge(self, other: Self) -> None:
        try:
            self.root.merge(other.root)
        except ValueError:
            self._close()
        if not other.is_open:
            self._close()

    def _close(self) -> None:
        self.root, self.is_open = JsonPlace(), False
