"""The statements of a schema in memory: a subset of PostgreSQL's, parsed by sqlglot.

    CREATE TABLE t (column type [NOT NULL] [PRIMARY KEY] [UNIQUE] [REFERENCES t (c)], PRIMARY KEY, UNIQUE, FOREIGN KEY)
    CREATE [UNIQUE] INDEX i ON t (columns)
    ALTER TABLE t ADD CONSTRAINT c UNIQUE (columns) | FOREIGN KEY (columns) REFERENCES t (columns)
    ALTER TABLE t DROP CONSTRAINT c         DROP TABLE | INDEX [IF EXISTS] name

Anything else is refused: a constraint that is not enforced would be worse than none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import sqlglot
from sqlglot import exp

from crossfade.model.quoting import identifier
from crossfade.model.target import ForeignKey, TargetColumn
from crossfade.schema.column_types import postgresql_type

_KNOWN = re.compile(
    r"\s*(?:CREATE\s+(?:TABLE|(?:UNIQUE\s+)?INDEX)|ALTER\s+TABLE|DROP\s+(?:TABLE|INDEX))\b", re.IGNORECASE
)


class UnknownStatement(Exception):
    """Why a statement is not one of these."""


@dataclass(frozen=True)
class CreateTable:
    table: str
    columns: tuple[TargetColumn, ...]
    primary_key: tuple[str, ...]


@dataclass(frozen=True)
class CreateIndex:
    """`constraint`: a unique constraint, which is added to its table."""

    name: str
    table: str
    columns: tuple[str, ...]
    unique: bool
    constraint: bool = False


@dataclass(frozen=True)
class AddForeignKey:
    table: str
    key: ForeignKey


@dataclass(frozen=True)
class Drop:
    """`kind` is table, index or constraint; `table` is the constraint's."""

    kind: str
    name: str
    table: str = ""
    if_exists: bool = False


Change = CreateTable | CreateIndex | AddForeignKey | Drop


def read(sql: str) -> list[Change]:
    """Return what the statement changes, in order. Raises UnknownStatement."""
    if not _KNOWN.match(sql):
        raise UnknownStatement(f"the memory store has no such statement: {sql.split('(')[0].strip()[:60]}")
    try:
        parsed = sqlglot.parse_one(sql, read="postgres")
    except sqlglot.errors.SqlglotError as error:
        raise UnknownStatement(str(error).partition("\n")[0].partition(". Line")[0]) from None
    match parsed:
        case exp.Create() if parsed.args.get("kind") == "TABLE" and isinstance(parsed.this, exp.Schema):
            return list(_table(parsed.this))
        case exp.Create() if parsed.args.get("kind") == "INDEX":
            return [_index(parsed)]
        case exp.Alter() if parsed.args.get("kind") == "TABLE":
            return [change for action in parsed.args["actions"] for change in _altered(parsed, action)]
        case exp.Drop() if parsed.args.get("kind") in ("TABLE", "INDEX"):
            return [Drop(parsed.args["kind"].lower(), _dropped(parsed), "", bool(parsed.args.get("exists")))]
    raise UnknownStatement(f"the memory store has no such statement: {sql.split('(')[0].strip()[:60]}")


def _table(schema: exp.Schema) -> Iterator[Change]:
    name, columns, key = schema.this.name, list[TargetColumn](), tuple[str, ...]()
    later: list[Change] = []
    for part in schema.expressions:
        if isinstance(part, exp.ColumnDef):
            column, own_key, own = _column(name, part)
            columns.append(column)
            key = key or own_key
            later += own
            continue
        called, constraint = _constraint(part)
        if isinstance(constraint, exp.PrimaryKey):
            key = _names(constraint.expressions)
        else:
            later.append(_added(name, called, constraint))
    columns = [_required(column) if column.name in key else column for column in columns]
    yield CreateTable(name, tuple(columns), key)
    yield from later


def _required(column: TargetColumn) -> TargetColumn:
    return TargetColumn(column.name, column.type, nullable=False, has_default=column.has_default)


def _column(table: str, part: exp.ColumnDef) -> tuple[TargetColumn, tuple[str, ...], list[Change]]:
    if part.args.get("kind") is None:
        raise UnknownStatement(f"the column {part.name} has no type")
    kind = postgresql_type(part.args["kind"].sql("postgres").lower())
    nullable, key, later = True, tuple[str, ...](), list[Change]()
    for one in part.args.get("constraints") or ():
        match one.kind:
            case exp.NotNullColumnConstraint():
                nullable = bool(one.kind.args.get("allow_null"))
            case exp.PrimaryKeyColumnConstraint():
                key = (part.name,)
            case exp.UniqueColumnConstraint():
                later.append(_unique(table, "", (part.name,)))
            case exp.Reference():
                later.append(_foreign_key(table, "", (part.name,), one.kind))
            case _:
                raise UnknownStatement(f"the memory store does not enforce {one.sql('postgres')}")
    return TargetColumn(part.name, kind, nullable=nullable), key, later


def _constraint(part: Any) -> tuple[str, Any]:
    """Return the name and the constraint itself."""
    if isinstance(part, exp.Constraint):
        return part.name, part.expressions[0]
    return "", part


def _added(table: str, name: str, constraint: Any) -> Change:
    match constraint:
        case exp.UniqueColumnConstraint():
            return _unique(table, name, _names(constraint.this.expressions))
        case exp.ForeignKey():
            return _foreign_key(table, name, _names(constraint.expressions), constraint.args["reference"])
    raise UnknownStatement(f"the memory store does not enforce {constraint.sql('postgres')}")


def _unique(table: str, name: str, columns: tuple[str, ...]) -> CreateIndex:
    return CreateIndex(name or "_".join([table, *columns, "key"]), table, columns, unique=True, constraint=True)


def _foreign_key(table: str, name: str, columns: tuple[str, ...], reference: exp.Reference) -> AddForeignKey:
    if reference.args.get("options"):
        raise UnknownStatement(f"the memory store does not {' '.join(map(str, reference.args['options']))}")
    parent, there = reference.this, tuple[str, ...]()
    if isinstance(parent, exp.Schema):
        parent, there = parent.this, _names(parent.expressions)
    return AddForeignKey(table, ForeignKey(name or "_".join([table, *columns, "fkey"]), columns, parent.name, there))


def _index(parsed: exp.Create) -> CreateIndex:
    index, given = parsed.this, parsed.this.args.get("params")
    if given is None or given.args.get("where") is not None:
        raise UnknownStatement("the memory store has no partial index")
    columns = [part.this if isinstance(part, exp.Ordered) else part for part in given.args.get("columns") or ()]
    if not all(isinstance(column, (exp.Column, exp.Identifier)) for column in columns):
        raise UnknownStatement("the memory store has no index of an expression")
    return CreateIndex(index.name, index.args["table"].name, _names(columns), unique=bool(parsed.args.get("unique")))


def _altered(parsed: exp.Alter, action: Any) -> Iterator[Change]:
    table = parsed.this.name
    match action:
        case exp.AddConstraint():
            for part in action.expressions:
                yield _added(table, *_constraint(part))
        case exp.Drop() if action.args.get("kind") == "CONSTRAINT":
            exists = bool(action.args.get("exists") or parsed.args.get("exists"))
            yield Drop("constraint", _dropped(action), table, exists)
        case _:
            raise UnknownStatement(f"the memory store has no such statement: {parsed.sql('postgres')[:60]}")


def _dropped(drop: exp.Drop) -> str:
    (name,) = drop.find_all(exp.Identifier)
    return name.name


def _names(parts: Sequence[Any]) -> tuple[str, ...]:
    return tuple(part.this.name if isinstance(part, exp.Ordered) else part.name for part in parts)


# Changes as text: the statements of the schema's steps.


def statement_of(change: Change) -> str:
    """Return the statement that makes this change."""
    match change:
        case CreateTable():
            columns = [f"{identifier(c.name)} {c.type.sql}{'' if c.nullable else ' NOT NULL'}" for c in change.columns]
            columns += [f"PRIMARY KEY ({_listed(change.primary_key)})"] if change.primary_key else []
            return f"CREATE TABLE {identifier(change.table)} ({', '.join(columns)})"
        case CreateIndex() if change.constraint:
            return f"{_adding(change.table, change.name)} UNIQUE ({_listed(change.columns)})"
        case CreateIndex():
            kind = "UNIQUE INDEX" if change.unique else "INDEX"
            return f"CREATE {kind} {identifier(change.name)} ON {identifier(change.table)} ({_listed(change.columns)})"
        case AddForeignKey():
            key, there = change.key, f" ({_listed(change.key.parent_columns)})" if change.key.parent_columns else ""
            own = f"FOREIGN KEY ({_listed(key.columns)}) REFERENCES {identifier(key.parent)}{there}"
            return f"{_adding(change.table, key.name)} {own}"
    raise ValueError(change)


def _adding(table: str, name: str) -> str:
    return f"ALTER TABLE {identifier(table)} ADD CONSTRAINT {identifier(name)}"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(map(identifier, names))
