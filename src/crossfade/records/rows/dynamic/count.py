"""Count a table for the survey: the storage classes in each column.

Values come from the driver, column by column (`add_columns`), or in raw records. The counts of ranges add up to those
of the table, however it was divided.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

from crossfade.model.names import engine_names
from crossfade.model.references import Reference
from crossfade.model.rejection import Rejected
from crossfade.model.shape import Node, Path, Shape, TypeStats, escape_step
from crossfade.model.type_stats import DISTINCT, SHORT
from crossfade.records.codec import Raw
from crossfade.records.rows import raw as lines
from crossfade.records.rows.count import listed
from crossfade.records.rows.dynamic.columns import ColumnValues
from crossfade.records.rows.dynamic.reader import BAD_TEXT, values_of
from crossfade.records.rows.dynamic.values import TYPES, BadText, text_of
from crossfade.records.rows.dynamic.vocabulary import SQLITE

SHOWN = 64
"""Characters of an extreme that are kept."""
EXAMPLES = 3


@dataclass(frozen=True)
class Declared:
    """A column as its table declares it. `types` are those that its declaration leads to."""

    name: str
    declared: str = ""
    nullable: bool = True
    types: tuple[str, ...] = ("text",)


@dataclass
class _Seen:
    """The values of one type in one column."""

    count: int = 0
    least: Any = None
    greatest: Any = None
    min_length: int | None = None
    max_length: int | None = None
    values: set[Any] | None = field(default_factory=set)

    def add(self, values: Sequence[Any], kind: type) -> None:
        shown = [value[: SHOWN + 1] for value in values] if kind in (str, bytes) else values
        lengths = list(map(len, values)) if kind in (str, bytes) else []
        least, most = (min(lengths), max(lengths)) if lengths else (None, None)
        short = kind is not bytes and self.values is not None and (most or 0) <= SHORT
        self.merge(_Seen(len(values), min(shown), max(shown), least, most, set(values) if short else None))

    def merge(self, other: _Seen) -> None:
        self.count += other.count
        self.least = min(_both(self.least, other.least))
        self.greatest = max(_both(self.greatest, other.greatest))
        self.min_length = min(_both(self.min_length, other.min_length), default=None)
        self.max_length = max(_both(self.max_length, other.max_length), default=None)
        if self.values is not None and other.values is not None:
            self.values |= other.values
        self.values = None if other.values is None or len(self.values or ()) > DISTINCT else self.values

    def stats(self) -> TypeStats:
        ends = _cut(self.least), _cut(self.greatest), self.min_length, self.max_length
        values = None if self.values is None else [text_of(value) for value in self.values]
        return TypeStats(
            self.count, *ends, distinct=None if values is None else len(values), values=listed(values or ())
        )


def _both(one: Any, other: Any) -> list[Any]:
    return [value for value in (one, other) if value is not None]


def _cut(value: Any) -> str:
    text = text_of(value)
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"


@dataclass
class Bad:
    """Records that cannot be read, and the keys of some."""

    count: int = 0
    keys: tuple[str, ...] = ()

    def add(self, count: int, keys: Iterable[str | None]) -> None:
        self.count += count
        self.keys = tuple(sorted({*self.keys, *(key for key in keys if key is not None)})[:EXAMPLES])


@dataclass
class DynamicCounter:
    """Counts of one table. `key` are the names of the columns of its key."""

    columns: Sequence[Declared] = ()
    key: tuple[str, ...] = ()
    count: int = 0
    bytes: int = 0
    problems: dict[str, Bad] = field(default_factory=dict)
    references: tuple[Reference, ...] = ()
    _seen: dict[str, dict[str, _Seen]] = field(default_factory=dict)
    _nulls: dict[str, int] = field(default_factory=dict)

    def add(self, batch: Raw) -> None:
        rows = list[Mapping[str, Any]]()
        for raw in lines.split(batch):
            self.bytes += len(raw)
            try:
                row = values_of(lines.read(raw))
                reason = BAD_TEXT if any(isinstance(v, BadText) for v in row.values()) else ""
            except Rejected as why:
                row, reason = {}, why.reason
            if reason:
                self.count += 1
                self.add_bad(reason, 1, [lines.key_of(raw)])
            else:
                rows.append(row)
        names = dict.fromkeys(name for row in rows for name in row)
        known = {column.name for column in self.columns}
        self.columns = [*self.columns, *(Declared(name) for name in names if name not in known)]
        self.add_columns({name: [row.get(name) for row in rows] for name in names}, len(rows))

    def add_columns(self, columns: ColumnValues, size: int) -> None:
        """Count rows without texts that are not UTF-8."""
        self.count += size
        for name, values in columns.items():
            types = set(map(type, values))
            for one in types - {type(None)}:
                some = values if len(types) == 1 else [v for v in values if type(v) is one]
                self._seen.setdefault(name, {}).setdefault(TYPES[one], _Seen()).add(some, one)
            if type(None) in types:
                self._nulls[name] = self._nulls.get(name, 0) + sum(v is None for v in values)

    def add_bad(self, reason: str, count: int, keys: Iterable[str | None]) -> None:
        self.problems.setdefault(reason, Bad()).add(count, keys)

    def merge(self, other: Self) -> None:
        self.columns = self.columns or other.columns
        self.key = self.key or other.key
        self.references = self.references or other.references
        self.count += other.count
        self.bytes += other.bytes
        for reason, bad in other.problems.items():
            self.add_bad(reason, bad.count, bad.keys)
        for name, types in other._seen.items():
            mine = self._seen.setdefault(name, {})
            for type_name, seen in types.items():
                mine.setdefault(type_name, _Seen()).merge(seen)
        for name, nulls in other._nulls.items():
            self._nulls[name] = self._nulls.get(name, 0) + nulls

    def to_shape(self, entity: str, *, entity_class: str = "table", plan: str = "") -> Shape:
        engines = engine_names(column.name for column in self.columns)
        nodes = (self._node(column, engines[column.name]) for column in self.columns)
        size = len(self.columns)
        readable = self.count - sum(bad.count for bad in self.problems.values())
        row = {"object": TypeStats(readable, min_length=size, max_length=size)} if self.columns else {}
        root = Node("", "", row, fields=tuple(sorted(nodes, key=lambda node: node.name)), vocabulary=SQLITE)
        key: tuple[Path, ...] = tuple((escape_step(name),) for name in self.key)
        problems = {reason: bad.count for reason, bad in sorted(self.problems.items())}
        return Shape(entity, self.count, root, entity_class, plan, self.bytes, problems, key, self.references)

    def _node(self, column: Declared, engine: str) -> Node:
        seen = self._seen.get(column.name, {})
        types = {name: one.stats() for name, one in sorted(seen.items())} or dict.fromkeys(column.types, TypeStats(0))
        nulls = self._nulls.get(column.name, 0)
        if nulls or column.nullable:
            types["null"] = TypeStats(nulls)
        return replace(Node(column.name, engine, types, vocabulary=SQLITE), declared=column.declared)
