"""The queries that say of every document of a batch at once whether a SELECT refuses it, and why.

They are made of the SELECT when it first refuses a batch: nothing of this is there while the data is clean.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc
import sqlglot
from sqlglot import exp

from crossfade.model.program import Lookup, Narrow
from crossfade.transform.companions import Unforeseen, reason, value

_COLUMN = "refused{}"
_UNSURE = "\x02"
"""Stands for a reason where only the document alone shows whether it is refused."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """`column` is None where it is no output that refuses: FROM, WHERE, ON. `detail` is None where the engine's own
    words are not known yet; `reason` as in docs/reference/errors.md.
    """

    column: str | None
    detail: str | None
    reason: str = "mapping_error"


@dataclass
class Refusals:
    """Row of the batch -> its refusal. Those that are `unsure` may not be refused after all."""

    certain: dict[int, Refusal] = field(default_factory=dict)
    unsure: dict[int, Refusal] = field(default_factory=dict)

    def add(self, row: int, refusal: Refusal, *, sure: bool = True) -> None:
        if row not in self.certain and row not in self.unsure:
            (self.certain if sure else self.unsure)[row] = refusal

    @property
    def rows(self) -> set[int]:
        return {*self.certain, *self.unsure}


@dataclass(frozen=True, slots=True)
class Stage:
    """One query: `sql` gives the documents' rows, and a reason for each of `columns`.

    `lookup` is to be fetched when the stage is done, for the keys that `keys_sql` gives, beside their rows.
    """

    sql: str | None
    columns: tuple[str | None, ...] = ()
    lookup: Lookup | None = None
    keys_sql: str = ""


def stages_of(narrow: Narrow, lookups: Sequence[Lookup]) -> list[Stage]:
    """What is asked of a SELECT, in the order in which it would refuse a document: its sources, then WHERE, then its
    outputs. What no SQL tells is left out: then the SELECT itself, run for the documents one by one, refuses it.
    """
    select = sqlglot.parse_one(narrow.sql(*narrow.outputs), read="duckdb")
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
    """The same of SELECTs without outputs that a UNION puts together."""
    parts = list(_selects(sqlglot.parse_one(sql, read="duckdb")))
    return [stage for part in parts for stage in _last_stage(part, [])]


def _selects(node: exp.Expr) -> Iterator[exp.Select]:
    if isinstance(node, exp.Union):
        yield from _selects(node.this)
        yield from _selects(node.expression)
    elif isinstance(node, exp.Select):
        yield node


def _lookup_stage(lookup: Lookup, before: list[exp.Expr], row: exp.Expr) -> Stage:
    """The keys that a lookup asks for: they are made for every row of the sources before it, whatever WHERE says."""
    keys = sqlglot.parse_one(lookup.keys_sql, read="duckdb")
    assert isinstance(keys, exp.Select)
    key = keys.expressions[0].unalias()
    with_row = exp.Select(expressions=[row.copy(), exp.alias_(key.copy(), "key")], from_=before[0], joins=before[1:])
    asked = _asked(before, row, [(None, key)])
    sql, columns = (asked[0].sql, asked[0].columns) if asked else (None, ())
    return Stage(sql, columns, lookup, with_row.sql("duckdb"))


def _asked(sources: list[exp.Expr], row: exp.Expr, asked: Sequence[tuple[str | None, exp.Expr]]) -> list[Stage]:
    """A stage of these expressions, over these sources; none where they refuse nothing."""
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


def _last_stage(select: exp.Select, outputs: list[str]) -> list[Stage]:
    """WHERE, then the outputs of the rows that it keeps."""
    having, group = select.args.get("having"), select.args.get("group")
    where = select.args.get("where")
    row, *written = select.expressions
    asked = Where(where.this if where else None)
    if having is not None or (asked.refusal is not None and group is not None):
        return []
    columns: list[str | None] = []
    items = [row.copy()]
    if asked.refusal is not None:
        items.append(exp.alias_(asked.refusal, _COLUMN.format(0)))
        columns.append(None)
    for name, output in zip(outputs, written, strict=True):
        item = _told(output.unalias(), asked.kept if asked.refusal is not None else None)
        if item is not None:
            items.append(exp.alias_(item, _COLUMN.format(len(columns))))
            columns.append(name)
    if not columns:
        return []
    sources = [_source(s) for s in (select.args["from_"], *(select.args.get("joins") or []))]
    built = exp.Select(expressions=items, from_=sources[0], joins=sources[1:])
    if asked.refusal is None and asked.kept is not None:
        built.set("where", exp.Where(this=asked.kept))
    if group is not None:
        built.set("group", exp.Group(expressions=[value(e) for e in group.expressions]))
    return [Stage(built.sql("duckdb"), tuple(columns))]


class Where:
    """A condition: `kept` says whether it holds, `refusal` (None: it never refuses) is told as `_told` does.

    The engine asks its parts in an order of its own. Where one that does not hold stands beside one that refuses, only
    the document alone shows which of them it asks first.
    """

    def __init__(self, condition: exp.Expr | None) -> None:
        self.kept = value(condition) if condition is not None else None
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
            exp.paren(value(part)) if r is None else exp.Or(this=exp.paren(value(part)), expression=_there(r))
            for part, r in zip(parts, reasons, strict=True)
        ]
        sure = exp.Case().when(exp.and_(*others), refused.copy()).else_(exp.Literal.string(_UNSURE))
        self.refusal = _caught(exp.Case().when(_there(refused), sure), None)


def _there(node: exp.Expr) -> exp.Expr:
    return exp.Not(this=exp.Is(this=exp.paren(node.copy()), expression=exp.null()))


def _told(node: exp.Expr, kept: exp.Expr | None) -> exp.Expr | None:
    """SQL for {r: the reason, v: the value}, NULL where a function of the engine's own refuses it; None where nothing
    can be refused. `kept`: for the rows alone of which this holds.
    """
    try:
        refused, given = reason(node), value(node)
    except Unforeseen:
        return None
    if refused is None and not any(isinstance(n, exp.Func | exp.Binary | exp.Unary | exp.Bracket) for n in node.walk()):
        return None
    told = _caught(refused, given)
    if kept is None:
        return told
    nothing = exp.Null()
    return exp.Case().when(kept.copy(), told).else_(_struct(nothing, nothing))


def _caught(refused: exp.Expr | None, given: exp.Expr | None) -> exp.Expr:
    """The engine's own refusals are caught with TRY, where it may stand."""
    struct = _struct(refused or exp.null(), given or exp.null())
    aside = (exp.Query, exp.Exists, exp.AggFunc)
    return struct if struct.find(*aside) else exp.Anonymous(this="try", expressions=[struct])


def _struct(refused: exp.Expr, given: exp.Expr) -> exp.Expr:
    told = exp.cast(refused.copy(), "text") if isinstance(refused, exp.Null) else refused.copy()
    pairs = (("r", told), ("v", given.copy()))
    return exp.Struct(expressions=[exp.PropertyEQ(this=exp.to_identifier(k), expression=v) for k, v in pairs])


def _source(node: exp.Expr) -> exp.Expr:
    """A source that refuses nothing."""
    return value(node)


# -- the answers


def read(stage: Stage, answer: pa.Table, found: Refusals, words: Callable[[str], str | None]) -> None:
    """Adds what the stage's query found. The first column that refuses any of a document's rows is its reason; `words`
    makes it of what a companion gave.
    """
    rows = answer.column(0).combine_chunks()
    for i, column in enumerate(stage.columns, 1):
        told = answer.column(i).combine_chunks()
        reasons = pc.struct_field(told, "r")
        for at in pc.indices_nonzero(pc.or_(told.is_null(), reasons.is_valid())).to_pylist():
            given = reasons[at].as_py()
            detail = words(given) if given is not None and given != _UNSURE else None
            found.add(rows[at].as_py(), Refusal(column, detail), sure=detail is not None)


__all__ = ["Refusal", "Refusals", "Stage", "read", "stages_of", "where_stages"]
