"""Which values an expression may leave out or change: elements that a condition removes, times that are rounded."""

from __future__ import annotations

import re
from collections.abc import Sequence

from sqlglot import exp

from crossfade.mapping.language.mentions import Mention
from crossfade.mapping.language.resolve import name_chain
from crossfade.mapping.language.scope import Typed
from crossfade.model.program import DECIDES
from crossfade.model.shape import Path


def asks_presence(condition: exp.Expr, *element: Sequence[str]) -> bool:
    """Return whether the condition only tests that the element with one of these dotted names exists, so that no value
    is lost. One that tests a field of the element leaves out its other fields.
    """
    parts = condition.flatten() if isinstance(condition, exp.And) else [condition]
    return all(
        isinstance(p, exp.Not)
        and isinstance(p.this, exp.Is)
        and isinstance(p.this.expression, exp.Null)
        and [part.name for part in name_chain(p.this.this.unnest()) or []] in element
        for p in parts
    )


def lists_of(node: exp.Expr, items: Typed) -> list[tuple[Path, ...]]:
    """Return the paths of the elements of a list that may be empty; none of a list of constants, or `[x.a, x.b]`."""
    if isinstance(node.unnest(), exp.Array):
        return []
    if items.element is not None:
        return [items.element(items.sql).bases]
    paths = tuple(m.use.path for m in items.reads)
    return [paths] if paths else []


_MONTHS = re.compile(r"mon|y(ea)?rs?\b|\by\b|dec|cent|\bc\b|\bmils?\b|millenni|quarter|\bq\b", re.IGNORECASE)
_OF_MONTHS = frozenset("to_months to_quarters to_years to_decades to_centuries to_millennia".split())
_DOUBLES = frozenset({"double", "float"})
_TIMES = frozenset({"date", "timestamp", "day"})


def rounds(node: exp.Expr, name: str, parts: Sequence[tuple[exp.Expr, Typed]], mentions: Sequence[Mention]) -> bool:
    """Return whether an operation makes the same of different values: arithmetic of doubles, which rounds; months added
    to a day, of which the 30th and the 31st may become the last of a month; a function of times that rounds seconds as
    a double to microseconds, or any time but a date of documents to milliseconds.
    """
    if isinstance(node, exp.Add | exp.Sub | exp.Mul):
        return _merges(node, parts, mentions)
    given = parts[0][1]
    if given.kind in ("int", "long", "day"):
        return False
    if name != "epoch_ms":
        return isinstance(node, exp.UnixToTime)
    return not all(m.place.node.vocabulary.uuids_are_bytes and m.place.node.kind == "date" for m in mentions)


def _merges(node: exp.Expr, parts: Sequence[tuple[exp.Expr, Typed]], mentions: Sequence[Mention]) -> bool:
    if isinstance(node, exp.Mul) and any(_size(operand) == 0 for operand, _ in parts):
        return True
    kinds = {_kind(operand, part, mentions) for operand, part in parts}
    if kinds & _DOUBLES:
        return not _changes_nothing(node, [(operand, _kind(operand, part, mentions)) for operand, part in parts])
    return bool(kinds & _TIMES) and any(_has_months(one) for one, _ in parts)


def _kind(operand: exp.Expr, part: Typed, mentions: Sequence[Mention]) -> str | None:
    """Return the kind of an operand: double if it is unknown, and made of a double."""
    if part.kind is not None or _size(operand) is not None or _is_decimal(operand.unnest()):
        return part.kind
    of_double = any(m.use.keeps != DECIDES and m.place.node.kind in _DOUBLES for m in mentions)
    return "double" if of_double else None


def _is_decimal(node: exp.Expr) -> bool:
    """Return whether a value is made a decimal, which arithmetic does not round."""
    if isinstance(node, exp.Cast):
        return bool(node.to.this == exp.DType.DECIMAL)
    return isinstance(node, exp.Anonymous) and node.name.lower() == "as_decimal"


def _changes_nothing(node: exp.Expr, operands: Sequence[tuple[exp.Expr, str | None]]) -> bool:
    """Return whether it is a double times 1 or -1, or with 0 added or subtracted. A long would become a double."""
    neutral = 1 if isinstance(node, exp.Mul) else 0
    others = [kind for operand, kind in operands if _size(operand) != neutral]
    return len(others) < len(operands) and set(others) <= _DOUBLES


def _size(node: exp.Expr) -> float | None:
    """Return the number that an expression writes, without its sign."""
    node = node.unnest()
    while isinstance(node, exp.Neg):
        node = node.this.unnest()
    return float(node.name) if isinstance(node, exp.Literal) and not node.is_string else None


def _has_months(node: exp.Expr) -> bool:
    """Return whether an expression may be an interval that has months."""
    for one in node.walk():
        if isinstance(one, exp.Interval):
            unit = one.args["unit"].name if one.args.get("unit") else ""
            if _MONTHS.search(f"{one.this.name if one.this.is_string else ''} {unit}"):
                return True
        if isinstance(one, exp.Cast) and one.to.this == exp.DType.INTERVAL and _MONTHS.search(one.this.sql("duckdb")):
            return True
        if isinstance(one, exp.Anonymous) and one.name.lower() in _OF_MONTHS:
            return True
    return False
