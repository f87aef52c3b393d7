"""The order in which objects can be made: each after all that it needs, otherwise by kind and name."""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from crossfade.model.target import Step

Key = tuple[int, int]
"""An object's address in the catalogue: the catalogue's oid and its own."""


@dataclass(frozen=True)
class Object:
    """Something to make. `rank` orders kinds; `late` says that the copy does not need it (views)."""

    key: Key
    rank: int
    steps: tuple[Step, ...]
    late: bool = False

    @property
    def id(self) -> str:
        return self.steps[0].id


def arrange(
    found: Sequence[Object], dependencies: Sequence[Any], aliases: Sequence[Any]
) -> tuple[list[Step], list[Step], list[str]]:
    """The steps before the copy, those after it, and notes on circles that no order can satisfy.

    What an early object needs comes early too; what needs a late object and is needed by nothing early comes late.
    """
    objects = {o.key: o for o in found}
    needs = _needs(objects, dependencies, {(a.class_, a.oid): (a.owner_class, a.owner) for a in aliases})
    early = _closure([o.key for o in found if not o.late and not _needs_late(o, objects, needs)], needs)
    ordered, notes = _sorted(objects, needs)
    before = [step for o in ordered if o.key in early for step in o.steps]
    after = [step for o in ordered if o.key not in early for step in o.steps]
    return before, after, notes


def _needs(
    objects: Mapping[Key, Object], dependencies: Sequence[Any], aliases: Mapping[Key, Key]
) -> dict[Key, set[Key]]:
    def whole(key: Key) -> Key:
        seen = {key}
        while key in aliases and aliases[key] not in seen:
            key = aliases[key]
            seen.add(key)
        return key

    needs: dict[Key, set[Key]] = {key: set() for key in objects}
    for d in dependencies:
        one, other = whole((d.class_, d.oid)), whole((d.needed_class, d.needed))
        if one in objects and other in objects and one != other:
            needs[one].add(other)
    return needs


def _closure(keys: Sequence[Key], needs: Mapping[Key, set[Key]]) -> set[Key]:
    found, open_ = set(keys), list(keys)
    while open_:
        new = needs[open_.pop()] - found
        found |= new
        open_ += new
    return found


def _needs_late(one: Object, objects: Mapping[Key, Object], needs: Mapping[Key, set[Key]]) -> bool:
    """Functions alone may wait; a table is always early, whatever that takes."""
    return one.rank == FUNCTION and any(objects[key].late for key in _closure([one.key], needs))


def _sorted(objects: Mapping[Key, Object], needs: Mapping[Key, set[Key]]) -> tuple[list[Object], list[str]]:
    waiting = {key: set(wanted) for key, wanted in needs.items()}
    wanted_by: dict[Key, list[Key]] = {key: [] for key in objects}
    for key, wanted in needs.items():
        for other in wanted:
            wanted_by[other].append(key)
    ready = [(o.rank, o.id, key) for key, o in objects.items() if not waiting[key]]
    heapq.heapify(ready)
    ordered: list[Object] = []
    notes: list[str] = []
    while waiting:
        if not ready:  # a circle: begin it somewhere, and say so
            rank, name, key = min((objects[k].rank, objects[k].id, k) for k in waiting)
            notes.append(f"{name} needs something that needs it in turn: their order may have to be mended by hand")
            ready.append((rank, name, key))
        _, _, key = heapq.heappop(ready)
        if waiting.pop(key, None) is None:
            continue
        ordered.append(objects[key])
        for other in wanted_by[key]:
            if other in waiting:
                waiting[other].discard(key)
                if not waiting[other]:
                    heapq.heappush(ready, (objects[other].rank, objects[other].id, other))
    return ordered, notes


SCHEMA, EXTENSION, FOREIGN, COLLATION, TYPE, SEQUENCE, FUNCTION, OPERATOR, CAST, TABLE, CHECK, VIEW = range(12)
