"""Sequences that stand behind columns, taken past what was copied: a sequence does not see what comes in with a number.

Those that a default calls and those that a column owns or is made of; one that is further already stays where it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg import sql

from crossfade.model.target import TargetTable

_SEQUENCES = """
SELECT DISTINCT n.nspname, c.relname, tn.nspname, t.relname, a.attname, s.seqincrement > 0, s.seqmin, s.seqmax
FROM pg_catalog.pg_sequence s
JOIN pg_catalog.pg_class c ON c.oid = s.seqrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN (
    SELECT objid AS sequence, refobjid AS relation, refobjsubid AS number
    FROM pg_catalog.pg_depend
    WHERE classid = 'pg_class'::regclass AND refclassid = 'pg_class'::regclass AND refobjsubid > 0
      AND deptype IN ('a', 'i')
    UNION
    SELECT d.refobjid, def.adrelid, def.adnum
    FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_attrdef def ON def.oid = d.objid
    WHERE d.classid = 'pg_attrdef'::regclass AND d.refclassid = 'pg_class'::regclass
) AS of ON of.sequence = s.seqrelid
JOIN pg_catalog.pg_class t ON t.oid = of.relation
JOIN pg_catalog.pg_namespace tn ON tn.oid = t.relnamespace
JOIN pg_catalog.pg_attribute a ON a.attrelid = t.oid AND a.attnum = of.number
JOIN pg_catalog.pg_type y ON y.oid = a.atttypid
WHERE y.typname IN ('int2', 'int4', 'int8', 'numeric')
ORDER BY 1, 2, 3, 4, 5
"""


def advance(connection: psycopg.Connection[Any], tables: Sequence[TargetTable]) -> int:
    """Sets the sequences of the tables' columns to the last number that is there; how many were set."""
    wanted = {(table.schema or "public", table.table) for table in tables}
    found = [row for row in connection.execute(_SEQUENCES).fetchall() if (row[2], row[3]) in wanted]
    return sum(_advance(connection, *row) for row in found)


def _advance(
    connection: psycopg.Connection[Any],
    schema: str,
    name: str,
    table_schema: str,
    table: str,
    column: str,
    rises: bool,
    least: int,
    greatest: int,
) -> bool:
    """A number outside the sequence's bounds is none that it will ever reach."""
    sequence = sql.Identifier(schema, name)
    statement = sql.SQL(
        "SELECT pg_catalog.setval({literal}, last::bigint) FROM {sequence} AS s,"
        " (SELECT {furthest}({column}) AS last FROM {table} WHERE {column} BETWEEN {least} AND {greatest}) AS there"
        " WHERE last {beyond} s.last_value OR (last = s.last_value AND NOT s.is_called)"
    ).format(
        literal=sql.Literal(sequence.as_string(connection)),
        sequence=sequence,
        furthest=sql.SQL("max" if rises else "min"),
        column=sql.Identifier(column),
        table=sql.Identifier(table_schema, table),
        least=sql.Literal(least),
        greatest=sql.Literal(greatest),
        beyond=sql.SQL(">" if rises else "<"),
    )
    return bool(connection.execute(statement).fetchall())
