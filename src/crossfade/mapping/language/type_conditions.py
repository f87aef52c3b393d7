"""Conditions on the type of a place, which determine the types that it can have in the results that they choose.

`type_of(x) = 'string'`, `type_of(x) IN (...)`, `x IS NULL`, and combinations with NOT, AND and OR. Any other
condition says nothing about types and is ignored.
"""

from __future__ import annotations

from sqlglot import exp

from crossfade.mapping.language.fields import FieldRef
from crossfade.mapping.language.mentions import NULL, TypeFacts
from crossfade.mapping.language.resolve import field_of
from crossfade.mapping.language.scope import Scope

TYPE_OF = ("type_of", "bson_type")
"""The function that gives the type of a place, as its source calls it. The second name is MongoDB's."""

Outcomes = tuple[TypeFacts, TypeFacts]
"""The type facts if the condition is true, and if it is not (false or NULL)."""

_NOTHING: Outcomes = ((), ())


def outcomes_of(node: exp.Expr, scope: Scope) -> Outcomes:
    """Return what a condition says about types."""
    if isinstance(node, exp.Paren):
        return outcomes_of(node.this, scope)
    if isinstance(node, exp.Not):
        then, otherwise = outcomes_of(node.this, scope)
        return otherwise, then
    if isinstance(node, exp.And | exp.Or):
        one, other = outcomes_of(node.this, scope), outcomes_of(node.expression, scope)
        if isinstance(node, exp.And):
            return (*one[0], *other[0]), _either(one[1], other[1])
        return _either(one[0], other[0]), (*one[1], *other[1])
    if isinstance(node, exp.EQ | exp.NEQ):
        place, other = type_asked(node.this, scope), node.expression
        if place is None:
            place, other = type_asked(node.expression, scope), node.this
        answer = is_type(place, [other])
        return answer if isinstance(node, exp.EQ) else (answer[1], answer[0])
    if isinstance(node, exp.In) and node.expressions:
        return is_type(type_asked(node.this, scope), node.expressions)
    if isinstance(node, exp.Is) and isinstance(node.expression, exp.Null):
        place = field_of(node.this, scope)
        return _of_types(place, NULL) if place is not None else _NOTHING
    return _NOTHING


def is_type(place: FieldRef | None, names: list[exp.Expr]) -> Outcomes:
    """Return what `type_of(place) IN (names)` says: nothing if one of them is not a constant."""
    texts = [n for n in names if isinstance(n, exp.Literal) and n.is_string]
    if place is None or len(texts) < len(names):
        return _NOTHING
    return _of_types(place, frozenset(n.name for n in texts))


def type_asked(node: exp.Expr, scope: Scope) -> FieldRef | None:
    """Return x of `type_of(x)`."""
    return field_of(node.expressions[0], scope) if _asks_type(node) and len(node.expressions) == 1 else None


def _asks_type(node: exp.Expr) -> bool:
    return isinstance(node, exp.Anonymous) and str(node.this).lower() in TYPE_OF


def _of_types(place: FieldRef, types: frozenset[str]) -> Outcomes:
    return ((place, types),), ((place, frozenset(place.node.types) - types),)


def _either(one: TypeFacts, other: TypeFacts) -> TypeFacts:
    """Return the union of types if both are about the same place; otherwise nothing is known."""
    if len(one) != 1 or len(other) != 1:
        return ()
    (place, types), (same, more) = one[0], other[0]
    return ((place, types | more),) if place.row is same.row and place.path == same.path else ()
