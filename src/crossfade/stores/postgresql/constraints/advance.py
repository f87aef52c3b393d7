"""Advance the sequences of columns past the copied values: inserting explicit values does not advance a sequence.

These are the sequences that a default uses and those that a column owns. A sequence that is ahead is not changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg import sql

from crossfade.model.target import TargetTable
from crossfade.stores.contract import NumbersBehind, Unsound

_SEQUENCES = """
SELECT DISTINCT n.nspname, c.relname, tn.nspname, t.relname, a.attname, s.seqincrement > 0, s.seqmin, s.seqmax,
       s.seqincrement, s.seqcycle, y.typname
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


def advance(connection: psycopg.Connection[Any], tables: Sequence[TargetTable], headroom: int = 0) -> int:
    """Set the sequences of the tables' columns to the last number in use, or `headroom` numbers after it. Return how
    many were set.
    """
    return sum(_advanced(connection, row, headroom) for row in _sequences(connection, tables))


def _advanced(connection: psycopg.Connection[Any], row: Sequence[Any], headroom: int) -> bool:
    """Skip a table whose rows a policy hides: its sequences were set before the policy existed."""
    try:
        with connection.transaction():
            return _advance(connection, row, headroom)
    except psycopg.errors.InsufficientPrivilege as error:
        if "row-level security" in str(error):
            return False
        raise


def numbers_behind(connection: psycopg.Connection[Any], tables: Sequence[TargetTable]) -> list[NumbersBehind]:
    """Return the sequences that `advance` would set, without those that it has set already."""
    found = []
    for row in _sequences(connection, tables):
        for last, at, is_called in connection.execute(_behind(*row)).fetchall():
            name, table = _called(row[:2]), _called(row[2:4])
            coming = int(at) + (int(row[8]) if is_called else 0)
            found.append(NumbersBehind(name, table, row[4], coming, int(last)))
    return found


_FEW = 20
"""A sequence with less than this share left is reported."""
_INTEGERS = {"int2": 2**15, "int4": 2**31, "int8": 2**63}


def running_out(connection: psycopg.Connection[Any], tables: Sequence[TargetTable]) -> list[Unsound]:
    """Return the sequences with few or no numbers left that fit their column."""
    found = []
    for schema, name, *of, _, least, greatest, increment, cycles, kind in _sequences(connection, tables):
        query = sql.SQL("SELECT last_value, is_called FROM {}").format(sql.Identifier(schema, name))
        (at, is_called), ends = connection.execute(query).fetchall()[0], _INTEGERS.get(kind, 2**63)
        first, last = (least, greatest) if increment > 0 else (greatest, least)
        if cycles and -ends <= last < ends:
            continue
        last = max(-ends, min(ends - 1, last))
        left = max(0, (last - at) // increment + (not is_called))
        if left < max(2, ((last - first) // increment + 1) / _FEW):
            detail = f"{_called(of[:2])}.{of[2]} takes numbers up to {last}"
            said = str(left) if left else "none"
            found.append(
                Unsound("sequence", _called((schema, name)), "numbers left", "many", said, detail, fails=not left)
            )
    return found


def _called(names: Sequence[str]) -> str:
    return ".".join(part for part in names if part != "public")


def _sequences(connection: psycopg.Connection[Any], tables: Sequence[TargetTable]) -> list[Any]:
    wanted = {(table.schema or "public", table.table) for table in tables}
    return [row for row in connection.execute(_SEQUENCES).fetchall() if (row[2], row[3]) in wanted]


def _advance(connection: psycopg.Connection[Any], row: Sequence[Any], headroom: int) -> bool:
    statement = sql.SQL("SELECT pg_catalog.setval({}, last::bigint) FROM ({}) AS behind").format(
        sql.Literal(sql.Identifier(*row[:2]).as_string(connection)), _behind(*row, headroom=headroom)
    )
    return bool(connection.execute(statement).fetchall())


def _behind(
    schema: str,
    name: str,
    table_schema: str,
    table: str,
    column: str,
    rises: bool,
    least: int,
    greatest: int,
    increment: int,
    cycles: bool,
    kind: str,
    *,
    headroom: int = 0,
) -> sql.Composed:
    """Return a query for the last number in use (plus `headroom`, if it fits), without a row if the sequence has
    reached it. Numbers outside the sequence's bounds do not count, because it never reaches them.
    """
    ends = _INTEGERS.get(kind, 2**63)
    return sql.SQL(
        "SELECT there.last, s.last_value, s.is_called FROM {sequence} AS s,"
        " (SELECT CASE WHEN used + {room}::numeric BETWEEN {first} AND {end} THEN used + {room}::numeric ELSE used END"
        " AS last FROM (SELECT {furthest}({column}) AS used FROM {table}"
        " WHERE {column} BETWEEN {least} AND {greatest}) AS those) AS there"
        " WHERE last {beyond} s.last_value OR (last = s.last_value AND NOT s.is_called)"
    ).format(
        room=sql.Literal(headroom * increment),
        first=sql.Literal(max(least, -ends)),
        end=sql.Literal(min(greatest, ends - 1)),
        sequence=sql.Identifier(schema, name),
        furthest=sql.SQL("max" if rises else "min"),
        column=sql.Identifier(column),
        table=sql.Identifier(table_schema, table),
        least=sql.Literal(least),
        greatest=sql.Literal(greatest),
        beyond=sql.SQL(">" if rises else "<"),
    )
