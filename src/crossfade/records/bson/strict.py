"""Checks documents against the shape: every place and every type, whether a column uses it or not.

`is_clean` checks a whole batch, place by place, and returns only true or false: nearly every batch is clean. If it is
not, `rejection` checks the documents one by one and says what is wrong and where. The two must agree
(tests/records/test_columns.py).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from itertools import chain
from types import NoneType
from typing import Any

from bson import Binary, Code
from bson.datetime_ms import DatetimeMS

from crossfade.model.rejection import Rejection
from crossfade.model.shape import ELEMENT, ENTRY, Node, Path, TypeStats, escape_step, format_path
from crossfade.records.bson.types import classes_of, type_name
from crossfade.records.bson.vocabulary import DATE_GREATEST_MS, DATE_LEAST_MS, dates_fit
from crossfade.records.places import ONLY_DICT, Values

# Classes whose values must be looked at one by one: their class alone does not say the type, or whether it fits.
_SINGLY = frozenset((Binary, Code, DatetimeMS))


class Rule:
    """The types and places that a node allows, prepared for fast checks."""

    def __init__(self, node: Node, *, is_root: bool = False) -> None:
        types = frozenset(node.types) | ({"object"} if is_root else frozenset())
        if node.value_types == {"long"}:
            types |= {"int"}  # it becomes a long without changing the value
        self.node, self.types = node, types
        self.allows_null = "null" in types
        self.classes = classes_of(types) | {NoneType}
        self.names = frozenset(node.by_name)
        self.dates_fit = dates_fit(node.types.get("date"))
        self.uuids_fit = _uuids_fit(node.types.get("binData:4"))

    @cached_property
    def fields(self) -> Mapping[str, Rule]:
        return {node.name: Rule(node) for node in self.node.fields}

    @cached_property
    def entry(self) -> Rule | None:
        """The rule for the values of a map, whose keys may be anything; None if it is not a map."""
        return None if self.node.entry is None else Rule(self.node.entry)

    @cached_property
    def element(self) -> Rule:
        return Rule(self.node.element or Node(ELEMENT, ELEMENT, {}))

    def fault_of(self, value: Any) -> tuple[str, str] | None:
        """Return reason and detail if the value's own type or range is not allowed. Its contents are not checked."""
        name = type_name(value)
        if name not in self.types:
            return "unseen_type", f"{name} where the survey saw {', '.join(sorted(self.types)) or 'nothing'}"
        if type(value) is DatetimeMS and self.dates_fit and not DATE_LEAST_MS <= int(value) <= DATE_GREATEST_MS:
            return "out_of_range", f"the date {int(value)} ms is beyond what a timestamp holds"
        if name == "binData:4" and self.uuids_fit and len(value) != 16:
            return "out_of_range", f"a UUID of {len(value)} bytes"
        return None


def _uuids_fit(stats: TypeStats | None) -> bool:
    return stats is not None and stats.min_length == stats.max_length == 16


def is_clean(place: Values, rule: Rule) -> bool:
    """Return whether all values at this place and below it fit the shape."""
    classes = place.classes
    if not classes <= rule.classes or (not rule.allows_null and place.has_null):
        return False
    if classes & _SINGLY and any(type(v) in _SINGLY and rule.fault_of(v) for v in place.values):
        return False
    if dict in classes and not _fields_clean(place.objects, rule):
        return False
    return list not in classes or is_clean(place.elements.values, rule.element)


def _fields_clean(place: Values, rule: Rule) -> bool:
    objects = place.values if place.classes == ONLY_DICT else [v for v in place.values if type(v) is dict]
    if rule.entry is not None:
        return is_clean(Values(list(chain.from_iterable(map(dict.values, objects)))), rule.entry)
    seen: set[str] = set().union(*objects)
    if not seen <= rule.names:
        return False
    if len(seen) > 64 and len(seen) > 4 * max(map(len, objects)):
        columns = {name: Values(values) for name, values in _sparse_columns(objects).items()}
    else:
        columns = None
    for name in seen:  # noqa: SIM110  (a generator would cost the stack a frame a level)
        if not is_clean(place.field(name) if columns is None else columns[name], rule.fields[name]):
            return False
    return True


def _sparse_columns(objects: Iterable[Mapping[str, Any]]) -> Mapping[str, list[Any]]:
    """Return the values of each field where there are many names, and few in each document."""
    found: defaultdict[str, list[Any]] = defaultdict(list)
    for one in objects:
        for name, value in one.items():
            found[name].append(value)
    return found


def rejection(document: Mapping[str, Any], rule: Rule) -> Rejection | None:
    """Return the first part of a document that does not fit the shape, or None."""
    found = _inside(document, rule, ())
    return None if found is None else Rejection(0, found[0], found[2], path=format_path(found[1]))


Found = tuple[str, Path, str]


def _inside(value: Any, rule: Rule, path: Path) -> Found | None:
    found = rule.fault_of(value)
    if found is not None:
        return found[0], path, found[1]
    if type(value) is dict:
        return _inside_object(value, rule, path)
    return _inside_array(value, rule, path) if type(value) is list else None


def _inside_object(value: Mapping[str, Any], rule: Rule, path: Path) -> Found | None:
    for name, child in value.items():
        here = (*path, escape_step(name) if rule.entry is None else ENTRY)
        known = rule.fields.get(name) if rule.entry is None else rule.entry
        if known is None:
            return "unseen_path", here, f"{type_name(child)} at a path that the survey did not see"
        found = _inside(child, known, here)
        if found is not None:
            return found
    return None


def _inside_array(value: Sequence[Any], rule: Rule, path: Path) -> Found | None:
    for child in value:
        found = _inside(child, rule.element, (*path, ELEMENT))
        if found is not None:
            return found
    return None
