"""The transcoder written the slow and obvious way: one document, one column at a time."""

from __future__ import annotations

from typing import Any

from crossfade.model.batch import Column
from crossfade.model.shape import Node, Path, Shape, unescape_step
from crossfade.records.bson.canonical import canonical
from crossfade.records.bson.plain import plain
from crossfade.records.bson.types import type_name
from crossfade.records.bson.vocabulary import DATE_GREATEST_MS, DATE_LEAST_MS, date_ms
from crossfade_ids import uuid_of_object_id

MISSING = object()


def fits(doc: dict[str, Any], shape: Shape) -> bool:
    return _fits(doc, shape.root)


def _fits(value: Any, node: Node | None) -> bool:
    if node is None:
        return False
    kind = type_name(value)
    if kind not in node.types and not (kind == "int" and set(node.types) - {"null"} == {"long"}):
        return False
    if not _in_range(value, kind, node):
        return False
    if kind == "object":
        return all(_fits(child, node.by_name.get(name)) for name, child in value.items())
    return kind != "array" or all(_fits(child, node.element) for child in value)


def _in_range(value: Any, kind: str, node: Node) -> bool:
    stats = node.types.get(kind)
    if kind == "binData:4" and stats is not None and stats.min_length == stats.max_length == 16:
        return len(value) == 16
    if kind == "date" and stats is not None:
        seen = [date_ms(stats.least) or 0, date_ms(stats.greatest) or 0, int(canonical(value).split('"')[5])]
        holds = [DATE_LEAST_MS <= ms <= DATE_GREATEST_MS for ms in seen]
        return holds[2] or not (holds[0] and holds[1])
    return True


def cell(value: Any, column: Column, node: Node | None) -> Any:
    """What the column holds for one row, in the spelling of `spelled`."""
    here = at(value, column.path)
    below = node
    for step in column.path:
        below = below.by_name.get(unescape_step(step)) if below is not None else None
    if column.form == "present":
        return here is not MISSING
    if column.form == "type":
        return None if here is MISSING else type_name(here)
    if here is MISSING or here is None:
        return None
    if column.form in ("list", "listed"):
        return _list(here, column, below)
    if column.form == "oid_uuid":
        return uuid_of_object_id(here.binary)
    if column.form == "oid_text":
        return here.binary.hex()
    if column.form in ("ejson", "json"):
        return canonical(here) if column.form == "ejson" else plain(here)
    assert column.form == "native"
    assert below is not None
    return canonical(here) if below.kind == "mixed" else native(here)


def _list(value: Any, column: Column, node: Node | None) -> Any:
    if type(value) is not list and column.form == "list":
        return None
    elements = value if type(value) is list else [value]
    inside = node.element if node is not None else None
    return [{c.name: cell(e, c, inside) for c in column.elements} or {"#": 0} for e in elements]


def native(value: Any) -> Any:
    kind = type_name(value)
    if kind in ("objectId", "binData:4", "binData:0"):
        return bytes(value.binary if kind == "objectId" else value)
    if kind == "date":
        return int(canonical(value).split('"')[5]) * 1000
    if kind == "double":
        return repr(value)
    return str(value) if kind == "decimal" else value


def at(value: Any, path: Path) -> Any:
    for step in path:
        if type(value) is not dict or unescape_step(step) not in value:
            return MISSING
        value = value[unescape_step(step)]
    return value


def spelled(value: Any) -> Any:
    """An Arrow value as `cell` spells it: dates as microseconds, doubles by their digits."""
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, list):
        return [spelled(v) for v in value]
    if isinstance(value, dict):
        return {name: spelled(v) for name, v in value.items()}
    return value
