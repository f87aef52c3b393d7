"""Compile a SELECT inside an expression. It can read arrays in scope, but not entities."""

from __future__ import annotations

from typing import Any

from sqlglot import exp

from crossfade.mapping.language.fields import Row
from crossfade.mapping.language.from_clause import bases_of, joined, unnest
from crossfade.mapping.language.losses import asks_presence
from crossfade.mapping.language.resolve import Wrong
from crossfade.mapping.language.rewrite import Rewriter
from crossfade.mapping.language.scope import Scope, Typed
from crossfade.model.program import DECIDES, LESS
from crossfade.model.shape import Path

_CLAUSES = ("expressions", "where", "group", "having", "order", "limit", "offset", "distinct")
_REBUILT = (exp.Where, exp.Having, exp.Group, exp.Order, exp.Limit, exp.Offset, exp.Distinct, exp.Alias)


def nested_select(rewriter: Rewriter, node: exp.Expr, scope: Scope) -> Typed:
    """Return the subquery with the kind of its first output. Raises Wrong if it is not a plain SELECT over arrays."""
    select = node.this if isinstance(node, exp.Subquery) else node
    if isinstance(select, exp.Subquery):
        return nested_select(rewriter, select, scope)
    extra = [k for k, v in select.args.items() if v and k not in (*_CLAUSES, "from_", "joins")]
    if not isinstance(select, exp.Select) or extra:
        raise Wrong(node, "only a plain SELECT is allowed here")
    inner = scope.inner()
    lists: list[tuple[Path, ...]] = []
    sources = _sources(rewriter, select, inner, lists)
    built = joined(exp.Select(), sources) if sources else exp.Select()
    first = None
    left_out = _left_out(select)
    for key in _CLAUSES:
        if select.args.get(key):
            with rewriter.mentions.apart() as read:
                built.set(key, _rebuilt(rewriter, select.args[key], inner))
            if key != "expressions" or left_out:
                rewriter.mentions.put(read, LESS if key == "expressions" else DECIDES, left_out)
            else:
                rewriter.mentions.put_inside(read, lists, "unnest")
    with rewriter.mentions.apart():  # recorded above
        first = rewriter.value(select.expressions[0].unalias(), inner) if select.expressions else None
    sql = built if isinstance(node.parent, exp.Exists) else exp.Subquery(this=built)
    return Typed(sql, first.kind if first else None, first.of if first else None)


def _left_out(select: exp.Select) -> str:
    """Return the clause that leaves out elements, or an empty string."""
    where = select.args.get("where")
    if where is not None and not asks_presence(where.this, *_elements(select)):
        return "WHERE"
    if any(j.args.get("on") not in (None, exp.true()) for j in select.args.get("joins") or []):
        return "ON"
    return next((k.upper() for k in ("having", "limit", "offset", "distinct") if select.args.get(k)), "")


def _elements(select: exp.Select) -> list[list[str]]:
    """Return the dotted names of the elements that the SELECT reads; none if it reads two arrays."""
    source = select.args.get("from_")
    if source is None or select.args.get("joins"):
        return []
    alias = source.this.args.get("alias")
    names = [column.name for column in alias.columns[:1]] if alias is not None else []
    return [*([name] for name in names), *([alias.name, name] for name in names)]


def _sources(rewriter: Rewriter, select: exp.Select, scope: Scope, lists: list[tuple[Path, ...]]) -> list[exp.Expr]:
    """Return the sources. Add the paths of the elements that a row needs to `lists`."""
    sources: list[exp.Expr] = []
    source = select.args.get("from_")
    for join in [source, *(select.args.get("joins") or [])] if source else []:
        if not isinstance(join.this, exp.Unnest):
            hint = "look it up with LEFT JOIN ... ON"
            raise Wrong(join, "a nested SELECT can read only arrays (unnest), not entities", hint)
        array, elements = unnest(rewriter, join.this, join.this, scope)
        reads = isinstance(elements, Row) or bool(elements.reads)
        if reads and join.args.get("side") != "LEFT" and not isinstance(join.this.expressions[0], exp.Array):
            lists.append(bases_of(elements))
        if not sources:
            sources.append(exp.From(this=array))
            continue
        if join.side not in ("", "LEFT") or join.kind not in ("", "INNER", "CROSS") or join.method:
            raise Wrong(join, "only JOIN and LEFT JOIN are allowed here")
        on = join.args.get("on")
        with rewriter.mentions.through(DECIDES):
            condition = rewriter.value(on, scope).sql if on is not None else exp.true()
        sources.append(exp.Join(this=array, side=join.side or None, on=condition))
    return sources


def _rebuilt(rewriter: Rewriter, value: Any, scope: Scope) -> Any:
    """Return a clause with its expressions rewritten."""
    if isinstance(value, list):
        return [_rebuilt(rewriter, v, scope) for v in value]
    if isinstance(value, _REBUILT):
        parts = {
            k: _rebuilt(rewriter, v, scope) if isinstance(v, exp.Expr | list) and k != "alias" else v
            for k, v in value.args.items()
        }
        return value.__class__(**parts)
    return rewriter.value(value, scope).sql


__all__ = ["nested_select"]
