"""Statements of a schema file that are not about the schema of one database, and why each is skipped.

The scratch database is dropped, but roles, tablespaces and other databases would remain: such statements do not run.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from crossfade.schema.statements import Statement
from crossfade.schema.tokens import meaningful

_TRANSACTION = {"BEGIN", "COMMIT", "ROLLBACK", "END", "START", "SAVEPOINT", "RELEASE", "ABORT"}
_ROWS = {"INSERT", "UPDATE", "DELETE", "MERGE", "TRUNCATE", "COPY"}
_UPKEEP = {"VACUUM", "ANALYZE", "REINDEX", "CLUSTER", "REFRESH", "CHECKPOINT", "LOCK", "LISTEN", "NOTIFY", "DISCARD"}
_RIGHTS = {"GRANT", "REVOKE", "REASSIGN"}
_OF_THE_SERVER = {"DATABASE", "ROLE", "USER", "GROUP", "TABLESPACE", "SYSTEM"}
_REPLICATION = {"SUBSCRIPTION", "PUBLICATION"}


def why_left_out(statement: Statement) -> str | None:
    """Return None if the statement runs; otherwise a note, or "" if none is needed (BEGIN, COMMIT)."""
    first, second = (*statement.words[:2], "", "")[:2]
    if first in _TRANSACTION:
        return ""
    if first in _ROWS or (first == "WITH" and {"INSERT", "UPDATE", "DELETE"} & set(statement.words)):
        return f"{first} is skipped: a schema contains no rows"
    if first == "SELECT" and any(token.word == "SETVAL" for token in meaningful(statement.text)):
        return "setval is skipped: sequences of columns continue after the highest number in use; other sequences start at their first number"
    if first in _UPKEEP:
        return f"{first} is skipped: it creates nothing"
    if first in _RIGHTS or (first, second) in (("DROP", "OWNED"), ("ALTER", "DEFAULT"), ("SECURITY", "LABEL")):
        return f"{first} is skipped: privileges are not copied into the target"
    if first in ("CREATE", "ALTER", "DROP") and statement.words[1:3] == ("USER", "MAPPING"):
        return f"{first} USER MAPPING is skipped: it may hold a password"
    if first in ("CREATE", "ALTER", "DROP", "COMMENT") and second in _REPLICATION:
        return f"{first} {second} is skipped: a move does not set up replication"
    if first in ("CREATE", "ALTER", "DROP", "COMMENT") and (
        second in _OF_THE_SERVER or statement.words[2:3] == ("DATABASE",)
    ):
        return f"{first} {second} is skipped: it is about the server, not this database"
    if first == "SET" and (second in ("ROLE", "TRANSACTION") or statement.words[1:3] == ("SESSION", "AUTHORIZATION")):
        return f"SET {second} is skipped"
    if first == "ALTER" and _changes_owner(statement):
        return "OWNER TO is skipped: the role that applies the schema owns it"
    return None


def only_drops(statement: Statement) -> str | None:
    """Return `DROP TABLE` or `ALTER TABLE ... DROP` for a statement that only drops; None for any other."""
    words = [t.word for t in meaningful(statement.text)]
    if words[:1] == ["DROP"]:
        return " ".join(statement.words[:2])
    if words[:1] == ["ALTER"] and "DROP" in words and not _MAKES.intersection(words):
        return f"ALTER {statement.words[1]} ... DROP"
    return None


_MAKES = {"ADD", "SET", "RENAME", "ENABLE", "DISABLE", "ATTACH", "DETACH", "TYPE", "INHERIT", "OWNER", "VALIDATE"}


def notes_of(left_out: Iterable[tuple[int, str]]) -> list[str]:
    """Return a note for each reason, with the lines that it is about."""
    lines: dict[str, list[int]] = {}
    for line, reason in left_out:
        lines.setdefault(reason, []).append(line)
    return [f"{lines_of(found)}: {reason}" for reason, found in lines.items()]


def lines_of(lines: list[int]) -> str:
    """Return `lines 3, 4, 5 and 12 more`."""
    named = ", ".join(map(str, lines[:_NAMED]))
    more = f" and {len(lines) - _NAMED} more" if len(lines) > _NAMED else ""
    return f"line{'s' if len(lines) > 1 else ''} {named}{more}"


_NAMED = 3


def _changes_owner(statement: Statement) -> bool:
    words = [t.word for t in meaningful(statement.text)]
    return words[-3:-1] == ["OWNER", "TO"]


def without_concurrently(text: str) -> str:
    """Remove CONCURRENTLY: it cannot run in a transaction, and in a new database an index blocks no one."""
    return re.sub(r"^(\s*CREATE\s+(?:UNIQUE\s+)?INDEX)\s+CONCURRENTLY\b", r"\1", text, flags=re.IGNORECASE)
