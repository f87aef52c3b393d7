"""Derive two expressions that never raise from an SQL expression that may refuse a value: its value and its reason.

DuckDB ends a query at the first value that an expression refuses, so each refused record would cost separate queries.
The *value* of an expression is the same SQL with NULL where it refuses; the *reason* is SQL for the message of the
refusal, or NULL where there is none. Both are derived from the expression itself, so a macro or a CAST states its
refusal only once: by `error(...)`, or because the value is not of the type.

An expression that SQL does not always evaluate (in CASE, COALESCE, or AND in a condition of CASE) has a reason only if
it is evaluated. Refusals by other functions of DuckDB are not covered: the query for the reasons catches them with TRY.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import NamedTuple, TypeGuard

import sqlglot
from sqlglot import exp

from crossfade.transform.macros import GIVEN, MARK, REASON, VALUE, macros

_MAPS = frozenset({"list_transform", "list_apply", "array_transform", "array_apply", "apply"})
_FILTERS = frozenset({"list_filter", "array_filter", "filter"})
_QUERIES = (exp.Query, exp.Exists, exp.Window, exp.Filter, exp.WithinGroup)
# DuckDB does not evaluate the argument of typeof.
_LEAVES = (exp.Column, exp.Literal, exp.Null, exp.Boolean, exp.Identifier, exp.DataType, exp.Star, exp.Var, exp.Typeof)


_READS_JSON = frozenset(
    """
    json json_extract json_extract_path json_extract_string json_extract_path_text json_value json_exists json_contains
    json_keys json_type json_array_length json_structure json_transform json_transform_strict from_json
    from_json_strict json_pretty
    """.split()
)
_JSON = exp.DataType.build("JSON", dialect="duckdb")


class Unforeseen(Exception):
    """Raised if no SQL returns the reason of an expression, because it may refuse in a subquery or a fold."""


def value(node: exp.Expr) -> exp.Expr:
    """Return the expression with NULL where it would refuse."""
    if _called(node) == "error":
        return exp.null()
    built = node.__class__(**{key: _each(part, value) for key, part in node.args.items()})
    if _may_fail_as_cast(node):
        return exp.TryCast(this=built.this, to=built.args["to"])
    if _called(node) in _refusing():
        built.set("this", _called(node) + VALUE)
    return built


def reason(node: exp.Expr, *, chooses: bool = False) -> exp.Expr | None:
    """Return SQL for the message with which the expression would refuse, or None if it never does.

    `chooses`: the expression is the condition of a CASE, where AND and OR stop at the first part that decides.
    """
    if isinstance(node, _LEAVES):
        return None
    name = _called(node)
    if name == "error":
        (said,) = node.expressions
        return _first(reason(said), value(said))
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
    if any(isinstance(part, exp.Lambda) for part in _parts(node)):
        return _of_lambda(node)
    inner = _first(*map(reason, _parts(node)))
    by_engine = _of_engine(node)
    if by_engine is not None:
        return _first(inner, by_engine)
    if name in _bodies():
        if inner is not None:
            return reason(_expanded(node), chooses=chooses)
        if name in _refusing():
            return exp.Anonymous(this=name + REASON, expressions=[value(part) for part in _parts(node)])
    if isinstance(node, exp.AggFunc) and inner is not None:
        return exp.func("any_value", inner)
    return inner


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
    parameters, body = _bodies()[_called(node)]
    given = dict(zip(parameters, _parts(node), strict=True))

    def put(part: exp.Expr) -> exp.Expr:
        if isinstance(part, exp.Column) and not part.table and part.name in given:
            return exp.paren(given[part.name].copy())
        return part.__class__(**{key: _each(one, put) for key, one in part.args.items()})

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
    return chosen if subject is None else _first(reason(subject), chosen)


def _of_coalesce(parts: list[exp.Expr]) -> exp.Expr | None:
    return _chosen([_Branch(reason(part), _is_there(value(part)), None) for part in parts], None)


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
            rest, case = _first(refused, rest), None
    return rest


def _of_lambda(node: exp.Expr) -> exp.Expr | None:
    """Return the reason of the first refused element of a list. `list_transform([x], ...)` is x, evaluated once."""
    items, *others = _parts(node)
    bodies = [reason(part.this) for part in others if isinstance(part, exp.Lambda)]
    outside = _first(reason(items), *(reason(part) for part in others if not isinstance(part, exp.Lambda)))
    if not any(body is not None for body in bodies):
        return outside
    if _name(node) not in _MAPS | _FILTERS or len(others) != 1:
        raise Unforeseen
    inside = exp.Lambda(this=bodies[0], expressions=[p.copy() for p in others[0].expressions])
    each = exp.func("list_transform", value(items), inside)
    if not (isinstance(items, exp.Array) and len(items.expressions) == 1):
        each = exp.func("list_filter", each, _lambda("cf_r", _is_there))
    return _first(outside, exp.func("list_extract", each, exp.Literal.number(1)))


def _of_engine(node: exp.Expr) -> exp.Expr | None:
    """Return the reason of a refusal by DuckDB, if another function returns NULL instead: a cast, invalid JSON, a date
    in another format. The message is queried later, by value.
    """
    if _may_fail_as_cast(node):
        to = node.to
        cast = f"CAST({GIVEN} AS {to.sql('duckdb')})"
        return _refused(node.this, cast, lambda given: exp.TryCast(this=given, to=to.copy()))
    if _reads_json(node):
        return _refused(
            _parts(node)[0], f"CAST({GIVEN} AS JSON)", lambda given: exp.TryCast(this=given, to=_JSON.copy())
        )
    if isinstance(node, exp.StrToTime) or _called(node) == "strptime":
        text, form = _parts(node)[:2]
        call = node.sql("duckdb").lower().split("(", 1)[0]
        if call == "strptime" and isinstance(form, exp.Literal):
            written = f"strptime({GIVEN}, {form.sql('duckdb')})"
            return _refused(
                text, written, lambda given: exp.Anonymous(this="try_strptime", expressions=[given, form.copy()])
            )
    return None


def _refused(given: exp.Expr, written: str, attempt: Callable[[exp.Expr], exp.Expr]) -> exp.Expr:
    def body(given: exp.Expr) -> exp.Expr:
        lost = exp.And(this=_is_there(given), expression=exp.Is(this=attempt(given.copy()), expression=exp.null()))
        mark = exp.func("chr", exp.Literal.number(ord(MARK)))
        said: exp.Expr = mark
        for part in (exp.Literal.string(written), mark, exp.func("typeof", given), mark, exp.cast(given, "text")):
            said = exp.DPipe(this=said, expression=part.copy())
        return exp.Case().when(lost, said)

    safe = value(given)
    if isinstance(safe, exp.Column | exp.Identifier):
        return body(safe)
    mapped = exp.func("list_transform", exp.Array(expressions=[safe]), _lambda("cf_v", body))
    return exp.func("list_extract", mapped, exp.Literal.number(1))


def _refuse_query(node: exp.Expr) -> None:
    for part in node.walk():
        if _called(part) in ("error", *_refusing()) or _may_fail_as_cast(part):
            raise Unforeseen


# -- pieces of SQL


def _first(*reasons: exp.Expr | None) -> exp.Expr | None:
    known = [r for r in reasons if r is not None]
    return exp.func("coalesce", *known) if len(known) > 1 else next(iter(known), None)


def _is_there(node: exp.Expr) -> exp.Expr:
    return exp.Not(this=exp.Is(this=exp.paren(node.copy()), expression=exp.null()))


def _lambda(parameter: str, body: Callable[[exp.Expr], exp.Expr]) -> exp.Lambda:
    name = exp.to_identifier(parameter)
    return exp.Lambda(this=body(name), expressions=[name.copy()])


# -- nodes


def _called(node: exp.Expr) -> str:
    """Return the macro, or `error`, that the node calls."""
    return str(node.this).lower() if isinstance(node, exp.Anonymous) else ""


def _name(node: exp.Expr) -> str:
    return _called(node) or (node.sql("duckdb").split("(", 1)[0].lower() if isinstance(node, exp.Func) else "")


def _may_fail_as_cast(node: exp.Expr) -> TypeGuard[exp.Cast]:
    return (
        isinstance(node, exp.Cast)
        and not isinstance(node, exp.TryCast)
        and not node.to.is_type(*exp.DataType.TEXT_TYPES)
    )


def _reads_json(node: exp.Expr) -> bool:
    """Return whether the function parses its first argument as JSON. The JSON in a macro's parameter was printed by
    Crossfade's reader and is always valid.
    """
    if not isinstance(node, exp.Func) or "json" not in (_called(node) or type(node).__name__.lower()):
        return False
    if not isinstance(node, exp.JSONExtract | exp.JSONExtractScalar) and _name(node) not in _READS_JSON:
        return False
    first = _parts(node)[0]
    return not (isinstance(first, exp.Column) and not first.table)


def _parts(node: exp.Expr) -> list[exp.Expr]:
    return list(_nodes(node.args.values()))


def _nodes(parts: object) -> Iterator[exp.Expr]:
    for part in parts:  # type: ignore[attr-defined]
        if isinstance(part, exp.Expr):
            yield part
        elif isinstance(part, list):
            yield from _nodes(part)


def _each(part: object, change: Callable[[exp.Expr], exp.Expr]) -> object:
    if isinstance(part, list):
        return [_each(one, change) for one in part]
    return change(part) if isinstance(part, exp.Expr) else part


__all__ = ["Unforeseen", "companions", "reason", "value"]
