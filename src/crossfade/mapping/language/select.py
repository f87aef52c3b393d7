"""Compile a SELECT of a mapping file to a Branch.

A mapping is a function of one root document and of what it looks up. An operation across roots is refused: it would see
only the documents of a chunk, and the result would depend on where chunks end.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from sqlglot import exp

from crossfade.mapping.language.faulty import holds, may_use, other_faults
from crossfade.mapping.language.fields import ColumnSet, FieldRef
from crossfade.mapping.language.file_text import SelectExcerpt
from crossfade.mapping.language.forbidden import refusals
from crossfade.mapping.language.from_clause import FromCompiler, Sources, table_row
from crossfade.mapping.language.nested_select import nested_select
from crossfade.mapping.language.resolve import AlreadyReported, Wrong
from crossfade.mapping.language.rewrite import Rewriter
from crossfade.mapping.language.scope import Scope
from crossfade.model.program import ROOT_TABLE, ROW, Branch, Computed, Draft, Narrow, Presence
from crossfade.model.shape import ELEMENT, ENTRY, Path, Shape, format_path

T = TypeVar("T")

_OWN_NAMES = (ROW, "#unreadable")


class SelectCompiler:
    """Compiles one branch. `root_places` collects the columns of each root entity over all of its branches."""

    def __init__(self, shapes: Mapping[str, Shape], root_places: Mapping[str, ColumnSet]) -> None:
        self.shapes = shapes
        self.root_places = root_places
        self.rewriter = Rewriter(nested_select)
        self.faults: list[Wrong] = []
        self.mixed: list[str] = []
        self._refused: list[Wrong] = []
        self._failed: list[str] = []
        self._unclear: list[exp.Expr] = []
        """What has a fault, so that it is unclear what it uses."""

    def compile(self, node: exp.Select, table: str, file: str, number: int, written: SelectExcerpt) -> Branch | None:
        """Return the branch. If it has faults, they are added to `faults`, and it is a Draft; or None if nothing is
        known of its root.
        """
        self._refused = list(refusals(node))
        self.faults += self._refused
        scope = Scope()
        sources = self._from(node, scope)
        if sources is None:
            return None
        where = self._condition(node.args.get("where"), scope)
        having = self._condition(node.args.get("having"), scope)
        outputs = self._outputs(node, scope)
        row = exp.column(ROW, table=sources.alias, quoted=True)
        aliased = [exp.alias_(sql, name, quoted=True) for name, sql in outputs.items()]
        select = exp.Select(expressions=[row, *aliased], from_=sources.sql[0], joins=sources.sql[1:])
        if where is not None:
            select.set("where", exp.Where(this=where))
        if node.args.get("group"):
            self._reported(node, self._group, node, scope, select, sources)
        if having is not None:
            select.set("having", exp.Having(this=having))
        filtered = self._filtered(node, scope, sources)
        texts = dict(zip((item.alias_or_name for item in node.expressions), written.outputs, strict=False))
        straight, computed = ({}, None) if _reaches_further(select) else _apart(outputs, sources.alias)
        narrow = _narrow(select, outputs)
        branch = Branch(
            table=table,
            file=file,
            number=number,
            entity=sources.entity,
            alias=sources.alias,
            sql=narrow.sql(*outputs),
            outputs=tuple(outputs),
            narrow=narrow,
            lookups=tuple(lookup.finish() for lookup in sources.lookups),
            uses=self.rewriter.mentions.uses,
            one_row=sources.one_row,
            filtered=filtered,
            unnested=tuple(sources.unnested),
            present=tuple(sources.present),
            place=written.place,
            excerpts=texts,
            mixed=tuple(name for name in self.mixed if name in outputs),
            straight=straight,
            computed=computed,
        )
        if not self.faults or sources.row is None:
            return None if self.faults else branch
        uses = (*branch.uses, *may_use(self._unclear, scope, sources.row))
        is_grouped = bool(node.args.get("group")) == bool(select.args.get("group"))
        return Draft(**vars(replace(branch, uses=uses)), failed=tuple(self._failed), binds=is_grouped)

    def condition(self, text: exp.Expr, entity: str, alias: str) -> exp.Select:
        """Return a SELECT of the `#row`s of the documents for which a condition (a discard's `where`) holds."""
        row = self.rewriter.root = table_row(self.shapes[entity], alias, self.root_places[entity])
        for wrong in refusals(exp.Select(expressions=[text.copy()])):
            raise wrong
        where = self.rewriter.value(text, Scope({alias: row}))
        if where.kind not in ("bool", None):
            raise Wrong(text, f"{text.sql('duckdb')} is {where.kind}, not a condition")
        source = exp.to_table(ROOT_TABLE).as_(alias, quoted=True)
        return exp.Select().select(exp.column(ROW, table=alias, quoted=True)).from_(source).where(where.sql)

    # -- faults

    def _reported(self, node: exp.Expr, make: Callable[..., T], *arguments: object) -> T | None:
        """Return the result of `make` for the arguments, or None after recording its fault."""
        try:
            return make(*arguments)
        except AlreadyReported:
            return None
        except Wrong as wrong:
            self.faults.append(wrong)
        except RecursionError:
            self.faults.append(Wrong(node, "this is nested too deeply"))
        return None

    def _sound(self, node: exp.Expr, scope: Scope, make: Callable[..., T], *arguments: object) -> T | None:
        """Return the result of `make` for an output or a condition, or None after recording all faults of it."""
        before = len(self.faults)
        found = self._reported(node, make, *arguments)
        for wrong in self.faults[before : before + 1]:
            self.faults += other_faults(node, scope, wrong)
        return None if any(holds(node, wrong.node) for wrong in self._refused) else found

    def _from(self, node: exp.Select, scope: Scope) -> Sources | None:
        compiler = FromCompiler(self.shapes, self.root_places, self.rewriter)
        found = self._reported(node, compiler.compile, node, scope)
        self.faults += compiler.faults
        self._unclear += compiler.failed
        return found

    # -- the rest of the SELECT

    def _condition(self, clause: exp.Where | exp.Having | None, scope: Scope) -> exp.Expr | None:
        """Compile WHERE or HAVING part by part, so that the faults of all parts are reported."""
        if clause is None:
            return None
        parts = [self._sound(part, scope, self.rewriter.value, part, scope) for part in _parts(clause.this)]
        known = [part.sql for part in parts if part is not None]
        return exp.and_(*known) if known else None

    def _outputs(self, node: exp.Select, scope: Scope) -> dict[str, exp.Expr]:
        outputs: dict[str, exp.Expr] = {}
        for item in node.expressions:
            sql = self._sound(item, scope, self._output, item, outputs, scope)
            if sql is not None:
                outputs[item.alias_or_name] = sql
            else:
                self._failed.append(item.alias_or_name)
                self._unclear.append(item)
        self.rewriter.output = ""
        return outputs

    def _output(self, item: exp.Expr, outputs: Mapping[str, exp.Expr], scope: Scope) -> exp.Expr:
        name = item.alias_or_name
        self.rewriter.output = name
        if isinstance(item, exp.Star) or (isinstance(item, exp.Column) and isinstance(item.this, exp.Star)):
            raise Wrong(item, "* is not allowed: a mapping must name its columns", keyword="*")
        if not name:
            raise Wrong(item, "this output has no name", f"{item.sql('duckdb')} AS column_name")
        if name in outputs:
            raise Wrong(item, f"the column {name!r} is specified twice")
        if name in _OWN_NAMES:
            raise Wrong(item, f"a column cannot be called {name}: Crossfade has one of that name while it works")
        value = self.rewriter.value(item.unalias(), scope)
        if "mixed" in (value.kind, value.of):
            self.mixed.append(name)
        return value.sql

    def _group(self, node: exp.Select, scope: Scope, select: exp.Select, sources: Sources) -> None:
        """Add GROUP BY: the root's row, what the mapping groups by, and the root's columns (they depend on the row)."""
        if sources.row is None or any(wrong.node is node.args["group"] for wrong in self.faults):
            raise AlreadyReported(node, "the GROUP BY has a fault")
        expressions = node.args["group"].expressions
        self._require_root_key(node.args["group"], [self._root_path(e, scope, sources) for e in expressions], sources)
        own = {
            c.sql("duckdb"): c.copy()
            for projection in select.expressions
            for c in projection.find_all(exp.Column)
            if c.table == sources.alias and not _is_aggregated(c, select)
        }
        wanted = [self.rewriter.value(e, scope).sql for e in expressions]
        keys = {e.sql("duckdb"): e for e in [exp.column(ROW, table=sources.alias, quoted=True), *wanted]}
        select.set("group", exp.Group(expressions=list({**keys, **own}.values())))

    def _root_path(self, node: exp.Expr, scope: Scope, sources: Sources) -> Path | None:
        """Return the path of a field of the root; None if it is anything else."""
        place = self.rewriter.rewrite(node, scope)
        return place.path if isinstance(place, FieldRef) and place.row is sources.row else None

    def _require_root_key(self, group: exp.Expr, grouped: Sequence[Path | None], sources: Sources) -> None:
        key = self.shapes[sources.entity].key
        if not key:
            raise Wrong(group, f"{sources.entity} has no key to group by: only their position identifies its rows")
        if not set(key) <= set(grouped):
            parts = ", ".join(f"{sources.alias}.{format_path(path)}" for path in key)
            raise Wrong(group, "GROUP BY must contain the root's key", f"GROUP BY {parts}")

    def _filtered(self, node: exp.Select, scope: Scope, sources: Sources) -> str | None:
        """Return what leaves out rows, other than a test that a place exists."""
        parts = list(sources.leaves_out)
        where, having = node.args.get("where"), node.args.get("having")
        if where and not all(self._asks_presence(p, scope, sources) for p in _parts(where.this)):
            parts.append(f"WHERE {where.this.sql('duckdb')}")
        if having:
            parts.append(f"HAVING {having.this.sql('duckdb')}")
        return ", ".join(parts) or None

    def _asks_presence(self, node: exp.Expr, scope: Scope, sources: Sources) -> bool:
        """Return whether it is `x IS NOT NULL` of a place in the root or its elements that never holds null where it
        would leave out an element. Add what has no row without it to the sources.
        """
        if not (
            isinstance(node, exp.Not) and isinstance(node.this, exp.Is) and isinstance(node.this.expression, exp.Null)
        ):
            return False
        try:
            place = self.rewriter.rewrite(node.this.this, scope)
        except (Wrong, RecursionError):  # reported with the condition
            return True
        if not isinstance(place, FieldRef) or place.row.looked_up:
            return False
        if {ELEMENT, ENTRY} & {*place.full_path} and "null" in place.node.types:
            return False
        if place.row is not sources.row and place.path in ((), ("key",), ("value",))[: 3 if place.row.is_entry else 1]:
            sources.unnested.append(place.full_paths)  # an element itself is there, unless a LEFT JOIN found none
        elif not self._is_always_there(place, sources):
            sources.present.append(Presence(place.full_paths, place.row is sources.row))
        return True

    def _is_always_there(self, place: FieldRef, sources: Sources) -> bool:
        """Return whether every record has the place: it is the key, or a column without NULL (one that comes later is
        refused).
        """
        if place.row is not sources.row or len(place.path) != 1:
            return False
        is_column = not place.node.vocabulary.uuids_are_bytes and "null" not in place.node.types
        return is_column or place.path in self.shapes[sources.entity].key


def _parts(condition: exp.Expr) -> list[exp.Expr]:
    return list(condition.flatten()) if isinstance(condition, exp.And) else [condition]


def _is_aggregated(column: exp.Expr, select: exp.Select) -> bool:
    """Return whether an aggregate of the SELECT itself reads the column. One of a nested SELECT is another's."""
    found = column.find_ancestor(exp.AggFunc)
    while found is not None and found.parent_select is not select:
        found = found.find_ancestor(exp.AggFunc)
    return found is not None


def _reaches_further(select: exp.Select) -> bool:
    """Return whether the SELECT may make more or fewer than one row for each document."""
    return any(select.args.get(clause) for clause in ("joins", "where", "group", "having"))


def _apart(outputs: Mapping[str, exp.Expr], alias: str) -> tuple[dict[str, str], Computed | None]:
    """Divide the outputs into plain columns of the root, and the others."""
    straight = {n: sql.name for n, sql in outputs.items() if isinstance(sql, exp.Column) and sql.table == alias}
    others = {n: sql for n, sql in outputs.items() if n not in straight}
    if not others:
        return straight, None
    columns = dict.fromkeys(c.name for sql in others.values() for c in sql.find_all(exp.Column) if c.table == alias)
    return straight, Computed(alias, {n: sql.sql("duckdb") for n, sql in others.items()}, tuple(columns))


def _narrow(select: exp.Select, outputs: Mapping[str, exp.Expr]) -> Narrow:
    """Print each part of the SELECT once; a copy of the whole for each output would take quadratic time."""
    row, *others = select.expressions
    texts = {name: sql.sql("duckdb") for name, sql in zip(outputs, others, strict=True)}
    select.set("expressions", [row])
    begin = f"SELECT {row.sql('duckdb')}"
    rest = select.sql("duckdb").removeprefix(begin)
    select.set("where", None)
    select.set("having", None)
    return Narrow(row.sql("duckdb"), texts, rest, select.sql("duckdb").removeprefix(begin))


__all__ = ["SelectCompiler"]
