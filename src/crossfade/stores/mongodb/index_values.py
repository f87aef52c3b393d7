"""The values of documents by which an index knows them: those of lists one by one, as the server puts them into it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from crossfade.model.canonical import element_of
from crossfade.model.target import ColumnType, TargetTable
from crossfade.stores.mongodb.fields import column_of

_EMPTY = {"#": "an empty list"}
"""Stands for a list without elements, which an index does not take for null."""


def index_values(table: TargetTable, paths: Sequence[str]) -> list[dict[str, Any]]:
    """Return the stages that make a document for each entry of an index over these paths, with its values as `e0`, ...

    Paths into the objects of one list are of the same object in each entry.
    """
    split = [path.split(".") for path in paths]
    lists = list(dict.fromkeys(first for first, *rest in split if rest and _is_list(table, first)))
    names = {name: f"l{i}" for i, name in enumerate(lists)}
    first = {own: _elements(f"${name}", [None]) for name, own in names.items()}
    found = {f"e{i}": _values(f"${names[s[0]]}" if s[0] in names else f"${s[0]}", s[1:]) for i, s in enumerate(split)}
    stages: list[dict[str, Any]] = []
    if lists:
        stages += [{"$set": first}, *(_unwound(name) for name in first)]
    stages.append({"$project": found})
    several = [i for i, path in enumerate(split) if _may_have_several(table, path)]
    return stages + [_unwound(f"e{i}") for i in several] + _single(set(range(len(split))) - {*several})


def _single(numbers: set[int]) -> list[dict[str, Any]]:
    return [{"$set": {f"e{i}": {"$first": f"$e{i}"} for i in sorted(numbers)}}] if numbers else []


def _unwound(name: str) -> dict[str, Any]:
    return {"$unwind": {"path": f"${name}", "preserveNullAndEmptyArrays": True}}


def _values(value: str, steps: Sequence[str]) -> Any:
    """Return the list of what is at the end of a path that begins at a value."""
    if not steps:
        return _elements(value, [_EMPTY])
    inside = {"$let": {"vars": {"at": f"{value}.{steps[0]}"}, "in": _values("$$at", steps[1:])}}
    each = {"$let": {"vars": {"at": f"$$one.{steps[0]}"}, "in": _values("$$at", steps[1:])}}
    mapped = {"$map": {"input": _elements(value, [None]), "as": "one", "in": each}}
    joined = {"$reduce": {"input": mapped, "initialValue": [], "in": {"$concatArrays": ["$$value", "$$this"]}}}
    return {"$cond": [{"$isArray": [value]}, joined, inside]}


def _elements(value: str, if_empty: Sequence[Any]) -> dict[str, Any]:
    """Return the elements of a list, and anything else as a list of one."""
    elements = {"$cond": [{"$eq": [value, []]}, {"$literal": list(if_empty)}, value]}
    return {"$cond": [{"$isArray": [value]}, elements, [{"$ifNull": [value, None]}]]}


def _is_list(table: TargetTable, name: str) -> bool:
    column = table.column(column_of(table, name))
    return column is not None and column.type.kind == "array"


def _may_have_several(table: TargetTable, path: Sequence[str]) -> bool:
    column = table.column(column_of(table, path[0]))
    return column is None or _holds_lists(column.type, path[1:], is_unwound=len(path) > 1)


def _holds_lists(kind: ColumnType, steps: Sequence[str], *, is_unwound: bool = False) -> bool:
    """Return whether there may be a list on a path, or at its end: a field of any type may have one."""
    if kind.kind == "array":
        return not is_unwound or _holds_lists(element_of(kind), steps)
    if kind.kind == "struct" and steps:
        inner = next((field for field in kind.fields if field.name == steps[0]), None)
        return inner is None or _holds_lists(inner.type, steps[1:])
    return kind.kind == "ejson"
