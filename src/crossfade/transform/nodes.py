"""Read and build nodes of parsed SQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeGuard

from sqlglot import exp

_READS_JSON = frozenset(
    """
    json json_extract json_extract_path json_extract_string json_extract_path_text json_value json_exists json_contains
    json_keys json_type json_array_length json_structure json_transform json_transform_strict from_json
    from_json_strict json_pretty
    """.split()
)


def first_of(*reasons: exp.Expr | None) -> exp.Expr | None:
    """Return SQL for the first reason that is not NULL; None if there are no reasons."""
    known = [r for r in reasons if r is not None]
    return exp.func("coalesce", *known) if len(known) > 1 else next(iter(known), None)


def is_there(node: exp.Expr) -> exp.Expr:
    return exp.Not(this=exp.Is(this=exp.paren(node.copy()), expression=exp.null()))


def lambda_of(parameter: str, body: Callable[[exp.Expr], exp.Expr]) -> exp.Lambda:
    name = exp.to_identifier(parameter)
    return exp.Lambda(this=body(name), expressions=[name.copy()])


def with_values(given: Sequence[exp.Expr], body: Callable[[Sequence[exp.Expr]], exp.Expr]) -> exp.Expr:
    """Return SQL in which each value is evaluated once, however often the body names it."""
    if all(isinstance(one, exp.Column | exp.Identifier) for one in given):
        return body(given)
    named = {f"v{number}": one for number, one in enumerate(given, 1)}

    def with_one(one: exp.Expr) -> exp.Expr:
        fields = [exp.func("struct_extract", one.copy(), exp.Literal.string(name)) for name in named]
        return body(fields if given[1:] else [one])

    items = exp.Array(expressions=[struct_of(**named) if given[1:] else given[0]])
    each = exp.func("list_transform", items, lambda_of("cf_v", with_one))
    return exp.func("list_extract", each, exp.Literal.number(1))


def struct_of(**fields: exp.Expr) -> exp.Struct:
    return exp.Struct(
        expressions=[exp.PropertyEQ(this=exp.to_identifier(name), expression=one) for name, one in fields.items()]
    )


def called(node: exp.Expr) -> str:
    """Return the macro, or `error`, that the node calls."""
    return str(node.this).lower() if isinstance(node, exp.Anonymous) else ""


def function_name(node: exp.Expr) -> str:
    return called(node) or (node.sql("duckdb").split("(", 1)[0].lower() if isinstance(node, exp.Func) else "")


def may_fail_as_cast(node: exp.Expr) -> TypeGuard[exp.Cast]:
    return (
        isinstance(node, exp.Cast)
        and not isinstance(node, exp.TryCast)
        and not node.to.is_type(*exp.DataType.TEXT_TYPES)
    )


def is_strptime(node: exp.Expr) -> bool:
    """Return whether the node is a call of strptime with a constant format."""
    if not isinstance(node, exp.StrToTime) and called(node) != "strptime":
        return False
    return node.sql("duckdb").lower().startswith("strptime(") and isinstance(parts_of(node)[1], exp.Literal)


def is_constant(node: exp.Expr) -> bool:
    return node.find(exp.Column, exp.Identifier, exp.Anonymous) is None


def reads_json(node: exp.Expr) -> bool:
    """Return whether the function parses its first argument as JSON. The JSON in a macro's parameter was printed by
    Crossfade's reader and is always valid.
    """
    if not isinstance(node, exp.Func) or "json" not in (called(node) or type(node).__name__.lower()):
        return False
    if not isinstance(node, exp.JSONExtract | exp.JSONExtractScalar) and function_name(node) not in _READS_JSON:
        return False
    first = parts_of(node)[0]
    return not (isinstance(first, exp.Column) and not first.table)


def parts_of(node: exp.Expr) -> list[exp.Expr]:
    return list(_nodes(node.args.values()))


def _nodes(parts: object) -> Iterator[exp.Expr]:
    for part in parts:  # type: ignore[attr-defined]
        if isinstance(part, exp.Expr):
            yield part
        elif isinstance(part, list):
            yield from _nodes(part)


def on_each(part: object, change: Callable[[exp.Expr], exp.Expr]) -> object:
    if isinstance(part, list):
        return [on_each(one, change) for one in part]
    return change(part) if isinstance(part, exp.Expr) else part
