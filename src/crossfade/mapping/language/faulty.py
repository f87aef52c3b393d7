"""What can be said of an expression that has a fault: its other unknown names, and the places that it may stand for.

A fault must hide no other one, and must not cause others: a place that a misspelt name stands for is not called
unmapped.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from sqlglot import exp

from crossfade.mapping.language.fields import FieldRef, Row
from crossfade.mapping.language.resolve import AlreadyReported, Wrong, name_chain, resolve
from crossfade.mapping.language.scope import Bound, Scope, Typed, Unbound
from crossfade.model.names import similar
from crossfade.model.program import Use
from crossfade.model.shape import Path

Names = Sequence[exp.Identifier]
UNKNOWN = "?"
"""The output of what a faulty expression may use."""


def other_faults(node: exp.Expr, scope: Scope, told: Wrong) -> Iterator[Wrong]:
    """Yield the unknown names of an expression except the fault that was found. Only names of aliases count whose
    meaning does not depend on where in the expression they are.
    """
    seen = {_where(told)}
    for chain in _chains(node):
        if len(chain) > 1 and isinstance(dict(iter(scope)).get(chain[0].name), Row | dict):
            try:
                resolve(list(chain), scope)
            except AlreadyReported:
                continue
            except Wrong as wrong:
                if _where(wrong) not in seen:
                    seen.add(_where(wrong))
                    yield wrong


def may_use(nodes: Iterable[exp.Expr], scope: Scope, root: Row) -> Iterator[Use]:
    """Yield what the expressions may use of the root's entity, each place with everything below it. What an unknown
    name is similar to may be meant; if it is similar to nothing, anything beside it.
    """
    paths = {path for node in nodes for chain in _chains(node) for path in _places(chain, scope)}
    types = {path: frozenset(node.types) for path, node in root.node.walk() if path in paths}
    for path in sorted(paths):
        yield Use(root.entity, path, "whole", UNKNOWN, types=types.get(path, frozenset()) | {"object", "array"})


def holds(node: exp.Expr, part: exp.Expr) -> bool:
    return any(one is part for one in node.walk())


def _where(wrong: Wrong) -> tuple[str, object]:
    return wrong.reason, wrong.node.meta.get("start")


def _chains(node: exp.Expr) -> Iterator[Names]:
    """Yield the dotted names of an expression, without those that it declares itself (parameters, nested aliases)."""
    own = {p.name for one in node.find_all(exp.Lambda) for p in one.expressions}
    own |= {i.name for one in node.find_all(exp.TableAlias) for i in (one.this, *one.columns) if i is not None}
    own |= {one.args["expression"].name for one in node.find_all(exp.Comprehension)}
    for one in node.find_all(exp.Column, exp.Dot):
        chain = name_chain(one)
        is_part = one is not node and one.parent is not None and name_chain(one.parent) is not None
        if chain and not is_part and chain[0].name not in own:
            yield chain


def _places(chain: Names, scope: Scope) -> Iterator[Path]:
    first, *rest = chain
    bound = dict(iter(scope)).get(first.name)
    if bound is not None:
        yield from _in_bound(bound, rest)
        return
    rows = [row for _, row in scope if isinstance(row, Row)]
    found = [path for row in rows for names in (chain, rest) for path in _in_row(row, names) if names and path]
    yield from found or [()]


def _in_bound(bound: Bound, names: Names) -> Iterator[Path]:
    if isinstance(bound, Row):
        yield from _in_row(bound, names)
    elif isinstance(bound, Typed):
        yield from (m.use.path for m in bound.reads if not m.use.looked_up)
    elif not isinstance(bound, Unbound):  # the columns of an unnested alias
        known = [bound[names[0].name]] if names and names[0].name in bound else list(bound.values())
        for column in known:
            yield from _in_bound(column, names[1:])


def _in_row(row: Row, names: Names) -> Iterator[Path]:
    """Yield the paths of a field, or of the fields that are similar to it; of the object in which it would be if there
    are none.
    """
    places = [FieldRef(row, (), row.node)]
    for name in names:
        nodes = [(place, place.node.by_engine) for place in places]
        exact = [place.step(fields[name.name]) for place, fields in nodes if name.name in fields]
        near = [place.step(fields[one]) for place, fields in nodes for one in similar(name.name, fields)]
        if not exact and not near:
            break
        places = exact or near
    if not row.looked_up:
        yield from (path for place in places for path in place.full_paths)


__all__ = ["holds", "may_use", "other_faults"]
