"""How much of its arguments an SQL expression preserves: everything, less, or only a decision.

Functions that preserve everything are listed; a function that is not listed preserves less. Functions of the mapping
language (functions.py), casts, CASE and lambdas record it themselves.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from sqlglot import exp

from crossfade.mapping.language.fields import FieldRef
from crossfade.model.program import DECIDES, LESS, WHOLE

_DECIDE = (
    exp.Predicate, exp.Connector, exp.Count, exp.CountIf, exp.LogicalAnd, exp.LogicalOr, exp.StartsWith, exp.EndsWith,
    exp.Contains, exp.ArrayPosition, exp.IsNan, exp.IsInf, exp.Ordered, exp.Where,
)  # fmt: skip
_DECIDE_NAMES = frozenset(
    """
    prefix suffix list_has array_has list_has_any list_has_all array_has_any array_has_all list_position list_indexof
    array_indexof isfinite typeof list_bool_and list_bool_or list_count list_any_value any_match all_match
    regexp_full_match
    """.split()
)
_KEEP = (
    exp.Paren, exp.Alias, exp.Not, exp.Neg, exp.Concat, exp.ConcatWs, exp.DPipe, exp.Array, exp.Struct, exp.PropertyEQ,
    exp.JSONObject, exp.JSONKeyValue, exp.Tuple, exp.Map, exp.ArrayAgg, exp.GroupConcat, exp.ArrayConcat,
    exp.ArrayAppend, exp.ArrayPrepend, exp.ArrayToString, exp.Order, exp.Hex, exp.Unhex, exp.ToBase64, exp.Encode,
    exp.Decode, exp.UnixToTime, exp.Collate,
)  # fmt: skip
_KEEP_NAMES = frozenset(
    """
    row list_value list_reverse array_reverse list_cat array_cat to_json json_array json_group_array json_group_object
    base64 from_base64 from_hex to_hex epoch_ms epoch_us epoch_ns make_timestamptz reverse
    """.split()
)
_STEPS = (exp.Add, exp.Sub, exp.Mul)
"""Operations that can be inverted if all but one of their operands are constants."""
_SIGNS: dict[type[exp.Expr], str] = {
    exp.Add: "+", exp.Sub: "-", exp.Mul: "*", exp.Div: "/", exp.IntDiv: "//", exp.Mod: "%", exp.DPipe: "||",
    exp.JSONExtract: "->",
    exp.JSONExtractScalar: "->>",
}  # fmt: skip
_FIRST_ARRIVES = {exp.Coalesce: WHOLE, exp.Nullif: LESS, exp.Filter: LESS, exp.Order: WHOLE, exp.JSONExtract: LESS,
                  exp.JSONExtractScalar: LESS, exp.Substring: LESS, exp.Left: LESS, exp.Right: LESS}  # fmt: skip
"""How much these keep of their first argument. Other arguments are used where it is NULL (coalesce), or decide."""


def preserved(node: exp.Expr, name: str, key: str, others: bool) -> str:
    """Return how much `node` (the function `name`, if it is one) keeps of its argument `key` (a name of sqlglot's).

    `others` says whether another argument also reads the source.
    """
    for kind, first in _FIRST_ARRIVES.items():
        if isinstance(node, kind):
            return first if key == "this" else LESS if kind is exp.Coalesce else DECIDES
    if isinstance(node, _DECIDE) or name in _DECIDE_NAMES:
        return DECIDES
    if isinstance(node, exp.AtTimeZone):
        return WHOLE if node.args["zone"] == exp.Literal.string("UTC") else LESS
    if isinstance(node, _STEPS):
        return LESS if others else WHOLE
    return WHOLE if isinstance(node, _KEEP) or name in _KEEP_NAMES else LESS


_MAKES_NULL = (exp.Nullif, exp.Bracket, exp.Null, exp.JSONExtract, exp.JSONExtractScalar, exp.Filter, exp.Subquery)


def may_be_null(node: exp.Expr, places: Iterable[FieldRef], optional: Collection[str]) -> bool:
    """Return whether an expression that reads these places is NULL for some record, as far as the survey knows.
    `optional` are names that are NULL where a LEFT JOIN finds no element.
    """
    node = node.unnest()
    if isinstance(node, exp.Concat):  # it leaves out what is NULL
        return False
    if isinstance(node, exp.Coalesce) and isinstance(node.expressions[-1], exp.Literal):
        return False
    if isinstance(node, exp.DPipe):
        return any(may_be_null(part, places, optional) for part in (node.this, node.expression))
    if any(name.name in optional for name in node.find_all(exp.Identifier)):
        return True
    no_default = any(not (c.args.get("default") or c.args.get("false")) for c in node.find_all(exp.Case, exp.If))
    return no_default or node.find(*_MAKES_NULL) is not None or any(map(_may_be_missing, places))


def _may_be_missing(place: FieldRef) -> bool:
    """Return whether the survey saw records, or elements, without the field."""
    if place.row.looked_up:
        return True
    node = place.row.node
    for step in place.path:
        below = node.below(step)
        if below is None or below.missing or node.types.keys() != {"object"}:
            return True
        node = below
    nulls = node.types.get("null")
    return nulls is not None and nulls.count > 0


def shown_name(node: exp.Expr, name: str) -> str:
    """Return the name of the expression for messages."""
    return _SIGNS.get(type(node)) or name or type(node).__name__.upper()
