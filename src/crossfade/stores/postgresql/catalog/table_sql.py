"""Build CREATE TABLE, which PostgreSQL has no function to print: columns, primary key, checks, partitions, options."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from crossfade.model.target import Step
from crossfade.stores.postgresql.catalog.sequences import sequence_options


def table_steps(
    table: Any,
    columns: Sequence[Any],
    constraints: Sequence[Any],
    identities: Mapping[Any, Any],
    parent: Sequence[str] | None,
) -> list[Step]:
    """Return the steps for rows of `tables`, `columns` and `constraints`. `identities` are the sequences of identity
    columns.

    `parent` has the columns of the partitioned table, if this is a partition. If the order of its columns differs, the
    partition was attached, and is created as a table and attached again.
    """
    name = table.sql_name.removeprefix("public.")
    if parent is not None and [c.name for c in columns] != list(parent):
        attach = f"ALTER TABLE ONLY {table.parents[0]} ATTACH PARTITION {table.sql_name} {table.bound}"
        whole = _create(table, [_column(c, table, identities) for c in columns] + _own(constraints, inherited=True))
        return [Step(f"table {name}", whole), Step(f"partition {name}", attach)]
    return [
        Step(f"table {name}", _create_as_it_is(table, columns, constraints, identities)),
        *_defaults_of_inherited(name, table, columns),
        *_not_nulls_of_inherited(name, table, columns, constraints),
    ]


def _create_as_it_is(
    table: Any, columns: Sequence[Any], constraints: Sequence[Any], identities: Mapping[Any, Any]
) -> str:
    own = _own(constraints)
    if table.is_partition:
        return _create(table, [*_otherwise(columns), *own], f" PARTITION OF {table.parents[0]}", table.bound)
    if table.of_type:
        return _create(table, [*_typed(columns), *own], f" OF {table.of_type}")
    local = [_column(c, table, identities) for c in columns if c.is_local or not table.parents]
    inherits = f"INHERITS ({', '.join(table.parents)})" if table.parents else ""
    return _create(table, [*local, *own], "", inherits)


def _own(constraints: Sequence[Any], *, inherited: bool = False) -> list[str]:
    own = (
        c
        for c in constraints
        if c.kind == "p" or (c.kind == "c" and (c.validated or not c.enforced) and (c.is_local or inherited))
    )
    return [f"CONSTRAINT {c.sql_name} {constraint_sql(c)}" for c in own]


def constraint_sql(constraint: Any) -> str:
    """Return the definition with the options of its index, which pg_get_constraintdef leaves out for keys."""
    sql = str(constraint.sql)
    if not constraint.index_options:
        return sql
    end = _AFTER_OPTIONS.search(sql)
    at = len(sql) if end is None else end.start()
    return f"{sql[:at]} WITH ({constraint.index_options}){sql[at:]}"


_AFTER_OPTIONS = re.compile(r" DEFERRABLE(?: INITIALLY DEFERRED)?$")


def _create(table: Any, lines: Sequence[str], head: str = "", tail: str = "") -> str:
    empty = "" if head else "()"
    parts = (
        f"CREATE{' UNLOGGED' if table.unlogged else ''} TABLE {table.sql_name}{head}",
        "(\n    " + ",\n    ".join(lines) + "\n)" if lines else empty,
        tail,
        f"PARTITION BY {table.partition_key}" if table.partition_key else "",
        f"USING {table.access_method}" if table.access_method else "",
        _options(table),
    )
    return " ".join(part for part in parts if part)


def _column(column: Any, table: Any, identities: Mapping[Any, Any]) -> str:
    parts = [column.sql_name, column.type]
    parts += [f"COLLATE {column.collation}"] if column.collation else []
    if column.generated:
        parts.append(f"GENERATED ALWAYS AS ({column.default}) {'VIRTUAL' if column.generated == 'v' else 'STORED'}")
    elif column.identity:
        parts.append(_identity(column, table, identities[table.oid, column.name]))
    elif column.default is not None:
        parts.append(f"DEFAULT {column.default}")
    return " ".join([*parts, *_not_null(column)])


def _not_null(column: Any) -> list[str]:
    if not column.own_not_null or column.not_null_later:
        return []
    name = f"CONSTRAINT {column.not_null_name} " if column.not_null_name else ""
    return [f"{name}NOT NULL{' NO INHERIT' if column.not_null_alone else ''}"]


def _typed(columns: Sequence[Any]) -> list[str]:
    """Return the column options of a typed table. The type itself defines the columns."""
    options = ([*([f"DEFAULT {c.default}"] if c.default is not None else []), *_not_null(c)] for c in columns)
    return [f"{c.sql_name} WITH OPTIONS {' '.join(o)}" for c, o in zip(columns, options, strict=True) if o]


def check_later(table: Any, constraint: Any) -> Step | None:
    """Return the step for a check or a NOT NULL that is NOT VALID: it was not checked for existing rows, but applies to
    new ones.
    """
    if constraint.kind not in ("c", "n") or constraint.validated or not (constraint.enforced and constraint.is_local):
        return None
    name = table.sql_name.removeprefix("public.")
    add = f"ALTER TABLE {table.sql_name} ADD CONSTRAINT {constraint.sql_name} {constraint.sql} NOT VALID"
    return Step(f"{'check' if constraint.kind == 'c' else 'not null'} {name}.{constraint.name}", add)


def _defaults_of_inherited(name: str, table: Any, columns: Sequence[Any]) -> list[Step]:
    """Return steps for inherited columns whose default differs from that of the parent."""
    if table.is_partition or not table.parents:
        return []
    other = [c for c in columns if not c.is_local and not c.generated and c.default != c.parent_default]
    change = "ALTER TABLE ONLY {} ALTER COLUMN {} {}"
    return [
        Step(
            f"default of {name}.{c.name}",
            change.format(table.sql_name, c.sql_name, f"SET DEFAULT {c.default}" if c.default else "DROP DEFAULT"),
        )
        for c in other
    ]


def _identity(column: Any, table: Any, sequence: Any) -> str:
    options = sequence_options(sequence, typed=False)
    if sequence.plain != f"{table.name}_{column.name}_seq":
        options.insert(0, f"SEQUENCE NAME {sequence.name}")
    when = "ALWAYS" if column.identity == "a" else "BY DEFAULT"
    return f"GENERATED {when} AS IDENTITY" + (f" ({' '.join(options)})" if options else "")


def _not_nulls_of_inherited(
    name: str, table: Any, columns: Sequence[Any], constraints: Sequence[Any]
) -> Iterator[Step]:
    """Yield steps for inherited columns that are NOT NULL here alone."""
    if table.is_partition or not table.parents:
        return
    keyed = {column for c in constraints if c.kind == "p" for column in c.columns}
    for c in columns:
        if not c.is_local and c.name not in keyed and _is_stricter(c):
            change = f"ALTER COLUMN {c.sql_name} SET NOT NULL"
            if c.not_null_name or c.not_null_alone:
                named = f"CONSTRAINT {c.not_null_name} " if c.not_null_name else ""
                change = f"ADD {named}NOT NULL {c.sql_name}{' NO INHERIT' if c.not_null_alone else ''}"
            yield Step(f"not null of {name}.{c.name}", f"ALTER TABLE {table.sql_name} {change}")


def _is_stricter(column: Any) -> bool:
    """Return whether a column is NOT NULL, and that of the parent is not."""
    return bool(column.own_not_null and not column.not_null_later and not column.parent_not_null)


def _otherwise(columns: Sequence[Any]) -> Iterator[str]:
    """Yield the options of the columns of a partition that are not those of its parent."""
    for c in columns:
        options = _not_null(c) if _is_stricter(c) else []
        if c.default != c.parent_default and not c.generated and not c.identity:
            options.append(f"DEFAULT {'NULL' if c.default is None else c.default}")
        if options:
            yield f"{c.sql_name} WITH OPTIONS {' '.join(options)}"


def _options(table: Any) -> str:
    options = ", ".join(part for part in (table.options, table.toast_options) if part)
    return f"WITH ({options})" if options else ""
