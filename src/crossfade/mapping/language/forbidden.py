"""Refuse what depends on the chunk or on the current time, and what silently turns errors into NULL."""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

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
    current_setting getenv getvariable
    """.split()
)
_ORDERED = (exp.ArrayAgg, exp.GroupConcat, exp.First, exp.Last, exp.AnyValue)


def refusals(select: exp.Select) -> Iterator[Wrong]:
    """Yield every clause and function of a SELECT that is not allowed, with the reason."""
    yield from _clauses(select)
    yield from _aggregates(select)
    for node in select.walk():
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
        elif isinstance(node, exp.Explode) or _name(node) in ("unnest", "generate_subscripts"):
            yield Wrong(
                node,
                "unnest is only allowed after FROM",
                "FROM ..., unnest(...) AS e(element)",
            )


def _changes(node: exp.Expr) -> bool:
    """Return whether the result depends on the current time; `age(x)` counts from today."""
    name = _name(node)
    return isinstance(node, _CHANGING) or name in _CHANGING_NAMES or (name == "age" and len(node.expressions) == 1)


def _name(node: exp.Expr) -> str:
    return str(node.this).lower() if isinstance(node, exp.Anonymous) else ""


def _clauses(select: exp.Select) -> Iterator[Wrong]:
    for key, value in select.args.items():
        if not value or key in _TAKEN:
            continue
        text = _CLAUSES.get(key, key.upper().strip("_"))
        hint = "list_distinct(...) for the elements of one document" if key == "distinct" else None
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
    for found in select.find_all(exp.AggFunc):
        if found.parent_select is not select or found.find_ancestor(exp.Window):
            continue
        if not grouped:
            reason = f"an aggregate over all roots is not allowed: {_ACROSS}"
            yield Wrong(found, reason, "GROUP BY the root's key")
        elif isinstance(found, _ORDERED) and not found.find(exp.Order):
            text = found.sql("duckdb")
            reason = f"{text} aggregates in no fixed order: the result could differ when the rows are verified"
            yield Wrong(found, reason, "list(x ORDER BY y)")


__all__ = ["refusals"]
