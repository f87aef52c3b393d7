"""Projects that carry tables of PostgreSQL as they are: mappings of every column, and the schema as it was written."""

from __future__ import annotations

from pathlib import Path

import psycopg

from crossfade.model.names import engine_names
from crossfade.model.quoting import identifier
from crossfade.move import Move
from crossfade.project import load_project

SETTINGS = """
name = "rows"
source.url = "${SOURCE_URL}"
target.url = "${TARGET_URL}"
target.schema = "schema.sql"
limits.quarantine = 1.0
limits.chunk_mb = %s
"""

_COLUMNS = """
SELECT CASE WHEN n.nspname = 'public' THEN '' ELSE n.nspname || '.' END || c.relname, n.nspname, c.relname,
       array_agg(a.attname::text ORDER BY a.attnum) FILTER (WHERE a.attgenerated = '')
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid
WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND a.attnum > 0 AND NOT a.attisdropped
  AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'crossfade')
GROUP BY 1, 2, 3
"""


def project(folder: Path, source: str, schema: str, *, more: str = "", chunk_mb: float = 1, leave: str = "") -> Path:
    """A move of every table of the database `source` but those in `leave`, each column as it is."""
    (folder / "mapping").mkdir(parents=True)
    (folder / "crossfade.toml").write_text(SETTINGS % chunk_mb + more)
    (folder / "schema.sql").write_text(schema)
    with psycopg.connect(source) as connection:
        for name, space, table, columns in connection.execute(_COLUMNS).fetchall():
            if name not in leave.split():
                root = identifier(table) if space == "public" else f"{identifier(space)}.{identifier(table)}"
                (folder / "mapping" / f"{name}.sql").write_text(_mapping(root, columns))
    return folder


def _mapping(root: str, columns: list[str]) -> str:
    engine = engine_names(columns)
    outputs = ",\n       ".join(f"x.{identifier(engine[name])} AS {identifier(name)}" for name in columns)
    return f"SELECT {outputs}\nFROM {root} AS x\n"


def open_move(folder: Path, source: str, target: str, *, workers: int = 1) -> Move:
    return Move(load_project(folder, {"SOURCE_URL": source, "TARGET_URL": target}), workers=workers)


def rows_of(url: str, table: str) -> list[str]:
    """The rows as the server prints them, in an order: by another path than any of ours."""
    with psycopg.connect(url) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        return [text for (text,) in connection.execute(f"SELECT to_jsonb(t)::text FROM {table} AS t ORDER BY 1")]
