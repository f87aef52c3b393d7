"""Evaluate a value once, however often the SQL refers to it."""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp


def let(value: exp.Expr, body: Callable[[exp.Expr], exp.Expr]) -> exp.Expr:
    """Return `body` of a value that is evaluated once. Macros and nested CASEs would otherwise repeat it."""
    v = exp.to_identifier("v")
    mapped = exp.func(
        "list_transform", exp.Array(expressions=[value]), exp.Lambda(this=body(v), expressions=[v.copy()])
    )
    return exp.func("list_extract", mapped, exp.Literal.number(1))
