"""The survey of a table: its columns as they are declared, and the counts of each.

The counting is the server's (stores/postgresql/survey.py): it gives a `ColumnCount` for each column of each range, and
these are added up here. Extremes are texts; which of two is less is decided by the kind of the column.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, Self

from crossfade.errors import Unsupported
from crossfade.model.names import engine_names
from crossfade.model.references import Reference
from crossfade.model.shape import ELEMENT, Node, Path, Shape, TypeStats, escape_step
from crossfade.model.type_stats import DISTINCT, LISTED, SHORT
from crossfade.model.vocabulary import Vocabulary
from crossfade.records.codec import Raw
from crossfade.records.rows import calendar
from crossfade.records.rows.json_count import JsonCount
from crossfade.records.rows.texts import INFINITE
from crossfade.records.rows.vocabulary import JSON_NULL, KIND_OF_COLUMN, MATRIX, POSTGRESQL
from crossfade.schema.column_types import postgresql_type

SHOWN = 64
"""Characters of an extreme that are kept."""


@dataclass(frozen=True)
class ColumnCount:
    """One column, or the elements of one. `type` is the source's name of its type; for an array it is "array", and
    `element` has the counts of the elements. `matrices` counts the arrays that are not plain. `values` are all distinct
    values as text; None if they are too many or too long, or were not counted.
    """

    name: str
    type: str
    declared: str = ""
    nullable: bool = True
    count: int = 0
    nulls: int = 0
    least: str | None = None
    greatest: str | None = None
    min_length: int | None = None
    max_length: int | None = None
    matrices: int = 0
    element: ColumnCount | None = None
    json: JsonCount | None = None
    values: frozenset[str] | None = None

    def plus(self, other: ColumnCount) -> ColumnCount:
        order = _order(self.type)
        if self.json is not None and other.json is not None:
            self.json.merge(other.json)
        return replace(
            self,
            count=self.count + other.count,
            nulls=self.nulls + other.nulls,
            least=_of(lambda a, b: min(a, b, key=order), self.least, other.least),
            greatest=_of(lambda a, b: max(a, b, key=order), self.greatest, other.greatest),
            min_length=_of(min, self.min_length, other.min_length),
            max_length=_of(max, self.max_length, other.max_length),
            matrices=self.matrices + other.matrices,
            values=None if self.values is None or other.values is None else few(self.values | other.values),
            element=None if self.element is None or other.element is None else self.element.plus(other.element),
        )


def few(values: frozenset[str]) -> frozenset[str] | None:
    """Return the values if they are few enough to be told apart, and short; else None."""
    return values if len(values) <= DISTINCT and all(len(value) <= SHORT for value in values) else None


def _of(choose: Callable[[Any, Any], Any], one: Any, other: Any) -> Any:
    return choose(one, other) if one is not None and other is not None else one if other is None else other


def _order(type_: str) -> Callable[[str], Any]:
    kind = KIND_OF_COLUMN.get(postgresql_type(type_).kind, "string")
    return _ORDERS.get(kind, lambda text: text.encode())


def _number(text: str) -> Any:
    value = Decimal(text)
    return (1, Decimal(0)) if value.is_nan() else (0, value)  # NaN is the greatest, as PostgreSQL has it


def _moment(text: str) -> int:
    return INFINITE[text] if text in INFINITE else calendar.micros_of(text)


def _day(text: str) -> int:
    return INFINITE[text] if text in INFINITE else calendar.days_of(text)


_ORDERS: Mapping[str, Callable[[str], Any]] = {
    **dict.fromkeys(("int", "long", "float", "double", "decimal"), _number),
    "date": _moment,
    "timestamp": _moment,
    "day": _day,
}


@dataclass
class RowCounter:
    """Counts of one table. `key` are the names of the columns of its key."""

    columns: Sequence[ColumnCount] = ()
    key: tuple[str, ...] = ()
    count: int = 0
    bytes: int = 0
    vocabulary: Vocabulary = POSTGRESQL
    problems: Mapping[str, Any] = field(default_factory=dict)
    references: tuple[Reference, ...] = ()

    def add(self, batch: Raw) -> None:
        """Raise Unsupported: rows are counted by their server, not from raw records."""
        raise Unsupported("rows are counted by the server that has them")

    def merge(self, other: Self) -> None:
        if not self.columns:
            self.columns, self.key = other.columns, other.key
        else:
            by_name = {column.name: column for column in other.columns}
            self.columns = [c.plus(by_name[c.name]) if c.name in by_name else c for c in self.columns]
        self.count += other.count
        self.bytes += other.bytes
        self.references = self.references or other.references

    def to_shape(self, entity: str, *, entity_class: str = "table", plan: str = "") -> Shape:
        engines = engine_names(column.name for column in self.columns)
        fields = tuple(self._node(column, engines[column.name]) for column in sorted(self.columns, key=_name))
        size = len(self.columns)
        row = {"object": TypeStats(self.count, min_length=size, max_length=size)} if self.columns else {}
        root = Node("", "", row, fields=fields, vocabulary=self.vocabulary)
        key: tuple[Path, ...] = tuple((escape_step(name),) for name in self.key)
        return Shape(entity, self.count, root, entity_class, plan, self.bytes, own_key=key, references=self.references)

    def _node(self, column: ColumnCount, engine: str) -> Node:
        if column.json is not None:
            return self._json_node(column, column.json, engine)
        element = None if column.element is None else self._node(column.element, ELEMENT)
        declared = "" if column.declared == column.type else column.declared
        return Node(column.name, engine, _types(column), element=element, vocabulary=self.vocabulary, declared=declared)

    def _json_node(self, column: ColumnCount, found: JsonCount, engine: str) -> Node:
        """Return the node of a JSON column, with the types of its values; of JSON as a whole if these have no shape."""
        types = {JSON_NULL if kind == "null" else kind: TypeStats(n) for kind, n in found.root.types.items()}
        if not found.is_open or not types:
            types = {column.type: TypeStats(column.count)}
        if column.nulls or column.nullable:
            types["null"] = TypeStats(column.nulls)
        below = found.root.below(self.vocabulary)
        return Node(column.name, engine, types, vocabulary=self.vocabulary, declared=column.type, **below)


def _name(column: ColumnCount) -> str:
    return column.name


def _types(column: ColumnCount) -> dict[str, TypeStats]:
    """Return the declared type, even if no value was seen, and null if there is one, or may be."""
    stats = TypeStats(
        column.count - column.matrices,
        _cut(column.least),
        _cut(column.greatest),
        column.min_length,
        column.max_length,
        distinct=None if column.values is None else len(column.values),
        values=listed(column.values or ()),
    )
    types = {column.type: stats}
    if column.matrices:
        types[MATRIX] = TypeStats(column.matrices)
    if column.nulls or column.nullable:
        types["null"] = TypeStats(column.nulls)
    return types


def listed(values: Collection[str]) -> tuple[str, ...]:
    return tuple(sorted(values)) if len(values) <= LISTED else ()


def _cut(text: str | None) -> str | None:
    return text if text is None or len(text) <= SHOWN else text[: SHOWN - 1] + "…"
