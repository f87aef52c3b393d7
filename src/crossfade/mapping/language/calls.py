"""Calls of functions in a parsed SELECT, whatever sqlglot makes of each."""

from __future__ import annotations

from sqlglot import exp


def function_name(node: exp.Func) -> str:
    """Return DuckDB's name of the function, in lower case."""
    if isinstance(node, exp.Anonymous):
        return str(node.this).lower()
    if isinstance(node, exp.Binary):  # the text of an operator such as `a(x) ->> b` begins with another function
        return node.sql_name().lower()
    sql = node.sql("duckdb")
    return sql.split("(", 1)[0].strip().lower() if "(" in sql else node.sql_name().lower()


def arguments(node: exp.Func) -> list[exp.Expr]:
    """Return the arguments in order, whatever their names in sqlglot."""
    if isinstance(node, exp.Anonymous):
        return list(node.expressions)
    out: list[exp.Expr] = []
    for key in node.arg_types:
        value = node.args.get(key)
        out.extend(v for v in (value if isinstance(value, list) else [value]) if isinstance(v, exp.Expr))
    return out


_BY_NAME = frozenset({"list_aggregate", "list_aggr", "array_aggregate", "array_aggr", "aggregate"})


def aggregate_by_name(node: exp.Expr) -> str | None:
    """Return the aggregate that list_aggregate calls, in lower case: empty if its name is computed; None for any other
    function.
    """
    if not isinstance(node, exp.Func) or function_name(node) not in _BY_NAME:
        return None
    _, *rest = arguments(node)
    return rest[0].name.lower() if rest and isinstance(rest[0], exp.Literal) else ""
