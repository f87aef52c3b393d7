"""Merge rebuilt values into a document: what differs between before and after is changed, everything else stays.

Each function takes the old value (MISSING if there is none), the node of its place, and the value before and after. It
returns the new value, or MISSING.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from typing import Any

from crossfade.model.inverse import PLACE
from crossfade.model.nodes import entry_value, listed_element
from crossfade.model.rebuilt import CannotStore, Ejson, Json, Map
from crossfade.model.shape import Node, Path, escape_step, unescape_step
from crossfade.records.bson.assign import MISSING, assign
from crossfade.records.bson.ejson_loads import loads_canonical
from crossfade.records.bson.merge_json import merge_json, read
from crossfade.records.bson.types import type_name
from crossfade.records.edit import same

ITSELF = "[]"
"""The field of a rebuilt element that stands for the element itself."""


def merge_at(old: Any, node: Node | None, path: Path, before: Any, after: Any) -> Any:
    """Merge a value at a path through objects. Objects on the way are created if there is something to store."""
    if not path:
        return merge(old, node, before, after)
    if type(old) is not dict:
        if after is None:
            return old
        if old is not MISSING and old is not None:
            raise CannotStore("bad_type", f"the document has no object there: it cannot hold {path[-1]!r}")
    name = unescape_step(path[0])
    new = dict(old) if type(old) is dict else {}
    value = merge_at(new.get(name, MISSING), _below(node, path[0]), path[1:], before, after)
    if value is not MISSING:
        new[name] = value
    elif name in new:
        del new[name]
    elif not new and type(old) is not dict:
        return old
    return new


def merge(old: Any, node: Node | None, before: Any, after: Any) -> Any:
    if old is not MISSING and same(before, after):
        return old
    if isinstance(after, Json):
        return merge_json(old, node, _json(before), read(after.text))
    if isinstance(after, Ejson):
        return _extended(after)
    if isinstance(after, Map):
        return _merge_map(old, node, before.entries if isinstance(before, Map) else [], after.entries)
    if isinstance(after, list):
        return _merge_list(old, node, before if isinstance(before, list) else [], after)
    if isinstance(after, dict):
        return _merge_object(old, node, before if isinstance(before, dict) else {}, after)
    return assign(after, node, old) if after is not None else _nothing(old, node, before)


def _nothing(old: Any, node: Node | None, before: Any) -> Any:
    """Return what stands for NULL: an empty array or object where its rows are gone, null where the source has that,
    or MISSING.
    """
    if old is not MISSING and isinstance(before, Map):
        return _merge_map(old, node, before.entries, [])
    if old is not MISSING and isinstance(before, list) and any(isinstance(one, dict) for one in before):
        return _merge_list(old, node, before, [])
    if (
        old is MISSING
        and node is not None
        and node.element is not None
        and not node.missing
        and "null" not in node.types
    ):
        return []  # an array that no record lacks
    has_null = node is not None and "null" in node.types and not (old is MISSING and node.missing)
    return None if has_null else MISSING


def _json(before: Any) -> Any:
    return read(before.text) if isinstance(before, Json) else MISSING


def _extended(value: Ejson) -> Any:
    try:
        return loads_canonical(value.text)
    except ValueError as error:
        raise CannotStore("bad_value", f"not Extended JSON: {error}") from None


def _below(node: Node | None, step: str) -> Node | None:
    return None if node is None else node.below(step) or node.entry


# -- objects


def _merge_object(old: Any, node: Node | None, before: Mapping[str, Any], after: Mapping[str, Any]) -> Any:
    if ITSELF in after:
        return merge(old, node, before.get(ITSELF), after[ITSELF])
    new = dict(old) if type(old) is dict else {}
    for name, value in after.items():
        if name != PLACE:
            field = None if node is None else node.by_engine.get(name) or node.by_name.get(name)
            step = escape_step(name if field is None else field.name)
            new = merge_at(new, node, (step,), before.get(name), value)
    return new


def _merge_map(old: Any, node: Node | None, before: Sequence[Any], after: Sequence[Any]) -> Any:
    """Merge the entries of an object whose keys are data. Keys that made no row stay."""
    was = {entry.get("key"): entry.get("value") for entry in before}
    there = dict(old) if type(old) is dict else {}
    value = None if node is None else entry_value(node)
    now = {entry.get("key"): entry.get("value") for entry in after}
    new = {name: old_value for name, old_value in there.items() if name not in was or name in now}
    for key, new_value in now.items():
        if not isinstance(key, str):
            raise CannotStore("bad_type", f"{key!r} is not the name of a field")
        merged = merge(there.get(key, MISSING), value, was.get(key), new_value)
        new[key] = None if merged is MISSING else merged
    return new


# -- arrays


def _merge_list(old: Any, node: Node | None, before: Sequence[Any], after: Sequence[Any]) -> Any:
    """Merge an array. A single value that was read as a list of one (`list_of`) stays one as long as there is one."""
    is_single = type(old) is not list and old is not MISSING and old is not None
    there = old if type(old) is list else [old] if is_single else []
    element = None if node is None else node.element or listed_element(node)
    if any(isinstance(one, dict) and PLACE in one for one in [*before, *after]):
        new = _merge_placed(there, element, before, after)
    else:
        new = list(_merge_plain(there, element, before, after))
    if is_single and len(new) == 1 and (node is None or type_name(new[0]) in node.types):
        return new[0]
    return new


def _merge_plain(
    there: Sequence[Any], element: Node | None, before: Sequence[Any], after: Sequence[Any]
) -> Iterator[Any]:
    """Yield the elements: unchanged ones as they are, others in the place of those that they replace."""
    if len(before) != len(there):  # they were not rebuilt from these
        before, there = [], []
    matcher = SequenceMatcher(None, list(map(repr, before)), list(map(repr, after)), autojunk=False)
    for tag, i, i_end, j, j_end in matcher.get_opcodes():
        if tag == "equal":
            yield from there[i:i_end]
            continue
        for offset, one in enumerate(after[j:j_end]):
            at = i + offset
            known = tag == "replace" and at < i_end
            made = merge(there[at] if known else MISSING, element, before[at] if known else None, one)
            yield None if made is MISSING else made


def _merge_placed(there: Sequence[Any], element: Node | None, before: Sequence[Any], after: Sequence[Any]) -> list[Any]:
    """Return the elements in the order of `after`. Those that made no row stay behind the same element as before."""
    was = {one[PLACE]: one for one in before}
    new: list[tuple[int, Any]] = []
    for one in after:
        place = one[PLACE]
        known = place in was and place <= len(there)
        made = merge(there[place - 1] if known else MISSING, element, was[place] if known else None, one)
        new.append(
            (place if known else 0, {} if made is MISSING and ITSELF not in one else None if made is MISSING else made)
        )
    for place, value in enumerate(there, 1):
        if place not in was:
            behind = max((i for i, (at, _) in enumerate(new) if 0 < at < place), default=-1)
            new.insert(behind + 1, (place, value))
    return [value for _, value in new]


__all__ = ["merge", "merge_at"]
