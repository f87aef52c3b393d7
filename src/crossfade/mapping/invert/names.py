"""Resolve the names in a SELECT of a mapping to places in the root, or in elements of one of its arrays.

The mapping has been compiled before: every name resolves. A name that cannot be inverted raises Lost, with the reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from sqlglot import exp

from crossfade.mapping.language.calls import arguments, function_name
from crossfade.mapping.language.resolve import name_chain
from crossfade.model.nodes import entry_value, listed_element
from crossfade.model.shape import Node, Shape, escape_step


class Lost(Exception):
    """An expression has no inverse: `reason`; `hint` says how an inverse by hand could do it."""

    def __init__(self, reason: str, hint: str | None = None) -> None:
        self.reason, self.hint = reason, hint
        super().__init__(reason)


class Constant(Lost):
    """An expression reads nothing of the source."""


class IsPosition(Lost):
    """An expression is the position of an element, which its place in the list holds."""


@dataclass(frozen=True)
class Place:
    """A place in the root, or (`of_element`) in an element. `steps` are the engine's names, `path` the source's."""

    of_element: bool
    steps: tuple[str, ...]
    path: tuple[str, ...]
    node: Node

    def step(self, name: str) -> Place:
        child = self.node.by_engine.get(name)
        if child is None:
            raise Lost(f"{name} is a part of a value")
        return Place(self.of_element, (*self.steps, name), (*self.path, escape_step(child.name)), child)


@dataclass(frozen=True)
class Unnested:
    """The array of the root whose elements make rows. `form` is list, listed or entries."""

    array: Place
    form: str
    alias: str
    element: str
    position: str | None
    node: Node


class Names:
    """The names of one SELECT. `unnested` is None if it makes a row of the root itself."""

    def __init__(self, select: exp.Select, shapes: Mapping[str, Shape]) -> None:
        table = select.args["from_"].this
        self.entity = _entity(table)
        self.root = table.alias or self.entity
        self.node = shapes[self.entity].root
        self.lookups: dict[str, str] = {}
        self.unnested: Unnested | None = None
        self.is_deep = False
        for join in [*(table.args.get("joins") or []), *(select.args.get("joins") or [])]:
            self._join(join.this.this if isinstance(join.this, exp.Lateral) else join.this, join.this)

    def _join(self, what: exp.Expr, holder: exp.Expr) -> None:
        if not isinstance(what, exp.Unnest):
            entity = _entity(what)
            self.lookups[holder.alias or entity] = entity
            return
        if self.unnested is not None:
            self.is_deep = True
            return
        names = [column.name for column in holder.args["alias"].columns]
        offset = what.args.get("offset")
        position = offset.name if isinstance(offset, exp.Identifier) else None
        try:
            array, form = self._array(what.expressions[0])
        except Lost:
            self.is_deep = True
            return
        self.unnested = Unnested(array, form, holder.alias, names[0], position, _element(array.node, form))

    def _array(self, node: exp.Expr) -> tuple[Place, str]:
        if isinstance(node, exp.Func) and not isinstance(node, exp.Dot):
            form = {"list_of": "listed", "entries_of": "entries"}.get(function_name(node))
            if form is None:
                raise Lost("an expression")
            return self.place(arguments(node)[0]), form
        return self.place(node), "list"

    def place(self, node: exp.Expr) -> Place:
        """Return the place that an expression names. Raises Lost if it is anything else, Constant for a literal."""
        chain = name_chain(node)
        if chain is None:
            raise Constant("a constant") if not _reads(node) else Lost("an expression")
        first, *rest = [identifier.name for identifier in chain]
        if first in self.lookups:
            raise Lost(f"it is a value of {self.lookups[first]}, which is looked up")
        if first == self.root:
            return self._walked(Place(False, (), (), self.node), rest)
        if (found := self.unnested) is not None:
            if first == found.alias and rest:
                first, *rest = rest
            if first == found.position:
                raise IsPosition("it is the position of the element")
            if first == found.element:
                return self._walked(Place(True, (), (), found.node), rest)
        if first in self.node.by_engine:
            return self._walked(Place(False, (), (), self.node), [first, *rest])
        raise Lost(f"{first} is an element of an element")

    def _walked(self, place: Place, steps: list[str]) -> Place:
        for step in steps:
            place = place.step(step)
        return place


def _entity(table: exp.Expr) -> str:
    return ".".join(part.name for part in table.parts) if isinstance(table, exp.Table) else table.alias_or_name


def _element(node: Node, form: str) -> Node:
    if form == "listed":
        return listed_element(node)
    if form == "entries":
        value = replace(entry_value(node), name="value", engine="value")
        return Node("{}", "{}", {}, fields=(Node("key", "key", {}), value), vocabulary=node.vocabulary)
    return node.element or Node("[]", "[]", {}, vocabulary=node.vocabulary)


def _reads(node: exp.Expr) -> bool:
    return any(True for _ in node.find_all(exp.Column, exp.Dot))


__all__ = ["Constant", "IsPosition", "Lost", "Names", "Place", "Unnested"]
