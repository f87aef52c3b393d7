"""Convert rows of the catalog to objects to create: the SQL of independent objects, from schemas to views."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from crossfade.model.quoting import literal
from crossfade.model.target import Step
from crossfade.stores.postgresql.catalog.order import (
    CHECK,
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
from crossfade.stores.postgresql.catalog.rare_objects import rare_objects
from crossfade.stores.postgresql.catalog.sequences import sequence_options
from crossfade.stores.postgresql.catalog.table_sql import check_later, table_steps

Rows = Callable[[str], list[Any]]

# OIDs of the catalogs themselves; the same in every PostgreSQL.
_PG_CLASS, _PG_TYPE, _PG_PROC, _PG_NAMESPACE, _PG_EXTENSION, _PG_COLLATION = 1259, 1247, 1255, 2615, 3079, 3456
_PG_CONSTRAINT = 2606


def objects(rows: Rows) -> list[Object]:
    """Return all independent objects. Objects of a table (indexes, foreign keys, triggers) are in later_steps."""
    return [
        *_schemas(rows),
        *_extensions(rows),
        *_collations(rows),
        *_types(rows),
        *_functions(rows),
        *_sequences(rows),
        *_tables(rows),
        *_views(rows),
        *rare_objects(rows),
    ]


def shown(name: str) -> str:
    """Return a printed name without the default schema, for ids of steps."""
    return name.removeprefix("public.")


def _schemas(rows: Rows) -> Iterator[Object]:
    for row in rows("schemas"):
        step = Step(f"schema {row.name}", f"CREATE SCHEMA IF NOT EXISTS {row.name}")
        yield Object((_PG_NAMESPACE, row.oid), SCHEMA, (step,))
    for row in rows("public_schema"):
        step = Step("comment on schema public", f"COMMENT ON SCHEMA public IS {literal(row.comment)}")
        yield Object((_PG_NAMESPACE, row.oid), SCHEMA, (step,))


def _extensions(rows: Rows) -> Iterator[Object]:
    for row in rows("extensions"):
        where = f" SCHEMA {row.schema}" if row.relocatable else ""
        steps = [Step(f"extension {row.name}", f"CREATE EXTENSION IF NOT EXISTS {row.name}{where}")]
        if row.comment is not None:
            comment = f"COMMENT ON EXTENSION {row.name} IS {literal(row.comment)}"
            steps.append(Step(f"comment on extension {row.name}", comment))
        yield Object((_PG_EXTENSION, row.oid), EXTENSION, tuple(steps))


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
        steps = [Step(f"type {shown(row.name)}", _type_sql(row))]
        for n, check in enumerate(row.open_checks, 1):
            steps.append(Step(f"check {n} of type {shown(row.name)}", f"ALTER DOMAIN {row.name} ADD {check}"))
        yield Object((_PG_TYPE, row.oid), TYPE, tuple(steps))


def _type_sql(row: Any) -> str:
    if row.kind == "e":
        return f"CREATE TYPE {row.name} AS ENUM ({', '.join(map(literal, row.labels))})"
    if row.kind == "c":
        return f"CREATE TYPE {row.name} AS ({', '.join(row.fields)})"
    if row.kind == "r":
        return f"CREATE TYPE {row.name} AS RANGE ({', '.join(_range_options(row))})"
    parts = [f"CREATE DOMAIN {row.name} AS {row.base}"]
    parts += [f"COLLATE {row.collation}"] if row.collation else []
    parts += [f"DEFAULT {row.default}"] if row.default is not None else []
    named = f"CONSTRAINT {row.not_null_name} " if row.not_null_name else ""
    parts += [f"{named}NOT NULL"] if row.not_null else []
    return " ".join([*parts, *row.checks])


def _range_options(row: Any) -> Iterator[str]:
    yield f"subtype = {row.subtype}"
    if row.multirange:
        yield f"multirange_type_name = {row.multirange}"
    for option, value in (
        ("subtype_opclass", row.operator_class),
        ("collation", row.range_collation),
        ("canonical", row.canonical),
        ("subtype_diff", row.difference),
    ):
        if value:
            yield f"{option} = {value}"


def _functions(rows: Rows) -> Iterator[Object]:
    for row in rows("functions"):
        word = {"p": "procedure", "a": "aggregate"}.get(row.kind, "function")
        sql = _aggregate_sql(row) if row.kind == "a" else row.sql.rstrip()
        yield Object((_PG_PROC, row.oid), FUNCTION, (Step(f"{word} {shown(row.name)}", sql),))


def _aggregate_sql(row: Any) -> str:
    """Return CREATE AGGREGATE, which PostgreSQL has no function to print."""
    options = [f"SFUNC = {row.transition}", f"STYPE = {row.state}"]
    options += [f"{word} = {value}" for word, value in _aggregate_options(row) if value]
    if row.sort_operator:
        schema, _, operator = row.sort_operator.partition("(")[0].rpartition(".")
        options.append(f"SORTOP = OPERATOR({schema}.{operator})" if schema else f"SORTOP = {operator}")
    options += ["FINALFUNC_EXTRA"] if row.final_extra else []
    options += ["MFINALFUNC_EXTRA"] if row.moving_final_extra else []
    options += ["HYPOTHETICAL"] if row.aggregate_kind == "h" else []
    options += {"s": ["PARALLEL = SAFE"], "r": ["PARALLEL = RESTRICTED"]}.get(row.parallel, [])
    return f"CREATE AGGREGATE {row.name} ({', '.join(options)})"


def _aggregate_options(row: Any) -> Iterator[tuple[str, Any]]:
    modes = {"s": "SHAREABLE", "w": "READ_WRITE", "r": "READ_ONLY"}
    usual = "w" if row.aggregate_kind in ("o", "h") else "r"
    yield "SSPACE", row.space
    yield "FINALFUNC", row.final
    yield "FINALFUNC_MODIFY", row.final and row.final_modify != usual and modes[row.final_modify]
    yield "COMBINEFUNC", row.combine
    yield "SERIALFUNC", row.serial
    yield "DESERIALFUNC", row.deserial
    yield "INITCOND", None if row.initial is None else literal(row.initial)
    yield "MSFUNC", row.moving
    yield "MINVFUNC", row.inverse
    yield "MSTYPE", row.moving and row.moving_state
    yield "MSSPACE", row.moving_space
    yield "MFINALFUNC", row.moving_final
    yield "MFINALFUNC_MODIFY", row.moving_final and row.moving_final_modify != usual and modes[row.moving_final_modify]
    yield "MINITCOND", None if row.moving_initial is None else literal(row.moving_initial)


def _sequences(rows: Rows) -> Iterator[Object]:
    for row in rows("sequences"):
        if row.held != "i":
            options = sequence_options(row)
            create = f"CREATE{' UNLOGGED' if row.unlogged else ''} SEQUENCE {row.name}"
            step = Step(f"sequence {shown(row.name)}", " ".join([create, *options]))
            yield Object((_PG_CLASS, row.oid), SEQUENCE, (step,))


def _tables(rows: Rows) -> Iterator[Object]:
    columns, constraints = defaultdict(list), defaultdict(list)
    for column in rows("columns"):
        columns[column.table].append(column)
    for constraint in rows("constraints"):
        constraints[constraint.table].append(constraint)
    identities = {(r.owner_table, r.owner_column): r for r in rows("sequences") if r.held == "i"}
    for row in rows("tables"):
        partition_of = {r.sql_name: r.oid for r in rows("tables")}.get(row.parents[0]) if row.is_partition else None
        parent = [c.name for c in columns[partition_of]] if partition_of else None
        create = table_steps(row, columns[row.oid], constraints[row.oid], identities, parent)
        settings = [step for c in columns[row.oid] for step in column_settings(row.sql_name, c)]
        yield Object((_PG_CLASS, row.oid), TABLE, (*create, *settings))
    depth = _depths(rows("tables"))
    for row in rows("tables"):
        for constraint in constraints[row.oid]:
            # After all tables: part of a later CREATE TABLE it would be valid. Those of children first: a parent's
            # gives its children one of its own name.
            if check := check_later(row, constraint):
                yield Object((_PG_CONSTRAINT, constraint.oid), CHECK, (check,), within=-depth(row.sql_name))


def _depths(tables: Sequence[Any]) -> Callable[[str], int]:
    """Return a function for how many generations of parents a table has."""
    parents = {row.sql_name: row.parents or () for row in tables}

    def depth(name: str) -> int:
        return 1 + max(map(depth, parents.get(name, ())), default=0)

    return depth


def column_settings(table: str, column: Any) -> Iterator[Step]:
    """Yield the steps for what is set for a column of `table` (its SQL name) beside its definition."""
    name = shown(table)
    for word, value in (
        ("storage", _STORAGE.get(column.storage)),
        ("compression", _COMPRESSION.get(column.compression)),
        ("statistics", column.statistics),
    ):
        if value:
            change = f"ALTER COLUMN {column.sql_name} SET {word.upper()} {value}"
            yield Step(f"{word} of {name}.{column.name}", f"ALTER TABLE ONLY {table} {change}")
    if column.options:
        change = f"ALTER COLUMN {column.sql_name} SET ({column.options})"
        yield Step(f"options of {name}.{column.name}", f"ALTER TABLE ONLY {table} {change}")


_STORAGE = {"p": "PLAIN", "e": "EXTERNAL", "x": "EXTENDED", "m": "MAIN"}
_COMPRESSION = {"p": "pglz", "l": "lz4"}


def _views(rows: Rows) -> Iterator[Object]:
    for row in rows("views"):
        word = "MATERIALIZED VIEW" if row.kind == "m" else "VIEW"
        options = f" WITH ({row.options})" if row.options else ""
        query = row.sql.strip().removesuffix(";") + (" WITH NO DATA" if row.kind == "m" else "")  # filled later
        using = f" USING {row.access_method}" if row.access_method else ""
        step = Step(f"{word.lower()} {shown(row.name)}", f"CREATE {word} {row.name}{using}{options} AS\n{query}")
        defaults = [
            Step(f"default {n} of view {shown(row.name)}", f"ALTER VIEW {row.name} ALTER COLUMN {default}")
            for n, default in enumerate(row.defaults, 1)
        ]
        yield Object((_PG_CLASS, row.oid), VIEW, (step, *defaults), late=True)
