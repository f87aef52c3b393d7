"""The schema of unqualified table names, on every connection of a move.

Once a move has begun, it is the one recorded in the journal. Before that it is the one that the URL names
(`?schema=app`, as Prisma writes it), or the first of the role's search_path in which it may create tables, or `public`.
A later change of search_path does not affect the move.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, quote

import psycopg
from psycopg import sql

from crossfade.errors import Refused

PUBLIC = "public"
NOTE = "tables that name no schema are in: "
"""The start of the comment on the journal's table that records it."""

# {given} is the schema that the URL names, or NULL. A journal without a note is from a version that knew only public.
CHOSEN = """
SELECT coalesce(
    (SELECT coalesce((SELECT pg_catalog.substr(d.description, pg_catalog.length('{note}') + 1)
                      FROM pg_catalog.pg_description d
                      WHERE d.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objoid = c.oid
                        AND d.objsubid = 0 AND pg_catalog.left(d.description, pg_catalog.length('{note}')) = '{note}'),
                     'public')
     FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = 'crossfade' AND c.relname ~ '^(in_[a-z0-9_]+_)?move$' ORDER BY c.relname LIMIT 1),
    {given},
    (SELECT p.name::pg_catalog.text
     FROM pg_catalog.unnest(pg_catalog.current_schemas(false)) WITH ORDINALITY AS p(name, place)
     WHERE p.name::pg_catalog.text !~ '^pg_' AND p.name NOT IN ('information_schema', 'crossfade')
       AND pg_catalog.has_schema_privilege(p.name::pg_catalog.text, 'CREATE')
     ORDER BY p.place LIMIT 1),
    'public')"""


def chosen(given: str | None) -> str:
    """Return the query for it, to be run before anything sets the search_path."""
    return CHOSEN.format(note=NOTE, given="NULL" if given is None else sql.Literal(given).as_string(None))


def default_schema(connection: psycopg.Connection[Any]) -> str:
    """Return the first schema of a session's search_path, also if it does not exist yet."""
    query = "SELECT (pg_catalog.parse_ident(pg_catalog.current_setting('search_path'), false))[1]"
    row = connection.execute(query).fetchone()
    return str(row[0]) if row and row[0] else PUBLIC


def require_given(found: str, given: str | None) -> None:
    """Raise Refused if a move has begun with another schema than the URL names now."""
    if given is not None and found != given:
        raise Refused(
            f"the URL names the schema {given!r}, but the move in this database has its tables in"
            f" {found!r}; nothing was done",
            hint=f"write ?schema={quote(found)}; or, to start over in another schema, run crossfade reset with that"
            " URL first",
        )


def note(connection: psycopg.Connection[Any], tables: str) -> None:
    """Record it in the journal that has just been created; `tables` is the prefix of the names of its tables."""
    words = sql.Literal(NOTE + default_schema(connection))
    move = sql.Identifier("crossfade", f"{tables}move")
    connection.execute(sql.SQL("COMMENT ON TABLE {} IS {}").format(move, words))


def split_schema(url: str) -> tuple[str, str | None]:
    """Return a URL without Prisma's parameter `schema`, which libpq rejects, and its value."""
    head, mark, query = url.partition("?")
    if not mark or "schema=" not in query or "://" not in head:
        return url, None
    query, hash_, rest = query.partition("#")
    pairs = [pair for pair in query.split("&") if pair]
    named = [value for name, value in parse_qsl(query, keep_blank_values=True) if name == "schema"]
    others = [pair for pair in pairs if pair.partition("=")[0] != "schema"]
    plain = head + ("?" + "&".join(others) if others else "") + hash_ + rest
    return plain, next((value for value in reversed(named) if value), None)
