"""The types of a table's columns as the catalog has them: the one query of the writer and of the reader."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psycopg

# Types by their full name: `character` alone would mean character(1), and cut what is cast to it.
COLUMN_TYPES = """
SELECT a.attname::text AS name,
       pg_catalog.format_type(a.atttypid, a.atttypmod) AS printed,
       pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(t.typname) AS type_name,
       (CASE WHEN t.typtype = 'd' THEN b.typelem ELSE t.typelem END)::int8 AS element_oid,
       (CASE WHEN t.typtype = 'd' THEN b.typdelim ELSE t.typdelim END)::text AS delimiter,
       (SELECT c.relkind = 'p' FROM pg_catalog.pg_class c WHERE c.oid = a.attrelid) AS partitioned
FROM pg_catalog.pg_attribute a
JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
LEFT JOIN pg_catalog.pg_type b ON b.oid = t.typbasetype
WHERE a.attrelid = {}::pg_catalog.regclass AND a.attnum > 0 AND NOT a.attisdropped
"""


@dataclass(frozen=True, slots=True)
class CatalogType:
    """A column's type: `printed` as in a schema, `type_name` qualified and without modifier, and the oid of an array's
    elements (0 if it is none); `delimiter`: the sign between them. `partitioned`: its table has partitions.
    """

    printed: str
    type_name: str
    element_oid: int
    delimiter: str = ","
    partitioned: bool = False


def column_types(connection: psycopg.Connection[Any], table: str) -> dict[str, CatalogType]:
    """Return the types of the columns of `table`, named as in SQL, in the open transaction."""
    oid = connection.execute("SELECT %s::pg_catalog.regclass::pg_catalog.oid", [table]).fetchall()[0][0]
    with connection.transaction(force_rollback=True):  # print qualified names, as in the schema that was read
        connection.execute("SET LOCAL search_path TO ''")
        rows = connection.execute(COLUMN_TYPES.format("%s").encode(), [oid]).fetchall()
    return {name: CatalogType(*rest) for name, *rest in rows}
