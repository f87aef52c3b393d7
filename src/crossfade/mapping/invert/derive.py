"""Derive the inverse of everything that an entity feeds.

The owner table is the first that has a row for each record and holds its key. Tables with at most one row for each
record are joined to it, tables with rows of elements as lists. If several columns hold the same place, the one that
preserves it in full is used, preferably of the owner table.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from sqlglot import exp

from crossfade.mapping.invert.expressions import Inverter
from crossfade.mapping.invert.names import IsPosition, Lost, Names, Place
from crossfade.mapping.invert.selects import selects
from crossfade.mapping.invert.text import WORDS, ElementTable, Joined, PlacedColumn, inverse_sql, name_sql
from crossfade.model.inverse import ChosenPlace, Inverse, NoWayBack
from crossfade.model.inverse_names import output_name
from crossfade.model.program import DECIDES, WHOLE, Program
from crossfade.model.shape import Node, Path, Shape, format_path
from crossfade.model.target import TargetTable


@dataclass
class _FedTable:
    """A table that an entity feeds, with the inverse of each of its columns."""

    table: TargetTable
    alias: str
    names: Names
    select: exp.Select
    whole: frozenset[str]
    reads: Mapping[str, frozenset[Path]]
    has: Mapping[str, frozenset[Path]]
    """`reads` are the places of the root that each column is made of, `has` those whose values it holds at least in
    part.
    """
    back: dict[str, tuple[Place, str]] = field(default_factory=dict)
    lost: dict[str, Lost] = field(default_factory=dict)
    owner: tuple[tuple[str, str], ...] = ()
    """Its columns that are equal to columns of the owner table: pairs (own, of the owner table)."""

    @property
    def is_filtered(self) -> bool:
        return self.select.args.get("where") is not None

    @property
    def position(self) -> str | None:
        return next((column for column, lost in self.lost.items() if isinstance(lost, IsPosition)), None)


def derive(
    entity: str,
    mappings: Mapping[str, str],
    program: Program,
    shapes: Mapping[str, Shape],
    schema: Mapping[str, TargetTable],
    lost: Mapping[str, Collection[str]] | None = None,
) -> Inverse:
    """Return the inverse of an entity's mappings, which have been compiled to `program`. `lost` are columns, by table,
    that are not used to restore a place.
    """
    made = list(_made(entity, mappings, program, shapes, schema))
    for one in made:
        for column in (lost or {}).get(one.table.name, ()):
            one.back.pop(column, None)
    shape = shapes[entity]
    owner = _owner(made, shape)
    if owner is None:
        names = tuple(dict.fromkeys(one.table.name for one in made))
        return Inverse(entity, None, names, (), "no table has a row for each record, with an id made of its key")
    others = [one for one in made if one is not owner]
    for one in others:
        one.owner = _leads_to(one, owner, shape)
    placed: dict[Path, None] = {}
    columns = _columns(owner, placed)
    rows = [_joined(one, placed) for one in others if one.names.unnested is None]
    lists = [listed for one in others if one.names.unnested is not None for listed in _listed(one, placed)]
    tables = list(dict.fromkeys(one.table.name for one in [owner, *others]))
    files = ", ".join(program.files[table] for table in tables)
    head = f"Rebuilds {entity} from the target's rows. Derived by crossfade invert from {files}."
    sql = inverse_sql(head, (owner.table.name, owner.alias), columns, [one for one in rows if one.columns], lists)
    return Inverse(entity, sql, tuple(tables), tuple(_no_way_back(made, shape)), chosen=tuple(_chosen(made)))


# -- what the mappings make


def _made(
    entity: str,
    mappings: Mapping[str, str],
    program: Program,
    shapes: Mapping[str, Shape],
    tables: Mapping[str, TargetTable],
) -> Iterator[_FedTable]:
    aliases: set[str] = set()
    for branch in program.feeds[entity].branches:
        select = selects(mappings[branch.table])[branch.number]
        names = Names(select, shapes)
        uses = [use for use in branch.uses if not use.looked_up and use.output]
        whole = frozenset(use.output for use in uses if use.keeps == WHOLE)
        reads = {output: frozenset(u.path for u in uses if u.output == output) for output in branch.outputs}
        has = {o: frozenset(u.path for u in uses if u.output == o and u.keeps != DECIDES) for o in branch.outputs}
        one = _FedTable(tables[branch.table], _alias(branch.table, aliases), names, select, whole, reads, has)
        inverter = Inverter(names)
        for output in select.expressions:
            column = output.alias_or_name
            try:
                one.back[column] = inverter.back(output.unalias(), f"{one.alias}.{name_sql(column)}")
            except Lost as lost:
                one.lost[column] = lost
        yield one


def _owner(made: Sequence[_FedTable], shape: Shape) -> _FedTable | None:
    """Return the table that has a row for each record, preferably one that holds the key and that the others refer to.
    If none holds the key, records can be changed, but not created.
    """
    whole = [one for one in made if one.names.unnested is None and not one.names.is_deep and not one.is_filtered]
    able = [one for one in whole if set(shape.key) and set(shape.key) <= _read_by(one, shape)]
    return max(able, key=lambda one: (_tells_key(one, shape), _children(one, made)), default=None)


def _tells_key(one: _FedTable, shape: Shape) -> bool:
    return set(shape.key) <= {place.path for place, _ in one.back.values() if not place.of_element}


def _read_by(one: _FedTable, shape: Shape) -> set[Path]:
    """Return the parts of the key that columns made of the key alone read."""
    return {path for paths, _, _ in _key_columns(one, shape) for path in paths}


def _children(one: _FedTable, made: Sequence[_FedTable]) -> int:
    """Return how many of the tables refer to this one."""
    return sum(key.parent == one.table.name for other in made for key in other.table.foreign_keys)


def _key_columns(one: _FedTable, shape: Shape) -> Iterator[tuple[frozenset[Path], str, str]]:
    """Yield the columns that are made of the key of the root alone: the parts of it, the column, and the function."""
    for output in one.select.expressions:
        expression = output.unalias()
        read = [_place(column, one.names) for column in expression.find_all(exp.Column)]
        if read and all(place is not None and not place.of_element and place.path in shape.key for place in read):
            paths = frozenset(place.path for place in read if place is not None)
            yield paths, output.alias_or_name, _normalized(expression, one.names)


def _place(node: exp.Expr, names: Names) -> Place | None:
    try:
        return names.place(node)
    except Lost:
        return None


def _leads_to(one: _FedTable, owner: _FedTable, shape: Shape) -> tuple[tuple[str, str], ...]:
    """Return pairs of columns of both tables that hold the same function of the key."""
    of_owner = {text: column for _, column, text in _key_columns(owner, shape)}
    pairs: dict[frozenset[Path], tuple[str, str]] = {}
    for paths, column, text in _key_columns(one, shape):
        if text in of_owner:
            pairs.setdefault(paths, (column, of_owner[text]))
    return tuple(pairs.values()) if {path for paths in pairs for path in paths} >= set(shape.key) else ()


def _normalized(node: exp.Expr, names: Names) -> str:
    """Return an expression with the root under the same name in every mapping."""
    copy = node.copy()
    for column in copy.find_all(exp.Column):
        first = column.parts[0]
        if first.name == names.root:
            first.replace(exp.to_identifier("root"))
    return copy.sql("duckdb").lower()


# -- places


def _best(one: _FedTable) -> list[tuple[str, Place, str]]:
    """Return the columns that have an inverse, those that preserve the whole value first."""
    found = [(column, place, sql) for column, (place, sql) in one.back.items()]
    return sorted(found, key=lambda found: found[0] not in one.whole)


def _columns(one: _FedTable, placed: dict[Path, None]) -> list[PlacedColumn]:
    """Return the columns of a table that have an inverse, in order, each place once."""
    chosen: dict[str, PlacedColumn] = {}
    for column, place, sql in _best(one):
        if place.path not in placed and not place.of_element:
            placed[place.path] = None
            chosen[column] = PlacedColumn(place.steps, sql)
    return [chosen[column] for column in one.back if column in chosen]


def _joined(one: _FedTable, placed: dict[Path, None]) -> Joined:
    return Joined(one.table.name, one.alias, one.owner, _columns(one, placed), one.is_filtered)


def _listed(one: _FedTable, placed: dict[Path, None]) -> Iterator[ElementTable]:
    unnested = one.names.unnested
    if unnested is None or one.names.is_deep or unnested.array.path in placed:
        return
    chosen: dict[Path, tuple[str, PlacedColumn]] = {}
    for column, place, sql in _best(one):
        if place.of_element:
            chosen.setdefault(place.path, (column, PlacedColumn(place.steps, sql)))
    if chosen:
        placed[unnested.array.path] = None
        order = list(one.back)
        columns = [column for _, column in sorted(chosen.values(), key=lambda found: order.index(found[0]))]
        rows = Joined(one.table.name, one.alias, one.owner, columns)
        yield ElementTable(rows, unnested.array.steps, unnested.form == "entries", one.position, one.table.primary_key)


# -- what does not come back


def _no_way_back(made: Sequence[_FedTable], shape: Shape) -> Iterator[NoWayBack]:
    for one in made:
        for column, lost in one.lost.items():
            if not isinstance(lost, IsPosition):
                yield NoWayBack(one.table.name, column, lost.reason, _value_count(one, column, shape), lost.hint)
        owns = {own for own, _ in one.owner}
        for column in one.back:
            why = _of_elements(one, column, shape) if one.names.unnested is not None else None
            if why is not None:
                yield NoWayBack(one.table.name, column, why, _value_count(one, column, shape))
            elif (others := _no_ids(one, column)) and column not in owns:
                reason = "these values are not ObjectIds: the UUIDs of version 5 do not contain them"
                yield NoWayBack(one.table.name, column, reason, others)


def _chosen(made: Sequence[_FedTable]) -> Iterator[ChosenPlace]:
    for one in made:
        for column, (place, _) in one.back.items():
            others = one.has.get(column, frozenset()) - {place.path}
            if others and place.path in one.has[column]:
                yield ChosenPlace(
                    one.table.name, column, format_path(place.path), tuple(sorted(map(format_path, others)))
                )


def _value_count(one: _FedTable, column: str, shape: Shape) -> int | None:
    """Return how many values the survey saw at the places of a column; None if it is made of no place of the root."""
    nodes = [node for path in one.reads.get(column, ()) if (node := shape.node(path)) is not None]
    return max((_values(node) for node in nodes), default=None)


def _values(node: Node, without: Collection[str] = ("null",)) -> int:
    return sum(stats.count for name, stats in node.types.items() if name not in without)


def _no_ids(one: _FedTable, column: str) -> int:
    """Return how many values of a column its UUIDs do not contain."""
    place, sql = one.back[column]
    output = next(o.unalias() for o in one.select.expressions if o.alias_or_name == column)
    takes_text = any(isinstance(part, exp.Anonymous) and part.name.lower() == "oid_of" for part in output.walk())
    return _values(place.node, ("null", "objectId")) if "oid_in(" in sql and not takes_text else 0


def _of_elements(one: _FedTable, column: str, shape: Shape) -> str | None:
    """Return why a column of element rows has no inverse, although its function has one."""
    place = one.back[column][0]
    if one.names.is_deep and place.of_element:
        return "its rows are elements of elements: write their list in the inverse by hand"
    if place.of_element or place.path in shape.key:
        return None
    return f"every element has the record's own {output_name(place.steps)}"


def _alias(table: str, used: set[str]) -> str:
    """Return a short name of a table: the initials of its words."""
    initials = "".join(word[0] for word in table.rpartition(".")[2].lower().split("_") if word) or "t"
    base = initials if initials.isidentifier() and initials.isascii() else "t"
    name, number = base, 1
    while name in used or name in WORDS:
        number += 1
        name = f"{base}{number}"
    used.add(name)
    return name


__all__ = ["derive"]
