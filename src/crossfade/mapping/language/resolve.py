"""Resolve a name in a mapping to a place, case-sensitively.

DuckDB would silently return the field `A` for `d.a`. So names are resolved here, by exact case, before DuckDB sees
them.
"""

from __future__ import annotations

from dataclasses import replace

from sqlglot import exp

from crossfade.mapping.language.fields import FieldRef, Row
from crossfade.mapping.language.scope import Scope, Typed, Unbound
from crossfade.model.look_alikes import in_characters, instead, look_alike
from crossfade.model.names import fold
from crossfade.model.quoting import identifier
from crossfade.model.shape import Node, format_path


class Wrong(Exception):
    """An error in a mapping: the SQL node, the reason, a hint.

    `keyword` is the first word of a clause that has no position in the parsed SQL (LIMIT, DISTINCT).
    """

    def __init__(self, node: exp.Expr, reason: str, hint: str | None = None, keyword: str | None = None) -> None:
        self.node, self.reason, self.hint, self.keyword = node, reason, hint, keyword
        super().__init__(reason)


class AlreadyReported(Wrong):
    """A consequence of an alias that has a fault itself. It is not reported, because it would hide the cause."""


def name_chain(node: exp.Expr) -> list[exp.Identifier] | None:
    """Return the identifiers of `a.b.c`, or None for any other expression."""
    if isinstance(node, exp.Identifier):
        return [node]
    if isinstance(node, exp.Column):
        parts = [p for p in node.parts if isinstance(p, exp.Identifier)]
        return parts if len(parts) == len(node.parts) else None
    if isinstance(node, exp.Dot) and isinstance(node.expression, exp.Identifier):
        head = name_chain(node.this)
        return None if head is None else [*head, node.expression]
    return None


def resolve(parts: list[exp.Identifier], scope: Scope) -> FieldRef | Typed:
    """Return what a dotted name stands for. Raises Wrong with the nearest existing name."""
    first, rest = parts[0], parts[1:]
    bound = dict(iter(scope)).get(first.name)
    if bound is None:
        bound = _unqualified(first, scope)
    if isinstance(bound, Unbound):
        raise AlreadyReported(first, f"{first.name!r} has a fault")
    if isinstance(bound, dict):
        if not rest:
            raise Wrong(first, f"{first.name!r} is a table, not a value", f"{first.name}.{next(iter(bound))}")
        column, rest = rest[0], rest[1:]
        if column.name not in bound:
            said, hint = instead(column.name, bound, quoted)
            raise Wrong(column, f"{first.name!r} has no column {column.name!r}{said}", hint)
        bound = bound[column.name]
    if isinstance(bound, Row):
        place = FieldRef(bound, (), bound.node)
        for identifier in rest:
            place = step(place, identifier)
        return place
    if isinstance(bound, Typed):
        if rest and bound.kind is not None:
            raise Wrong(rest[0], f"{first.name!r} is {bound.kind}: it has no field {rest[0].name!r}")
        sql = bound.sql.copy()
        for identifier in rest:
            sql = exp.Dot(this=sql, expression=exp.to_identifier(identifier.name, quoted=True))
        return Typed(sql, reads=bound.reads) if rest else replace(bound, sql=sql)
    raise Wrong(first, f"{first.name!r} is not a value")


def field_of(node: exp.Expr, scope: Scope) -> FieldRef | None:
    """Return the field that an expression is, if it is one. Its faults are reported when it is rewritten."""
    chain = name_chain(node)
    if chain is None:
        return None
    try:
        found = resolve(chain, scope)
    except Wrong:
        return None
    return found if isinstance(found, FieldRef) else None


def _unqualified(first: exp.Identifier, scope: Scope) -> Row | Typed:
    """Resolve a bare name: a column of an unnested alias, or a field of the only entity in scope."""
    name = first.name
    level: Scope | None = scope
    while level is not None:
        tables = {alias: bound for alias, bound in level.names.items() if isinstance(bound, dict) and name in bound}
        if len(tables) > 1:
            hint = " or ".join(f"{alias}.{quoted(name)}" for alias in tables)
            raise Wrong(first, f"{name!r} is ambiguous: it needs the alias of its table", hint)
        found = next((bound[name] for bound in tables.values()), None)
        if isinstance(found, Row | Typed):
            return found
        level = level.outer
    rows = [(alias, b) for alias, b in scope if isinstance(b, Row)]
    for alias, bound in rows:
        if name in bound.node.by_engine:
            raise Wrong(first, f"{name!r} is ambiguous: it needs the alias of its table", f"{alias}.{quoted(name)}")
    names = [alias for alias, _ in scope] + [f"{a}.{quoted(n)}" for a, b in rows for n in b.node.by_engine]
    if any(isinstance(bound, Unbound) for _, bound in scope):
        raise AlreadyReported(first, f"{name!r} may belong to an alias that has a fault")
    said, near = instead(name, names)
    raise Wrong(first, f"unknown name {name!r}{said}", near)


def step(place: FieldRef, identifier: exp.Identifier) -> FieldRef:
    """Step to a field, by exact case. If the field has another name in SQL, the error names it."""
    node, name = place.node, identifier.name
    if not node.types:  # an empty entity: nothing is known about its documents, and nothing is lost
        return place.step(Node(name, name, {}))
    here = f"{place.row.entity}.{format_path(place.full_path)}" if place.full_path else place.row.entity
    if node.is_map:
        hint = f'entries_of(...), json_of(...), or [survey] objects = ["{here}"] and crossfade survey'
        raise Wrong(identifier, f"{here} is a map, whose keys are data: {name!r} is not a field", hint)
    if not node.fields:
        types = " | ".join(sorted(node.types)) or "nothing"
        raise Wrong(identifier, f"{here} holds {types}: it has no field {name!r}", _array_hint(node))
    child = node.by_engine.get(name)
    if child is not None:
        return place.step(child)
    raise Wrong(identifier, *_unknown_field(here, node, name))


def _array_hint(node: Node) -> str | None:
    return "unnest the array, and use the fields of its elements" if node.element is not None else None


def _unknown_field(here: str, node: Node, name: str) -> tuple[str, str | None]:
    same = [n for n in node.fields if fold(n.name) == fold(name)]
    if len(same) > 1:
        names = " and ".join(repr(n.name) for n in same)
        one, other = same[0].name, same[1].name
        points = f": the first has {in_characters(one, other)}" if look_alike(one, [other]) else ""
        return f"{here} has {names}, which SQL cannot distinguish{points}", " or ".join(quoted(n.engine) for n in same)
    own = node.by_name.get(name)
    if own is not None:
        return f"the field {name!r} of {here} has the name {own.engine!r} in SQL", quoted(own.engine)
    said, hint = instead(name, node.by_name, lambda known: quoted(node.by_name[known].engine))
    if same and not said:
        return f"{here} has no field {name!r}, but {same[0].engine!r}: names are case-sensitive", quoted(same[0].engine)
    return f"{here} has no field {name!r}{said}", hint


def quoted(name: str) -> str:
    plain = name.isidentifier() and name.isascii()
    return name if plain else identifier(name)
