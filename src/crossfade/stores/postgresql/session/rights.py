"""Rights that the role of the target URL may lack: what needs none is not asked for, and the one GRANT is named.

Shared and managed databases hand out a schema, not the database: `CREATE SCHEMA IF NOT EXISTS` of a schema that is
there is refused in them, because PostgreSQL looks at the right first.
"""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Any
from urllib.parse import quote

import psycopg

from crossfade.errors import CrossfadeError
from crossfade.model.quoting import shown
from crossfade.schema.created import made_by
from crossfade.schema.tokens import meaningful

_DENIED = re.compile(r"permission denied for (database|schema) (.+)")
_EXTENSION = re.compile(r'permission denied to create extension "(.+)"')


def schema_of(statement: str) -> str | None:
    """The name of the schema where a statement makes one and nothing in it."""
    made = made_by(statement)
    if made is None or made.kind != "SCHEMA" or sum(t.word == "CREATE" for t in meaningful(statement)) > 1:
        return None
    return made.name


def is_there(connection: psycopg.Connection[Any], statement: str) -> bool:
    """Whether a statement makes a schema that is there already."""
    name = schema_of(statement) if statement.startswith("CREATE SCHEMA IF NOT EXISTS ") else None
    return name is not None and name in schemas(connection)


def schemas(connection: psycopg.Connection[Any]) -> set[str]:
    return {str(name) for (name,) in connection.execute("SELECT nspname FROM pg_catalog.pg_namespace").fetchall()}


def lacking(error: psycopg.Error, connection: psycopg.Connection[Any], statement: str) -> CrossfadeError | None:
    """The error of a statement for which the role has no right, with the statement that gives it; None of any other."""
    said = error.diag.message_primary or ""
    if error.sqlstate != "42501":
        return None
    role = shown(connection.info.user)
    if extension := _EXTENSION.match(said):
        return _denied(said, f"CREATE EXTENSION {shown(extension[1])}, in this database")
    denied = _DENIED.match(said)
    if denied is None:
        return None
    made = made_by(statement)
    if denied[1] == "schema":
        grant = f"GRANT USAGE, CREATE ON SCHEMA {shown(denied[2])} TO {role}"
        return _denied(said, grant + _elsewhere(connection))
    if made is not None and made.kind == "SCHEMA":
        create = f"CREATE SCHEMA {shown(made.name)} AUTHORIZATION {role}"
        return _denied(said, f"{create}; or GRANT CREATE ON DATABASE {shown(denied[2])} TO {role}")
    return _denied(said, f"GRANT CREATE ON DATABASE {shown(denied[2])} TO {role}")


def _elsewhere(connection: psycopg.Connection[Any]) -> str:
    """The schema in which the role may make tables, where there is one."""
    with suppress(psycopg.Error):  # the transaction may have failed already
        row = connection.execute(_WRITABLE).fetchone()
        if row is not None:
            place = f"?schema={quote(row[0], safe='')}"
            return f"; or, without one, have the tables in a schema where the role may make some: {place} in target.url"
    return ""


_WRITABLE = """
SELECT nspname::pg_catalog.text FROM pg_catalog.pg_namespace
WHERE nspname !~ '^pg_' AND nspname NOT IN ('crossfade', 'information_schema')
  AND pg_catalog.has_schema_privilege(oid, 'CREATE')
ORDER BY pg_catalog.pg_has_role(nspowner, 'MEMBER') DESC, nspname <> current_user, nspname
"""


def _denied(said: str, grant: str) -> CrossfadeError:
    return CrossfadeError(
        f"the role of the target URL lacks a right: {said}; this statement did nothing",
        hint=f"as an administrator: {grant}",
    )
