"""CASE over a place whose values the survey has listed: whether its results tell them all apart.

CASE x.state WHEN 'new' THEN 1 WHEN 'paid' THEN 2 END
CASE WHEN x.state = 'new' THEN 1 WHEN x.state IN ('paid', 'sent') THEN 2 ELSE 0 END
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlglot import exp

from crossfade.mapping.language.fields import FieldRef
from crossfade.mapping.language.resolve import field_of
from crossfade.mapping.language.scope import Scope
from crossfade.model.program import DECIDES, LESS, WHOLE

_NULL = exp.Null().sql("duckdb")


@dataclass(frozen=True)
class Labels:
    """A CASE that gives each of some values of `place` a constant. `results` are its results for what the survey saw,
    None being NULL; `left_out` are the values for which it says nothing.
    """

    place: FieldRef
    results: dict[str | None, str]
    left_out: tuple[str, ...]
    has_default: bool

    @property
    def keeps(self) -> str:
        """Return how much of the values the results keep: DECIDES if a value is left out."""
        if self.left_out and not self.has_default:
            return DECIDES
        of_values = [result for value, result in self.results.items() if value is not None]
        apart = len(set(self.results.values())) == len(self.results) and _NULL not in of_values
        return WHOLE if apart else LESS

    @property
    def by(self) -> str:
        """Return what to say of it."""
        if not self.left_out:
            return "CASE"
        names = ", ".join(exp.Literal.string(value).sql("duckdb") for value in self.left_out)
        return f"CASE, whose ELSE is for {names}" if self.has_default else f"CASE has no WHEN for {names}"


def labels(node: exp.Case, scope: Scope) -> Labels | None:
    """Return what a CASE says of listed values; None if it is of another kind."""
    named = list(_named(node, scope))
    place = named[0][0] if named else None
    if place is None or any(other is None or not _same(other, place) for other, _, _ in named):
        return None
    values, default = _listed(place), node.args.get("default")
    results = [result for _, _, result in named]
    if values is None or not all(map(_is_constant, [*results, *([default] if default is not None else [])])):
        return None
    first: dict[str, str] = {}
    for _, texts, result in named:
        for text in texts:
            first.setdefault(text, result.sql("duckdb"))
    otherwise = _NULL if default is None else default.sql("duckdb")
    found: dict[str | None, str] = {value: first.get(value, otherwise) for value in values}
    nulls = place.node.types.get("null")
    if place.node.missing or (nulls is not None and nulls.count):
        found[None] = otherwise
    return Labels(place, found, tuple(v for v in values if v not in first), default is not None)


def _listed(place: FieldRef) -> Sequence[str] | None:
    """Return all values of a place, if the survey has listed them."""
    types = place.node.value_types
    stats = place.node.types[next(iter(types))] if len(types) == 1 else None
    if stats is None or not stats.values or place.node.kind not in ("string", "int", "long", "bool"):
        return None
    return stats.values


def _named(node: exp.Case, scope: Scope) -> Iterator[tuple[FieldRef | None, list[str], exp.Expr]]:
    """Yield place, texts and result of each WHEN; without a place if its condition is of another kind."""
    for branch in node.args["ifs"]:
        condition, result = branch.this, branch.args["true"]
        if node.this is not None:
            text = _text(condition)
            yield (field_of(node.this, scope) if text is not None else None), [text or ""], result
        else:
            yield (*_asked(condition, scope), result)


def _asked(condition: exp.Expr, scope: Scope) -> tuple[FieldRef | None, list[str]]:
    """Return the place and the texts of `x = 'a'` and `x IN ('a', 'b')`."""
    if isinstance(condition, exp.Paren):
        return _asked(condition.this, scope)
    if isinstance(condition, exp.EQ):
        given = [condition.expression]
    elif isinstance(condition, exp.In) and condition.expressions:
        given = condition.expressions
    else:
        return None, []
    texts = [text for one in given if (text := _text(one)) is not None]
    return (field_of(condition.this, scope) if len(texts) == len(given) else None), texts


def _text(node: exp.Expr) -> str | None:
    """Return a constant as the survey writes values."""
    if isinstance(node, exp.Boolean):
        return "true" if node.this else "false"
    if isinstance(node, exp.Neg):
        inner = _text(node.this)
        return None if inner is None else f"-{inner}"
    return node.name if isinstance(node, exp.Literal) else None


def _is_constant(node: exp.Expr) -> bool:
    return isinstance(node, exp.Null) or _text(node.this if isinstance(node, exp.Cast) else node) is not None


def _same(one: FieldRef, other: FieldRef) -> bool:
    return one.row is other.row and one.path == other.path


def guarded(labels: Labels, value: exp.Expr, case: exp.Case) -> exp.Case:
    """Return the CASE with an error for a new value, unless it has an ELSE or leaves out known values."""
    if labels.has_default or labels.keeps == DECIDES:
        return case
    text = exp.cast(value.copy(), "varchar")
    message = exp.func("concat", exp.Literal.string("CASE has no result for the new value "), text)
    refused = exp.Case().when(exp.Is(this=value.copy(), expression=exp.Null()), exp.Null())
    return case.else_(refused.else_(exp.func("error", message)))
