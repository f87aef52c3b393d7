"""Order objects for creation: each after everything that it needs, otherwise by kind and name."""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import Any

from crossfade.model.target import Step

Key = tuple[int, int]
"""The address of an object in the catalog: the OID of its catalog and its own."""


@dataclass(frozen=True)
class Object:
    """An object to create. `rank` orders kinds, `within` those of one kind before their names do; `late` says that the
    copy does not need it (views).
    """

    key: Key
    rank: int
    steps: tuple[Step, ...]
    late: bool = False
    within: int = 0

    @property
    def id(self) -> str:
        return self.steps[0].id


def arrange(
    found: Sequence[Object], dependencies: Sequence[Any], aliases: Sequence[Any]
) -> tuple[list[Step], list[Step], list[str]]:
    """Return the steps before the copy, the steps after it, and notes on circular dependencies.

    What an early object needs is also early. An object that needs a late one, and that no early one needs, is late.
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
    """Return whether the object can be late because it needs a late one. Tables are always early."""
    return one.rank == FUNCTION and any(objects[key].late for key in _closure([one.key], needs))


def _sorted(objects: Mapping[Key, Object], needs: Mapping[Key, set[Key]]) -> tuple[list[Object], list[str]]:
    sorter, notes = _without_cycles(objects, needs)
    ordered: list[Object] = []
    ready: list[tuple[int, int, str, Key]] = []
    while sorter.is_active():
        for key in sorter.get_ready():
            one = objects[key]
            heapq.heappush(ready, (one.rank, one.within, one.id, key))
        *_, key = heapq.heappop(ready)
        ordered.append(objects[key])
        sorter.done(key)
    return ordered, notes


def _without_cycles(
    objects: Mapping[Key, Object], needs: Mapping[Key, set[Key]]
) -> tuple[TopologicalSorter[Key], list[str]]:
    """Return a sorter, and a note for each object that is created before one that it needs, because of a cycle."""
    left = {key: set(wanted) for key, wanted in needs.items()}
    notes: list[str] = []
    while True:
        sorter = TopologicalSorter(left)
        try:
            sorter.prepare()
        except CycleError as error:
            cycle: list[Key] = error.args[1]  # each is needed by the next; the first is the last, too
            name, at = min((objects[key].rank, objects[key].id, i) for i, key in enumerate(cycle) if i)[1:]
            left[cycle[at]].discard(cycle[at - 1])
            note = f"{name} is part of a circular dependency: its order may have to be corrected by hand"
            notes += [note] if note not in notes else []
        else:
            return sorter, notes


SCHEMA, EXTENSION, FOREIGN, COLLATION, TYPE, SEQUENCE, FUNCTION, OPERATOR, CAST, TABLE, CHECK, VIEW = range(12)
