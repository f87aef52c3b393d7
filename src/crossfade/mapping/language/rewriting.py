"""What the functions of the mapping language and its casts ask of the rewriter (rewrite.py) that calls them."""

from __future__ import annotations

from typing import Protocol

from sqlglot import exp

from crossfade.mapping.language.mentions import Mentions
from crossfade.mapping.language.places import Place, Row
from crossfade.mapping.language.scope import Scope, Typed


class Rewriting(Protocol):
    """Rewrites the parts of an expression, and notes what they use."""

    mentions: Mentions
    root: Row | None

    def use(self, place: Place, depth: str) -> None: ...

    def read(self, place: Place, form: str) -> exp.Expr: ...

    def value(self, node: exp.Expr, scope: Scope) -> Typed: ...

    def native(self, node: exp.Expr, place: Place) -> Typed: ...

    def elements(self, place: Place, form: str) -> Typed: ...

    def rewrite(self, node: exp.Expr, scope: Scope) -> Place | Typed: ...
