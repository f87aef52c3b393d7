"""Explores all states of a model: breadth first, so that the schedule that leads to a fault is a shortest one."""

from __future__ import annotations

from array import array
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

State = TypeVar("State", bound=Hashable)
Step = tuple[str, State]
"""What happens, and the state after it."""


class Model(Protocol[State]):
    def start(self) -> State: ...

    def steps(self, s: State) -> Iterable[Step[State]]:
        """Yield everything that can happen next."""
        ...

    def fault(self, s: State) -> str | None:
        """Return what is wrong with a state, or None."""
        ...

    def is_goal(self, s: State) -> bool:
        """Return whether this is a state that every other one must be able to reach: all work is done."""
        ...


@dataclass(frozen=True)
class Explored(Generic[State]):
    """`whole`: no state is left. `fault` with the schedule that leads to it and the last state, if there is one."""

    states: int
    whole: bool
    fault: str | None = None
    schedule: tuple[str, ...] = ()
    last: State | None = None

    def __str__(self) -> str:
        size = f"{self.states:,} states{'' if self.whole else ', not all'}"
        if self.fault is None:
            return f"no fault in {size}"
        lines = (f"  {n:2}. {step}" for n, step in enumerate(self.schedule, 1))
        return "\n".join([f"{self.fault} ({size})", *lines, f"  {self.last}"])


class _Graph(Generic[State]):
    """The states in the order of their discovery, each with the step that led to it first."""

    def __init__(self, start: State) -> None:
        self.place: dict[State, int] = {start: 0}
        self.states = [start]
        self.came = array("q", [-1])
        self.by = [""]
        self.edges_from, self.edges_to = array("q"), array("q")

    def add(self, before: int, by: str, state: State) -> bool:
        """Return whether the state is new."""
        known = self.place.get(state)
        self.edges_from.append(before)
        self.edges_to.append(len(self.states) if known is None else known)
        if known is not None:
            return False
        self.place[state] = len(self.states)
        self.states.append(state)
        self.came.append(before)
        self.by.append(by)
        return True

    def schedule(self, at: int) -> list[str]:
        found: list[str] = []
        while self.came[at] >= 0:
            found.append(self.by[at])
            at = self.came[at]
        return found[::-1]


def explore(model: Model[State], *, limit: int = 5_000_000, goal: bool = True) -> Explored[State]:
    """Explore until a fault is found, no state is left, or there are `limit` of them. With `goal` it is a fault too if
    all work can never be done from a state.
    """
    graph = _Graph(model.start())
    at = 0
    while at < len(graph.states):
        if len(graph.states) > limit:
            return Explored(len(graph.states), whole=False)
        for by, state in model.steps(graph.states[at]):
            if graph.add(at, by, state) and (fault := model.fault(state)) is not None:
                return _found(graph, len(graph.states) - 1, fault)
        at += 1
    stuck = _stuck(model, graph) if goal else None
    if stuck is not None:
        return _found(graph, stuck, "stuck: from here all work is never done")
    return Explored(len(graph.states), whole=True)


def _found(graph: _Graph[State], at: int, fault: str) -> Explored[State]:
    return Explored(len(graph.states), False, fault, tuple(graph.schedule(at)), graph.states[at])


def _stuck(model: Model[State], graph: _Graph[State]) -> int | None:
    """The first state from which no goal can be reached: the edges are walked backwards from all goals."""
    count = len(graph.states)
    heads = array("q", [-1]) * count
    following = array("q", [-1]) * len(graph.edges_to)
    for edge, to in enumerate(graph.edges_to):
        following[edge] = heads[to]
        heads[to] = edge
    good = bytearray(count)
    todo = [place for place, state in enumerate(graph.states) if model.is_goal(state)]
    for place in todo:
        good[place] = 1
    while todo:
        edge = heads[todo.pop()]
        while edge >= 0:
            before = graph.edges_from[edge]
            if not good[before]:
                good[before] = 1
                todo.append(before)
            edge = following[edge]
    found = good.find(0)
    return None if found < 0 else found
