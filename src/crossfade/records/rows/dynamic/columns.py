"""Convert the columns of a table, as the driver returns them, to the columns that mappings ask for."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from crossfade.model.batch import Column
from crossfade.model.program import ROW
from crossfade.model.shape import Node, Shape, escape_step, unescape_step
from crossfade.records.rows.dynamic.values import TYPES, Value, digits_of, extended, plain_json
from crossfade.records.rows.types import key_names

Values = Sequence[Value | None]
ColumnValues = Mapping[str, Values]
"""The values of each column, by its name."""

_ARROW = {
    "long": pa.int64(),
    "double": pa.float64(),
    "decimal": pa.string(),
    "string": pa.string(),
    "binary": pa.binary(),
    "mixed": pa.string(),
    "null": pa.null(),
}


@dataclass(frozen=True)
class _Mixed:
    """One column of the batch. `nodes` are the columns that it is made of."""

    field: Any
    build: Callable[[ColumnValues, int], Any]
    nodes: tuple[Node, ...] = ()


class MixedColumns:
    """The columns of batches of one entity. `nodes` are the columns to be read, `key` those of the key."""

    def __init__(self, shape: Shape, columns: Sequence[Column]) -> None:
        self.shape = shape
        self.key = tuple(shape.root.by_name[name] for name in key_names(shape))
        self._made = [_made(column, shape.root) for column in columns]
        self.schema = pa.schema([pa.field(ROW, pa.int64()), *(made.field for made in self._made)])
        wanted = [*self.key, *(node for made in self._made for node in made.nodes)]
        self.nodes = tuple({node.name: node for node in wanted}.values())

    def table(self, given: ColumnValues, size: int) -> Any:
        """Return the numbers of the rows, followed by the requested columns."""
        numbers = pa.array(range(size), pa.int64())
        return pa.Table.from_arrays([numbers, *(made.build(given, size) for made in self._made)], schema=self.schema)


def _made(column: Column, root: Node) -> _Mixed:
    """Return how a column is made. Raises ValueError if it is invalid."""
    if not column.path:
        return _of_row(column, root)
    node = root.by_name.get(unescape_step(column.path[0])) if len(column.path) == 1 else None
    if node is None:
        arrow = _TYPED.get(column.form, pa.null()) if len(column.path) > 1 else pa.null()
        return _Mixed(pa.field(column.name, arrow), lambda given, size: pa.nulls(size, arrow))
    if column.form in ("list", "listed"):
        return _list(column, node)
    arrow, form = _form(column, node)
    return _Mixed(pa.field(column.name, arrow), lambda given, size: pa.array(form(given[node.name]), arrow), (node,))


_TYPED = {"present": pa.bool_(), **dict.fromkeys(("native", "type", "json", "ejson"), pa.string())}

Form = Callable[[Values], Sequence[Any]]


def _form(column: Column, node: Node) -> tuple[Any, Form]:
    """Return Arrow's type of a column in this form, and the function that makes its values."""
    match column.form:
        case "native":
            return _ARROW[node.kind], _NATIVE.get(node.kind, _same)
        case "type":
            return pa.string(), _types
        case "present":
            return pa.bool_(), lambda values: [True] * len(values)
        case "json":
            return pa.string(), lambda values: _each(values, lambda v: plain_json(v, is_json=is_json(node)))
        case "ejson":
            return pa.string(), lambda values: _each(values, extended)
    raise ValueError(f"column {column.name!r}: a value of a row has no form {column.form!r}")


def is_json(node: Node) -> bool:
    """Return whether the column is declared as JSON."""
    return node.declared.upper().startswith("JSON")


def _same(values: Values) -> Sequence[Any]:
    return values


def _each(values: Values, one: Callable[[Any], Any]) -> list[Any]:
    return [None if value is None else one(value) for value in values]


_NATIVE: Mapping[str, Form] = {
    "decimal": lambda values: _each(values, digits_of),
    "mixed": lambda values: _each(values, extended),
    "null": lambda values: [None] * len(values),
}


def _types(values: Values) -> list[str]:
    return [TYPES.get(type(value), "null") for value in values]


def _of_row(column: Column, root: Node) -> _Mixed:
    if column.form not in ("json", "ejson", "rest"):
        raise ValueError(f"column {column.name!r}: a whole row has no form {column.form!r}")
    nodes = tuple(node for node in root.fields if (escape_step(node.name),) not in column.without)
    ejson = column.form == "ejson"
    return _Mixed(pa.field(column.name, pa.string()), lambda given, size: _objects(given, size, nodes, ejson), nodes)


def _objects(given: ColumnValues, size: int, nodes: Sequence[Node], ejson: bool) -> Any:
    if not nodes:
        return pa.nulls(size, pa.string())
    names = [json.dumps(node.name, ensure_ascii=False) + ":" for node in nodes]
    flags = [is_json(node) for node in nodes]

    def text(value: Value | None, flag: bool) -> str:
        if value is None:
            return "null"
        return extended(value) if ejson else plain_json(value, is_json=flag)

    rows = zip(*(given[node.name] for node in nodes), strict=True)
    objects = (",".join(n + text(v, f) for n, v, f in zip(names, row, flags, strict=True)) for row in rows)
    return pa.array(["{" + one + "}" for one in objects], pa.string())


def _list(column: Column, node: Node) -> _Mixed:
    """Return the values: a row has no arrays, so that with `listed` a value that is not NULL is a list of one."""
    none = pa.field("#", pa.int32())
    if column.form == "list":
        arrow = pa.list_(pa.struct([none]))
        return _Mixed(pa.field(column.name, arrow), lambda given, size: pa.nulls(size, arrow))
    parts = [(each, *_form(each, node)) for each in column.elements if not each.path]
    arrow = pa.list_(pa.struct([pa.field(each.name, of) for each, of, _ in parts] or [none]))

    def build(given: ColumnValues, size: int) -> Any:
        made = [(each.name, form(given[node.name])) for each, _, form in parts]
        values = given[node.name]
        lists = [None if v is None else [{name: of[i] for name, of in made}] for i, v in enumerate(values)]
        return pa.array(lists, arrow)

    return _Mixed(pa.field(column.name, arrow), build, (node,))
