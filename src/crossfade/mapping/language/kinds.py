"""Infer the kind of a value when SQL combines values, and refuse combinations that DuckDB would convert silently.

DuckDB combines values of different types by converting one of them: text to an integer by rounding, a 64-bit integer
to a double, an ObjectId's bytes to escaped text. Extended JSON never equals plain text. Such a mapping is refused, with
a hint for an explicit function.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from sqlglot import exp

from crossfade.mapping.language.conversions import held, meant_for
from crossfade.mapping.language.resolve import Wrong
from crossfade.mapping.language.scope import Typed

NUMBERS = frozenset({"int", "long", "float", "double"})
COMPARISONS = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.NullSafeEQ, exp.NullSafeNEQ, exp.Between, exp.In,
               exp.Nullif, exp.Like, exp.ILike)  # fmt: skip
CHOICES = (exp.Coalesce, exp.Greatest, exp.Least, exp.Array)
"""Return one of their values (or a list of them) unchanged: all values must have the same kind."""

_BYTES = frozenset({"objectId", "binary"})
_TEXTS = (exp.Lower, exp.Upper, exp.Trim, exp.Concat, exp.ConcatWs, exp.DPipe, exp.Substring, exp.Replace, exp.Initcap)
_READS_JSON = (exp.JSONExtract, exp.JSONExtractScalar)
_INT, _LONG = range(-(2**31), 2**31), range(-(2**63), 2**63)


_TEXT_NAMES = frozenset(
    """
    regexp_replace left right lpad rpad split_part substr substring strftime base64 to_base64 hex md5 sha1 sha256 repeat
    printf format string_agg group_concat listagg array_to_string chr translate ltrim rtrim json_extract_string dayname
    monthname
    """.split()
)
_WHOLE_NAMES = frozenset(
    "strpos instr length len octet_length date_part datepart date_diff datediff year month day hour minute".split()
)
_STEPS = (exp.Add, exp.Sub, exp.Mul, exp.Mod)
ARITHMETIC = (*_STEPS, exp.Div, exp.Pow, exp.Exp, exp.Sum)
_CALCULATIONS = (*ARITHMETIC, exp.Avg, exp.Neg, exp.Round, exp.Floor, exp.Ceil, exp.Abs, exp.Trunc)


def kind_of(node: exp.Expr, parts: Sequence[Typed], name: str = "") -> tuple[str | None, str | None]:
    """Return the kind of the result of `node` (the function `name`), and that of its elements if it is a list; None if
    unknown.
    """
    if isinstance(node, exp.Literal):
        return _literal(node), None
    if isinstance(node, exp.Null):
        return "null", None
    if isinstance(node, exp.Any | exp.All):
        return None, None
    if isinstance(node, exp.Boolean | exp.Predicate | exp.Not | exp.Connector):
        return "bool", None
    if isinstance(node, (*_TEXTS, exp.JSONExtractScalar)) or name in _TEXT_NAMES:
        return "string", None
    if name == "regexp_extract":  # with names for its groups, the result is a struct
        return (None if any(p.kind == "list" for p in parts) else "string"), None
    if isinstance(node, exp.JSONExtract):
        return "json", None
    if name in _WHOLE_NAMES:
        return "long", None
    if name == "date_trunc":
        return next((p.kind for p in parts if p.kind in ("date", "timestamp")), None), None
    if isinstance(node, ARITHMETIC):
        return _of_arithmetic(node, [p.kind for p in parts]), None
    if isinstance(node, exp.Neg):
        return (parts[0].kind if parts[0].kind in NUMBERS else None), None
    if isinstance(node, exp.Round | exp.Floor | exp.Ceil | exp.Abs | exp.Trunc):
        return ("double" if parts[0].kind == "double" else None), None
    if isinstance(node, exp.Nullif | exp.Max | exp.Min):
        return parts[0].kind, parts[0].of
    if isinstance(node, exp.Count):
        return "long", None
    if isinstance(node, exp.ArrayAgg):
        return "list", parts[0].kind
    if isinstance(node, exp.Filter | exp.Ordered | exp.Order):
        return parts[0].kind, parts[0].of
    if isinstance(node, exp.Array):
        return "list", common_kind(parts)
    if isinstance(node, CHOICES):
        return common_kind(parts), common_of(parts)
    return None, None


def _of_arithmetic(node: exp.Expr, kinds: Sequence[str | None]) -> str | None:
    if not NUMBERS.issuperset(kinds) or "float" in kinds or isinstance(node, exp.Sum):
        return None
    if "double" in kinds or not isinstance(node, _STEPS):
        return "double"
    return "long" if "long" in kinds else "int"


def _literal(node: exp.Literal) -> str | None:
    if node.is_string:
        return "string"
    if not node.is_int:
        return "double" if "e" in node.name.lower() else None  # DECIMAL
    value = int(node.name)
    return "int" if value in _INT else "long" if value in _LONG else None


def common_kind(parts: Sequence[Typed]) -> str | None:
    kinds = {p.kind for p in parts} - {"null"}
    if kinds == {"int", "long"}:
        return "long"
    if kinds == {"int", "double"}:
        return "double"
    return _common(list(kinds)) if kinds else "null"


def common_of(parts: Sequence[Typed]) -> str | None:
    return _common([p.of for p in parts if p.kind != "null"])


def _common(kinds: Sequence[str | None]) -> str | None:
    unique = set(kinds)
    return unique.pop() if len(unique) == 1 else None


def refuse(node: exp.Expr, parts: Sequence[tuple[exp.Expr, Typed]]) -> None:
    """Raise Wrong if `node` would combine its parts by a conversion that loses something or can never succeed."""
    if isinstance(node, COMPARISONS):
        refuse_comparison(node, parts)
    elif isinstance(node, CHOICES):
        refuse_choice(node, parts)
    elif isinstance(node, _CALCULATIONS):
        refuse_calculation(parts)
    elif not isinstance(node, (*_READS_JSON, exp.Is, exp.ArrayAgg, exp.Order, exp.Ordered, exp.Filter, exp.Paren)):
        _refuse_mixed(parts, "text" if isinstance(node, _TEXTS) else None)


def _refuse_mixed(parts: Sequence[tuple[exp.Expr, Typed]], wanted: str | None = None) -> None:
    """Raise Wrong if a part has several types. `wanted` is the kind of column whose values the operation takes."""
    for operand, part in parts:
        if part.kind == "mixed" or (part.kind == "list" and part.of == "mixed"):
            raise Wrong(operand, *_mixed(operand, parts, wanted))


def refuse_calculation(parts: Sequence[tuple[exp.Expr, Typed]]) -> None:
    """Raise Wrong if a part is a decimal: DuckDB says only that it has no such operator of text."""
    _refuse_mixed(parts)
    for operand, part in parts:
        if part.kind == "decimal":
            text = operand.sql("duckdb")
            reason = f"{text} is a decimal, which is text here: it cannot be calculated with"
            raise Wrong(operand, reason, f"as_decimal({text}, 12, 2)")


def refuse_comparison(node: exp.Expr, parts: Sequence[tuple[exp.Expr, Typed]]) -> None:
    known = [(operand, p.kind) for operand, p in parts if p.kind not in (None, "null")]
    for operand, kind in known:
        if kind == "mixed":
            raise Wrong(operand, *_mixed(operand, parts))
        if kind == "decimal":
            text = operand.sql("duckdb")
            reason = f"{text} is a decimal, which is text here: the comparison would compare text, not numbers"
            raise Wrong(operand, reason, f"as_decimal({text}, 12, 2)")
    for (one, kind), (_, other_kind) in pairwise(known):
        if not _comparable(kind, other_kind):
            reason = f"{node.sql('duckdb')} compares {kind} with {other_kind}: they are never equal"
            hint = "oid_of(...), parse_int(...), as_text(...): the same type on both sides"
            raise Wrong(one, reason, hint)


def _comparable(one: str | None, other: str | None) -> bool:
    if one == other or {one, other} <= NUMBERS:
        return True
    pair = {one, other}
    if pair & _BYTES or "bool" in pair:
        return False
    return not (pair & NUMBERS)  # text with a date, a UUID or JSON: DuckDB reads the text, or fails


def refuse_choice(node: exp.Expr, parts: Sequence[tuple[exp.Expr, Typed]]) -> None:
    known = [(operand, p.kind) for operand, p in parts if p.kind not in (None, "null")]
    kinds = {kind for _, kind in known}
    if len(kinds) <= 1:
        return
    for operand, kind in known:
        text = operand.sql("duckdb")
        if kind == "mixed":
            raise Wrong(operand, *_mixed(operand, parts))
        if kind in _BYTES:
            reason = f"{text} is {kind}, and the others are not: DuckDB would convert its bytes to escaped text"
            raise Wrong(operand, reason, f"oid_text({text})" if kind == "objectId" else f"hex({text})")
        if kind == "long" and "double" in kinds:
            reason = f"{text} is long, and another is double: DuckDB would round it to a double"
            raise Wrong(operand, reason, f"as_double({text}), or as_int(...) of the other")


_ORDERING = frozenset(
    "greatest least max min list_max list_min list_sort list_reverse_sort list_grade_up list_aggregate list_aggr"
    " array_sort list_contains list_has list_position list_indexof array_contains arg_max arg_min max_by min_by".split()
)
_GATHERING = frozenset(
    "list_concat list_cat array_concat array_cat list_append array_append list_prepend flatten".split()
)


def refuse_in_function(name: str, node: exp.Expr, parts: Sequence[tuple[exp.Expr, Typed]]) -> None:
    """Raise Wrong if the function `name` (or ORDER BY) would compare decimals as text, or put long and double values
    into the same list.
    """
    if name in _ORDERING or isinstance(node, exp.Ordered):
        for operand, part in parts:
            if "decimal" in (part.kind, part.of):
                text = operand.sql("duckdb")
                reason = (
                    f"{text} holds decimals, which are text here: {name or 'ORDER BY'} would compare text, not numbers"
                )
                raise Wrong(operand, reason, f"as_decimal(..., 12, 2) of each: {text}")
    if name in _GATHERING or isinstance(node, exp.DPipe):
        kinds = {k for _, p in parts for k in (p.of, p.kind) if k in ("long", "double")}
        if kinds == {"long", "double"}:
            reason = f"{node.sql('duckdb')} combines long and double in one list: DuckDB would round the longs"
            raise Wrong(node, reason, "as_double(...) or as_int(...) of each")


def _mixed(node: exp.Expr, parts: Sequence[tuple[exp.Expr, Typed]], wanted: str | None = None) -> tuple[str, str]:
    text = node.sql("duckdb")
    types = next((part.types for one, part in parts if one is node), frozenset[str]())
    hint = f"{meant_for(types, text, wanted)}; ejson_of({text}) for the Extended JSON"
    return f"{held(text, types)}: their Extended JSON would be used here", hint
