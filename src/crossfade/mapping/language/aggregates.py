"""Give aggregates whose result depends on the order of their values one order.

Records are looked up, and elements unnested, in no fixed order. A sum of doubles rounds differently in each, and of
several values that occur equally often `mode` returns the first: the verification would find another value.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from crossfade.mapping.language.scope import Typed

_SUMS = frozenset({"sum", "avg", "mean"})
"""DuckDB adds whole numbers exactly in these."""

_BY_ORDER = _SUMS | frozenset(
    """
    fsum sumkahan kahan_sum favg product stddev stddev_samp stddev_pop variance var_samp var_pop sem skewness kurtosis
    kurtosis_pop entropy corr covar_pop covar_samp regr_avgx regr_avgy regr_intercept regr_r2 regr_slope regr_sxx
    regr_sxy regr_syy mode approx_quantile approx_top_k arg_max arg_min arg_max_null arg_min_null arg_max_nulls_last
    arg_min_nulls_last
    """.split()
)
"""Aggregates that are a function of their values and the order, and take an ORDER BY."""


_PAIRS = frozenset(f"arg_{end}{nulls}" for end in ("max", "min") for nulls in ("", "_null", "_nulls_last"))
"""Aggregates of two values, which return the same with and without DISTINCT."""
_LISTED = "list_aggregate"


def in_order(built: exp.Expr, name: str, parts: Sequence[Typed]) -> exp.Expr:
    """Return the aggregate `name` with its values in an order of their own, after any that the mapping gives. What
    belongs to no record is in no order.
    """
    if isinstance(built, exp.Filter):
        return _filtered(built)
    is_exact = name in _SUMS and all(part.kind in ("int", "long") for part in parts)
    if name not in _BY_ORDER or is_exact or not parts:
        return built
    if (listed := _distinct(built, name)) is not None:
        return listed
    *_, last = _arguments(built)
    ordered = [exp.Ordered(this=v.copy()) for a in _arguments(built) for v in _values(a) if v.find(exp.Column)]
    if not ordered:
        return built
    written = last.expressions if isinstance(last, exp.Order) else []
    this = last.this if isinstance(last, exp.Order) else last
    last.replace(exp.Order(this=this.copy(), expressions=[*(one.copy() for one in written), *ordered]))
    return built


def _distinct(built: exp.Expr, name: str) -> exp.Expr | None:
    """Return the aggregate of the different values as one of a sorted list, or None if it has no DISTINCT. In an
    aggregate with DISTINCT DuckDB takes an ORDER BY of its argument only, and not if that calls a macro.
    """
    first, *others = _arguments(built)
    distinct = first.this if isinstance(first, exp.Order) else first
    if not isinstance(distinct, exp.Distinct) or len(distinct.expressions) != 1:
        return None
    (only,) = distinct.expressions
    if name in _PAIRS and len(others) == 1:
        first.replace(only.copy())
        return None
    written = first.expressions if isinstance(first, exp.Order) else []
    is_alone = only.find(exp.Column) and not any(other.find(exp.Column) for other in others)
    if not is_alone or any(one.this != only for one in written):
        return None
    how = [exp.Literal.string("DESC")] if written and written[0].args.get("desc") else []
    # `list` of no records is NULL, of which there is no aggregate: entropy is 0.
    found = exp.func("coalesce", exp.ArrayAgg(this=distinct.copy()), exp.Array())
    values = exp.func("list_sort", found, *how)
    return exp.Anonymous(this=_LISTED, expressions=[values, exp.Literal.string(name), *(o.copy() for o in others)])


def _filtered(node: exp.Filter) -> exp.Expr:
    """Move the FILTER of an aggregate that was made one of a list to what makes the list."""
    listed = node.this
    if not (isinstance(listed, exp.Anonymous) and listed.name == _LISTED):
        return node
    made = listed.find(exp.ArrayAgg)
    assert made is not None
    made.replace(exp.Filter(this=made.copy(), expression=node.expression.copy()))
    return listed


def _arguments(node: exp.Expr) -> list[exp.Expr]:
    """Return the arguments as they are printed, in order."""
    if isinstance(node, exp.Anonymous):
        return list(node.expressions)
    return [node.args[key] for key in node.arg_types if isinstance(node.args.get(key), exp.Expr)]


def _values(argument: exp.Expr) -> list[exp.Expr]:
    """Return what an argument reads, without DISTINCT and ORDER BY."""
    if isinstance(argument, exp.Order):
        return _values(argument.this)
    return list(argument.expressions) if isinstance(argument, exp.Distinct) else [argument]
