"""Names in scope while a mapping is compiled, and the columns that it asks of the reader.

A `Row` is what an alias stands for: a document of a batch, or an element of an unnested array. Asking it for a place in some
form gives the SQL that reads the column, and notes the column; the reader is later asked for just these.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from sqlglot import exp

from crossfade.model.batch import Column
from crossfade.model.shape import ELEMENT, Node, Path, escape_step


class Places:
    """The columns asked of one batch (or of one array's elements), each once."""

    def __init__(self) -> None:
        self._names: dict[tuple[Path, str], str] = {}
        self._elements: dict[tuple[Path, str], Places] = {}

    def name(self, path: Path, form: str) -> str:
        return self._names.setdefault((path, form), f"c{len(self._names)}")

    def elements(self, path: Path, form: str) -> tuple[str, Places]:
        return self.name(path, form), self._elements.setdefault((path, form), Places())

    def columns(self) -> tuple[Column, ...]:
        return tuple(
            Column(name, path, form, self._elements[path, form].columns() if (path, form) in self._elements else ())
            for (path, form), name in self._names.items()
        )


@dataclass(frozen=True)
class Row:
    """`access` makes the SQL that reads a column of this row; `base` is where its node stands in the entity."""

    entity: str
    node: Node
    base: Path
    places: Places
    access: Callable[[str], exp.Expr]


@dataclass(frozen=True)
class Place:
    """A place in a row, not yet in any form. `path` steps through objects only."""

    row: Row
    path: Path
    node: Node

    @property
    def full_path(self) -> Path:
        return (*self.row.base, *self.path)

    def step(self, child: Node) -> Place:
        return Place(self.row, (*self.path, escape_step(child.name)), child)

    def read(self, form: str) -> exp.Expr:
        return self.row.access(self.row.places.name(self.path, form))

    def read_elements(self, form: str) -> tuple[exp.Expr, Callable[[exp.Expr], Row]]:
        """The list, and what makes the row of one of its elements from the SQL that names the element."""
        name, places = self.row.places.elements(self.path, form)
        # A list of one stands for a single value too, so its elements are what the place itself may hold.
        node = self.node.element if form == "list" else listed_element(self.node)
        assert node is not None
        base = (*self.full_path, ELEMENT)

        def element(sql: exp.Expr) -> Row:
            return Row(self.row.entity, node, base, places, lambda name: struct_field(sql, name))

        return self.row.access(name), element


@dataclass(frozen=True)
class Typed:
    """SQL with what is known of its value: `kind` as model/shape.Node.kind, "list", or None where nothing is known.

    A list of array elements (objects, say) has `element`, which makes an element's row; a list of plain values has `of`, their kind.
    """

    sql: exp.Expr
    kind: str | None = None
    of: str | None = None
    element: Callable[[exp.Expr], Row] | None = None


Bound = Row | Typed | dict[str, "Bound"]
"""What an alias stands for: a row, a value (a lambda's parameter), or a table of named columns."""


@dataclass
class Scope:
    names: dict[str, Bound] = field(default_factory=dict)
    outer: Scope | None = None

    def __iter__(self) -> Iterator[tuple[str, Bound]]:
        seen: set[str] = set()
        scope: Scope | None = self
        while scope is not None:
            for name, bound in scope.names.items():
                if name not in seen:
                    seen.add(name)
                    yield name, bound
            scope = scope.outer

    def inner(self) -> Scope:
        return Scope({}, self)


def struct_field(sql: exp.Expr, name: str) -> exp.Expr:
    return exp.Anonymous(this="struct_extract", expressions=[sql.copy(), exp.Literal.string(name)])


def listed_element(node: Node) -> Node:
    """The node that stands for the elements of `list_of(place)`: those of its arrays, and its other values themselves."""
    own = {t: s for t, s in node.types.items() if t not in ("array", "null")}
    if node.element is None:
        return Node(ELEMENT, ELEMENT, own, 0, node.fields, None)
    types = {**own, **node.element.types}
    return Node(ELEMENT, ELEMENT, types, 0, node.element.fields or node.fields, node.element.element)
