"""No row is deleted with which the server would delete or change others (ON DELETE CASCADE, SET NULL, SET DEFAULT):
those would be counted nowhere, and may be somebody else's.

Rows that refer to a row are deleted or changed before it, or together with it. What still refers to it then is not
known to the move: by a foreign key that others have created since, or by a value that only the server takes for equal.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import psycopg
from psycopg import sql

from crossfade.model.target import TargetTable
from crossfade.stores.contract import RowRejected
from crossfade.stores.postgresql.catalog.own_rows import of_kind
from crossfade.stores.postgresql.writing import owned

_CASCADING = """
WITH part AS (
    SELECT %(table)s::pg_catalog.regclass::pg_catalog.oid AS oid
    UNION SELECT relid::pg_catalog.oid FROM pg_catalog.pg_partition_tree(%(table)s::pg_catalog.regclass))
SELECT k.conname, c.oid::pg_catalog.regclass::pg_catalog.text, c.relkind = 'p',
       p.oid::pg_catalog.regclass::pg_catalog.text, p.relkind = 'p',
       coalesce(pg_catalog.pg_partition_root(c.oid)::pg_catalog.oid, c.oid),
       (SELECT pg_catalog.string_agg(
                   pg_catalog.format('t.%%I OPERATOR(%%I.%%s) c.%%I', pa.attname, n.nspname, o.oprname, ca.attname)
                   || CASE WHEN pa.attcollation <> 0 THEN ' COLLATE ' || pa.attcollation::pg_catalog.regcollation
                      ELSE '' END, ' AND ')
        FROM ROWS FROM (pg_catalog.unnest(k.confkey), pg_catalog.unnest(k.conkey), pg_catalog.unnest(k.conpfeqop))
             AS of (parent, child, equal)
        JOIN pg_catalog.pg_attribute pa ON pa.attrelid = p.oid AND pa.attnum = of.parent
        JOIN pg_catalog.pg_attribute ca ON ca.attrelid = c.oid AND ca.attnum = of.child
        JOIN pg_catalog.pg_operator o ON o.oid = of.equal
        JOIN pg_catalog.pg_namespace n ON n.oid = o.oprnamespace)
FROM pg_catalog.pg_constraint k
JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
JOIN pg_catalog.pg_class p ON p.oid = k.confrelid
WHERE k.contype = 'f' AND k.conparentid = 0 AND k.confdeltype IN ('c', 'n', 'd')
  AND k.confrelid IN (SELECT oid FROM part)
ORDER BY k.conname
"""

Going = Sequence[tuple[TargetTable, Any]]
"""Rows that are deleted in the same piece of work, by their primary keys."""


def require_unreferred(
    connection: psycopg.Connection[Any],
    table: TargetTable,
    own: sql.Composable,
    keys: Any,
    beside: Going,
    type_names: Callable[[TargetTable], Mapping[str, str]],
) -> None:
    """Raise RowRejected if the database would delete or change rows that stay, because they refer to these. The rows
    are locked, so that no other transaction adds such a reference before this one ends. `own`: what the table's rows
    are in.
    """
    found = connection.execute(_CASCADING, {"table": _name(table)}).fetchall()
    if not found:
        return
    sent, given = owned.sent(table, keys), owned.given(keys.column_names)
    same = owned.same(table, keys.column_names, type_names(table))
    connection.execute(sql.SQL("SELECT FROM {} AS t, {} WHERE {} FOR UPDATE OF t").format(own, given, same), sent)
    for constraint, child, child_parts, parent, parent_parts, root, condition in found:
        query, values = (
            sql.SQL("SELECT FROM {} AS c JOIN {} AS t ON {}, {} WHERE {}").format(
                of_kind(sql.SQL(child), partitioned=child_parts),
                of_kind(sql.SQL(parent), partitioned=parent_parts),
                sql.SQL(condition),
                given,
                same,
            ),
            sent,
        )
        for other, gone in ((table, keys), *beside):
            if _number(connection, other) == root:
                query += _stays(gone.column_names, type_names(other))
                values = [*values, *owned.sent(other, gone)]
        if connection.execute(query + sql.SQL(" LIMIT 1"), values).rowcount:
            said = f"rows of {child} refer to it, and would be deleted or changed with it ({constraint})"
            raise RowRejected("foreign_key", said, table=table.name, constraint=constraint)


def _stays(names: Sequence[str], types: Mapping[str, str]) -> sql.Composed:
    """Return the condition that the referring row has none of the sent primary keys."""
    own = sql.SQL(", ").join(sql.Identifier("c", name) for name in names)
    gone = sql.SQL(", ").join(owned.cast(place, types[name]) for place, name in enumerate(names))
    return sql.SQL(" AND ({}) NOT IN (SELECT {} FROM {})").format(own, gone, owned.given(names))


def _number(connection: psycopg.Connection[Any], table: TargetTable) -> int | None:
    row = connection.execute("SELECT pg_catalog.to_regclass(%s)::pg_catalog.oid", [_name(table)]).fetchone()
    return None if row is None else row[0]


def _name(table: TargetTable) -> str:
    name = sql.Identifier(table.schema, table.table) if table.schema else sql.Identifier(table.table)
    return name.as_string()
