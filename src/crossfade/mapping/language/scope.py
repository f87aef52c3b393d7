"""Names in scope while a mapping is compiled, and what each stands for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from sqlglot import exp

from crossfade.mapping.language.fields import Row
from crossfade.mapping.language.mentions import Mention


@dataclass(frozen=True)
class Typed:
    """SQL with the `kind` of its value: one of model/shape.Node.kind, "list", or None if unknown.

    A list of array elements (for example objects) has `element`, which makes the row of an element; a list of plain
    values has `of`, their kind. `reads` are the mentions that a lambda's parameter or an unnested value stands for:
    using it reads them.
    """

    sql: exp.Expr
    kind: str | None = None
    of: str | None = None
    element: Callable[[exp.Expr], Row] | None = None
    reads: tuple[Mention, ...] = ()
    types: frozenset[str] = frozenset()  # the BSON types that a place of kind "mixed" holds, for messages

    def with_less(self, by: str) -> Typed:
        """Return the value as a list of only some of the elements."""
        make = self.element
        if make is None:
            return self

        def element(sql: exp.Expr) -> Row:
            row = make(sql)
            return replace(row, less=tuple(dict.fromkeys((*row.less, by))))

        return replace(self, element=element)


class Unbound:
    """An alias whose definition has a fault. The fault is reported once; its consequences are not."""


Bound = Row | Typed | Unbound | dict[str, "Bound"]
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
