"""Converts SQLAlchemy MetaData into a TargetSchema, as from SQL or a live database, but without a server."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.schema import AddConstraint, CreateIndex, CreateSequence, CreateTable, SetColumnComment, SetTableComment

from crossfade.errors import Misused
from crossfade.model.dialects import dialect_of
from crossfade.model.quoting import identifier
from crossfade.model.target import ForeignKey, Step, TargetColumn, TargetSchema, TargetTable, Unique
from crossfade.schema.constraint_names import named
from crossfade.schema.digest import digest_of
from crossfade.schema.named_types import create_type_sql, named_types
from crossfade.schema.sqlalchemy_types import sqlalchemy_type
from crossfade.schema.tokens import tokens

_PUBLIC = "public"
_BLANKS = re.compile(r"[ \t]+\n")


def from_metadata(
    metadata: sa.MetaData,
    dialect: str,
    notes: Sequence[str] = (),
    *,
    extensions: Sequence[str] = (),
    default_schema: str = "",
) -> TargetSchema:
    """Convert MetaData. `dialect` is postgresql or sqlite. Unnamed constraints are named as PostgreSQL would.

    `default_schema` is the schema of PostgreSQL's tables that name none ("": public).

    Raises Misused for another dialect, and for a type that the dialect does not have.
    """
    speaks = _dialect(dialect)
    speaks.default_schema_name = default_schema or _PUBLIC
    own = named(metadata)
    tables = sorted(own.tables.values(), key=lambda t: called(t, speaks))
    try:
        pre = (*(_extension(e) for e in extensions), *_before(metadata, tables, speaks))
        post = (*_after(tables, speaks), *_listeners(metadata, speaks))
        targets = tuple(_target(t, speaks) for t in tables)
    except sa.exc.CompileError as error:
        raise Misused(
            f"the schema cannot be written for {dialect}: {error}", hint="use a type that the database has"
        ) from error
    return TargetSchema(
        dialect,
        targets,
        pre,
        post,
        lambda: metadata,
        digest_of(dialect, targets, pre, post),
        (*notes, *_left_out(metadata)),
    )


def load_metadata(spec: str, root: Path) -> sa.MetaData:
    """Import the MetaData (or the declarative base) that "module:attribute" names, from `root` first.

    Raises Misused if there is none.
    """
    module_name, _, attribute = spec.partition(":")
    sys.path.insert(0, str(root))
    try:
        found: Any = importlib.import_module(module_name)
        for part in attribute.split("."):
            found = getattr(found, part)
    except (ImportError, AttributeError) as error:
        module = module_name.removesuffix(".py").strip("./").replace("/", ".")
        hint = f"{module}:{attribute}" if module_name.endswith(".py") else "package.module:metadata"
        raise Misused(f"no MetaData at {spec!r}: {error}", hint=f'"{hint}"') from error
    finally:
        sys.path.remove(str(root))
    found = getattr(found, "metadata", found)
    if not isinstance(found, sa.MetaData):
        raise Misused(
            f"{spec!r} is a {type(found).__name__}, not a MetaData", hint="name a MetaData or a declarative base"
        )
    return found


def called(table: sa.Table, dialect: sa.Dialect) -> str:
    """Return the name of a table as mapping files have it."""
    has_schemas = dialect_of(dialect.name).has_schemas
    plain = table.schema is None or not has_schemas or table.schema == dialect.default_schema_name
    return table.name if plain else f"{table.schema}.{table.name}"


def _dialect(name: str) -> sa.Dialect:
    dialect_of(name)
    # With any other paramstyle the DDL compiler doubles percent signs in names, literals and comments.
    make: Any = sa.make_url(f"{name}://").get_dialect()
    speaks = make(paramstyle="named")
    speaks._backslash_escapes = False  # SQLAlchemy before 2.1 doubles backslashes until it has connected to a server
    dialect: sa.Dialect = speaks
    return dialect


# -- steps


def _extension(name: str) -> Step:
    quoted = name if name.replace("_", "").isalnum() else f'"{name}"'
    return Step(f"extension {quoted}", f"CREATE EXTENSION IF NOT EXISTS {quoted}")


def _before(metadata: sa.MetaData, tables: Sequence[sa.Table], dialect: sa.Dialect) -> Iterator[Step]:
    if dialect_of(dialect.name).has_types:
        prepared = dialect.identifier_preparer
        types = named_types(metadata, dialect)
        default = str(dialect.default_schema_name)
        schemas = {thing.schema or default for thing in (*tables, *types, *metadata._sequences.values())}
        for schema in sorted(schemas - {_PUBLIC}):
            name = prepared.quote(schema)
            yield Step(f"schema {name}", f"CREATE SCHEMA IF NOT EXISTS {name}")
        for kind in types:
            yield Step(f"type {_shown(kind, dialect)}", create_type_sql(kind, dialect))
        for sequence in sorted(metadata._sequences.values(), key=lambda s: s.name):
            yield Step(f"sequence {_shown(sequence, dialect)}", _text(CreateSequence(sequence), dialect))
    for (
        table
    ) in tables:  # in any order: SQLite, whose foreign keys are in CREATE TABLE, does not check that the parents exist
        yield Step(f"table {called(table, dialect)}", _create_sql(table, dialect))


def _shown(named_thing: Any, dialect: sa.Dialect) -> str:
    schema = getattr(named_thing, "schema", None)
    return named_thing.name if schema in (None, dialect.default_schema_name) else f"{schema}.{named_thing.name}"


def _create_sql(table: sa.Table, dialect: sa.Dialect) -> str:
    """Return the table without unique constraints, and in PostgreSQL without foreign keys: they follow the copy."""
    uniques = [c for c in table.constraints if isinstance(c, sa.UniqueConstraint)]
    table.constraints.difference_update(uniques)
    inside: list[sa.ForeignKeyConstraint] | None = [] if dialect_of(dialect.name).adds_constraints else None
    try:
        return _text(CreateTable(table, include_foreign_key_constraints=inside), dialect)
    finally:
        table.constraints.update(uniques)


def _after(tables: Sequence[sa.Table], dialect: sa.Dialect) -> Iterator[Step]:
    for table in tables:
        yield from (_unique_step(table, unique, dialect) for unique in _uniques(table))
    for table in tables:
        for index in sorted(table.indexes, key=lambda i: str(i.name)):
            schema = table.schema if table.schema != dialect.default_schema_name else None
            name = f"{schema}.{index.name}" if schema and dialect_of(dialect.name).has_schemas else f"{index.name}"
            yield Step(f"index {name}", _text(CreateIndex(index), dialect))
    if dialect_of(dialect.name).adds_constraints:
        yield from _foreign_key_steps(tables, dialect)
    if dialect_of(dialect.name).has_comments:
        yield from _comments(tables, dialect)


def _uniques(table: sa.Table) -> list[sa.UniqueConstraint]:
    return sorted((c for c in table.constraints if isinstance(c, sa.UniqueConstraint)), key=lambda c: str(c.name))


def _foreign_keys(table: sa.Table) -> list[sa.ForeignKeyConstraint]:
    return sorted(table.foreign_key_constraints, key=lambda c: str(c.name))


def _unique_step(table: sa.Table, unique: sa.UniqueConstraint, dialect: sa.Dialect) -> Step:
    """Create a unique index: SQLite cannot add a constraint to an existing table, and treats both alike."""
    if dialect_of(dialect.name).adds_constraints:
        sql = _text(AddConstraint(unique, isolate_from_table=False), dialect)
        return Step(f"unique {called(table, dialect)}.{unique.name}", sql)
    quote = dialect.identifier_preparer.quote
    columns = ", ".join(quote(c.name) for c in unique.columns)
    sql = f"CREATE UNIQUE INDEX {quote(str(unique.name))} ON {quote(table.name)} ({columns})"
    return Step(f"index {unique.name}", sql)


def _foreign_key_steps(tables: Sequence[sa.Table], dialect: sa.Dialect) -> Iterator[Step]:
    prepared = dialect.identifier_preparer
    keys = [(table, key) for table in tables for key in _foreign_keys(table)]
    for table, key in keys:
        sql = _text(AddConstraint(key, isolate_from_table=False), dialect)
        yield Step(f"foreign key {called(table, dialect)}.{key.name}", f"{sql} NOT VALID")
    for table, key in keys:
        sql = f"ALTER TABLE {prepared.format_table(table)} VALIDATE CONSTRAINT {prepared.quote(str(key.name))}"
        yield Step(f"validate {called(table, dialect)}.{key.name}", sql)


def _comments(tables: Sequence[sa.Table], dialect: sa.Dialect) -> Iterator[Step]:
    for table in tables:
        name = called(table, dialect)
        if table.comment:
            yield Step(f"comment on table {name}", _text(SetTableComment(table), dialect))
        for column in table.columns:
            if column.comment:
                yield Step(f"comment on table column {name}.{column.name}", _text(SetColumnComment(column), dialect))


def _listeners(metadata: sa.MetaData, dialect: sa.Dialect) -> Iterator[Step]:
    """Return the DDL that models run after a table is created: event.listen(table, "after_create", DDL(...))."""
    for table in sorted(metadata.tables.values(), key=lambda t: called(t, dialect)):
        for number, ddl in enumerate(_ddl_of(table.dispatch.after_create), 1):
            yield Step(f"ddl {number} of {called(table, dialect)}", _text(ddl.against(table), dialect))


def _ddl_of(listeners: Any) -> list[sa.DDL]:
    return [each for each in listeners if isinstance(each, sa.DDL)]


def _left_out(metadata: sa.MetaData) -> list[str]:
    events = [*_ddl_of(metadata.dispatch.after_create), *_ddl_of(metadata.dispatch.before_create)]
    events += [ddl for table in metadata.tables.values() for ddl in _ddl_of(table.dispatch.before_create)]
    return [f"not created in the target: DDL that runs with create_all: {ddl.statement}" for ddl in events]


def _text(element: Any, dialect: sa.Dialect) -> str:
    """Return the statement without SQLAlchemy's trailing spaces. Literals are unchanged."""
    sql = str(element.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))
    return "".join(_BLANKS.sub("\n", t.text) if t.kind == "space" else t.text for t in tokens(sql)).strip(" \t\n")


# -- tables


def _target(table: sa.Table, dialect: sa.Dialect) -> TargetTable:
    default = dialect.default_schema_name
    schema = table.schema or default if dialect_of(dialect.name).has_schemas else None
    return TargetTable(
        name=called(table, dialect),
        schema=schema,
        table=table.name,
        columns=tuple(_column(c, table, dialect) for c in table.columns),
        primary_key=tuple(c.name for c in table.primary_key.columns),
        uniques=tuple(sorted(_unique_tests(table, dialect), key=lambda u: u.name)),
        foreign_keys=tuple(
            ForeignKey(
                str(key.name),
                tuple(element.parent.name for element in key.elements),
                called(key.referred_table, dialect),
                tuple(element.column.name for element in key.elements),
                match_full=(key.match or "").upper() == "FULL",
            )
            for key in _foreign_keys(table)
        ),
    )


def _column(column: sa.Column[Any], table: sa.Table, dialect: sa.Dialect) -> TargetColumn:
    generated = column.computed is not None
    counts = column.identity is not None or column is table.autoincrement_column
    return TargetColumn(
        name=column.name,
        type=sqlalchemy_type(column.type, dialect),
        nullable=bool(column.nullable),
        has_default=not generated and (column.server_default is not None or counts),
        generated=generated,
    )


def _unique_tests(table: sa.Table, dialect: sa.Dialect) -> Iterator[Unique]:
    for unique in _uniques(table):
        distinct = not unique.dialect_options[dialect.name].get("nulls_not_distinct")
        yield Unique(str(unique.name), tuple(identifier(c.name) for c in unique.columns), None, distinct)
    for index in table.indexes:
        if index.unique:
            options = index.dialect_options[dialect.name]
            where = options.get("where")
            predicate = None if where is None else _expression(where, dialect)
            expressions = tuple(_expression(e, dialect) for e in index.expressions)
            yield Unique(str(index.name), expressions, predicate, not options.get("nulls_not_distinct"))


def _expression(expression: Any, dialect: sa.Dialect) -> str:
    while isinstance(expression, sa.UnaryExpression) and expression.modifier is not None:  # DESC, NULLS LAST
        expression = expression.element
    if isinstance(expression, sa.Column):
        return identifier(expression.name)
    if isinstance(expression, str):
        return expression
    compiled = dialect.ddl_compiler(dialect, None).sql_compiler  # type: ignore[arg-type]  # as CreateIndex has it
    return str(compiled.process(expression, include_table=False, literal_binds=True))
