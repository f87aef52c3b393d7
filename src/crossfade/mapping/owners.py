"""Find how a row of the target leads back to the record that made it.

An *owner column* is an output that is an injective function of the root's key alone: a UUID of it, the key itself, or
a lossless cast of it. Columns with the same function in all tables of an entity are sufficient to find all rows of a
record, and the record of a row. If a table has none, the journal keeps a ledger of its rows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import sqlglot
from sqlglot import exp

from crossfade.model.batch import Column
from crossfade.model.owners import Owners
from crossfade.model.program import ROOT_TABLE, Branch, Feed, Narrow, Program
from crossfade.model.quoting import identifier
from crossfade.model.shape import Path, Shape
from crossfade.model.target import ColumnType, TargetColumn, TargetTable

_NUMBERS = frozenset({"int", "long"})
_FORMS = frozenset({"native", "ejson", "oid_uuid", "oid_text"})
_UUIDS = frozenset({"CF_UUID5", "CF_UUID_OF_MIXED"})
_FUNCTIONS = _UUIDS | {"CF_PART", "CF_NAME_NUMBER"}
_SAME_KIND = {"timestamptz": "date", "timestamp": "timestamp", "date": "day", "time": "time", "bytea": "binary"}
"""Kinds of columns that tell apart all keys of this kind, as they are."""
_STEPS = (exp.Paren, exp.Cast, exp.DPipe, exp.Concat, exp.Lower, exp.Hex, exp.LowerHex, exp.Add, exp.Sub)


@dataclass(frozen=True, slots=True)
class _Candidate:
    """An owner column of a branch, with its function written in the same way in every branch."""

    column: str
    function: str
    sql: str
    is_object_id: bool


def owners(program: Program, shapes: Mapping[str, Shape], tables: Mapping[str, TargetTable]) -> dict[str, Owners]:
    """Return, for each entity, how its rows lead back to its records."""
    feeding = Counter(table for feed in program.feeds.values() for table in {b.table for b in feed.branches})
    shared = {table for table, count in feeding.items() if count > 1}
    return {
        entity: _of_feed(feed, shapes[entity], tables, shared)
        for entity, feed in program.feeds.items()
        if feed.branches
    }


def without_owner(
    program: Program, shapes: Mapping[str, Shape], tables: Mapping[str, TargetTable]
) -> dict[str, list[str]]:
    """Return the tables whose rows only the ledger leads back, each with the entities that fill it: a row that another
    application inserts there leads to no record.
    """
    found: dict[str, list[str]] = {}
    for entity, own in sorted(owners(program, shapes, tables).items()):
        for table in own.ledger:
            found.setdefault(table, []).append(entity)
    return found


def _of_feed(feed: Feed, shape: Shape, tables: Mapping[str, TargetTable], shared: set[str]) -> Owners:
    fed = list(dict.fromkeys(b.table for b in feed.branches if b.table in tables))
    found = {
        table: {} if table in shared else _common([b for b in feed.branches if b.table == table], feed, shape, tables)
        for table in fed
    }
    votes = Counter(function for of_table in found.values() for function in of_table)
    if not votes:
        return Owners(feed.entity, {}, frozenset(fed))
    best = max(votes, key=lambda f: (votes[f], *_preferred(f, found, tables)))
    columns = {table: of_table[best].column for table, of_table in found.items() if best in of_table}
    branch = next(b for b in feed.branches if b.table in columns)
    one = found[branch.table][best]
    rest = f" FROM {ROOT_TABLE} AS {identifier(branch.alias)}"
    narrow = Narrow(branch.narrow.row, {one.column: one.sql}, rest, rest)
    return Owners(feed.entity, columns, frozenset(set(fed) - columns.keys()), narrow, one.is_object_id)


def _preferred(
    function: str, found: Mapping[str, Mapping[str, _Candidate]], tables: Mapping[str, TargetTable]
) -> tuple[bool, int, int, str]:
    """Return the sort key of a function among those that equally many tables have: whether the key can be read from it
    without a search, how many primary keys begin with it, how short it is.
    """
    columns = {table: of_table[function] for table, of_table in found.items() if function in of_table}
    keys = sum(tables[table].primary_key[:1] == (c.column,) for table, c in columns.items())
    return any(c.is_object_id for c in columns.values()), keys, -len(function), function


def _common(
    branches: Sequence[Branch], feed: Feed, shape: Shape, tables: Mapping[str, TargetTable]
) -> dict[str, _Candidate]:
    """Return, by function, an output that holds it in all branches of a table."""
    table = tables[branches[0].table]
    of_each = [{c.column: c for c in _candidates(b, feed, shape, table)} for b in branches]
    first, *others = of_each
    same = [
        c for name, c in first.items() if all(name in other and other[name].function == c.function for other in others)
    ]
    return {c.function: c for c in reversed(same)}


def _candidates(branch: Branch, feed: Feed, shape: Shape, table: TargetTable) -> Iterator[_Candidate]:
    key = key_place(shape)
    node = None if key is None else shape.node(key)
    if node is None or sum(s.count for s in node.types.values()) < shape.count:
        return  # nothing leads back to a record without a key
    columns = {c.name: c for c in feed.columns if c.path == key}
    of_key = {u.output for u in branch.uses if u.path == key and not u.looked_up}
    of_more = {u.output for u in branch.uses if u.path != key or u.looked_up}
    for name, sql in branch.narrow.outputs.items():
        column = table.column(name)
        if column is None or name not in of_key - of_more:
            continue
        function = _injective(sql, branch.alias, columns, node.kind, column)
        if function is not None:
            is_column = isinstance(function, exp.Column)
            is_object_id = is_column and (columns[function.name].form == "oid_uuid" or column.type.kind == "objectid")
            yield _Candidate(name, f"{function.sql('duckdb')} {_equality(column.type)}", sql, is_object_id)


def key_place(shape: Shape) -> Path | None:
    """Return the path of the whole key of a record; None if it has several parts, or none that a mapping can name."""
    return shape.key[0] if len(shape.key) == 1 else None


def _equality(kind: ColumnType) -> str:
    """Return the name of the equality of a type. Tables of an entity may hold the same value in columns of different
    types; values can be compared only within a type.
    """
    return kind.kind


def _injective(sql: str, alias: str, columns: Mapping[str, Column], key: str, column: TargetColumn) -> exp.Expr | None:
    """Return the function of the key (of this kind), with the same name for the root in every branch, or None if it is
    not one.
    """
    parsed: exp.Expr = sqlglot.parse_one(f"SELECT {sql}", read="duckdb").expressions[0].unalias()
    found = list(parsed.find_all(exp.Column))
    values = [c for c in found if c.name in columns and columns[c.name].form != "type"]
    if len(values) != 1 or any(c.table != alias or c.name not in columns for c in found):
        return None
    form = columns[values[0].name].form
    if form not in _FORMS or (key == "mixed" and form not in ("native", "ejson")):
        return None
    if not all(_keeps(node, key) for node in parsed.walk()) or not _exact(column.type, parsed, form, key):
        return None
    for one in found:
        one.set("table", exp.to_identifier("root"))
    return parsed


def _keeps(node: exp.Expr, key: str) -> bool:
    """Return whether this expression returns different values for different keys of this kind."""
    if isinstance(node, exp.Column | exp.Identifier | exp.Literal | exp.DataType | exp.DataTypeParam):
        return True
    if isinstance(node, exp.Lower):
        return isinstance(node.this, exp.Hex)
    if isinstance(node, exp.Cast):
        to = node.to.this
        is_number = key in _NUMBERS and to in (exp.DataType.Type.BIGINT, exp.DataType.Type.INT128)
        return is_number or to in (exp.DataType.Type.TEXT, exp.DataType.Type.VARCHAR)
    if isinstance(node, exp.Add | exp.Sub):
        return key in _NUMBERS and isinstance(node.expression, exp.Literal)
    return isinstance(node, _STEPS) or (isinstance(node, exp.Anonymous) and node.name.upper() in _FUNCTIONS)


def _exact(kind: ColumnType, parsed: exp.Expr, form: str, key: str) -> bool:
    """Return whether the type of the column distinguishes all values of the function."""
    makes_uuid = form == "oid_uuid" or (isinstance(parsed, exp.Anonymous) and parsed.name.upper() in _UUIDS)
    if kind.kind == "uuid":
        return makes_uuid or (isinstance(parsed, exp.Column) and key == "uuid")
    if kind.kind == "objectid":
        return isinstance(parsed, exp.Column) and form == "native" and key == "objectId"
    if kind.kind in ("int2", "int4", "int8"):
        return key in _NUMBERS and not makes_uuid
    if kind.kind in _SAME_KIND:
        return isinstance(parsed, exp.Column) and key == _SAME_KIND[kind.kind]
    return kind.kind in ("text", "string") and "citext" not in kind.sql.lower() and not makes_uuid


__all__ = ["Owners", "owners", "without_owner"]
