"""The type in which a column of a source is read: the canonical one (model/target.py), and Arrow's for the mapping."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from crossfade.model.canonical import arrow_type
from crossfade.model.shape import Node, Shape
from crossfade.model.target import ColumnType

_READ_AS: Mapping[str, str] = {
    "bool": "bool",
    "int": "int4",
    "long": "int8",
    "float": "float4",
    "double": "float8",
    "decimal": "numeric",
    "string": "other",
    "binary": "bytea",
    "uuid": "uuid",
    "date": "timestamptz",
    "timestamp": "timestamp",
    "day": "date",
    "time": "time",
    "json": "json",
}
"""Kind (model/vocabulary.KINDS) -> kind of column."""

_ARRIVES_AS: Mapping[str, Any] = {"date": pa.timestamp("us", "UTC"), "uuid": pa.uuid()}
"""The types that differ from the canonical ones, so that the engine knows a moment and a UUID as such."""


def read_as(node: Node) -> ColumnType:
    """Return the type as which a column is read: the canonical form of its kind."""
    if node.kind == "array":
        element = node.element
        return ColumnType(
            "array", node.declared or "array", of=ColumnType("other", "text") if element is None else read_as(element)
        )
    return ColumnType(_READ_AS.get(node.kind, "other"), node.declared or "text")


def arrives_as(kind: str, of: ColumnType) -> Any:
    """Return Arrow's type of a value of this kind in a batch; `of` is the type as which it is read."""
    return pa.null() if kind == "null" else _ARRIVES_AS.get(kind) or arrow_type(of)


def arriving(values: Any, kind: str) -> Any:
    """Convert canonical values to the type that they have in a batch."""
    if kind == "null":
        return pa.nulls(len(values))
    if kind == "uuid":
        return pa.ExtensionArray.from_storage(pa.uuid(), values)
    return values.cast(_ARRIVES_AS[kind]) if kind in _ARRIVES_AS else values


def key_names(shape: Shape) -> tuple[str, ...]:
    """Return the names of the columns that are the key; none if rows are identified by their position."""
    nodes = (shape.node(path) for path in shape.key)
    return tuple(node.name for node in nodes if node is not None)
