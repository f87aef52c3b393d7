"""CREATE TABLE, which PostgreSQL has no function to print: columns, primary key, checks, partitions, options."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from crossfade.stores.postgresql.sequences import sequence_options


def create_table(table: Any, columns: Sequence[Any], constraints: Sequence[Any], identities: Mapping[Any, Any]) -> str:
    """From rows of `tables`, `columns` and `constraints`; `identities` are the sequences of identity columns."""
    own = [f"CONSTRAINT {c.sql_name} {c.sql}" for c in constraints if c.kind == "p" or (c.kind == "c" and c.is_local)]
    if table.is_partition:
        lines, head = [*_other_defaults(columns), *own], f" PARTITION OF {table.parents[0]}"
    else:
        inherits = bool(table.parents)
        local = [c for c in columns if c.is_local or not inherits]
        lines = [*(_column(c, table, identities) for c in local), *own]
        head = ""
    body = "(\n    " + ",\n    ".join(lines) + "\n)" if lines else ("" if table.is_partition else "()")
    return " ".join(
        part
        for part in (
            f"CREATE{' UNLOGGED' if table.unlogged else ''} TABLE {table.sql_name}{head}",
            body,
            table.bound if table.is_partition else "",
            f"INHERITS ({', '.join(table.parents)})" if table.parents and not table.is_partition else "",
            f"PARTITION BY {table.partition_key}" if table.partition_key else "",
            _options(table),
        )
        if part
    )


def _column(column: Any, table: Any, identities: Mapping[Any, Any]) -> str:
    parts = [column.sql_name, column.type]
    parts += [f"COLLATE {column.collation}"] if column.collation else []
    if column.generated:
        parts.append(f"GENERATED ALWAYS AS ({column.default}) {'VIRTUAL' if column.generated == 'v' else 'STORED'}")
    elif column.identity:
        parts.append(_identity(column, table, identities[table.oid, column.name]))
    elif column.default is not None:
        parts.append(f"DEFAULT {column.default}")
    return " ".join(parts + (["NOT NULL"] if column.own_not_null else []))


def _identity(column: Any, table: Any, sequence: Any) -> str:
    options = sequence_options(sequence, typed=False)
    if sequence.plain != f"{table.name}_{column.name}_seq":
        options.insert(0, f"SEQUENCE NAME {sequence.name}")
    when = "ALWAYS" if column.identity == "a" else "BY DEFAULT"
    return f"GENERATED {when} AS IDENTITY" + (f" ({' '.join(options)})" if options else "")


def _other_defaults(columns: Sequence[Any]) -> list[str]:
    """A partition takes its columns from its parent; a default of its own is said."""
    return [
        f"{c.sql_name} WITH OPTIONS DEFAULT {'NULL' if c.default is None else c.default}"
        for c in columns
        if c.default != c.parent_default and not c.generated and not c.identity
    ]


def _options(table: Any) -> str:
    options = ", ".join(part for part in (table.options, table.toast_options) if part)
    return f"WITH ({options})" if options else ""
