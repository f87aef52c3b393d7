"""How much of its arguments an SQL expression preserves: everything, less, or only a decision.

Functions that preserve everything are listed; a function that is not listed preserves less. Functions of the mapping
language (functions.py), casts, CASE and lambdas record it themselves.
"""

from __future__ import annotations

from sqlglot import exp

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
    exp.Add: "+", exp.Sub: "-", exp.Mul: "*", exp.Div: "/", exp.IntDiv: "//", exp.Mod: "%", exp.JSONExtract: "->",
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


def shown_name(node: exp.Expr, name: str) -> str:
    """Return the name of the expression for messages."""
    return _SIGNS.get(type(node)) or name or type(node).__name__.upper()
