"""One SELECT of a mapping file becomes a Branch.

A mapping is a function of one root document and of what it looks up. What would reach across roots is refused: a chunk would see
only its own part, and the result would depend on where chunks happen to end.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlglot import exp

from crossfade.mapping.program import ROOT_TABLE, ROW, Branch, Lookup
from crossfade.mapping.resolve import Wrong, nearest
from crossfade.mapping.rewrite import Rewriter
from crossfade.mapping.scope import Place, Places, Row, Scope, Typed
from crossfade.model.names import fold
from crossfade.model.shape import ELEMENT, Path, Shape

_NUMERIC = {"int", "long", "double"}


@dataclass
class _Lookup:
    """A lookup while its branch is still being compiled: its columns are not all known yet."""

    entity: str
    alias: str
    table: str
    places: Places
    path: Path = ()
    kind: str = ""
    keys: exp.Select | None = None

    def finish(self) -> Lookup:
        assert self.keys is not None
        keys = self.keys.sql("duckdb")
        return Lookup(self.entity, self.alias, self.table, self.path, self.kind, keys, self.places.columns())


class SelectCompiler:
    """Compiles one branch. `root_places` gathers the columns of its root entity over all branches that share it."""

    def __init__(self, shapes: Mapping[str, Shape], root_places: Mapping[str, Places]) -> None:
        self.shapes = shapes
        self.root_places = root_places
        self.rewriter = Rewriter(self._nested)
        self.lookups: list[_Lookup] = []
        self.one_row = True
        self.faults: list[Wrong] = []

    def compile(self, node: exp.Select, table: str, file: str, number: int) -> Branch:
        """The branch. Raises Wrong at the first fault of FROM; faults of single outputs are gathered in `faults`."""
        _refuse_across_roots(node)
        scope = Scope()
        entity, alias, sources = self._from(node, scope)
        body = self._body(node, scope, sources)
        outputs = self._outputs(node, scope)
        row = exp.column(ROW, table=alias, quoted=True)
        select = exp.Select(**body).select(row, *(_alias(sql, name) for name, sql in outputs.items()))
        if node.args.get("group"):
            select = self._group(node, scope, select, alias)
        return Branch(
            table=table,
            file=file,
            number=number,
            entity=entity,
            alias=alias,
            sql=select.sql("duckdb"),
            outputs=tuple(outputs),
            column_sql={n: _only(select, i + 1).sql("duckdb") for i, n in enumerate(outputs)},
            lookups=tuple(lookup.finish() for lookup in self.lookups),
            uses=tuple(dict.fromkeys(self.rewriter.uses)),
            one_row=self.one_row,
            filtered=self._filtered(node, scope),
        )

    def condition(self, text: exp.Expr, entity: str, alias: str) -> exp.Select:
        """SELECT of the `#row`s of an entity's documents for which a condition holds (a discard's `where`)."""
        scope = Scope({alias: self._root_row(entity, alias)})
        where = self.rewriter.value(text, scope).sql
        source = exp.to_table(ROOT_TABLE).as_(alias, quoted=True)
        return exp.Select().select(exp.column(ROW, table=alias, quoted=True)).from_(source).where(where)

    # -- FROM

    def _from(self, node: exp.Select, scope: Scope) -> tuple[str, str, list[exp.Expr]]:
        source = node.args.get("from_")
        if source is None or not isinstance(source.this, exp.Table):
            raise Wrong(node, "the first table after FROM must be an entity of the source: it is the root")
        entity = self._entity(source.this)
        alias = source.this.alias or entity
        scope.names[alias] = self._root_row(entity, alias)
        sources: list[exp.Expr] = [exp.From(this=exp.to_table(ROOT_TABLE).as_(alias, quoted=True))]
        for join in node.args.get("joins") or []:
            sources.append(self._join(join, scope, sources))
        return entity, alias, sources

    def _root_row(self, entity: str, alias: str) -> Row:
        return _table_row(self.shapes[entity], alias, self.root_places[entity])

    def _entity(self, table: exp.Table) -> str:
        name = ".".join(p.name for p in table.parts)
        if name in self.shapes:
            return name
        same = [e for e in self.shapes if fold(e) == fold(name)]
        if same:
            raise Wrong(table, f"the source has no {name!r}, but {same[0]!r}: names are case-sensitive", same[0])
        raise Wrong(table, f"the source has no entity {name!r}", nearest(name, self.shapes))

    def _join(self, join: exp.Join, scope: Scope, before: list[exp.Expr]) -> exp.Join:
        what = join.this
        if join.side in ("RIGHT", "FULL") or join.kind in ("SEMI", "ANTI") or join.method:
            raise Wrong(join, f"{join.side or join.kind or join.method} JOIN is not allowed here", "LEFT JOIN or JOIN")
        alias = what.alias
        if not alias and not isinstance(what, exp.Table):
            raise Wrong(what, "this needs an alias", "unnest(c.items) AS i(item)")
        if fold(alias or what.name) in {fold(n) for n, _ in scope}:
            raise Wrong(what, f"the alias {alias or what.name!r} is taken (SQL does not tell case)")
        lateral = what.this if isinstance(what, exp.Lateral) else what
        if isinstance(lateral, exp.Unnest):
            rebuilt = self._unnest(lateral, alias, what, scope)
        elif isinstance(what, exp.Table):
            return self._lookup(join, what, scope, before)
        else:
            raise Wrong(what, "only entities and unnest(...) may stand after FROM", "put it into the SELECT")
        self.one_row = False
        on = join.args.get("on")
        condition = self.rewriter.value(on, scope).sql if on is not None else exp.true()
        return exp.Join(this=rebuilt, side=join.side or None, on=condition)

    def _unnest(self, node: exp.Unnest, alias: str, holder: exp.Expr, scope: Scope) -> exp.Unnest:
        if len(node.expressions) != 1:
            raise Wrong(node, "unnest takes one array")
        names = [c.name for c in (holder.args.get("alias") or node.args["alias"]).columns]
        offset = node.args.get("offset")
        if not names:
            raise Wrong(node, "unnest needs a name for its elements", f"unnest(...) AS {alias}(element)")
        items = self.rewriter.listed(node.expressions[0], scope)
        sql = exp.column(names[0], table=alias, quoted=True)
        columns: dict[str, Row | Typed] = {names[0]: items.element(sql) if items.element else Typed(sql, items.of)}
        position = offset.name if isinstance(offset, exp.Identifier) else (names[1] if len(names) > 1 else None)
        if position is not None:
            columns[position] = Typed(exp.column(position, table=alias, quoted=True), "long")
        scope.names[alias] = dict(columns)
        table_alias = exp.TableAlias(
            this=exp.to_identifier(alias, quoted=True), columns=[exp.to_identifier(n, quoted=True) for n in names[:1]]
        )
        at = exp.to_identifier(position, quoted=True) if position is not None else False
        return exp.Unnest(expressions=[items.sql], alias=table_alias, offset=at)

    # -- lookups

    def _lookup(self, join: exp.Join, table: exp.Table, scope: Scope, before: list[exp.Expr]) -> exp.Join:
        entity = self._entity(table)
        alias = table.alias or entity
        lookup = _Lookup(entity, alias, f"lookup{len(self.lookups)}", Places())
        scope.names[alias] = _table_row(self.shapes[entity], alias, lookup.places)
        on = join.args.get("on")
        if on is None:
            raise Wrong(
                join, f"{entity} is looked up without a key", f"LEFT JOIN {entity} AS {alias} ON {alias}._id = ..."
            )
        for condition in on.flatten() if isinstance(on, exp.And) else [on]:
            if lookup.keys is None and isinstance(condition, exp.EQ):
                self._lookup_key(lookup, condition, scope, before)
        if lookup.keys is None:
            raise Wrong(on, f"{entity} must be looked up by an equality", f"{alias}._id = ...")
        self.lookups.append(lookup)
        source = exp.to_table(lookup.table).as_(alias, quoted=True)
        return exp.Join(this=source, side=join.side or None, on=self.rewriter.value(on, scope).sql)

    def _lookup_key(self, lookup: _Lookup, node: exp.EQ, scope: Scope, before: list[exp.Expr]) -> None:
        for own, other in ((node.this, node.expression), (node.expression, node.this)):
            if _mentions(other, lookup.alias) or not _mentions(own, lookup.alias):
                continue
            place = self.rewriter.rewrite(own, scope)
            if not isinstance(place, Place):
                continue
            key, held = self.rewriter.value(other, scope), place.node.kind
            if key.kind != held and not {key.kind, held} <= _NUMERIC and "null" not in (key.kind, held):
                text = f"{node.sql('duckdb')} compares {held} with {key.kind or 'a value of no known kind'}"
                raise Wrong(node, f"{text}: it would never be equal", "oid_of(...), as_int(...), as_string(...)")
            lookup.path, lookup.kind = place.full_path, key.kind or held
            lookup.keys = _joined(exp.Select(), before).select(key.sql.copy().as_("key")).distinct()

    # -- the rest of the SELECT

    def _body(self, node: exp.Select, scope: Scope, sources: list[exp.Expr]) -> dict[str, object]:
        body: dict[str, object] = {"from_": sources[0], "joins": sources[1:]}
        if node.args.get("where"):
            body["where"] = exp.Where(this=self.rewriter.value(node.args["where"].this, scope).sql)
        if node.args.get("having"):
            body["having"] = exp.Having(this=self.rewriter.value(node.args["having"].this, scope).sql)
        return body

    def _outputs(self, node: exp.Select, scope: Scope) -> dict[str, exp.Expr]:
        outputs: dict[str, exp.Expr] = {}
        for item in node.expressions:
            name = item.alias_or_name
            self.rewriter.output = name
            try:
                if isinstance(item, exp.Star) or (isinstance(item, exp.Column) and isinstance(item.this, exp.Star)):
                    raise Wrong(item, "* is not allowed: a mapping names what it carries")
                if not name:
                    raise Wrong(item, "this output has no name", f"{item.sql('duckdb')} AS column_name")
                if name in outputs:
                    raise Wrong(item, f"the column {name!r} is filled twice")
                outputs[name] = self.rewriter.value(item.unalias(), scope).sql
            except Wrong as wrong:
                self.faults.append(wrong)
        self.rewriter.output = ""
        return outputs

    def _group(self, node: exp.Select, scope: Scope, select: exp.Select, alias: str) -> exp.Select:
        """GROUP BY the root: its row, what the mapping groups by, and the root's columns (they depend on the row)."""
        wanted = [self.rewriter.value(e, scope).sql for e in node.args["group"].expressions]
        if not any(self._is_root_key(e, scope, alias) for e in node.args["group"].expressions):
            raise Wrong(node.args["group"], "GROUP BY must begin with the root's key", f"GROUP BY {alias}._id")
        own = {
            c.sql("duckdb"): c.copy()
            for projection in select.expressions
            for c in projection.find_all(exp.Column)
            if c.table == alias and c.find_ancestor(exp.AggFunc) is None
        }
        keys = {e.sql("duckdb"): e for e in [exp.column(ROW, table=alias, quoted=True), *wanted]}
        return select.group_by(*{**keys, **own}.values())

    def _is_root_key(self, node: exp.Expr, scope: Scope, alias: str) -> bool:
        place = self.rewriter.rewrite(node, scope)
        return isinstance(place, Place) and place.row is scope.names[alias] and place.path == ("_id",)

    def _filtered(self, node: exp.Select, scope: Scope) -> str | None:
        """The WHERE, where it leaves out more than places that are not there."""
        where = node.args.get("where")
        if where is None:
            return None
        parts = where.this.flatten() if isinstance(where.this, exp.And) else [where.this]
        if all(self._asks_presence(part, scope) for part in parts):
            return None
        return str(where.this.sql("duckdb"))

    def _asks_presence(self, node: exp.Expr, scope: Scope) -> bool:
        if not (
            isinstance(node, exp.Not) and isinstance(node.this, exp.Is) and isinstance(node.this.expression, exp.Null)
        ):
            return False
        place = self.rewriter.rewrite(node.this.this, scope)
        return isinstance(place, Place) and not (ELEMENT in place.full_path and "null" in place.node.types)

    # -- nested

    def _nested(self, node: exp.Expr, scope: Scope) -> exp.Expr:
        """A SELECT inside an expression: over arrays of what is in scope, not over entities."""
        select = node.this if isinstance(node, exp.Subquery) else node
        if not isinstance(select, exp.Select) or select.args.get("with_"):
            raise Wrong(node, "only a plain SELECT may stand here")
        inner = scope.inner()
        sources: list[exp.Expr] = []
        source = select.args.get("from_")
        for join in [source, *(select.args.get("joins") or [])] if source else []:
            if not isinstance(join.this, exp.Unnest):
                raise Wrong(
                    join, "a nested SELECT reads arrays (unnest), not entities", "look it up with LEFT JOIN ... ON"
                )
            unnest = self._unnest(join.this, join.this.alias, join.this, inner)
            sources.append(exp.From(this=unnest) if not sources else exp.Join(this=unnest, on=exp.true()))
        built = _joined(exp.Select(), sources)
        for key in ("expressions", "where", "group", "having", "order", "limit", "offset", "distinct"):
            value = select.args.get(key)
            if value:
                built.set(key, self._rebuilt(value, inner))
        return exp.Subquery(this=built)

    def _rebuilt(self, value: object, scope: Scope) -> object:
        if isinstance(value, list):
            return [self._rebuilt(v, scope) for v in value]
        assert isinstance(value, exp.Expr)
        if isinstance(
            value,
            exp.Where
            | exp.Having
            | exp.Group
            | exp.Order
            | exp.Limit
            | exp.Offset
            | exp.Distinct
            | exp.Ordered
            | exp.Alias,
        ):
            return value.__class__(
                **{
                    k: self._rebuilt(v, scope) if isinstance(v, exp.Expr | list) and k != "alias" else v
                    for k, v in value.args.items()
                }
            )
        return self.rewriter.value(value, scope).sql


def _table_row(shape: Shape, alias: str, places: Places) -> Row:
    return Row(shape.entity, shape.root, (), places, lambda name: exp.column(name, table=alias, quoted=True))


def _joined(select: exp.Select, sources: list[exp.Expr]) -> exp.Select:
    if sources:
        select.set("from_", sources[0].copy())
        select.set("joins", [s.copy() for s in sources[1:]])
    return select


def _alias(sql: exp.Expr, name: str) -> exp.Expr:
    return exp.alias_(sql, name, quoted=True)


def _only(select: exp.Select, index: int) -> exp.Select:
    copy = select.copy()
    copy.set("expressions", [copy.expressions[0], copy.expressions[index]])
    return copy


def _mentions(node: exp.Expr, alias: str) -> bool:
    return any(c.parts[0].name == alias for c in node.find_all(exp.Column))


def _refuse_across_roots(node: exp.Select) -> None:
    """What would depend on the chunk, with the reason."""
    why = "it would reach across the documents of a chunk, and depend on where chunks end"
    for key, text in (("distinct", "DISTINCT"), ("limit", "LIMIT"), ("offset", "OFFSET"), ("order", "ORDER BY"),
                      ("qualify", "QUALIFY"), ("with_", "WITH"), ("sample", "SAMPLE")):  # fmt: skip
        if node.args.get(key):
            hint = "list_distinct(...) for the elements of one document" if key == "distinct" else None
            raise Wrong(node.args[key], f"{text} is not allowed: {why}", hint)
    for window in node.find_all(exp.Window):
        raise Wrong(window, f"a window function is not allowed: {why}", "WITH ORDINALITY gives positions in an array")
    if not node.args.get("group"):
        for found in node.find_all(exp.AggFunc):
            if found.parent_select is node:
                raise Wrong(found, f"an aggregate over all roots is not allowed: {why}", "GROUP BY the root's _id")
