"""Places put together: where a mapping reads several of them as one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import reduce

from crossfade.model.shape import ENTRY, Node, TypeStats


def entry_value(node: Node) -> Node:
    """Return the node of the values where a place is read as `entries`: those of a map, or of all fields together."""
    found = reduce(_merged_if, [node.entry, *(replace(field, name=ENTRY, engine=ENTRY) for field in node.fields)], None)
    return found or Node(ENTRY, ENTRY, {})


def listed_element(node: Node) -> Node:
    """Return the node of the elements where a place is read as `listed`: the elements of its arrays and its single
    values.
    """
    alone = {name: stats for name, stats in node.types.items() if name not in ("array", "null")}
    single = replace(node, types=alone, missing=0, element=None)
    return single if node.element is None else _merged(node.element, single)


def _merged(one: Node, other: Node) -> Node:
    types = dict(one.types)
    for name, stats in other.types.items():
        types[name] = one.vocabulary.both(types[name], stats) if name in types else stats
    fields = dict(one.by_name)
    for name, node in other.by_name.items():
        fields[name] = _merged(fields[name], node) if name in fields else node
    element = _merged_if(one.element, other.element)
    missing = one.missing + other.missing
    below = tuple(fields[name] for name in sorted(fields))
    whole = Node(one.name, one.engine, types, missing, below, element, vocabulary=one.vocabulary)
    if one.entry is None and other.entry is None:
        return whole
    return _as_map(whole, [one.entry, other.entry], one.names or other.names)


def _merged_if(one: Node | None, other: Node | None) -> Node | None:
    return one or other if one is None or other is None else _merged(one, other)


def _as_map(node: Node, entries: Sequence[Node | None], names: TypeStats | None) -> Node:
    """Return two places, of which one is a map, as one map: the fields of the other are entries of it."""
    entry = reduce(_merged_if, [*entries, *(replace(field, name=ENTRY, engine=ENTRY) for field in node.fields)])
    return replace(node, fields=(), entry=entry, names=names)
