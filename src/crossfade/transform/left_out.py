"""Count the rows that a mapping's own condition (WHERE, HAVING, JOIN without LEFT) leaves out."""

from __future__ import annotations

from functools import cache

import sqlglot
from sqlglot import exp

from crossfade.model.program import Branch


def count_sql(branch: Branch) -> str:
    """Return a query for the number of rows that the branch would make without conditions."""
    return _without_conditions(branch.narrow.sql())


@cache
def _without_conditions(sql: str) -> str:
    select = sqlglot.parse_one(sql, read="duckdb")
    assert isinstance(select, exp.Select)
    for clause in ("where", "having"):
        select.set(clause, None)
    for join in select.args.get("joins") or []:
        if isinstance(join.this, exp.Table) and join.args.get("on") is not None and not join.side:
            join.set("kind", None)
            join.set("side", "LEFT")
        elif isinstance(join.this, exp.Unnest) and join.args.get("on") is not None:
            join.set("on", exp.true())
    return f"SELECT count(*) AS rows FROM ({select.sql('duckdb')}) AS made"
