"""Convert the columns of a source, as they are read, to the columns that mappings ask for.

`Arrangement` is made once for a shape and the columns asked for. It says which columns have to be read, and in which
form; what reads them (from the server, or from raw records) passes them to `table`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from crossfade.model.batch import Column
from crossfade.model.canonical import element_of
from crossfade.model.json_text import unpaired_surrogate
from crossfade.model.program import ROW
from crossfade.model.shape import Node, Path, Shape, escape_step, unescape_step
from crossfade.model.target import ColumnType
from crossfade.records.places import Values
from crossfade.records.rows.json_columns import compiled
from crossfade.records.rows.json_values import DuplicateName, extended, misfit, parse
from crossfade.records.rows.texts import PRINTED, json_text, text_of, texts_of
from crossfade.records.rows.types import arrives_as, arriving, key_names, read_as
from crossfade.records.rows.vocabulary import JSON_NULL, is_json

LISTS = ("list", "listed")


@dataclass(frozen=True)
class RowValues:
    """The values of some rows: canonical arrays, and the texts that the server printed, by the column's name."""

    size: int
    values: Mapping[str, Any] = field(default_factory=dict)
    texts: Mapping[str, Sequence[str | None]] = field(default_factory=dict)
    _parsed: dict[str, Values] = field(default_factory=dict)

    def json(self, node: Node) -> Values:
        """Return the JSON of a column, parsed once; _TWICE or an _Unpaired for a text that is refused."""
        if node.name not in self._parsed:
            self._parsed[node.name] = Values([None if t is None else _parsed(t) for t in self.texts_of(node)])
        return self._parsed[node.name]

    def json_misfits(self, nodes: Sequence[Node]) -> dict[int, tuple[str, str, Path]]:
        """Return reason, detail and path for the rows whose JSON holds something that the survey did not see."""
        found: dict[int, tuple[str, str, Path]] = {}
        for node in nodes:
            for row, (text, value) in enumerate(zip(self.texts_of(node), self.json(node).values, strict=True)):
                if text is not None and (why := _why(value, node)) is not None:
                    found.setdefault(row, why)
        return found

    def texts_of(self, node: Node) -> Sequence[str | None]:
        found = self.texts.get(node.name)
        return found if found is not None else texts_of(self.values[node.name], node.kind)


_TWICE = object()


@dataclass(frozen=True)
class _Unpaired:
    """JSON with half of a surrogate pair, which no text can hold, and where it is."""

    half: str


def _parsed(text: str) -> Any:
    if half := unpaired_surrogate(text):
        return _Unpaired(half)
    try:
        return parse(text)
    except DuplicateName:
        return _TWICE


def _why(value: Any, node: Node) -> tuple[str, str, Path] | None:
    path = (escape_step(node.name),)
    if value is _TWICE:
        return "duplicate_key", "an object of its JSON has a name twice", path
    if isinstance(value, _Unpaired):
        return "unpaired_surrogate", f"its JSON has an unpaired surrogate ({value.half})", path
    if value is None:
        return None if JSON_NULL in node.types else ("unseen_type", "JSON's null where the survey saw none", path)
    return misfit(value, node, path)


Build = Callable[[RowValues], Any]


@dataclass(frozen=True)
class _Made:
    """One column of the batch. `nodes` are the columns that it is made of; `texts`: their texts are needed."""

    field: Any
    build: Build
    nodes: tuple[Node, ...]
    texts: bool = False
    inside: bool = False
    """Whether it is made of a part of the JSON in its column."""


class Arrangement:
    """The columns of batches of one entity. `values` and `texts` are the nodes of the columns to be read, in both
    forms; `key` are those of the key.
    """

    def __init__(self, shape: Shape, columns: Sequence[Column]) -> None:
        self.shape = shape
        self.key = tuple(shape.root.by_name[name] for name in key_names(shape))
        self._made = [_made(column, shape.root) for column in columns]
        self.schema = pa.schema([pa.field(ROW, pa.int64()), *(made.field for made in self._made)])
        wanted = [(node, made.texts) for made in self._made for node in made.nodes] + [(n, True) for n in self.key]
        self.texts = _once(node for node, texts in wanted if texts and node.kind in PRINTED)
        self.inside = _once(node for made in self._made if made.inside for node in made.nodes)
        self.values = _once(node for node, texts in wanted if not texts or node.kind not in PRINTED)

    def table(self, given: RowValues) -> Any:
        """Return the numbers of the rows, followed by the requested columns."""
        numbers = pa.arange(0, given.size)
        return pa.Table.from_arrays([numbers, *(made.build(given) for made in self._made)], schema=self.schema)


def _once(nodes: Any) -> tuple[Node, ...]:
    return tuple({node.name: node for node in nodes}.values())


def _made(column: Column, root: Node) -> _Made:
    """Return how a column is made. Raises ValueError if it is invalid."""
    if not column.path:
        return _of_row(column, root)
    node = root.by_name.get(unescape_step(column.path[0]))
    if node is None:
        return _null(column, pa.null())
    if is_json(node.declared) and (len(column.path) > 1 or column.form in (*LISTS, "entries", "type")):
        return _inside(column, node)
    if len(column.path) > 1:
        return _null(column, pa.string() if column.form != "present" else pa.bool_())
    if column.form in LISTS:
        return _list(column, node)
    made = _VALUES.get(column.form)
    if made is None:
        raise ValueError(f"column {column.name!r}: a row has no form {column.form!r}")
    return made(column, node)


def _null(column: Column, arrow: Any) -> _Made:
    return _Made(pa.field(column.name, arrow), lambda given: pa.nulls(given.size, arrow), ())


def _inside(column: Column, node: Node) -> _Made:
    """Return a place in the JSON of a column."""
    form, build = compiled(column, node, column.path[1:])
    return _Made(form.field(column.name), lambda given: build(given.json(node)), (node,), inside=True)


def _native(column: Column, node: Node) -> _Made:
    kind = node.kind
    if kind in ("object", "array"):
        raise ValueError(f"column {column.name!r} is an {kind}, which is not a value")
    arrow = arrives_as(kind, read_as(node))
    return _Made(pa.field(column.name, arrow), lambda given: arriving(given.values[node.name], kind), (node,))


def _type(column: Column, node: Node) -> _Made:
    name = _type_name(node)
    return _Made(pa.field(column.name, pa.string()), lambda given: _types(given.values[node.name], name), (node,))


def _types(values: Any, name: str) -> Any:
    return pc.if_else(pc.is_valid(values), name, "null")


def _type_name(node: Node) -> str:
    """Return the type of the values that are not null; text where a column has plain arrays and others."""
    return " | ".join(sorted(node.value_types)) or "null"


def _present(column: Column, node: Node) -> _Made:
    return _Made(pa.field(column.name, pa.bool_()), lambda given: pa.array([True] * given.size, pa.bool_()), ())


def _text_of(column: Column) -> Callable[[str | None, ColumnType], str]:
    return _extended if column.form == "ejson" else json_text


def _extended(text: str | None, kind: ColumnType) -> str:
    return extended(json_text(text, kind))


def _json(column: Column, node: Node) -> _Made:
    kind, text = read_as(node), _text_of(column)

    def build(given: RowValues) -> Any:
        return pa.array([None if t is None else text(t, kind) for t in given.texts_of(node)], pa.string())

    return _Made(pa.field(column.name, pa.string()), build, (node,), texts=True)


_VALUES: Mapping[str, Callable[[Column, Node], _Made]] = {
    "native": _native,
    "type": _type,
    "present": _present,
    "json": _json,
    "ejson": _json,
}


# -- the whole row


def _of_row(column: Column, root: Node) -> _Made:
    if column.form not in ("json", "ejson", "rest"):
        raise ValueError(f"column {column.name!r}: a whole row has no form {column.form!r}")
    nodes, text = tuple(node for node in root.fields if _step(node) not in column.without), _text_of(column)
    return _Made(pa.field(column.name, pa.string()), lambda given: _objects(given, nodes, text), nodes, texts=True)


def _step(node: Node) -> Path:
    return (escape_step(node.name),)


def _objects(given: RowValues, nodes: Sequence[Node], text: Callable[[str | None, ColumnType], str]) -> Any:
    if not nodes:
        return pa.nulls(given.size, pa.string())
    names = [json.dumps(node.name, ensure_ascii=False) + ":" for node in nodes]
    kinds = [read_as(node) for node in nodes]
    rows = zip(*(given.texts_of(node) for node in nodes), strict=True)
    return pa.array(
        ["{" + ",".join(n + text(t, k) for n, t, k in zip(names, row, kinds, strict=True)) + "}" for row in rows],
        pa.string(),
    )


# -- arrays


def _list(column: Column, node: Node) -> _Made:
    """Return lists of structs with a field for each of `elements`. With `listed`, a single value is a list of one."""
    if node.kind != "array" and column.form == "list" and node.kind != "null":
        return _null(column, pa.list_(pa.struct([pa.field("#", pa.int32())])))
    element = node if node.kind != "array" else node.element or Node("", "", {})
    of = element_of(read_as(node)) if node.kind == "array" else read_as(node)
    parts = [_part(each, element, of) for each in column.elements]
    struct = pa.struct([part.field for part in parts] or [pa.field("#", pa.int32())])
    arrow = pa.list_(struct)

    def build(given: RowValues) -> Any:
        lists = _lists(given.values[node.name], node.kind)
        flat = lists.flatten()
        arrays = [part.build(flat) for part in parts] or [pa.array([0] * len(flat), pa.int32())]
        structs = pa.StructArray.from_arrays(arrays, fields=list(struct))
        return _rebuilt(lists, structs, arrow)

    return _Made(pa.field(column.name, arrow), build, (node,))


@dataclass(frozen=True)
class _Field:
    field: Any
    build: Callable[[Any], Any]


def _part(column: Column, element: Node, of: ColumnType) -> _Field:
    kind = element.kind
    if column.path:
        return _Field(pa.field(column.name, pa.null()), lambda flat: pa.nulls(len(flat)))
    if column.form == "native":
        return _Field(pa.field(column.name, arrives_as(kind, of)), lambda flat: arriving(flat, kind))
    if column.form == "type":
        return _Field(pa.field(column.name, pa.string()), lambda flat: _types(flat, _type_name(element)))
    if column.form == "present":
        return _Field(pa.field(column.name, pa.bool_()), lambda flat: pa.array([True] * len(flat), pa.bool_()))
    if column.form in ("json", "ejson") and kind not in ("array", "object"):
        return _Field(pa.field(column.name, pa.string()), lambda flat: _json_elements(flat, kind, of))
    raise ValueError(f"column {column.name!r}: an element of an array has no form {column.form!r}")


def _json_elements(flat: Any, kind: str, of: ColumnType) -> Any:
    if kind in PRINTED:
        return pa.array([None if v is None else json_text(text_of(v, kind), of) for v in flat.to_pylist()], pa.string())
    return pa.array([None if t is None else json_text(t, of) for t in texts_of(flat, kind)], pa.string())


def _lists(values: Any, kind: str) -> Any:
    """Return the lists as they are; a single value as a list of one."""
    values = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    if kind == "array":
        return values
    present = values.drop_null()
    lengths = pc.if_else(pc.is_valid(values), 1, 0)
    return _list_array(lengths, present, pa.list_(values.type), values.is_null())


def _rebuilt(lists: Any, elements: Any, arrow: Any) -> Any:
    return _list_array(pc.fill_null(pc.list_value_length(lists), 0), elements, arrow, lists.is_null())


def _list_array(lengths: Any, elements: Any, arrow: Any, nulls: Any) -> Any:
    ends = pc.cumulative_sum(lengths.cast(pa.int64())).cast(pa.int32())
    offsets = pa.concat_arrays([pa.array([0], pa.int32()), ends])
    return pa.ListArray.from_arrays(offsets, elements, type=arrow, mask=nulls if pc.any(nulls).as_py() else None)
