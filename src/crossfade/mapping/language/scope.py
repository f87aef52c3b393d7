"""Names in scope while a mapping is compiled, and what each stands for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

from sqlglot import exp

from crossfade.mapping.language.fields import Row
from crossfade.mapping.language.mentions import Mention


@dataclass(frozen=True)
class Typed:
    """SQL with what is known of its value: `kind` as model/shape.Node.kind, "list", or None where nothing is known.

    A list of array elements (objects, say) has `element`, which makes an element's row; a list of plain values has
    `of`, their kind. `reads` is what a lambda's parameter or an unnested value stands for: who mentions it reads that.
    """

    sql: exp.Expr
    kind: str | None = None
    of: str | None = None
    element: Callable[[exp.Expr], Row] | None = None
    reads: tuple[Mention, ...] = ()
    types: frozenset[str] = frozenset()  # the BSON types that a place of kind "mixed" holds, for messages

    def with_less(self, by: str) -> Typed:
        """A list of some of the elements."""
        make = self.element
        if make is None:
            return self

        def element(sql: exp.Expr) -> Row:
            row = make(sql)
            return replace(row, less=tuple(dict.fromkeys((*row.less, by))))

        return replace(self, element=element)


class Unbound:
    """An alias whose own definition is at fault: that is told once, and what depends on it is not told again."""


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
