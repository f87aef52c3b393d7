"""The shape of some documents and the columns of a shape, computed in the slow and obvious way."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from crossfade.model.names import engine_names
from crossfade.model.shape import Node, Shape, TypeStats
from crossfade.records.bson.canonical import canonical
from crossfade.records.bson.types import type_name
from crossfade.records.bson.vocabulary import WORDS


def node_of(name: str, engine: str, values: list[Any]) -> Node:
    by_type: defaultdict[str, list[Any]] = defaultdict(list)
    for value in values:
        by_type[type_name(value)].append(value)
    children: defaultdict[str, list[Any]] = defaultdict(list)
    for value in by_type["object"]:
        for field, child in value.items():
            children[field].append(child)
    engines = engine_names(children)
    elements = [child for value in by_type["array"] for child in value]
    return Node(
        name,
        engine,
        {kind: _stats(kind, found) for kind, found in by_type.items() if found},
        fields=tuple(node_of(field, engines[field], found) for field, found in sorted(children.items())),
        element=node_of("[]", "[]", elements) if elements else None,
        vocabulary=WORDS,
    )


def _stats(kind: str, values: list[Any]) -> TypeStats:
    if kind == "date":
        texts = sorted((int(canonical(v).split('"')[5]), canonical(v)) for v in values)
        return TypeStats(len(values), texts[0][1], texts[-1][1])
    if kind.startswith("binData:"):
        return TypeStats(len(values), None, None, min(map(len, values)), max(map(len, values)))
    return TypeStats(len(values))


def shape_of(docs: list[dict[str, Any]]) -> Shape:
    return Shape("things", len(docs), node_of("", "", docs))
