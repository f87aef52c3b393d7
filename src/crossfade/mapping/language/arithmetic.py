"""Wrap SQL expressions for which DuckDB would otherwise return another value without an error."""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from crossfade.mapping.language.calls import aggregate_by_name, function_name
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


_SCALARS = (exp.Distance, exp.IntDiv)
_BEYOND = frozenset(
    """
    sum avg mean fsum sumkahan kahan_sum favg product geomean geometric_mean wavg weighted_avg stddev stddev_samp
    stddev_pop variance var_samp var_pop sem skewness kurtosis kurtosis_pop corr covar_pop covar_samp regr_avgx
    regr_avgy regr_intercept regr_r2 regr_slope regr_sxx regr_sxy regr_syy
    list_sum list_avg list_product list_stddev_pop list_stddev_samp list_var_pop list_var_samp list_sem list_skewness
    list_kurtosis list_kurtosis_pop
    list_distance list_inner_product list_dot_product list_negative_inner_product list_negative_dot_product
    list_cosine_similarity list_cosine_distance array_distance array_inner_product array_dot_product
    array_negative_inner_product array_negative_dot_product array_cosine_similarity array_cosine_distance
    array_cross_product
    add subtract multiply divide fdiv "+" "-" "*" "/" "//" "**" "^" "<->" "<=>"
    acosh atanh cosh sinh cot degrees exp gamma lgamma nextafter pow power
    """.split()
)
"""Functions that may return infinity or NaN for numbers that are neither."""
_HAND_ON = frozenset("min max first last any_value arbitrary mode list array_agg count".split())
"""Aggregates by which list_aggregate returns elements as they are."""
_AROUND = (exp.Filter, exp.WithinGroup, exp.IgnoreNulls, exp.RespectNulls)
"""What belongs to the call of an aggregate, and is written after it."""
_CARRIES = (exp.Add, exp.Sub, exp.Mul)
"""Arithmetic that returns infinity or NaN if one of its operands is."""


def finite(node: exp.Expr, built: exp.Expr, parts: Sequence[Typed]) -> exp.Expr:
    """Wrap arithmetic and functions, so that they raise an error if the result is infinity or NaN. An operand of an
    arithmetic operation that would be infinity or NaN too is not wrapped itself.
    """
    if isinstance(node.parent, _AROUND) and node is node.parent.this:
        return built
    if not _may_leave(node, {p.kind for p in parts}) or _is_carried(node):
        return built
    return let(built, lambda v: exp.func("cf_finite", v))


def _may_leave(node: exp.Expr, kinds: set[str | None]) -> bool:
    """Return whether the operation on values of these kinds may return infinity or NaN for finite numbers."""
    while isinstance(node, _AROUND):
        node, kinds = node.this, {None}
    if isinstance(node, exp.Func) and not isinstance(node, ARITHMETIC):
        by_name = aggregate_by_name(node)
        return by_name not in _HAND_ON if by_name is not None else function_name(node) in _BEYOND
    if not isinstance(node, (*ARITHMETIC, *_SCALARS)):
        return False
    if kinds <= {"int", "long"} and not isinstance(node, exp.Div | exp.Pow | exp.Exp):
        return False
    return "date" not in kinds and not _has_interval(node)


def _has_interval(node: exp.Expr) -> bool:
    return any(isinstance(a, exp.Interval) for a in node.args.values())


def _is_carried(node: exp.Expr) -> bool:
    """Return whether an operation around this one is checked, and would be infinity or NaN if this one were."""
    parent = node.parent
    while isinstance(parent, exp.Paren | exp.Neg):
        node, parent = parent, parent.parent
    if parent is None or _has_interval(parent):
        return False
    return isinstance(parent, _CARRIES) or (isinstance(parent, exp.Div) and node is parent.this)
