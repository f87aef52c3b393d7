"""Builds the filter that finds documents by the value at a path.

A dotted path is used if possible, because it can use an index. It is not possible if a step contains a dot, starts with
a dollar sign, is empty, or looks like a position, or if arrays are nested: then an expression follows the path (MongoDB
5.0 and later), which reads the whole collection. A dotted path can match more than is wanted: it enters arrays where
the path does not say so, and compares strings by the collection's own collation, which may ignore case.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from types import NoneType
from typing import Any

from bson.raw_bson import RawBSONDocument
from bson.regex import Regex

from crossfade.model.shape import ELEMENT, Path, unescape_step
from crossfade.records.bson.ejson import loads_canonical, to_bson
from crossfade.records.bson.values import RawRegex, Undefined

VALUES_A_QUERY = 1000
CHARACTERS_A_QUERY = 4_000_000


def slices(values: Sequence[str]) -> Iterator[list[str]]:
    """Split the distinct values into portions that fit into one query."""
    portion: list[str] = []
    size = 0
    for value in dict.fromkeys(values):
        if portion and (len(portion) >= VALUES_A_QUERY or size + len(value) > CHARACTERS_A_QUERY):
            yield portion
            portion, size = [], 0
        portion.append(value)
        size += len(value)
    if portion:
        yield portion


def matching(path: Path, values: Sequence[str]) -> RawBSONDocument:
    """Return a filter for the documents that hold one of `values` (canonical Extended JSON) at `path`.

    It is encoded by our own encoder, because a key can have a type for which pymongo has no class.
    """
    wanted = [loads_canonical(value) for value in values]
    if _is_queryable(path):
        dotted = ".".join(unescape_step(step) for step in path if step != ELEMENT)
        return RawBSONDocument(to_bson(_by_dotted_path(dotted, wanted)))
    return RawBSONDocument(to_bson({"$expr": _by_expression("$$ROOT", path, wanted, depth=0)}))


def _is_queryable(path: Path) -> bool:
    nested = any(step == after == ELEMENT for step, after in pairwise(path))
    return bool(path) and not nested and all(step == ELEMENT or _is_plain(unescape_step(step)) for step in path)


def _is_plain(name: str) -> bool:
    return bool(name) and "." not in name and not name.startswith("$") and not name.isdigit()


def _by_dotted_path(path: str, wanted: list[Any]) -> dict[str, Any]:
    """Return a test by `$in`, except for values that `$in` interprets: null (or missing), undefined, patterns."""
    listed = [value for value in wanted if not isinstance(value, (NoneType, Undefined, Regex, RawRegex))]
    cases: list[dict[str, Any]] = [{path: {"$in": listed}}] if listed else []
    cases += [{path: {"$eq": value}} for value in wanted if isinstance(value, (Regex, RawRegex))]
    for cls, name in ((NoneType, "null"), (Undefined, "undefined")):
        cases += [{path: {"$type": name}}] if any(isinstance(value, cls) for value in wanted) else []
    return cases[0] if len(cases) == 1 else {"$or": cases}


def _by_expression(value: str, path: Path, wanted: list[Any], depth: int) -> dict[str, Any]:
    """Return an expression that is true if `value` leads by `path` to one of `wanted`."""
    if not path:
        return {"$in": [value, {"$literal": wanted}]}
    step, rest, name = path[0], path[1:], f"v{depth}"
    inner = _by_expression(f"$${name}", rest, wanted, depth + 1)
    if step == ELEMENT:
        any_element = {"$anyElementTrue": [{"$map": {"input": value, "as": name, "in": inner}}]}
        return {"$cond": [{"$isArray": [value]}, any_element, False]}
    field = {"$getField": {"field": {"$literal": unescape_step(step)}, "input": value}}
    found = {"$let": {"vars": {name: field}, "in": inner}}
    return {"$cond": [{"$eq": [{"$type": value}, "object"]}, found, False]}
