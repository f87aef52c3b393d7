"""The inverse of each function of the mapping language: its SQL, or the reason why there is none.

An inverse g of f is a right inverse: f(g(y)) = y for every y that f can return. The put checks that for each record
(transform/put.py), so for a function that does not change its own results (`lower`, `round`) the value itself will do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sqlglot import exp

from crossfade.mapping.invert.names import Lost, Place
from crossfade.mapping.language.type_conditions import TYPE_OF

Inner = Callable[[exp.Expr, str], tuple[Place, str]]
"""Return the place that an argument reads, and the SQL of the value there, given that of the argument."""

Inverse = Callable[[Inner, list[exp.Expr], str], tuple[Place, str]]


def _same(back: Inner, args: list[exp.Expr], value: str) -> tuple[Place, str]:
    return back(args[0], value)


def _through(template: str) -> Inverse:
    """Return an inverse that is SQL around the value."""
    return lambda back, args, value: back(args[0], template.format(value))


def _number(back: Inner, args: list[exp.Expr], value: str) -> tuple[Place, str]:
    """Invert the digits of a number, which are text: at a place that holds text too, they must be a number again."""
    return back(args[0], f"of_number({value})")


def _uuid_of(back: Inner, args: list[exp.Expr], value: str) -> tuple[Place, str]:
    if len(args) != 1:
        hint = "in the application: crossfade_ids.uuid_of of the same values"
        raise Lost("it is computed from the record: a row that is added must have exactly this id", hint)
    place, sql = back(args[0], value)
    types = set(place.node.value_types)
    if place.node.kind == "uuid" or types & {"binData:4"} or (types and types <= {"uuid"}):
        return place, sql
    if "objectId" in types or not types or _is_object_id(args[0]):
        return back(args[0], f"oid_in({value})")
    raise Lost("a UUID of version 5 does not contain its value", "keep the original in a column of its own")


def _is_object_id(node: exp.Expr) -> bool:
    return any(isinstance(part, exp.Anonymous) and part.name.lower() == "oid_of" for part in node.walk())


def _legacy(back: Inner, args: list[exp.Expr], value: str) -> tuple[Place, str]:
    place, _ = back(args[0], value)
    if place.node.value_types == {"binData:4"} or place.node.kind == "uuid":
        return back(args[0], value)
    return back(args[0], f"of_legacy({value}, '{args[1].name}')")


def _unescaped(back: Inner, args: list[exp.Expr], value: str) -> tuple[Place, str]:
    is_json = any(isinstance(n, exp.Anonymous) and n.name.lower() in _JSON for n in args[0].walk())
    return back(args[0], f"unescape_nul_json({value})" if is_json else f"unescape_nul({value})")


_JSON = frozenset({"json_of", "ejson_of", "json_list"})

_PART = "it is a part of the value: {} of it come back only together"

INVERSES: Mapping[str, Inverse | str] = {
    "uuid_of": _uuid_of,
    "uuid_of_legacy": _legacy,
    "oid_of": _same,
    "oid_in": _through("uuid_of({})"),
    "oid_text": _through("oid_of({})"),
    **dict.fromkeys(TYPE_OF, "it is the name of the value's type, not the value"),
    "present": "it says whether the field exists, not what it holds",
    "json_of": _through("of_json({})"),
    "ejson_of": _through("of_ejson({})"),
    "json_list": _through("of_json({})"),
    "list_of": _same,
    "entries_of": "it is used in FROM only",
    "rest_of": _through("of_rest({})"),
    **dict.fromkeys(("as_text", "as_string", "as_int", "as_double", "as_bool", "as_date", "bytes_of"), _same),
    "as_number": _number,
    "as_decimal": _through("of_decimal({})"),
    "timestamp_date": _PART.format("the seconds and the counter"),
    "timestamp_counter": _PART.format("the seconds and the counter"),
    "regex_pattern": _PART.format("the pattern and the options"),
    "regex_options": _PART.format("the pattern and the options"),
    "code_text": _PART.format("the text and the scope"),
    "code_scope": _PART.format("the text and the scope"),
    "without_nul": _same,
    "nul_as": _same,
    "escape_nul": _unescaped,
    **dict.fromkeys(("parse_int", "parse_double", "parse_bool", "parse_date"), _same),
    "epoch_ms_date": _through("ms_of({})"),
    "epoch_s_date": _through("s_of({})"),
    "julian_date": _through("julian_of({})"),
}
"""The functions of the mapping language (mapping/language/functions.py has exactly these)."""

OF_DUCKDB: Mapping[str, Inverse] = {
    **dict.fromkeys(("lower", "trim", "ltrim", "rtrim", "round", "floor", "ceil", "ceiling", "trunc", "abs"), _same),
    **dict.fromkeys(("list_sort", "list_distinct", "array_sort", "array_distinct"), _same),
    "list_reverse": _through("list_reverse({})"),
}
"""Functions of DuckDB that have one, besides those that expressions.py handles by their syntax."""


__all__ = ["INVERSES", "OF_DUCKDB", "Inner", "Inverse"]
