"""Statements of a schema file that are not about the schema of one database, and why each is left out.

The scratch database is thrown away, but roles, tablespaces and other databases would stay: such statements do not run.
"""

from __future__ import annotations

import re

from crossfade.schema.statements import Statement
from crossfade.schema.tokens import meaningful

_TRANSACTION = {"BEGIN", "COMMIT", "ROLLBACK", "END", "START", "SAVEPOINT", "RELEASE", "ABORT"}
_ROWS = {"INSERT", "UPDATE", "DELETE", "MERGE", "TRUNCATE", "COPY"}
_UPKEEP = {"VACUUM", "ANALYZE", "REINDEX", "CLUSTER", "REFRESH", "CHECKPOINT", "LOCK", "LISTEN", "NOTIFY", "DISCARD"}
_RIGHTS = {"GRANT", "REVOKE", "REASSIGN"}
_OF_THE_SERVER = {"DATABASE", "ROLE", "USER", "GROUP", "TABLESPACE", "SYSTEM", "SUBSCRIPTION", "PUBLICATION"}


def why_left_out(statement: Statement) -> str | None:
    """None: it runs. Otherwise a note, or "" where there is nothing to say (BEGIN, COMMIT)."""
    first, second = (*statement.words[:2], "", "")[:2]
    if first in _TRANSACTION:
        return ""
    if first in _ROWS or (first == "WITH" and {"INSERT", "UPDATE", "DELETE"} & set(statement.words)):
        return f"{first} is left out: a schema brings no rows"
    if first in _UPKEEP:
        return f"{first} is left out: it makes nothing"
    if first in _RIGHTS or (first, second) in (("DROP", "OWNED"), ("ALTER", "DEFAULT"), ("SECURITY", "LABEL")):
        return f"{first} is left out: rights are not carried into the target"
    if first in ("CREATE", "ALTER", "DROP", "COMMENT") and (
        second in _OF_THE_SERVER or statement.words[2:3] == ("DATABASE",)
    ):
        return f"{first} {second} is left out: it is about the server, not about this database"
    if first == "SET" and (second in ("ROLE", "TRANSACTION") or statement.words[1:3] == ("SESSION", "AUTHORIZATION")):
        return f"SET {second} is left out"
    if first == "ALTER" and _changes_owner(statement):
        return "OWNER TO is left out: whoever applies the schema owns it"
    return None


def _changes_owner(statement: Statement) -> bool:
    words = [t.word for t in meaningful(statement.text)]
    return words[-3:-1] == ["OWNER", "TO"]


def without_concurrently(text: str) -> str:
    """CREATE INDEX CONCURRENTLY cannot run in a transaction, and nobody else is there to be kept waiting."""
    return re.sub(r"^(\s*CREATE\s+(?:UNIQUE\s+)?INDEX)\s+CONCURRENTLY\b", r"\1", text, flags=re.IGNORECASE)
