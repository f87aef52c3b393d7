"""Wrap SQL expressions for which DuckDB would otherwise return another value without an error."""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from crossfade.mapping.language.constants import counts_exactly
from crossfade.mapping.language.kinds import ARITHMETIC
from crossfade.mapping.language.let import let
from crossfade.mapping.language.scope import Typed

_READ_NUMBERS = frozenset(
    """
    json json_extract json_extract_string json_extract_path json_extract_path_text json_value json_transform
    json_transform_strict from_json from_json_strict json_merge_patch json_pretty
    """.split()
)
_READ = (exp.JSONExtract, exp.JSONExtractScalar)


def with_casts(node: exp.Expr) -> exp.Expr:
    """Return the node with the casts that sqlglot adds when it prints it, so that they are checked like all others."""
    if isinstance(node, exp.Date) and node.args.keys() <= {"this", "expressions"}:
        return exp.cast(node.this, "date")
    if isinstance(node, exp.Interval):
        return counts_exactly(node)
    if isinstance(node, exp.LogicalAnd | exp.LogicalOr):
        return _cast_inside(node, "boolean", "this")
    if isinstance(node, exp.DateDiff):
        return _cast_inside(node, "date", *(k for k in ("this", "expression") if node.args[k].is_string))
    return node


def _cast_inside(node: exp.Expr, to: str, *keys: str) -> exp.Expr:
    keys = tuple(key for key in keys if not isinstance(node.args[key], exp.Cast))
    out = node.copy() if keys else node
    for key in keys:
        out.set(key, exp.cast(out.args[key].copy(), to))
    return out


def guarded(node: exp.Expr, name: str, key: str, part: Typed) -> Typed:
    """Guard an argument of `node`: a long that is divided must fit into a double exactly, and JSON must have only
    numbers that DuckDB reads exactly.
    """
    if isinstance(node, exp.Div) and part.kind == "long":
        return Typed(exp.func("cf_double_of_int", exp.Literal.string("/"), part.sql), "double")
    is_json = key == "this" or (key == "expressions" and isinstance(node, exp.Anonymous))
    if is_json and (isinstance(node, _READ) or name in _READ_NUMBERS) and part.kind not in ("json", "null"):
        return Typed(exp.func("cf_json_exact", part.sql), part.kind)
    return part


def finite(node: exp.Expr, built: exp.Expr, parts: Sequence[Typed]) -> exp.Expr:
    """Wrap the outermost arithmetic, so that it raises an error if the result is infinity or NaN."""
    if not isinstance(node, ARITHMETIC) or isinstance(_above(node), ARITHMETIC):
        return built
    kinds = {p.kind for p in parts}
    if kinds <= {"int", "long"} and not isinstance(node, exp.Div | exp.Pow | exp.Exp):
        return built
    if "date" in kinds or any(isinstance(a, exp.Interval) for a in node.args.values()):
        return built
    return built if isinstance(node, exp.Sum) else let(built, lambda v: exp.func("cf_finite", v))


def _above(node: exp.Expr) -> exp.Expr | None:
    parent = node.parent
    while isinstance(parent, exp.Paren | exp.Neg):
        parent = parent.parent
    return parent
