"""The SELECTs of mapping files, as written, and the same with the position of each element among their outputs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import sqlglot
from sqlglot import exp

from crossfade.mapping.invert.names import Names
from crossfade.model.inverse import PLACE
from crossfade.model.shape import Shape

_OFFSET = "cf_place"


def selects(text: str) -> list[exp.Select]:
    """Return the SELECTs of a mapping, in the order of its branches. The mapping has been compiled before."""
    return list(_selects(sqlglot.parse_one(text, read="duckdb")))


def _selects(node: exp.Expr) -> Iterator[exp.Select]:
    if isinstance(node, exp.Union):
        yield from _selects(node.this)
        yield from _selects(node.expression)
    elif isinstance(node, exp.Subquery):
        yield from _selects(node.this)
    elif isinstance(node, exp.Select):
        yield node


def placed(mappings: Mapping[str, str], shapes: Mapping[str, Shape]) -> dict[str, str]:
    """Return the mappings with an additional output PLACE in each SELECT that unnests one array of its root."""
    return {table: _placed(text, shapes) for table, text in mappings.items()}


def _placed(text: str, shapes: Mapping[str, Shape]) -> str:
    statement = sqlglot.parse_one(text, read="duckdb")
    changed = [_with_place(select, shapes) for select in _selects(statement)]
    return statement.sql("duckdb") if any(changed) else text


def _with_place(select: exp.Select, shapes: Mapping[str, Shape]) -> bool:
    names = Names(select, shapes)
    if names.unnested is None or names.is_deep:
        return False
    unnest = next(found for join in select.args["joins"] for found in [join.find(exp.Unnest)] if found is not None)
    offset = unnest.args.get("offset")
    if not isinstance(offset, exp.Identifier):
        offset = exp.to_identifier(_OFFSET)
        unnest.set("offset", offset)
    position = exp.column(offset.name, table=names.unnested.alias, quoted=True)
    select.select(exp.alias_(position, PLACE, quoted=True), copy=False)
    return True


__all__ = ["placed", "selects"]
