"""The shape of an entity: every path in its records, with the count of each type at it.

A full scan of the source makes it (assess/survey), and `source.lock.json` stores it. The readers check documents
against it, and the mapping is compiled against it. Values only: nothing here reads or writes.

A `Node` is a place in the records: the record itself (the root), a field of an object, the elements of an array, or
the values of a map. The names of types, and how their values arrive, are those of its vocabulary. Places below an
object are its `fields`; below an array, its `element`. An object whose keys are data (a user's id, a month) is a map:
all its values are one place, its `entry`, and a new key is not a new path.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from crossfade.model.quoting import identifier
from crossfade.model.references import Reference
from crossfade.model.type_stats import Path, TypeStats
from crossfade.model.vocabulary import NO_VOCABULARY, Vocabulary

ELEMENT = "[]"
ENTRY = "{}"


@dataclass(frozen=True, eq=False)
class Node:
    """A place. `name` is the field's own name ("" is legal), `engine` its name in SQL.

    For a map, `entry` is the place of its values, and `names` has the statistics of its keys: texts, each counted once
    for every object that has it. `declared` is how the source declares the place, if it does: `numeric(10,2)`.
    """

    name: str
    engine: str
    types: Mapping[str, TypeStats]
    missing: int = 0
    fields: tuple[Node, ...] = ()
    element: Node | None = None
    entry: Node | None = None
    names: TypeStats | None = None
    vocabulary: Vocabulary = NO_VOCABULARY
    declared: str = ""

    @property
    def is_map(self) -> bool:
        return self.entry is not None

    @cached_property
    def by_name(self) -> Mapping[str, Node]:
        return {node.name: node for node in self.fields}

    @cached_property
    def by_engine(self) -> Mapping[str, Node]:
        return {node.engine: node for node in self.fields}

    @cached_property
    def value_types(self) -> frozenset[str]:
        """The types seen here, except null."""
        return frozenset(self.types) - {"null"}

    @cached_property
    def kind(self) -> str:
        """The kind of a value of this place (vocabulary.KINDS)."""
        return self.vocabulary.kind_of(self.types, self.declared)

    def below(self, step: str) -> Node | None:
        """Return the place that a step of a path leads to, or None."""
        if step == ELEMENT:
            return self.element
        return self.entry if step == ENTRY else self.by_name.get(unescape_step(step))

    @property
    def has_both_null_and_missing(self) -> bool:
        return self.missing > 0 and "null" in self.types

    def walk(self, path: Path = ()) -> Iterator[tuple[Path, Node]]:
        """Yield this node and all nodes below it, with their paths, parents first."""
        pending: list[tuple[Path, Node]] = [(path, self)]
        while pending:
            at, node = pending.pop()
            yield at, node
            pending += [((*at, step), child) for step, child in reversed(list(node._children()))]

    def _children(self) -> Iterator[tuple[str, Node]]:
        for child in self.fields:
            yield escape_step(child.name), child
        if self.entry is not None:
            yield ENTRY, self.entry
        if self.element is not None:
            yield ELEMENT, self.element

    # Documents nest deeper than Python's recursion limit, so nothing here may be recursive.

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Node):
            return NotImplemented
        return [(path, node._own()) for path, node in self.walk()] == [(p, n._own()) for p, n in other.walk()]

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> tuple[Any, ...]:
        numbers: dict[int, int] = {}
        flat: list[_Flat] = []
        pending: list[tuple[int, str, Node]] = [(-1, "", self)]
        while pending:
            above, step, node = pending.pop()
            numbers[id(node)] = len(flat)
            flat.append((above, step, node._own()))
            pending += [(numbers[id(node)], below, child) for below, child in reversed(list(node._children()))]
        return _unflattened, (flat,)

    def _own(self) -> _Own:
        return self.name, self.engine, self.types, self.missing, self.names, self.vocabulary, self.declared


_Own = tuple[str, str, Mapping[str, TypeStats], int, "TypeStats | None", Vocabulary, str]
_Flat = tuple[int, str, _Own]
"""A node without those below it: the number of its parent, and the step from there."""


def _unflattened(flat: Sequence[_Flat]) -> Node:
    below: list[list[tuple[str, Node]]] = [[] for _ in flat]
    for number in range(len(flat) - 1, -1, -1):  # parents come first, so children are made before their parents
        above, step, (name, engine, types, missing, names, vocabulary, declared) = flat[number]
        children = below[number][::-1]
        single = dict(child for child in children if child[0] in _STEPS)
        fields = tuple(node for child, node in children if child not in _STEPS)
        below_it = single.get(ELEMENT), single.get(ENTRY)
        node = Node(name, engine, types, missing, fields, *below_it, names, vocabulary, declared)
        if above < 0:
            return node
        below[above].append((step, node))
    raise ValueError("no node")


_STEPS = (ELEMENT, ENTRY)


def escape_step(name: str) -> str:
    return "\\" + name if name.lstrip("\\") in _STEPS else name


def unescape_step(step: str) -> str:
    return step[1:] if step.startswith("\\") and step.lstrip("\\") in _STEPS else step


_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_$-")


def format_path(path: Path) -> str:
    """Format a path: `profile.firstName`, `students[].student`, `usage.{}.count`, `settings."a.b"`; the root is `.`.

    The inverse of `parse_path`.

    A step that is empty or holds anything but ASCII letters, digits, `_`, `$` and `-` is quoted, quotes doubled.
    """
    out = ""
    for step in path:
        if step == ELEMENT:
            out += ELEMENT
            continue
        if step == ENTRY:
            out += ("." if out else "") + ENTRY
            continue
        name = unescape_step(step)
        plain = bool(name) and set(name) <= _PLAIN
        out += ("." if out else "") + (name if plain else identifier(name))
    return out or "."


def parse_path(text: str) -> Path:
    """Return the path from the text of `format_path`. Raises ValueError for an invalid text."""
    if text == ".":
        return ()
    steps: list[str] = []
    i = 0
    while i < len(text):
        if text.startswith(ELEMENT, i):
            steps.append(ELEMENT)
            i += 2
            continue
        if text[i] == "." and steps:
            i += 1
        if text.startswith(ENTRY, i):
            steps.append(ENTRY)
            i += 2
            continue
        name, i = _parse_name(text, i)
        steps.append(escape_step(name))
    return tuple(steps)


def _parse_name(text: str, i: int) -> tuple[str, int]:
    if i < len(text) and text[i] == '"':
        out, i = "", i + 1
        while i < len(text):
            if text[i] == '"':
                if text.startswith('""', i):
                    out, i = out + '"', i + 2
                    continue
                return out, i + 1
            out, i = out + text[i], i + 1
        raise ValueError(f"unclosed quote in path {text!r}")
    start = i
    while i < len(text) and text[i] in _PLAIN:
        i += 1
    if i == start:
        raise ValueError(f"not a path: {text!r} (at character {start + 1})")
    return text[start:i], i


@dataclass(frozen=True)
class Shape:
    """The result of the full scan of an entity. `entity_class` is its class in the source; `plan` says what is done.

    `own_key` is where its records hold their key, if that differs between the entities of a source.
    """

    entity: str
    count: int
    root: Node
    entity_class: str = "collection"
    plan: str = ""
    bytes: int = 0
    problems: Mapping[str, int] = field(default_factory=dict)
    """Records that could not be read, by reason (`duplicate_key`, `invalid_utf8`, `broken`); `remainder` counts
    damaged parts of the source with an unknown number of records.
    """
    own_key: tuple[Path, ...] = ()
    references: tuple[Reference, ...] = ()

    @property
    def vocabulary(self) -> Vocabulary:
        return self.root.vocabulary

    @property
    def key(self) -> tuple[Path, ...]:
        """The places that together are a record's key; none where a mapping cannot name it."""
        return self.own_key or self.vocabulary.key

    def node(self, path: Path) -> Node | None:
        """Return the node at `path`, or None."""
        node: Node | None = self.root
        for step in path:
            if node is None:
                return None
            node = node.below(step)
        return node


__all__ = [
    "ELEMENT",
    "ENTRY",
    "Node",
    "Path",
    "Shape",
    "TypeStats",
    "escape_step",
    "format_path",
    "parse_path",
    "unescape_step",
]
