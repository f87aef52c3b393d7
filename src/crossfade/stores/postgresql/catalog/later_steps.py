"""The steps after the copy: uniques, indexes, foreign keys in two steps, views, rules, triggers, comments."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from crossfade.model.quoting import identifier, literal
from crossfade.model.target import Step
from crossfade.stores.postgresql.catalog.objects import column_settings, shown
from crossfade.stores.postgresql.catalog.table_sql import constraint_sql

Rows = Callable[[str], list[Any]]

PARTITIONED_NOT_VALID = 180000
"""Since this version a foreign key of a partitioned table can be added NOT VALID."""


def later_steps(rows: Rows, early: Sequence[Step], late: Sequence[Step], version: int) -> Iterator[Step]:
    """Yield the steps in the order in which they can run. `late`: views, and objects that need them; `early`: what is
    made before the copy.
    """
    tables = {row.oid: row for row in rows("tables")}
    views = {row.oid: row.name for row in rows("views")}
    of_tables = sorted(rows("indexes"), key=lambda i: (i.schema, i.name))
    yield from _constraints(rows, tables, "u")
    yield from (_index(i) for i in of_tables if i.table_kind != "m" and not i.is_constraint and not i.is_attached)
    yield from _constraints(rows, tables, "x")
    yield from _foreign_keys(rows, tables, version)
    yield from _statistics(row for row in rows("statistics") if not row.of_view)
    yield from late
    yield from _statistics(row for row in rows("statistics") if row.of_view)
    yield from (_index(i) for i in of_tables if i.table_kind == "m")
    yield from (step for column in rows("other_columns") for step in column_settings(column.table, column))
    yield from _data(rows, (*early, *late))
    yield from _rules(rows)
    yield from _triggers(rows)
    yield from _ownerships(rows)
    yield from _physical(of_tables, {oid: row.sql_name for oid, row in tables.items()} | views)
    yield from _replica_identities(tables)
    yield from (Step(f"policy {row.name} of {shown(row.table)}", row.sql) for row in rows("policies"))
    yield from _row_security(tables)
    comments = [row for row in rows("comments") if row.type in COMMENTED]
    yield from (_comment(row) for row in comments if row.type != "event trigger")
    yield from _event_triggers(rows)  # last, because they may fire at any later step
    yield from (_comment(row) for row in comments if row.type == "event trigger")


def _constraints(rows: Rows, tables: dict[int, Any], kind: str) -> Iterator[Step]:
    word = {"u": "unique", "x": "exclusion"}[kind]
    for row in _in_order(rows, tables, kind):
        table = tables[row.table].sql_name
        yield Step(
            f"{word} {shown(table)}.{row.name}",
            f"ALTER TABLE {table} ADD CONSTRAINT {row.sql_name} {constraint_sql(row)}",
        )


def _in_order(rows: Rows, tables: dict[int, Any], kind: str) -> list[Any]:
    return sorted((r for r in rows("constraints") if r.kind == kind), key=lambda r: (tables[r.table].sql_name, r.name))


def _index(row: Any) -> Step:
    """Return the step without the ONLY that pg_get_indexdef prints for a partitioned table, to include partitions."""
    start = f"CREATE {'UNIQUE ' if row.is_unique else ''}INDEX {row.sql_name} ON "
    sql = row.sql
    if sql.startswith(start + "ONLY "):
        sql = start + sql.removeprefix(start + "ONLY ")
    name = row.name if row.schema == "public" else f"{row.schema}.{row.name}"
    return Step(f"index {name}", sql)


def _foreign_keys(rows: Rows, tables: dict[int, Any], version: int) -> Iterator[Step]:
    found = _in_order(rows, tables, "f")
    for row in found:
        table = tables[row.table].sql_name
        later = " NOT VALID" if not row.validated or _may_wait(row, tables, version) else ""
        yield Step(
            f"foreign key {shown(table)}.{row.name}",
            f"ALTER TABLE {table} ADD CONSTRAINT {row.sql_name} {row.sql}{later}",
        )
    for row in found:
        if row.validated and _may_wait(row, tables, version):
            table = tables[row.table].sql_name
            yield Step(f"validate {shown(table)}.{row.name}", f"ALTER TABLE {table} VALIDATE CONSTRAINT {row.sql_name}")


def _may_wait(row: Any, tables: dict[int, Any], version: int) -> bool:
    return bool(row.enforced) and (tables[row.table].kind != "p" or version >= PARTITIONED_NOT_VALID)


def _statistics(found: Iterable[Any]) -> Iterator[Step]:
    for row in found:
        yield Step(f"statistics {shown(row.name)}", row.sql)
        if row.target:
            change = f"ALTER STATISTICS {row.name} SET STATISTICS {row.target}"
            yield Step(f"target of statistics {shown(row.name)}", change)


def _data(rows: Rows, made: Sequence[Step]) -> Iterator[Step]:
    """Fill materialized views in the order in which they are made: one may read another.

    A step of its own, because the query may fail for what the rows are: then there is the view at least, with all that
    needs it.
    """
    views = {f"materialized view {shown(v.name)}": v.name for v in rows("views") if v.kind == "m" and v.populated}
    for step in made:
        if step.id in views:
            yield Step(f"data of {step.id}", f"REFRESH MATERIALIZED VIEW {views[step.id]}")


def _rules(rows: Rows) -> Iterator[Step]:
    for row in rows("rules"):
        name = f"{row.name} of {shown(row.table)}"
        yield Step(f"rule {name}", row.sql.rstrip(";"))
        if row.enabled in _MODES:
            yield Step(f"rule mode {name}", f"ALTER TABLE {row.table} {_MODES[row.enabled]} RULE {row.sql_name}")


def _row_security(tables: dict[int, Any]) -> Iterator[Step]:
    for row in tables.values():
        for there, word in ((row.row_security, "ENABLE"), (row.forced_row_security, "FORCE")):
            if there:
                name = f"{word.lower()} row security of {shown(row.sql_name)}"
                yield Step(name, f"ALTER TABLE {row.sql_name} {word} ROW LEVEL SECURITY")


def _event_triggers(rows: Rows) -> Iterator[Step]:
    for row in rows("event_triggers"):
        yield Step(f"event trigger {row.name}", row.sql)
        if row.enabled in _MODES:
            yield Step(f"event trigger mode {row.name}", f"ALTER EVENT TRIGGER {row.name} {_MODES[row.enabled]}")


_MODES = {"D": "DISABLE", "R": "ENABLE REPLICA", "A": "ENABLE ALWAYS"}


def _triggers(rows: Rows) -> Iterator[Step]:
    for row in rows("triggers"):
        name = f"{row.name} of {shown(row.table)}"
        if row.enabled_in_parent is None:
            yield Step(f"trigger {name}", row.sql)
        mode = _MODES.get(row.enabled, "ENABLE")
        if row.enabled_in_parent is not None or row.enabled in _MODES:
            yield Step(f"trigger mode {name}", f"ALTER TABLE {row.table} {mode} TRIGGER {row.sql_name}")


def _ownerships(rows: Rows) -> Iterator[Step]:
    for row in rows("sequences"):
        if row.held == "a":
            yield Step(f"owner of sequence {shown(row.name)}", f"ALTER SEQUENCE {row.name} OWNED BY {row.owner}")


def _physical(indexes: Sequence[Any], names: dict[int, str]) -> Iterator[Step]:
    """Yield the steps for what is set for indexes of tables and materialized views, `names` by their OID."""
    for index in indexes:
        table = names.get(index.table, "")
        if index.clustered and table:
            yield Step(f"cluster {shown(table)}", f"ALTER TABLE {table} CLUSTER ON {index.sql_name}")
        if index.replica_identity and table:
            change = f"ALTER TABLE ONLY {table} REPLICA IDENTITY USING INDEX {index.sql_name}"
            yield Step(f"replica identity {shown(table)}", change)
        for column, target in (text.split() for text in index.statistics):
            name = f"{index.schema}.{index.name}".removeprefix("public.")
            place = f"{identifier(index.schema)}.{index.sql_name}"
            change = f"ALTER INDEX {place} ALTER COLUMN {column} SET STATISTICS {target}"
            yield Step(f"statistics of index {name} column {column}", change)


def _replica_identities(tables: dict[int, Any]) -> Iterator[Step]:
    for row in tables.values():
        word = {"f": "FULL", "n": "NOTHING"}.get(row.replica_identity)
        if word:
            yield Step(f"replica identity {shown(row.sql_name)}", f"ALTER TABLE {row.sql_name} REPLICA IDENTITY {word}")


# The names of kinds in pg_identify_object, and in COMMENT ON.
COMMENTED = {
    "table": "TABLE",
    "table column": "COLUMN",
    "view": "VIEW",
    "view column": "COLUMN",
    "materialized view": "MATERIALIZED VIEW",
    "materialized view column": "COLUMN",
    "index": "INDEX",
    "sequence": "SEQUENCE",
    "function": "FUNCTION",
    "procedure": "PROCEDURE",
    "aggregate": "AGGREGATE",
    "type": "TYPE",
    "domain": "DOMAIN",
    "composite type": "TYPE",
    "composite type column": "COLUMN",
    "table constraint": "CONSTRAINT",
    "domain constraint": "CONSTRAINT",
    "trigger": "TRIGGER",
    "schema": "SCHEMA",
    "collation": "COLLATION",
    "foreign table": "FOREIGN TABLE",
    "foreign table column": "COLUMN",
    "foreign-data wrapper": "FOREIGN DATA WRAPPER",
    "server": "SERVER",
    "operator": "OPERATOR",
    "operator class": "OPERATOR CLASS",
    "operator family": "OPERATOR FAMILY",
    "cast": "CAST",
    "policy": "POLICY",
    "rule": "RULE",
    "statistics object": "STATISTICS",
    "text search configuration": "TEXT SEARCH CONFIGURATION",
    "text search dictionary": "TEXT SEARCH DICTIONARY",
    "event trigger": "EVENT TRIGGER",
}


def _comment(row: Any) -> Step:
    return Step(
        f"comment on {row.type} {shown(row.identity)}",
        f"COMMENT ON {COMMENTED[row.type]} {_named(row)} IS {literal(row.text)}",
    )


def _named(row: Any) -> str:
    """Return the name for COMMENT ON. pg_identify_object prints constraints of domains like those of tables."""
    if row.type != "domain constraint":
        return str(row.identity)
    name, _, domain = row.identity.rpartition(" on ")
    return f"{name} ON DOMAIN {domain}"
