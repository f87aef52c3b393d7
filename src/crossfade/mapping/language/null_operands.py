"""Refuse NULL as an operand: `x = NULL` is no test, and `x + NULL` no sum. What is mapped so is lost silently."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from crossfade.mapping.language.resolve import Wrong

_COMPARED = (exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.GT, exp.GTE, exp.Like, exp.ILike, exp.SimilarTo)
_COMPUTED = (exp.Add, exp.Sub, exp.Mul, exp.Div, exp.IntDiv, exp.Mod, exp.Pow, exp.DPipe)


def null_operands(node: exp.Expr) -> Iterator[Wrong]:
    """Yield a fault for the node if it has such an operand."""
    if isinstance(node, _COMPARED) and _is_null(node.this, node.expression):
        hint = "IS NULL; IS [NOT] DISTINCT FROM where either side may be NULL"
        yield Wrong(node, f"{node.sql('duckdb')} is never true: a comparison with NULL is NULL", hint)
    elif isinstance(node, _COMPUTED) and _is_null(node.this, node.expression):
        hint = "leave the operand out, or write a value"
        yield Wrong(node, f"{node.sql('duckdb')} is NULL for every record: it computes with NULL", hint)
    elif isinstance(node, exp.In) and _is_null(*node.expressions):
        hint = "x IN (...) OR x IS NULL"
        yield Wrong(node, f"{node.sql('duckdb')} never finds NULL, and is never false: NOT IN finds nothing", hint)
    elif isinstance(node, exp.Between) and _is_null(node.args["low"], node.args["high"]):
        yield Wrong(
            node, f"{node.sql('duckdb')} is never true: a comparison with NULL is NULL", "x >= least, or x <= greatest"
        )
    elif isinstance(node, exp.Case) and node.this is not None and _is_null(*(one.this for one in node.args["ifs"])):
        yield Wrong(node, "WHEN NULL is never true: a comparison with NULL is NULL", "CASE WHEN x IS NULL THEN ...")


def _is_null(*values: exp.Expr) -> bool:
    return any(isinstance(_bare(value), exp.Null) for value in values)


def _bare(value: exp.Expr) -> exp.Expr:
    """Return the value without parentheses and casts."""
    while isinstance(value, exp.Paren | exp.Cast):
        value = value.this
    return value
