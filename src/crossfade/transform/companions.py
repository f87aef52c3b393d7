"""Derive two expressions that never raise from an SQL expression that may refuse a value: its value and its reason.

DuckDB ends a query at the first value that an expression refuses, so each refused record would cost separate queries.
The *value* of an expression is the same SQL with NULL where it refuses; the *reason* is SQL for the message of the
refusal, or NULL where there is none. Both are derived from the expression itself, so a macro or a CAST states its
refusal only once: by `error(...)`, or because the value is not of the type.

An expression that SQL does not always evaluate (in CASE, COALESCE, or AND in a condition of CASE) has a reason only if
it is evaluated. `tried` marks the calls of DuckDB's own functions, so that they have a reason too. Refusals that are
still not covered (by DuckDB, within a macro) are caught by the query for the reasons with TRY.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple, TypeGuard

import sqlglot
from sqlglot import exp

from crossfade.transform.called import of_call, of_engine, value_of_call, with_valid_json
from crossfade.transform.macros import REASON, VALUE, macros
from crossfade.transform.nodes import (
    called,
    first_of,
    function_name,
    is_strptime,
    is_there,
    lambda_of,
    may_fail_as_cast,
    on_each,
    parts_of,
    reads_json,
)

_MAPS = frozenset({"list_transform", "list_apply", "array_transform", "array_apply", "apply"})
_FILTERS = frozenset({"list_filter", "array_filter", "filter"})
_QUERIES = (exp.Query, exp.Exists, exp.Window, exp.Filter, exp.WithinGroup)
_FOLDS = frozenset({"list_reduce", "array_reduce", "reduce"})
# DuckDB does not evaluate the argument of typeof.
_LEAVES = (exp.Column, exp.Literal, exp.Null, exp.Boolean, exp.Identifier, exp.DataType, exp.Star, exp.Var, exp.Typeof)


_TRIED = "$tried"
"""A call of it marks another call: its reason is whether evaluating it with TRY fails."""
_OF_ELEMENTS = frozenset({"expressions", "from_", "where"})
_CALLS = (exp.Func, exp.Add, exp.Sub, exp.Mul, exp.Div, exp.IntDiv, exp.Mod, exp.Neg)
_NO_CALLS = (exp.AggFunc, exp.Array, exp.Case, exp.Cast, exp.Coalesce, exp.Connector, exp.If, exp.Struct, exp.UDTF)
_ACCEPT_ALL = frozenset("contains length list_extract lower nullif trim typeof upper".split())
"""Frequent functions that refuse no value."""


class Unforeseen(Exception):
    """Raised if no SQL returns the reason of an expression, because it may refuse in a subquery or a fold."""


def value(node: exp.Expr) -> exp.Expr:
    """Return the expression with NULL where it would refuse."""
    if called(node) == "error":
        return exp.null()
    if called(node) == _TRIED:
        return value_of_call(node.expressions[0], value)
    built = node.__class__(**{key: on_each(part, value) for key, part in node.args.items()})
    if may_fail_as_cast(node):
        return exp.TryCast(this=built.this, to=built.args["to"])
    if is_strptime(node):
        return exp.Anonymous(this="try_strptime", expressions=[value(part) for part in parts_of(node)])
    if reads_json(node):
        return with_valid_json(built)
    if called(node) in _refusing():
        built.set("this", called(node) + VALUE)
    return built


def reason(node: exp.Expr, *, chooses: bool = False) -> exp.Expr | None:
    """Return SQL for the message with which the expression would refuse, or None if it never does.

    `chooses`: the expression is the condition of a CASE, where AND and OR stop at the first part that decides.
    """
    if isinstance(node, _LEAVES):
        return None
    name = called(node)
    if name == "error":
        (said,) = node.expressions
        return first_of(reason(said), value(said))
    if name == _TRIED:
        (call,) = node.expressions
        return first_of(reason(call), of_call(call, value))
    if isinstance(node, exp.Subquery) and _is_over_elements(node.this):
        return _of_elements(node.this)
    if isinstance(node, _QUERIES):
        _refuse_query(node)
        return None
    if isinstance(node, exp.Case | exp.If):
        return _of_case(node)
    if isinstance(node, exp.Coalesce):
        return _of_coalesce([node.this, *node.expressions])
    if chooses and isinstance(node, exp.And | exp.Or):
        return _of_connector(node)
    if isinstance(node, exp.Paren):
        return reason(node.this, chooses=chooses)
    if _takes_function(node):
        return _of_lambda(node)
    inner = first_of(*map(reason, parts_of(node)))
    by_engine = of_engine(node, value)
    if by_engine is not None:
        return first_of(inner, by_engine)
    if name in _bodies():
        if inner is not None:
            return reason(_expanded(node), chooses=chooses)
        if name in _refusing():
            return exp.Anonymous(this=name + REASON, expressions=[value(part) for part in parts_of(node)])
    if isinstance(node, exp.AggFunc) and inner is not None:
        return exp.func("any_value", inner)
    return inner


def tried(node: exp.Expr) -> exp.Expr:
    """Return the expression with a mark at every call of a function of DuckDB whose refusals have no other reason."""

    def each(part: exp.Expr) -> exp.Expr:  # the function of a fold has no reason, only the list that it folds
        return part.copy() if isinstance(part, exp.Lambda) and function_name(node) in _FOLDS else tried(part)

    built = node.__class__(**{key: on_each(part, each) for key, part in node.args.items()})
    if not isinstance(node, _CALLS) or isinstance(node, (*_NO_CALLS, *_QUERIES, *_LEAVES)):
        return built
    if function_name(node) in ("error", *_ACCEPT_ALL, *_bodies()) or of_engine(node, value) is not None:
        return built
    if _takes_function(node):
        return built
    return exp.Anonymous(this=_TRIED, expressions=[built])


@cache
def companions() -> dict[str, str]:
    """Return the statements that create the companions of macros that may refuse, each after those that it calls."""
    made: dict[str, str] = {}
    for name, (parameters, of_value, of_reason) in _refusing().items():
        for suffix, body in ((VALUE, of_value), (REASON, of_reason)):
            made[name + suffix] = f"CREATE MACRO {name}{suffix}({parameters}) AS {body}"
    return made


_Refusing = dict[str, tuple[str, str, str]]
_known: _Refusing = {}
_complete = False


def _refusing() -> _Refusing:
    """Return parameters, value and reason of each macro that may refuse. Macros call only macros before them."""
    global _complete
    if not _complete:
        _complete = True
        for name, (parameters, body) in _bodies().items():
            of_reason = reason(body)
            if of_reason is not None:
                _known[name] = (", ".join(parameters), value(body).sql("duckdb"), of_reason.sql("duckdb"))
    return _known


@cache
def _bodies() -> dict[str, tuple[list[str], exp.Expr]]:
    """Return the parameters and the body of each macro."""
    return {
        name: (
            [parameter.strip() for parameter in text[text.index("(") + 1 : text.index(")")].split(",")],
            sqlglot.parse_one(text[text.index(") AS") + 4 : text.rindex(";")], read="duckdb"),
        )
        for name, text in macros().items()
    }


def _expanded(node: exp.Expr) -> exp.Expr:
    """Expand the call of a macro. An argument is evaluated where the body names it, and only there."""
    parameters, body = _bodies()[called(node)]
    given = dict(zip(parameters, parts_of(node), strict=True))

    def put(part: exp.Expr) -> exp.Expr:
        if isinstance(part, exp.Column) and not part.table and part.name in given:
            return exp.paren(given[part.name].copy())
        return part.__class__(**{key: on_each(one, put) for key, one in part.args.items()})

    return put(body)


# -- reasons of expressions that are evaluated only sometimes, or several times


def _of_case(node: exp.Case | exp.If) -> exp.Expr | None:
    subject = node.this if isinstance(node, exp.Case) else None
    ifs = node.args["ifs"] if isinstance(node, exp.Case) else [node]
    branches = []
    for branch in ifs:
        test = branch.this if subject is None else exp.EQ(this=subject.copy(), expression=branch.this)
        refused = reason(branch.this, chooses=subject is None)
        branches.append(_Branch(refused, value(test), reason(branch.args["true"])))
    default = node.args.get("default") or node.args.get("false")
    chosen = _chosen(branches, reason(default) if default is not None else None)
    return chosen if subject is None else first_of(reason(subject), chosen)


def _of_coalesce(parts: list[exp.Expr]) -> exp.Expr | None:
    return _chosen([_Branch(reason(part), is_there(value(part)), None) for part in parts], None)


def _of_connector(node: exp.And | exp.Or) -> exp.Expr | None:
    first, second = reason(node.this, chooses=True), reason(node.expression, chooses=True)
    if isinstance(node, exp.And):
        return _chosen([_Branch(first, value(node.this), second)], None)
    return _chosen([_Branch(first, value(node.this), None)], second)


class _Branch(NamedTuple):
    """A condition that precedes others: its reason, itself, and the reason of the expression that it selects."""

    refused: exp.Expr | None
    holds: exp.Expr
    then: exp.Expr | None


def _chosen(branches: list[_Branch], default: exp.Expr | None) -> exp.Expr | None:
    """Build one CASE as long as no condition can refuse; start another in its ELSE for a condition that can."""
    rest, case = default, None
    for refused, holds, then in reversed(branches):
        if then is not None or rest is not None:
            branch = exp.If(this=holds, true=exp.null() if then is None else then)
            if case is None:
                rest = case = exp.Case(ifs=[branch], default=rest)
            else:
                case.set("ifs", [branch, *case.args["ifs"]])
        if refused is not None:
            rest, case = first_of(refused, rest), None
    return rest


def _of_lambda(node: exp.Expr) -> exp.Expr | None:
    """Return the reason of the first refused element of a list. `list_transform([x], ...)` is x, evaluated once."""
    items, *others = parts_of(node)
    bodies = [reason(part.this) for part in others if isinstance(part, exp.Lambda)]
    outside = first_of(reason(items), *(reason(part) for part in others if not isinstance(part, exp.Lambda)))
    if not any(body is not None for body in bodies):
        return outside
    if function_name(node) not in _MAPS | _FILTERS or len(others) != 1:
        raise Unforeseen
    inside = exp.Lambda(this=bodies[0], expressions=[p.copy() for p in others[0].expressions])
    each = exp.func("list_transform", value(items), inside)
    if not (isinstance(items, exp.Array) and len(items.expressions) == 1):
        each = exp.func("list_filter", each, lambda_of("cf_r", is_there))
    return first_of(outside, exp.func("list_extract", each, exp.Literal.number(1)))


def _takes_function(node: exp.Expr) -> bool:
    return any(isinstance(part, exp.Lambda) for part in parts_of(node))


def _is_over_elements(query: exp.Expr) -> TypeGuard[exp.Select]:
    """Return whether the query is `SELECT ... FROM unnest(...) WHERE ...`."""
    if not isinstance(query, exp.Select) or any(query.args[key] for key in query.args if key not in _OF_ELEMENTS):
        return False
    source = query.args.get("from_")
    return source is not None and isinstance(source.this, exp.Unnest)


def _of_elements(query: exp.Select) -> exp.Expr | None:
    """Return the reason of the list, or of the first element that an output refuses. A WHERE must refuse nothing."""
    source, where = query.args["from_"], query.args.get("where")
    if where is not None:
        _refuse_query(where)
    outside = first_of(*map(reason, source.this.expressions))
    outputs = [(output, reason(output.unalias())) for output in query.expressions]
    inside = first_of(*(r if o.find(exp.AggFunc) else exp.func("any_value", r) for o, r in outputs if r is not None))
    if inside is None:
        return outside
    kept = value(where) if where is not None else None
    return first_of(outside, exp.Subquery(this=exp.Select(expressions=[inside], from_=value(source), where=kept)))


def _refuse_query(node: exp.Expr) -> None:
    for part in node.walk():
        if called(part) in ("error", *_refusing()) or may_fail_as_cast(part):
            raise Unforeseen


__all__ = ["Unforeseen", "companions", "reason", "tried", "value"]
