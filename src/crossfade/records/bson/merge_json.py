"""Merge JSON, as an application prints it, into a value of a document.

JSON has fewer types than BSON: a member that did not change keeps its type, and a new one gets the type that the
survey saw at its place (`"2024-01-26T10:00:00.000Z"` is a date where the source has only dates).
"""

from __future__ import annotations

from dataclasses import replace
from difflib import SequenceMatcher
from typing import Any

from crossfade.model.rebuilt import CannotStore
from crossfade.model.shape import ELEMENT, Node, escape_step
from crossfade.records.bson.assign import MISSING, assign
from crossfade.records.bson.ejson_loads import loads
from crossfade.records.bson.types import type_name


def read(text: str) -> Any:
    """Return the values of a JSON text. Raises CannotStore for one that BSON cannot store."""
    try:
        return loads(text)
    except ValueError as error:
        raise CannotStore("bad_value", f"JSON that a document cannot hold: {error}") from None


def merge_json(old: Any, node: Node | None, before: Any, after: Any) -> Any:
    """Return the new value. `before` is the JSON of `old`, MISSING if there is none."""
    if old is not MISSING and before is not MISSING and _same(before, after):
        return old
    if type(before) is list and type(old) is not list and old is not MISSING:  # json_list wrapped a single value
        if type(after) is list and len(before) == len(after) == 1:
            return merge_json(old, node, before[0], after[0])
        old = [old]
    if type(after) is dict and type(old) is dict:
        return _object(old, node, before if type(before) is dict else {}, after)
    if type(after) is list and type(old) is list and type(before) is list and len(before) == len(old):
        return _array(old, node, before, after)
    return _typed(after, node, old if type(old) not in (dict, list) else MISSING)


def _object(old: dict[str, Any], node: Node | None, before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """Fields that are in neither JSON stay: `rest_of` does not print what a mapping names."""
    new: dict[str, Any] = {}
    for name, value in old.items():
        if name in after:
            new[name] = merge_json(value, _field(node, name), before.get(name, MISSING), after[name])
        elif name not in before:
            new[name] = value
    for name, value in after.items():
        if name not in new:
            new[name] = _typed(value, _field(node, name), MISSING)
    return new


def _array(old: list[Any], node: Node | None, before: list[Any], after: list[Any]) -> list[Any]:
    element = None if node is None else node.element
    new: list[Any] = []
    matcher = SequenceMatcher(None, list(map(_text, before)), list(map(_text, after)), autojunk=False)
    for tag, i, i_end, j, j_end in matcher.get_opcodes():
        if tag == "equal":
            new += old[i:i_end]
            continue
        for at, value in enumerate(after[j:j_end], i):
            is_known = tag == "replace" and at < i_end
            new.append(merge_json(old[at], element, before[at], value) if is_known else _typed(value, element, MISSING))
    return new


def _typed(value: Any, node: Node | None, old: Any) -> Any:
    if type(value) is dict:
        return {name: _typed(member, _field(node, name), MISSING) for name, member in value.items()}
    if type(value) is list:
        element = None if node is None else node.below(ELEMENT)
        return [_typed(member, element, MISSING) for member in value]
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        return _plain(value, node, old)
    return value


def _plain(value: Any, node: Node | None, old: Any) -> Any:
    """Return text or a number in a type that JSON prints in this way, if the place has one."""
    printed_so = _TEXTS if isinstance(value, str) else _NUMBERS
    like = old if old is not MISSING and old is not None and type_name(old) in printed_so else MISSING
    types = {} if node is None else {name: stats for name, stats in node.types.items() if name in printed_so}
    if not types and like is MISSING:
        return value
    try:
        at = None if node is None else replace(node, types=types)
        return assign(int(value) if isinstance(value, int) else value, at, like)
    except CannotStore:
        return value  # JSON holds any type


_TEXTS = frozenset({"string", "objectId", "date", "binData:4"})
_NUMBERS = frozenset({"int", "long", "double"})
"""Types that json_of prints as text, and as numbers."""


def _field(node: Node | None, name: str) -> Node | None:
    return None if node is None else node.below(escape_step(name)) or node.entry


def _same(one: Any, other: Any) -> bool:
    return _text(one) == _text(other)


def _text(value: Any) -> str:
    """Return text that is the same for the same JSON, whatever the order of names."""
    if type(value) is dict:
        return "{" + ",".join(f"{name!r}:{_text(value[name])}" for name in sorted(value)) + "}"
    if type(value) is list:
        return "[" + ",".join(map(_text, value)) + "]"
    return f"{value!r}"


__all__ = ["merge_json", "read"]
