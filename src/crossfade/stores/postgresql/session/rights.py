"""Privileges that the role of the target URL may lack: only necessary ones are required, and every GRANT is named at
once, because an administrator is asked for them.

Shared and managed databases grant a schema, not the database: `CREATE SCHEMA IF NOT EXISTS` fails there even if the
schema exists, because PostgreSQL checks the privilege first.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import nullcontext, suppress
from typing import Any
from urllib.parse import quote

import psycopg
from psycopg.conninfo import conninfo_to_dict

from crossfade.errors import CrossfadeError
from crossfade.model.quoting import shown
from crossfade.model.urls import hide_password
from crossfade.schema.created import made_by
from crossfade.schema.tokens import meaningful
from crossfade.stores.postgresql.session.default_schema import default_schema

_DENIED = re.compile(r"permission denied for (database|schema) (.+)")
_EXTENSION = re.compile(r'permission denied to create extension "(.+)"')
_OF_THING = re.compile(r"permission denied for ((?:materialized )?view|foreign table|[a-z]+) (.+)")
_TEMPORARY = re.compile(r'permission denied to create temporary tables in database "(.+)"')
_OWNER = re.compile(r"must be owner of ((?:materialized )?view|foreign table|[a-z]+) (.+)")
_ROWS = "SELECT, INSERT, UPDATE, DELETE ON TABLE"
_GRANTS: Mapping[str, str] = {
    "table": _ROWS,
    "view": _ROWS,
    "materialized view": "SELECT ON TABLE",
    "foreign table": _ROWS,
    "sequence": "USAGE, SELECT, UPDATE ON SEQUENCE",
    "schema": "USAGE, CREATE ON SCHEMA",
    "database": "CONNECT, CREATE ON DATABASE",
    "function": "EXECUTE ON FUNCTION",
    "procedure": "EXECUTE ON PROCEDURE",
    "type": "USAGE ON TYPE",
    "language": "USAGE ON LANGUAGE",
}
_TO_READ: Mapping[str, str] = {
    **dict.fromkeys(("table", "view", "materialized view", "foreign table"), "SELECT ON TABLE"),
    "sequence": "SELECT ON SEQUENCE",
    "schema": "USAGE ON SCHEMA",
}
_READ_ALONE = ("table", "view", "materialized view", "foreign table", "sequence", "schema")


def schema_of(statement: str) -> str | None:
    """Return the name of the schema if a statement creates one and nothing in it."""
    made = made_by(statement)
    if made is None or made.kind != "SCHEMA" or sum(t.word == "CREATE" for t in meaningful(statement)) > 1:
        return None
    return made.name


def run(connection: psycopg.Connection[Any], statement: str) -> None:
    """Run a statement, unless it creates a schema that already exists. After one that may not create its schema, the
    transaction goes on, so that it can be asked what else the role lacks.
    """
    name = schema_of(statement)
    if name is not None and statement.startswith("CREATE SCHEMA IF NOT EXISTS ") and name in schemas(connection):
        return
    with connection.transaction() if name is not None else nullcontext():
        connection.execute(statement.encode())


def drops_unfilled(connection: psycopg.Connection[Any], statement: str, there: AbstractSet[str]) -> bool:
    """Return whether a statement drops schemas that were `there` before and hold nothing.

    `pg_dump --clean` drops `public` so, and creates it again. It would change nothing, and needs the schema's owner.
    """
    words = [t for t in meaningful(statement) if t.word not in ("IF", "EXISTS", "CASCADE", "RESTRICT")]
    if [t.word for t in words[:2]] != ["DROP", "SCHEMA"]:
        return False
    names = [t.name for t in words[2:] if t.name]
    found = connection.execute(_EMPTY, [names]).fetchone() if there >= set(names) else None
    return found is not None and found[0] == len(names)


_EMPTY = """
SELECT count(*) FROM pg_catalog.pg_namespace n
WHERE n.nspname = ANY(%s) AND NOT EXISTS (
    SELECT FROM pg_catalog.pg_depend d
    WHERE d.refclassid = 'pg_catalog.pg_namespace'::pg_catalog.regclass AND d.refobjid = n.oid)
"""


def schemas(connection: psycopg.Connection[Any]) -> set[str]:
    return {str(name) for (name,) in connection.execute("SELECT nspname FROM pg_catalog.pg_namespace").fetchall()}


def lacking(
    error: psycopg.Error, connection: psycopg.Connection[Any], statement: str, script: Iterable[str] = ()
) -> CrossfadeError | None:
    """Return the error of a statement for which the role lacks a privilege, with the GRANT, and those that the journal
    and the statements of the `script` need besides; None for others.
    """
    said = error.diag.message_primary or ""
    role = shown(connection.info.user)
    if error.sqlstate == "3F000" and said.startswith("no schema has been selected"):
        return _no_schema(said, connection, script, role)
    if error.sqlstate != "42501":
        return None
    if extension := _EXTENSION.match(said):
        return _denied(said, f"CREATE EXTENSION {shown(extension[1])}, in this database")
    denied = _DENIED.match(said)
    if denied is None:
        return None
    made = made_by(statement)
    if denied[1] == "schema":
        first, name = f"GRANT USAGE, CREATE ON SCHEMA {shown(denied[2])} TO {role}", denied[2]
    elif made is not None and made.kind == "SCHEMA":
        first, name = f"CREATE SCHEMA {shown(made.name)} AUTHORIZATION {role}", made.name
    else:
        return _denied(said, f"GRANT CREATE ON DATABASE {shown(denied[2])} TO {role}")
    grants = [first, *_also_lacking(connection, script, name, role)]
    return _denied(said, "; ".join(grants) + _instead(connection, grants, role) + _elsewhere(connection, denied[1]))


def _no_schema(
    said: str, connection: psycopg.Connection[Any], script: Iterable[str], role: str
) -> CrossfadeError | None:
    """PostgreSQL leaves out of the search_path what the role may not use, and then finds no schema at all."""
    grants = list(_also_lacking(connection, script, "", role))
    if not any(
        grant.startswith(f"GRANT USAGE, CREATE ON SCHEMA {shown(default_schema(connection))} ") for grant in grants
    ):
        return None
    return _denied(said, "; ".join(grants) + _instead(connection, grants, role) + _elsewhere(connection, "schema"))


def _also_lacking(connection: psycopg.Connection[Any], script: Iterable[str], told: str, role: str) -> Iterator[str]:
    """Yield the statements that give the role what it lacks for other schemas: those that the script needs, those of
    tables that name none, and the journal's.
    """
    with suppress(psycopg.Error):  # the transaction may have failed already
        made = [one for one in map(made_by, script) if one is not None]
        named = [one.name if one.kind == "SCHEMA" else one.schema or default_schema(connection) for one in made]
        wanted = dict.fromkeys([*(named or [default_schema(connection)]), _JOURNAL])
        wanted.pop(told, None)
        for name, exists in connection.execute(_LACKED, [list(wanted)]).fetchall():
            why = "" if named else " (for tables that name no schema)"
            why = " (for the journal)" if name == _JOURNAL else why
            if exists:
                yield f"GRANT USAGE, CREATE ON SCHEMA {shown(name)} TO {role}{why}"
            else:
                yield f"CREATE SCHEMA {shown(name)} AUTHORIZATION {role}{why}"


_JOURNAL = "crossfade"
_LACKED = """
SELECT w.name::pg_catalog.text, n.oid IS NOT NULL
FROM pg_catalog.unnest(%s::pg_catalog.text[]) WITH ORDINALITY AS w(name, place)
LEFT JOIN pg_catalog.pg_namespace n ON n.nspname = w.name
WHERE CASE WHEN n.oid IS NULL THEN NOT pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE')
      ELSE NOT pg_catalog.has_schema_privilege(n.oid, 'CREATE')
           OR NOT pg_catalog.has_schema_privilege(n.oid, 'USAGE') END
ORDER BY w.place
"""


def _instead(connection: psycopg.Connection[Any], grants: Sequence[str], role: str) -> str:
    """Return what to grant instead of creating schemas, if one of these statements does."""
    if not any(grant.startswith("CREATE SCHEMA ") for grant in grants):
        return ""
    grant = f"GRANT CREATE ON DATABASE {shown(connection.info.dbname)} TO {role}"
    return f"; or {grant}" if len(grants) == 1 else f"; or, instead of each CREATE SCHEMA, {grant}"


def denied(said: str, url: str, table: str = "") -> CrossfadeError | None:
    """Return the error from the server's message and the URL alone, with the GRANT if there is one.

    The server gives the bare name of a table; `table` is the one that was written to, as mapping files name it.
    """
    role = _role(url)
    if temporary := _TEMPORARY.search(said):
        return _denied(said, f"GRANT TEMPORARY ON DATABASE {shown(temporary[1])} TO {role}")
    if owned := _OWNER.search(said):
        kind, name = owned[1], _full_name(owned[2], table)
        return _denied(said, f"ALTER {kind.upper()} {name} OWNER TO {role}; or GRANT to {role} the role that owns it")
    found = _OF_THING.search(said)
    if found is None or found[1] not in _GRANTS:
        return None
    grant = f"GRANT {_GRANTS[found[1]]} {_full_name(found[2], table)} TO {role}"
    reading = f"; for status and verify, GRANT pg_read_all_data TO {role} is enough" if found[1] in _READ_ALONE else ""
    return _denied(said, grant + reading)


def denied_reading(said: str, url: str) -> CrossfadeError | None:
    """Return the error of a statement that reads the source or the target, with the least GRANT that it needs."""
    found = _OF_THING.search(said)
    if found is None or found[1] not in _TO_READ:
        return denied(said, url)
    role = _role(url)
    return CrossfadeError(
        f"the role of {hide_password(url)} lacks a privilege: {found[0]}; nothing was changed",
        hint=f"as an administrator: GRANT {_TO_READ[found[1]]} {shown(found[2])} TO {role}; "
        f"or, for everything that is read, GRANT pg_read_all_data TO {role}",
    )


def _full_name(name: str, table: str) -> str:
    schema, _, last = table.rpartition(".")
    return f"{shown(schema)}.{shown(name)}" if schema and last == name else shown(name)


def _role(url: str) -> str:
    """Return the role of a URL, by the URL or the environment."""
    try:
        user = conninfo_to_dict(re.sub(r"^(postgres(?:ql)?)\+\w+://", r"\1://", url)).get("user")
    except psycopg.ProgrammingError:
        user = None
    return shown(str(user)) if user else shown(os.environ.get("PGUSER", "")) if os.environ.get("PGUSER") else "the role"


def _elsewhere(connection: psycopg.Connection[Any], denied: str) -> str:
    """Return a hint with the schema in which the role may create tables, if there is one and a schema was `denied`."""
    if denied != "schema":
        return ""
    with suppress(psycopg.Error):  # the transaction may have failed already
        row = connection.execute(_WRITABLE).fetchone()
        if row is not None:
            place = f"?schema={quote(row[0], safe='')}"
            return f"; or, without a grant, use a schema in which the role may create tables: {place} in target.url"
    return ""


_WRITABLE = """
SELECT nspname::pg_catalog.text FROM pg_catalog.pg_namespace
WHERE nspname !~ '^pg_' AND nspname NOT IN ('crossfade', 'information_schema')
  AND pg_catalog.has_schema_privilege(oid, 'CREATE')
ORDER BY pg_catalog.pg_has_role(nspowner, 'MEMBER') DESC, nspname <> current_user, nspname
"""


def _denied(said: str, grant: str) -> CrossfadeError:
    return CrossfadeError(
        f"the role of the target URL lacks a privilege: {said}; the statement had no effect",
        hint=f"as an administrator: {grant}",
    )
