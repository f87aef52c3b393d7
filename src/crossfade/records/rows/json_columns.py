"""Places in the JSON of a column as columns of a batch: fields, and the elements of arrays."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pyarrow as pa

from crossfade.model.batch import Column
from crossfade.model.shape import Node, Path, unescape_step
from crossfade.records.forms import KEY, PRESENT, TEXT, Form, by_value, list_of
from crossfade.records.places import LISTS, Values, element_of
from crossfade.records.rows.json_values import dump, type_of, with_escaped_names

JSON = by_value(dump, TEXT)
_NATIVE: Mapping[str, Form] = {
    "null": Form(pa.null(), lambda place: pa.nulls(len(place.values))),
    "long": by_value(int, pa.int64()),
    "decimal": by_value(str, TEXT),
    "string": by_value(str, TEXT),
    "bool": by_value(bool, pa.bool_()),
    "json": JSON,
}


def _types(place: Values) -> Any:
    names = [type_of(v) for v in place.values]
    return pa.array([n if there else None for n, there in zip(names, place.present, strict=True)], TEXT)


_FORMS: Mapping[str, Form] = {
    "json": JSON,
    "ejson": by_value(lambda value: dump(with_escaped_names(value)), TEXT),
    "type": Form(TEXT, _types),
    "present": PRESENT,
    "key": KEY,
}


def compiled(column: Column, base: Node, path: Path) -> tuple[Form, Callable[[Values], Any]]:
    """Return how `path` below a node becomes a column. Raises ValueError if it is invalid."""
    form = _form(column, _at(base, path))
    return form, (lambda values: form.build(values.at(path))) if path else form.build


def _form(column: Column, node: Node) -> Form:
    if column.form in LISTS:
        element = element_of(column.form, node)
        parts = [(c.name, *compiled(c, element, c.path)) for c in column.elements]
        return list_of(parts, column.form)
    if column.form == "native":
        if node.kind not in _NATIVE:
            raise ValueError(f"column {column.name!r} is an {node.kind}, which is no value")
        return _NATIVE[node.kind]
    found = _FORMS.get(column.form)
    if found is None:
        raise ValueError(f"column {column.name!r}: JSON has no form {column.form!r}")
    return found


def _at(base: Node, path: Path) -> Node:
    node: Node | None = base
    for step in path:
        node = node.by_name.get(unescape_step(step)) if node is not None else None
    return node if node is not None else Node("", "", {})
