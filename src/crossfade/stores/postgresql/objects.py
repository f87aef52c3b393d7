"""Rows of the catalogue as objects to make: the SQL of what stands by itself, from schemas to views."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

from crossfade.model.target import Step
from crossfade.schema.tokens import literal
from crossfade.stores.postgresql.arrange import (
    COLLATION,
    EXTENSION,
    FUNCTION,
    SCHEMA,
    SEQUENCE,
    TABLE,
    TYPE,
    VIEW,
    Object,
)
from crossfade.stores.postgresql.sequences import sequence_options
from crossfade.stores.postgresql.table_sql import create_table

Rows = Callable[[str], list[Any]]

# Oids of the catalogues themselves; the same in every PostgreSQL.
_PG_CLASS, _PG_TYPE, _PG_PROC, _PG_NAMESPACE, _PG_EXTENSION, _PG_COLLATION = 1259, 1247, 1255, 2615, 3079, 3456


def objects(rows: Rows) -> list[Object]:
    """Everything that stands by itself. What hangs on a table (indexes, foreign keys, triggers) is in later_steps."""
    return [
        *_schemas(rows),
        *_extensions(rows),
        *_collations(rows),
        *_types(rows),
        *_functions(rows),
        *_sequences(rows),
        *_tables(rows),
        *_views(rows),
    ]


def shown(name: str) -> str:
    """A printed name without the default schema: for ids of steps."""
    return name.removeprefix("public.")


def _schemas(rows: Rows) -> Iterator[Object]:
    for row in rows("schemas"):
        step = Step(f"schema {row.name}", f"CREATE SCHEMA IF NOT EXISTS {row.name}")
        yield Object((_PG_NAMESPACE, row.oid), SCHEMA, (step,))


def _extensions(rows: Rows) -> Iterator[Object]:
    for row in rows("extensions"):
        where = f" SCHEMA {row.schema}" if row.relocatable else ""
        step = Step(f"extension {row.name}", f"CREATE EXTENSION IF NOT EXISTS {row.name}{where}")
        yield Object((_PG_EXTENSION, row.oid), EXTENSION, (step,))


def _collations(rows: Rows) -> Iterator[Object]:
    for row in rows("collations"):
        step = Step(f"collation {shown(row.name)}", f"CREATE COLLATION {row.name} ({', '.join(_locale(row))})")
        yield Object((_PG_COLLATION, row.oid), COLLATION, (step,))


def _locale(row: Any) -> Iterator[str]:
    yield f"provider = {_PROVIDER[row.provider]}"
    if row.provider == "c":
        yield f"lc_collate = {literal(row.collate)}"
        yield f"lc_ctype = {literal(row.ctype)}"
    else:
        yield f"locale = {literal(row.locale)}"
    if not row.deterministic:
        yield "deterministic = false"
    if row.rules is not None:
        yield f"rules = {literal(row.rules)}"


_PROVIDER = {"b": "builtin", "c": "libc", "i": "icu"}


def _types(rows: Rows) -> Iterator[Object]:
    for row in rows("types"):
        step = Step(f"type {shown(row.name)}", _type_sql(row))
        yield Object((_PG_TYPE, row.oid), TYPE, (step,))


def _type_sql(row: Any) -> str:
    if row.kind == "e":
        return f"CREATE TYPE {row.name} AS ENUM ({', '.join(map(literal, row.labels))})"
    if row.kind == "c":
        return f"CREATE TYPE {row.name} AS ({', '.join(row.fields)})"
    if row.kind == "r":
        return f"CREATE TYPE {row.name} AS RANGE (subtype = {row.subtype})"
    parts = [f"CREATE DOMAIN {row.name} AS {row.base}"]
    parts += [f"COLLATE {row.collation}"] if row.collation else []
    parts += [f"DEFAULT {row.default}"] if row.default is not None else []
    parts += ["NOT NULL"] if row.not_null else []
    return " ".join([*parts, *row.checks])


def _functions(rows: Rows) -> Iterator[Object]:
    for row in rows("functions"):
        word = {"p": "procedure", "a": "aggregate"}.get(row.kind, "function")
        sql = _aggregate_sql(row) if row.kind == "a" else row.sql.rstrip()
        yield Object((_PG_PROC, row.oid), FUNCTION, (Step(f"{word} {shown(row.name)}", sql),))


def _aggregate_sql(row: Any) -> str:
    """CREATE AGGREGATE, for which PostgreSQL has no function of its own."""
    options = [f"SFUNC = {row.transition}", f"STYPE = {row.state}"]
    options += [f"FINALFUNC = {row.final}"] if row.final else []
    options += [f"COMBINEFUNC = {row.combine}"] if row.combine else []
    options += [f"INITCOND = {literal(row.initial)}"] if row.initial is not None else []
    if row.sort_operator:
        schema, _, operator = row.sort_operator.partition("(")[0].rpartition(".")
        options.append(f"SORTOP = OPERATOR({schema}.{operator})" if schema else f"SORTOP = {operator}")
    options += ["HYPOTHETICAL"] if row.aggregate_kind == "h" else []
    options += {"s": ["PARALLEL = SAFE"], "r": ["PARALLEL = RESTRICTED"]}.get(row.parallel, [])
    return f"CREATE AGGREGATE {row.name} ({', '.join(options)})"


def _sequences(rows: Rows) -> Iterator[Object]:
    for row in rows("sequences"):
        if row.held != "i":
            options = sequence_options(row)
            step = Step(f"sequence {shown(row.name)}", " ".join([f"CREATE SEQUENCE {row.name}", *options]))
            yield Object((_PG_CLASS, row.oid), SEQUENCE, (step,))


def _tables(rows: Rows) -> Iterator[Object]:
    columns, constraints = defaultdict(list), defaultdict(list)
    for column in rows("columns"):
        columns[column.table].append(column)
    for constraint in rows("constraints"):
        constraints[constraint.table].append(constraint)
    identities = {(r.owner_table, r.owner_column): r for r in rows("sequences") if r.held == "i"}
    for row in rows("tables"):
        name = shown(row.sql_name)
        create = Step(f"table {name}", create_table(row, columns[row.oid], constraints[row.oid], identities))
        settings = [
            Step(
                f"{word} of {name}.{c.name}",
                f"ALTER TABLE {row.sql_name} ALTER COLUMN {c.sql_name} SET {word.upper()} {value}",
            )
            for c in columns[row.oid]
            for word, value in (("storage", _STORAGE.get(c.storage)), ("compression", _COMPRESSION.get(c.compression)))
            if value
        ]
        yield Object((_PG_CLASS, row.oid), TABLE, (create, *settings))


_STORAGE = {"p": "PLAIN", "e": "EXTERNAL", "x": "EXTENDED", "m": "MAIN"}
_COMPRESSION = {"p": "pglz", "l": "lz4"}


def _views(rows: Rows) -> Iterator[Object]:
    for row in rows("views"):
        word = "MATERIALIZED VIEW" if row.kind == "m" else "VIEW"
        options = f" WITH ({row.options})" if row.options else ""
        query = row.sql.strip().removesuffix(";")
        step = Step(f"{word.lower()} {shown(row.name)}", f"CREATE {word} {row.name}{options} AS\n{query}")
        yield Object((_PG_CLASS, row.oid), VIEW, (step,), late=True)
