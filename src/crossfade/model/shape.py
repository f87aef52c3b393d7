"""The shape of an entity: every path that its documents hold, with each BSON type seen there, counted.

A full scan of the source makes it (assess/survey); `source.lock.json` keeps it; the readers hold documents
against it, and the mapping is compiled against it. Values only: nothing here reads or writes.

A `Node` stands for one place in the documents: the document itself (the root), a field of an object, or the
elements of an array. Places below a field of type object are its `fields`; below an array, its `element`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

# BSON type names are those of MongoDB's $type operator. Binary data names its subtype, because a UUID
# and a blob are different things: "binData:4", "binData:0". "missing" is not a type: it is counted apart.
BSON_TYPES = tuple(
    "double string object array undefined objectId bool date null regex dbPointer javascript symbol "
    "javascriptWithScope int timestamp long decimal minKey maxKey".split()
)

Path = tuple[str, ...]
"""Steps from the root: field names as they are in the source; "[]" steps into the elements of an array.

A field that is itself named "[]" is stepped into as "\\[]".
"""

ELEMENT = "[]"

# PostgreSQL's timestamptz and Arrow's microseconds both hold these milliseconds since 1970 (years -4712 to 294246).
DATE_LEAST_MS = -210_866_803_200_000
DATE_GREATEST_MS = 9_223_371_331_199_999


@dataclass(frozen=True, slots=True)
class TypeStats:
    """What was seen of one BSON type at one place.

    `least` and `greatest` are values (canonical Extended JSON text; long ones cut after 64 characters and ended with an
    ellipsis); `min_length` and `max_length` are characters of a string, bytes of binary data, elements of an array,
    fields of an object; `keys` are up to three `_id`s of documents that hold it (canonical Extended JSON), kept where
    the type is a minority at its place.
    """

    count: int
    least: str | None = None
    greatest: str | None = None
    min_length: int | None = None
    max_length: int | None = None
    keys: tuple[str, ...] = ()


@dataclass(frozen=True)
class Node:
    """One place. `name` is the field's own name ("" is legal), `engine` the name that SQL knows it by."""

    name: str
    engine: str
    types: Mapping[str, TypeStats]
    missing: int = 0
    fields: tuple[Node, ...] = ()
    element: Node | None = None

    @cached_property
    def by_name(self) -> Mapping[str, Node]:
        return {node.name: node for node in self.fields}

    @cached_property
    def by_engine(self) -> Mapping[str, Node]:
        return {node.engine: node for node in self.fields}

    @cached_property
    def value_types(self) -> frozenset[str]:
        """The types seen here, null aside."""
        return frozenset(self.types) - {"null"}

    @cached_property
    def kind(self) -> str:
        """How a value of this place arrives in Arrow: see `ARROW_KINDS` in documents/columns.py.

        One type: that type. int and long together: long (no value changes). Everything else that is mixed,
        or that Arrow has no exact type for: "mixed", which arrives as canonical Extended JSON.
        """
        types = self.value_types
        if not types:
            return "null"
        if types <= {"int", "long"}:
            return "long" if "long" in types else "int"
        if len(types) > 1:
            return "mixed"
        (only,) = types
        if only == "date":
            return "date" if _dates_fit(self.types["date"]) else "mixed"
        simple = {"double", "string", "object", "array", "objectId", "bool", "decimal"}
        if only in simple:
            return only
        if only == "binData:0":
            return "binary"
        if only == "binData:4" and self.types[only].min_length == self.types[only].max_length == 16:
            return "uuid"
        return "mixed"

    @property
    def has_both_null_and_missing(self) -> bool:
        return self.missing > 0 and "null" in self.types

    def walk(self, path: Path = ()) -> Iterator[tuple[Path, Node]]:
        """This node and all below it, with their paths, parents first."""
        yield path, self
        for child in self.fields:
            yield from child.walk((*path, escape_step(child.name)))
        if self.element is not None:
            yield from self.element.walk((*path, ELEMENT))


def _dates_fit(stats: TypeStats) -> bool:
    least, greatest = date_ms(stats.least), date_ms(stats.greatest)
    return least is not None and greatest is not None and DATE_LEAST_MS <= least <= greatest <= DATE_GREATEST_MS


def date_ms(text: str | None) -> int | None:
    """The milliseconds in `{"$date":{"$numberLong":"..."}}`, or None."""
    prefix, suffix = '{"$date":{"$numberLong":"', '"}}'
    if text is None or not (text.startswith(prefix) and text.endswith(suffix)):
        return None
    return int(text[len(prefix) : -len(suffix)])


def escape_step(name: str) -> str:
    return "\\" + name if name.lstrip("\\") == ELEMENT else name


def unescape_step(step: str) -> str:
    return step[1:] if step.startswith("\\") and step.lstrip("\\") == ELEMENT else step


_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_$-")


def format_path(path: Path) -> str:
    """`profile.firstName`, `students[].student`, `settings."a.b"`; the root is ``.``; the inverse of `parse_path`.

    A step that is empty or holds anything but ASCII letters, digits, `_`, `$` and `-` is quoted, quotes doubled.
    """
    out = ""
    for step in path:
        if step == ELEMENT:
            out += ELEMENT
            continue
        name = unescape_step(step)
        plain = bool(name) and set(name) <= _PLAIN
        out += ("." if out else "") + (name if plain else '"' + name.replace('"', '""') + '"')
    return out or "."


def parse_path(text: str) -> Path:
    """The path that `format_path` wrote; raises ValueError on text that is none."""
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
    """One entity as the full scan saw it. `entity_class` says what the source calls it, `plan` what becomes of it."""

    entity: str
    count: int
    root: Node
    entity_class: str = "collection"
    plan: str = ""
    bytes: int = 0
    problems: Mapping[str, int] = field(default_factory=dict)
    """Documents that could not be read, by reason (`duplicate_key`, `invalid_utf8`, `broken`); with `remainder`, that a
    part of the source is torn, of which nobody knows how many documents it holds.
    """

    def node(self, path: Path) -> Node | None:
        """The node at `path`, or None."""
        node: Node | None = self.root
        for step in path:
            if node is None:
                return None
            node = node.element if step == ELEMENT else node.by_name.get(unescape_step(step))
        return node
