"""Queries that return for all documents of a batch at once whether a SELECT refuses them, and why.

They are derived from the SELECT when it first refuses a batch. Clean data does not need them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc
import sqlglot
from sqlglot import exp

from crossfade.model.program import Lookup, Narrow
from crossfade.model.rejection import Rejection
from crossfade.transform.companions import Unforeseen, reason, tried, value
from crossfade.transform.nodes import is_there, struct_of

_COLUMN = "refused{}"
_UNSURE = "\x02"
"""A placeholder for the reason if only running the document alone shows whether it is refused."""


@dataclass
class FoundRejections:
    """Row of the batch -> why it is rejected. Those that are `unsure` may still be accepted: the engine's message is
    not known yet, and their detail is empty.
    """

    certain: dict[int, Rejection] = field(default_factory=dict)
    unsure: dict[int, Rejection] = field(default_factory=dict)

    def add(self, one: Rejection, *, sure: bool = True) -> None:
        if one.row not in self.certain and one.row not in self.unsure:
            (self.certain if sure else self.unsure)[one.row] = one

    @property
    def rows(self) -> set[int]:
        return {*self.certain, *self.unsure}


@dataclass(frozen=True, slots=True)
class Stage:
    """A query: `sql` returns the rows of the documents, and a reason for each of `columns`.

    `lookup` is fetched after the stage, for the keys that `keys_sql` returns together with their rows.
    """

    sql: str | None
    columns: tuple[str | None, ...] = ()
    lookup: Lookup | None = None
    keys_sql: str = ""


def stages_of(narrow: Narrow, lookups: Sequence[Lookup]) -> list[Stage]:
    """Return the stages for a SELECT in the order in which it would refuse a document: sources, WHERE, outputs.
    Expressions without a reason in SQL are left out; the SELECT itself, run for single documents, finds those.
    """
    select = tried(sqlglot.parse_one(narrow.sql(*narrow.outputs), read="duckdb"))
    assert isinstance(select, exp.Select)
    sources = [select.args["from_"], *(select.args.get("joins") or [])]
    waiting = list(lookups)
    stages = []
    for i, source in enumerate(sources[1:], 1):
        before = [_source(s) for s in sources[:i]]
        if isinstance(source.this, exp.Table):
            stages.append(_lookup_stage(waiting.pop(0), before, select.expressions[0]))
        elif isinstance(source.this, exp.Unnest):
            stages += _asked(before, select.expressions[0], [(None, source.this.expressions[0])])
    return [*stages, *_last_stage(select, list(narrow.outputs))]


def where_stages(sql: str) -> list[Stage]:
    """Return the stages for a UNION of SELECTs without outputs."""
    parts = map(tried, _selects(sqlglot.parse_one(sql, read="duckdb")))
    return [stage for part in parts for stage in _last_stage(part, [])]


def _selects(node: exp.Expr) -> Iterator[exp.Select]:
    if isinstance(node, exp.Union):
        yield from _selects(node.this)
        yield from _selects(node.expression)
    elif isinstance(node, exp.Select):
        yield node


def _lookup_stage(lookup: Lookup, before: list[exp.Expr], row: exp.Expr) -> Stage:
    """Return the stage for the keys of a lookup, which are computed for all rows of the preceding sources."""
    keys = sqlglot.parse_one(lookup.keys_sql, read="duckdb")
    assert isinstance(keys, exp.Select)
    key = keys.expressions[0].unalias()
    with_row = exp.Select(expressions=[row.copy(), exp.alias_(key.copy(), "key")], from_=before[0], joins=before[1:])
    asked = _asked(before, row, [(None, key)])
    sql, columns = (asked[0].sql, asked[0].columns) if asked else (None, ())
    return Stage(sql, columns, lookup, with_row.sql("duckdb"))


def _asked(sources: list[exp.Expr], row: exp.Expr, asked: Sequence[tuple[str | None, exp.Expr]]) -> list[Stage]:
    """Return a stage for these expressions over these sources, or none if they refuse nothing."""
    columns: list[str | None] = []
    items: list[exp.Expr] = [row.copy()]
    for column, node in asked:
        item = _told(node, None)
        if item is not None:
            items.append(exp.alias_(item, _COLUMN.format(len(columns))))
            columns.append(column)
    if not columns:
        return []
    select = exp.Select(expressions=items, from_=sources[0].copy(), joins=[s.copy() for s in sources[1:]])
    return [Stage(select.sql("duckdb"), tuple(columns))]


def _last_stage(select: exp.Expr, outputs: list[str]) -> list[Stage]:
    """Return the stage for WHERE and for the outputs of the rows that it keeps."""
    having, group = select.args.get("having"), select.args.get("group")
    where = select.args.get("where")
    row, *outputs_sql = select.expressions
    asked = Where(where.this if where else None)
    if having is not None or (asked.refusal is not None and group is not None):
        return []
    columns: list[str | None] = []
    items = [row.copy()]
    if asked.refusal is not None:
        items.append(exp.alias_(asked.refusal, _COLUMN.format(0)))
        columns.append(None)
    for name, output in zip(outputs, outputs_sql, strict=True):
        item = _told(output.unalias(), asked.holds if asked.refusal is not None else None)
        if item is not None:
            items.append(exp.alias_(item, _COLUMN.format(len(columns))))
            columns.append(name)
    if not columns:
        return []
    sources = [_source(s) for s in (select.args["from_"], *(select.args.get("joins") or []))]
    built = exp.Select(expressions=items, from_=sources[0], joins=sources[1:])
    if asked.refusal is None and asked.holds is not None:
        built.set("where", exp.Where(this=asked.holds))
    if group is not None:
        built.set("group", exp.Group(expressions=[value(e) for e in group.expressions]))
    return [Stage(built.sql("duckdb"), tuple(columns))]


class Where:
    """A condition: `holds` is SQL for whether it holds, `refusal` (None: it never refuses) is as `_told` returns it.

    The engine evaluates its parts in an order of its own. If one part is false and another refuses, only running the
    document alone shows which of them is evaluated first.
    """

    def __init__(self, condition: exp.Expr | None) -> None:
        self.holds = value(condition) if condition is not None else None
        self.refusal: exp.Expr | None = None
        parts = list(condition.flatten()) if isinstance(condition, exp.And) else [condition] if condition else []
        try:
            reasons = [reason(part, chooses=True) for part in parts]
        except Unforeseen:
            return
        if not any(r is not None for r in reasons):
            return
        refused = exp.func("coalesce", *(r for r in reasons if r is not None), exp.null())
        others = [
            exp.paren(value(part)) if r is None else exp.Or(this=exp.paren(value(part)), expression=is_there(r))
            for part, r in zip(parts, reasons, strict=True)
        ]
        sure = exp.Case().when(exp.and_(*others), refused.copy()).else_(exp.Literal.string(_UNSURE))
        self.refusal = _caught(exp.Case().when(is_there(refused), sure), None)


def _told(node: exp.Expr, holds: exp.Expr | None) -> exp.Expr | None:
    """Return SQL for {r: the reason, v: the value}, NULL where a function of the engine refuses; None if nothing can be
    refused. `holds`: only for the rows for which this is true.
    """
    try:
        refused, given = reason(node), value(node)
    except Unforeseen:
        return None
    if refused is None and not any(isinstance(n, exp.Func | exp.Binary | exp.Unary | exp.Bracket) for n in node.walk()):
        return None
    told = _caught(refused, given)
    if holds is None:
        return told
    nothing = exp.Null()
    return exp.Case().when(holds.copy(), told).else_(_struct(nothing, nothing))


def _caught(refused: exp.Expr | None, given: exp.Expr | None) -> exp.Expr:
    """Catch the refusals that have no reason with TRY, where it is allowed."""
    struct = _struct(refused or exp.null(), given or exp.null())
    aside = (exp.Query, exp.Exists, exp.AggFunc)
    return struct if struct.find(*aside) else exp.Anonymous(this="try", expressions=[struct])


def _struct(refused: exp.Expr, given: exp.Expr) -> exp.Expr:
    told = exp.cast(refused.copy(), "text") if isinstance(refused, exp.Null) else refused.copy()
    return struct_of(r=told, v=given.copy())


def _source(node: exp.Expr) -> exp.Expr:
    """Return a source that refuses nothing."""
    return value(node)


# -- results


def read(stage: Stage, answer: pa.Table, found: FoundRejections, words: Callable[[str], str | None]) -> None:
    """Add the result of the stage's query. The first column that refuses any row of a document is its reason; `words`
    returns the message for the result of a companion.
    """
    rows = answer.column(0).combine_chunks()
    for i, column in enumerate(stage.columns, 1):
        told = answer.column(i).combine_chunks()
        reasons = pc.struct_field(told, "r")
        for at in pc.indices_nonzero(pc.or_(told.is_null(), reasons.is_valid())).to_pylist():
            given = reasons[at].as_py()
            detail = words(given) if given is not None and given != _UNSURE else None
            one = Rejection(rows[at].as_py(), "mapping_error", detail or "", column=column)
            found.add(one, sure=detail is not None)


__all__ = ["FoundRejections", "Stage", "read", "stages_of", "where_stages"]
