"""Compile the FROM clause: the root entity, unnested arrays, and other entities that are looked up."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from sqlglot import exp

from crossfade.mapping.language.equality import equality_name
from crossfade.mapping.language.faulty import other_faults
from crossfade.mapping.language.fields import ColumnSet, FieldRef, Row
from crossfade.mapping.language.kinds import NUMBERS
from crossfade.mapping.language.resolve import AlreadyReported, Wrong
from crossfade.mapping.language.rewrite import Rewriter
from crossfade.mapping.language.scope import Scope, Typed, Unbound
from crossfade.model.look_alikes import instead
from crossfade.model.names import fold, nearest
from crossfade.model.program import DECIDES, ROOT_TABLE, WHOLE, Equality, Lookup, Presence
from crossfade.model.shape import ELEMENT, ENTRY, Path, Shape, format_path
from crossfade.model.type_stats import DISTINCT

_TABLE_PARTS = {"this", "db", "catalog", "alias"}
_BY_NAME = NUMBERS | {"decimal", "mixed"}
"""Kinds whose equal values may have different notations. They are compared by names (equality.py)."""


@dataclass
class _Lookup:
    """A lookup while its branch is being compiled: some of its columns are not known yet."""

    row: Row
    alias: str
    table: str
    path: Path = ()
    kind: str = ""
    keys: exp.Select | None = None
    of: str = ""
    of_path: Path | None = None
    further: list[Equality] = field(default_factory=list)

    def finish(self) -> Lookup:
        assert self.keys is not None
        columns, keys = self.row.places.columns(), self.keys.sql("duckdb")
        return Lookup(
            self.row.entity,
            self.alias,
            self.table,
            self.path,
            self.kind,
            keys,
            columns,
            self.of,
            self.of_path,
            tuple(self.further),
        )


@dataclass
class Sources:
    """The compiled FROM clause: its SQL, and how it affects the number of rows."""

    entity: str = ""
    alias: str = ""
    row: Row | None = None
    sql: list[exp.Expr] = field(default_factory=list)
    lookups: list[_Lookup] = field(default_factory=list)
    unnested: list[tuple[Path, ...]] = field(default_factory=list)
    """The paths of the elements of each unnested array of the root. An empty array makes no rows."""
    present: list[Presence] = field(default_factory=list)
    one_row: bool = True
    leaves_out: list[str] = field(default_factory=list)
    """The joins that may leave rows out, as SQL text."""


class FromCompiler:
    """Binds the aliases of a FROM in a scope. Faults are collected: an alias with a fault is bound to Unbound."""

    def __init__(self, shapes: Mapping[str, Shape], root_places: Mapping[str, ColumnSet], rewriter: Rewriter) -> None:
        self.shapes = shapes
        self.root_places = root_places
        self.rewriter = rewriter
        self.faults: list[Wrong] = []
        self.failed: list[exp.Expr] = []
        """What joins with faults join."""
        self.found = Sources()

    def compile(self, node: exp.Select, scope: Scope) -> Sources:
        source = node.args.get("from_")
        if source is None or not isinstance(source.this, exp.Table):
            raise Wrong(node, "the first table after FROM must be an entity of the source: it is the root")
        table = source.this
        alias = self.found.alias = table.alias or _entity_name(table)
        try:
            entity = self._entity(table, scope)
            self.found.entity = entity
            self.found.row = scope.names[alias] = table_row(self.shapes[entity], alias, self.root_places[entity])
            self.rewriter.root = self.found.row
        except Wrong as wrong:
            self._report(wrong, alias, scope)
        self.found.sql.append(exp.From(this=exp.to_table(ROOT_TABLE).as_(alias, quoted=True)))
        for join in [*(table.args.get("joins") or []), *(node.args.get("joins") or [])]:
            try:
                self._join(join, scope)
            except Wrong as wrong:
                parts = [part for part in (join.this, join.args.get("on")) if part is not None]
                others = [other for part in parts for other in other_faults(part, scope, wrong)]
                self._report(wrong, join.this.alias_or_name, scope)
                self.faults += others
                self.failed.append(join.this)
        return self.found

    def _report(self, wrong: Wrong, alias: str, scope: Scope) -> None:
        scope.names[alias] = Unbound()
        if not isinstance(wrong, AlreadyReported):
            self.faults.append(wrong)

    def _entity(self, table: exp.Table, scope: Scope) -> str:
        extra = [k for k, v in table.args.items() if v and k not in _TABLE_PARTS | {"joins"}]
        if extra or (table.args.get("alias") and table.args["alias"].columns):
            raise Wrong(table, f"{table.sql('duckdb')}: only the name of an entity and an alias are allowed here")
        if isinstance(table.this, exp.Func):
            raise Wrong(table, f"{table.sql('duckdb')} is not an entity of the source", nearest("", self.shapes))
        name = _entity_name(table)
        if name in self.shapes:
            return name
        first = table.parts[0].name if table.parts else ""
        if len(table.parts) > 1 and any(alias == first for alias, _ in scope):
            raise Wrong(table, f"{name} is not an entity but a field of {first!r}", f"unnest({name}) AS e(element)")
        said, hint = instead(name, self.shapes)
        same = [e for e in self.shapes if fold(e) == fold(name)]
        if same and not said:
            raise Wrong(table, f"the source has no entity {name!r}, but {same[0]!r}: names are case-sensitive", same[0])
        raise Wrong(table, f"the source has no entity {name!r}{said}", hint)

    def _join(self, join: exp.Join, scope: Scope) -> None:
        what = join.this
        if join.side in ("RIGHT", "FULL") or join.kind in ("SEMI", "ANTI") or join.method:
            kind = join.side or join.kind or join.method
            raise Wrong(join, f"{kind} JOIN is not allowed here", "LEFT JOIN or JOIN", keyword=kind)
        if isinstance(what, exp.Table) and not isinstance(what.this, exp.Func):
            return self._lookup(join, what, scope)
        array = what.this if isinstance(what, exp.Lateral) else what
        if not isinstance(array, exp.Unnest):
            raise Wrong(what, "only entities and unnest(...) are allowed after FROM", "use it in the SELECT list")
        _refuse_duplicate_alias(what, what.alias, scope)
        rebuilt, elements = unnest(self.rewriter, array, what, scope)
        self.found.one_row = False
        if join.side == "LEFT":
            self.rewriter.optional |= {what.alias, *(column.name for column in what.args["alias"].columns)}
        bases = bases_of(elements)
        reads = isinstance(elements, Row) or bool(elements.reads)
        if reads and join.side != "LEFT" and not isinstance(array.expressions[0], exp.Array):
            self.found.unnested.append(bases)
        on = join.args.get("on")
        condition = self.rewriter.value(on, scope).sql if on is not None else exp.true()
        if on is not None and on != exp.true():  # of a LEFT JOIN too: it keeps the record, not the element
            self.found.leaves_out.append(f"ON {on.sql('duckdb')}")
        self.found.sql.append(exp.Join(this=rebuilt, side=join.side or None, on=condition))
        return None

    # -- lookups

    def _lookup(self, join: exp.Join, table: exp.Table, scope: Scope) -> None:
        entity = self._entity(table, scope)
        alias = table.alias or entity
        _refuse_duplicate_alias(table, alias, scope)
        row = table_row(self.shapes[entity], alias, ColumnSet(), looked_up=True)
        lookup = _Lookup(row, alias, f"lookup{len(self.found.lookups)}")
        on = join.args.get("on")
        if on is None:
            hint = f"LEFT JOIN {entity} AS {alias} ON {self._key_of(entity, alias)} = ..."
            raise Wrong(join, f"the join with {entity} has no key", hint)
        scope.names[alias] = row
        conditions = list(on.flatten()) if isinstance(on, exp.And) else [on]
        parts: dict[int, exp.Expr] = {}
        for number in sorted(range(len(conditions)), key=lambda n: -_distinct_values(conditions[n], row, alias)):
            condition = conditions[number]
            sql = self._key(lookup, condition, scope) if lookup.keys is None else None
            if lookup.keys is not None and sql is None:
                self._narrow(lookup, condition, scope)
            parts[number] = sql if sql is not None else self.rewriter.value(condition, scope).sql
        if lookup.keys is None:
            raise Wrong(
                table,
                f"{entity} must be looked up by an equality with one of its fields",
                f"{self._key_of(entity, alias)} = ...",
            )
        self.found.lookups.append(lookup)
        if join.side != "LEFT":
            self.found.leaves_out.append(f"JOIN {table.sql('duckdb')} ON {on.sql('duckdb')}")
        source = exp.to_table(lookup.table).as_(alias, quoted=True)
        self.found.sql.append(
            exp.Join(this=source, side=join.side or None, on=exp.and_(*(parts[n] for n in sorted(parts))))
        )

    def _key_of(self, entity: str, alias: str) -> str:
        """The first part of an entity's key, for a hint."""
        key = self.shapes[entity].key
        return f"{alias}.{format_path(key[0])}" if key else f"{alias}.some_column"

    def _narrow(self, lookup: _Lookup, node: exp.Expr, scope: Scope) -> None:
        """Add a condition that is another equality: the fewer records are fetched."""
        with self.rewriter.mentions.apart(), suppress(Wrong):  # the condition itself is compiled after this
            for _, other, place in self._places(lookup, node.unnest(), scope):
                key = self._key_value(node, other, place.node.kind, scope)
                if "mixed" in (place.node.kind, key.kind):
                    continue
                keys = joined(exp.Select(), self.found.sql).select(key.sql.copy().as_("key")).distinct()
                lookup.further.append(Equality(place.full_path, key.kind or "", keys.sql("duckdb")))
                return

    def _places(self, lookup: _Lookup, node: exp.Expr, scope: Scope) -> Iterator[tuple[exp.Expr, exp.Expr, FieldRef]]:
        """Yield the sides of an equality that are a field of what is looked up, with the other side and the field."""
        sides = ((node.this, node.expression), (node.expression, node.this)) if isinstance(node, exp.EQ) else ()
        for own, other in sides:
            if _mentions(other, lookup.alias) or not _mentions(own, lookup.alias):
                continue
            place = self.rewriter.rewrite(own, scope)
            if isinstance(place, FieldRef) and place.row is lookup.row and not {ELEMENT, ENTRY} & {*place.full_path}:
                yield own, other, place

    def _key(self, lookup: _Lookup, node: exp.Expr, scope: Scope) -> exp.Expr | None:
        """Return the SQL of the condition if it determines which documents to fetch, else None."""
        node = node.unnest()
        for own, other, place in self._places(lookup, node, scope):
            key = self._key_value(node, other, place.node.kind, scope)
            lookup.path, lookup.kind = place.full_path, key.kind or ""
            lookup.of, lookup.of_path = self._origin(other, scope)
            lookup.keys = joined(exp.Select(), self.found.sql).select(key.sql.copy().as_("key")).distinct()
            kinds = {place.node.kind, key.kind}
            if kinds & _BY_NAME:
                several = "mixed" in kinds
                names = (equality_name(self.rewriter, n, scope, beside_several=several) for n in (own, other))
                return exp.EQ(this=next(names), expression=next(names))
            return exp.EQ(this=self.rewriter.value(own, scope).sql, expression=key.sql)
        return None

    def _origin(self, node: exp.Expr, scope: Scope) -> tuple[str, Path | None]:
        """Return the alias of the lookup (empty: of the root) and the place that hold the keys, if they are a field."""
        with self.rewriter.mentions.apart():
            found = self.rewriter.rewrite(node, scope)
        if not isinstance(found, FieldRef) or found.row.is_entry:
            return "", None
        if not found.row.looked_up:
            paths = {tuple(step for step in path if step != ELEMENT) for path in found.full_paths}
            path = paths.pop()
            return "", None if paths or ENTRY in path else path
        of = next((lookup.alias for lookup in self.found.lookups if lookup.row is found.row), None)
        return ("", None) if of is None else (of, found.full_path)

    def _key_value(self, node: exp.Expr, other: exp.Expr, kind: str, scope: Scope) -> Typed:
        """Return the value by which documents are fetched; of a place with several types, its Extended JSON."""
        found = self.rewriter.rewrite(other, scope)
        key = found if isinstance(found, Typed) else self.rewriter.native(other, found)
        kinds = {key.kind, kind}
        text = node.sql("duckdb")
        if kind in ("object", "array") or key.kind in ("list", "json"):
            raise Wrong(node, f"{text}: records can be looked up only by a scalar value", "unnest the array first")
        if key.kind is None:
            raise Wrong(other, f"{text} compares {kind} with a value of unknown type", "CAST(... AS ...) sets its type")
        if key.kind == "mixed" and not isinstance(found, FieldRef):
            raise Wrong(
                other, f"{text} uses an expression of several types as a key", "the field itself, or oid_of(...)"
            )
        known = kinds - {"null", "mixed"}
        if len(known) > 1 and not (known <= NUMBERS or known <= {"int", "long", "decimal"}):
            of_numbers = known <= NUMBERS | {"decimal"}
            why = "most numbers of the one are none of the other" if of_numbers else "they are never equal"
            reason = f"{text} compares {kind} with {key.kind}: {why}"
            raise Wrong(node, reason, "oid_of(...), as_int(...), as_string(...)")
        return key


def table_row(shape: Shape, alias: str, places: ColumnSet, *, looked_up: bool = False) -> Row:
    return Row(shape.entity, shape.root, ((),), places, lambda n: exp.column(n, table=alias, quoted=True), looked_up)


def unnest(rewriter: Rewriter, node: exp.Unnest, holder: exp.Expr, scope: Scope) -> tuple[exp.Unnest, Row | Typed]:
    """Return the SQL of an unnest and the row or value of an element. Bind its alias in the scope."""
    alias = holder.alias
    if not alias:
        raise Wrong(node, "unnest needs an alias", "unnest(c.items) AS i(item)", keyword="UNNEST")
    if len(node.expressions) != 1:
        raise Wrong(node, "unnest takes one array", keyword="UNNEST")
    names = [c.name for c in holder.args["alias"].columns]
    position = _position(node, names, alias)
    with rewriter.mentions.apart() as read:
        items = rewriter.listed(node.expressions[0], scope)
    rewriter.mentions.put(read, WHOLE if items.element else DECIDES)
    if items.kind not in ("list", None):
        raise Wrong(node, f"{node.expressions[0].sql('duckdb')} is {items.kind}, not an array")
    sql = exp.column(names[0], table=alias, quoted=True)
    element = items.element(sql) if items.element else Typed(sql, items.of, reads=tuple(read))
    columns: dict[str, Row | Typed] = {names[0]: element}
    if position is not None:
        columns[position] = Typed(exp.column(position, table=alias, quoted=True), "long")
    scope.names[alias] = dict(columns)
    table_alias = exp.TableAlias(
        this=exp.to_identifier(alias, quoted=True), columns=[exp.to_identifier(names[0], quoted=True)]
    )
    at = exp.to_identifier(position, quoted=True) if position is not None else False
    return exp.Unnest(expressions=[items.sql], alias=table_alias, offset=at), element


def bases_of(elements: Row | Typed) -> tuple[Path, ...]:
    """Return the paths of the elements of a list in the root, or of the values that the list is made of; none for what
    is looked up, of which the root holds nothing.
    """
    if isinstance(elements, Row):
        return () if elements.looked_up else elements.bases
    return tuple(dict.fromkeys(m.use.path for m in elements.reads if not m.use.looked_up))


def _position(node: exp.Unnest, names: list[str], alias: str) -> str | None:
    offset = node.args.get("offset")
    if not names:
        hint = f"unnest(...) AS {alias}(element)"
        if any(one.name.casefold() == "entries_of" for one in node.find_all(exp.Anonymous)):
            hint = f"unnest(...) AS {alias}(entry), and {alias}.entry.key, {alias}.entry.value"
        raise Wrong(node, "unnest needs a name for its elements", hint, keyword="UNNEST")
    if offset and not isinstance(offset, exp.Identifier):
        hint = f"WITH ORDINALITY AS {alias}({names[0]}, n)"
        raise Wrong(node, "WITH ORDINALITY needs a name for the position", hint, keyword="ORDINALITY")
    position = offset.name if offset else None
    if len(names) > 1:
        hint = f"unnest(...) WITH ORDINALITY AS {alias}({names[0]}, {names[1]})"
        raise Wrong(node, "without WITH ORDINALITY, unnest has one column", hint, keyword="UNNEST")
    if position is not None and fold(position) == fold(names[0]):
        raise Wrong(
            node, f"{names[0]!r} and {position!r} are the same name in SQL, which ignores case", keyword="UNNEST"
        )
    return position


def _refuse_duplicate_alias(what: exp.Expr, alias: str, scope: Scope) -> None:
    if alias and fold(alias) in {fold(n) for n, _ in scope}:
        raise Wrong(what, f"the alias {alias!r} is used twice (SQL ignores case)")


def _entity_name(table: exp.Table) -> str:
    return ".".join(p.name for p in table.parts)


def joined(select: exp.Select, sources: Iterable[exp.Expr]) -> exp.Select:
    first, *more = sources
    select.set("from_", first.copy())
    select.set("joins", [s.copy() for s in more])
    return select


def _distinct_values(condition: exp.Expr, row: Row, alias: str) -> int:
    """Return how many distinct values the survey found in the field of an equality: the more, the fewer records it
    fetches. 0 if it is no equality, or if they were not counted.
    """
    condition = condition.unnest()
    sides = (condition.this, condition.expression) if isinstance(condition, exp.EQ) else ()
    named = [side.name for side in sides if isinstance(side, exp.Column) and side.table == alias]
    node = row.node.by_engine.get(named[0]) if len(named) == 1 else None
    counts = [] if node is None else [stats for name, stats in node.types.items() if name != "null"]
    if not any(stats.distinct is not None for other in row.node.fields for stats in other.types.values()):
        return 0
    return sum(DISTINCT + 1 if stats.distinct is None else stats.distinct for stats in counts)


def _mentions(node: exp.Expr, alias: str) -> bool:
    return any(c.parts[0].name == alias for c in node.find_all(exp.Column))


__all__ = ["FromCompiler", "Sources", "bases_of", "joined", "table_row", "unnest"]
