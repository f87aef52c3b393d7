"""The interface of the rewriter (rewrite.py) for the functions and casts that it calls."""

from __future__ import annotations

from typing import Protocol

from sqlglot import exp

from crossfade.mapping.language.fields import FieldRef, Row
from crossfade.mapping.language.mentions import Mentions
from crossfade.mapping.language.scope import Scope, Typed


class Rewriting(Protocol):
    """Rewrites the parts of an expression, and records what they use."""

    mentions: Mentions
    root: Row | None

    def use(self, place: FieldRef, depth: str, *, as_json: bool = False) -> None: ...

    def read(self, place: FieldRef, form: str) -> exp.Expr: ...

    def value(self, node: exp.Expr, scope: Scope) -> Typed: ...

    def native(self, node: exp.Expr, place: FieldRef) -> Typed: ...

    def elements(self, place: FieldRef, form: str) -> Typed: ...

    def rewrite(self, node: exp.Expr, scope: Scope) -> FieldRef | Typed: ...
