"""Names in order: each after those that it depends on."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from graphlib import CycleError, TopologicalSorter


def in_dependency_order(on: Mapping[str, Collection[str]]) -> list[str]:
    """Return the names, each after those of them that it depends on. In a cycle, one dependency is ignored.

    >>> in_dependency_order({"orders": ["customers", "orders"], "customers": [], "items": ["orders"]})
    ['customers', 'orders', 'items']
    >>> in_dependency_order({"b": ["a"], "a": ["b"]})
    ['a', 'b']
    """
    left = {name: sorted(on.keys() & set(on[name]) - {name}) for name in sorted(on)}
    while True:
        try:
            return list(TopologicalSorter(left).static_order())
        except CycleError as error:
            circle = error.args[1][:-1]  # each is needed by the next one
            first = min(circle)
            left[first].remove(circle[circle.index(first) - 1])
