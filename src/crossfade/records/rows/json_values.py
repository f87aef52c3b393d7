"""JSON in columns: parsed without loss, printed unchanged, and checked against the shape of its column.

The types of its values are those of `jsonb_typeof`, with whole numbers of 64 bits apart from other numbers. A number
keeps its text.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import orjson

from crossfade.model.shape import ELEMENT, Node, Path, escape_step
from crossfade.records.bson.reserved import CANONICAL, like_a_value

WHOLE = "whole number"
_INT64 = range(-(2**63), 2**63)


class Number(str):
    """A number as it is written."""

    __slots__ = ()

    @property
    def is_whole(self) -> bool:
        text = self.lstrip("-")
        return text.isdigit() and len(text) < 20 and int(self) in _INT64 and self != "-0"


class DuplicateName(ValueError):
    """An object has a name twice."""


def parse(text: str) -> Any:
    """Return the value of a JSON text. Raises DuplicateName, and ValueError for other text."""
    return json.loads(text, parse_int=Number, parse_float=Number, object_pairs_hook=_object)


def parse_quickly(text: str) -> Any:
    """Return the value of a JSON text without duplicate names. Its numbers are integers and doubles: for its types."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:  # a number beyond a double, or nested too deeply
        return parse(text)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise DuplicateName("an object has a name twice")
    return found


def dump(value: Any) -> str:
    """Return the JSON text of a value, numbers as they were written."""
    if type(value) is dict:
        return "{" + ",".join(f"{_text(name)}:{dump(part)}" for name, part in value.items()) + "}"
    if type(value) is list:
        return "[" + ",".join(map(dump, value)) + "]"
    if type(value) is Number:
        return str(value)
    return _text(value)


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def extended(text: str) -> str:
    """Return a JSON text as Extended JSON, in which an object that looks like a value is told apart from that value."""
    if '"$' not in text and "\\u0024" not in text:
        return text
    try:
        return dump(with_escaped_names(parse(text)))
    except DuplicateName:
        return text  # no document: the target refuses it


def with_escaped_names(value: Any) -> Any:
    """Return a value with one more `$` before the names of objects that look like a value of Extended JSON."""
    if type(value) is list:
        return [with_escaped_names(part) for part in value]
    if type(value) is not dict:
        return value
    more = "$" if like_a_value(value, CANONICAL) else ""
    return {more + name: with_escaped_names(part) for name, part in value.items()}


def type_of(value: Any) -> str:
    """Return the name of the type of a value that `parse` or `parse_quickly` returned."""
    known = _TYPES.get(type(value))
    if known is not None:
        return known
    is_whole = value.is_whole if type(value) is Number else value in _INT64
    return WHOLE if is_whole else "number"


_TYPES: dict[type[Any], str] = {
    str: "string", bool: "boolean", type(None): "null", dict: "object", list: "array", float: "number",
}  # fmt: skip


def misfit(value: Any, node: Node, path: Path = ()) -> tuple[str, str, Path] | None:
    """Return reason, detail and path of the first part of a value that the survey did not see at its place, or None."""
    for reason, detail, at in _misfits(value, node, path):
        return reason, detail, at
    return None


def _misfits(value: Any, node: Node, path: Path) -> Iterator[tuple[str, str, Path]]:
    name = type_of(value)
    if name not in node.types and not (name == WHOLE and "number" in node.types):
        seen = ", ".join(sorted(node.types)) or "nothing"
        yield "unseen_type", f"{name} where the survey saw {seen}", path
    elif name == "object":
        for field, part in value.items():
            below = node.by_name.get(field)
            at = (*path, escape_step(field))
            if below is None:
                yield "unseen_path", "a path that the survey did not see", at
            else:
                yield from _misfits(part, below, at)
    elif name == "array" and node.element is not None:
        for part in value:
            yield from _misfits(part, node.element, (*path, ELEMENT))
