"""Refuse what depends on the chunk or on the current time, and what silently turns errors into NULL."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from crossfade.mapping.language.calls import aggregate_by_name
from crossfade.mapping.language.null_operands import null_operands
from crossfade.mapping.language.resolve import Wrong

_ACROSS = "its result would depend on several root records, and on where a chunk ends"
_NOT_TWICE = "it would return another value when the rows are verified"
_CLAUSES = {
    "distinct": "DISTINCT",
    "order": "ORDER BY",
    "limit": "LIMIT",
    "offset": "OFFSET",
    "qualify": "QUALIFY",
    "with_": "WITH",
    "sample": "SAMPLE",
}
_TAKEN = {"expressions", "from_", "joins", "where", "group", "having"}
_CHANGING = (
    exp.Rand,
    exp.Uuid,
    exp.CurrentTimestamp,
    exp.CurrentDate,
    exp.CurrentTime,
    exp.CurrentDatetime,
    exp.Localtime,
    exp.Localtimestamp,
)
_CHANGING_NAMES = frozenset(
    """
    now today random setseed get_current_timestamp get_current_time transaction_timestamp
    current_localtime current_localtimestamp txid_current nextval currval uuidv4 uuidv7 gen_random_uuid
    current_setting getenv getvariable reservoir_quantile
    """.split()
)
_ORDERED = (exp.ArrayAgg, exp.GroupConcat, exp.First, exp.Last, exp.AnyValue)
_ORDERED_NAMES = frozenset({"arbitrary"})
_WITHOUT_ORDER = {
    **dict.fromkeys(("json_group_array", "variant_group_array"), "to_json(list(x ORDER BY y))"),
    **dict.fromkeys(
        ("json_group_object", "json_group_structure"), "to_json(map_from_entries(list((k, v) ORDER BY k)))"
    ),
    **dict.fromkeys(("geomean", "geometric_mean"), "exp(avg(ln(x)))"),
    **dict.fromkeys(("wavg", "weighted_avg"), "sum(x * weight) / sum(weight)"),
    "lttb": "list(x ORDER BY y)",
}
"""Aggregates that depend on the order of their values, but do not take an ORDER BY: what to write instead."""


def refusals(select: exp.Select) -> Iterator[Wrong]:
    """Yield every clause and function of a SELECT that is not allowed, with the reason."""
    yield from _clauses(select)
    yield from _aggregates(select)
    for node in select.walk():
        yield from null_operands(node)
        if isinstance(node, exp.Window):
            reason = f"a window function is not allowed: {_ACROSS}"
            yield Wrong(node, reason, "WITH ORDINALITY gives positions in an array")
        elif _changes(node):
            reason = f"{node.sql('duckdb')} is not allowed: {_NOT_TWICE}"
            word = None if node.meta else type(node).__name__.upper()
            yield Wrong(node, reason, "a constant, or a field of the source", keyword=word)
        elif isinstance(node, exp.Try) or _name(node).startswith("try_"):
            reason = "TRY silently turns an error into NULL"
            yield Wrong(node, reason, "the function without TRY: a record whose value does not fit is quarantined")
        elif _called(node) == "sum_no_overflow":
            yield Wrong(node, "sum_no_overflow returns a wrong sum without an error if it overflows", "sum(x)")
        elif isinstance(node, exp.Explode) or _name(node) in ("unnest", "generate_subscripts"):
            yield Wrong(
                node,
                "unnest is only allowed after FROM",
                "FROM ..., unnest(...) AS e(element)",
            )


def _changes(node: exp.Expr) -> bool:
    """Return whether the result depends on the current time; `age(x)` counts from today."""
    name = _name(node)
    changing = isinstance(node, _CHANGING) or _called(node) in _CHANGING_NAMES
    return changing or (name == "age" and len(node.expressions) == 1)


def _name(node: exp.Expr) -> str:
    return str(node.this).lower() if isinstance(node, exp.Anonymous) else ""


def _called(node: exp.Expr) -> str:
    """Return the name of a function that sqlglot does not know, or of the aggregate that it calls by name."""
    return aggregate_by_name(node) or _name(node)


def _clauses(select: exp.Select) -> Iterator[Wrong]:
    for key, value in select.args.items():
        if not value or key in _TAKEN:
            continue
        text = _CLAUSES.get(key, key.upper().strip("_"))
        hint = "list_distinct(...) for the elements of one record" if key == "distinct" else None
        node = value if isinstance(value, exp.Expr) else select
        why = _ACROSS if key in _CLAUSES else "a mapping is SELECT ... FROM ... WHERE ... GROUP BY ... HAVING"
        yield Wrong(node, f"{text} is not allowed: {why}", hint, keyword=text if key == "order" else text.split()[0])
    group = select.args.get("group")
    if group and (
        any(v for k, v in group.args.items() if k != "expressions")
        or group.find(exp.Rollup, exp.Cube, exp.GroupingSets)
    ):
        yield Wrong(group, "GROUP BY may contain only the root's key and fields", "GROUP BY the root's key")


def _aggregates(select: exp.Select) -> Iterator[Wrong]:
    grouped = bool(select.args.get("group"))
    for found in select.find_all(exp.AggFunc, exp.Anonymous):
        if found.parent_select is not select or found.find_ancestor(exp.Window):
            continue
        if not grouped:
            if isinstance(found, exp.AggFunc):
                reason = f"an aggregate over all roots is not allowed: {_ACROSS}"
                yield Wrong(found, reason, "GROUP BY the root's key")
        elif _is_unordered(found):
            text = found.sql("duckdb")
            reason = f"{text} aggregates in no fixed order: the result could differ when the rows are verified"
            yield Wrong(found, reason, _WITHOUT_ORDER.get(_name(found), "list(x ORDER BY y)"))


def _is_unordered(node: exp.Expr) -> bool:
    name = _name(node)
    if name in _WITHOUT_ORDER:
        return True
    return (isinstance(node, _ORDERED) or name in _ORDERED_NAMES) and not node.find(exp.Order)


__all__ = ["refusals"]
