"""Statements of a schema file that are not about the schema of one database, and why each is skipped.

The scratch database is dropped, but roles, tablespaces and other databases would remain: such statements do not run.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

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
        return "setval is skipped: sequences of columns continue after the highest number in use; others start over"
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
        return f"DROP {_kind(statement.words[1:])}"
    if words[:1] == ["ALTER"] and "DROP" in words and not _MAKES.intersection(words):
        return f"ALTER {_kind(statement.words[1:])} ... DROP"
    return None


_KINDS = (
    "MATERIALIZED VIEW", "FOREIGN TABLE", "FOREIGN DATA WRAPPER", "EVENT TRIGGER", "OPERATOR CLASS", "OPERATOR FAMILY",
    "ACCESS METHOD", "TEXT SEARCH CONFIGURATION", "TEXT SEARCH DICTIONARY", "TEXT SEARCH PARSER",
    "TEXT SEARCH TEMPLATE",
)  # fmt: skip
"""Kinds of things that have more than one word."""


def _kind(words: Sequence[str]) -> str:
    """Return the kind of what a statement is about, from the words after its first."""
    return next((kind for kind in _KINDS if tuple(words[: len(kind.split())]) == tuple(kind.split())), words[0])


_MAKES = {"ADD", "SET", "RENAME", "ENABLE", "DISABLE", "ATTACH", "DETACH", "TYPE", "INHERIT", "OWNER", "VALIDATE"}


def takes_away(text: str) -> tuple[str, str] | None:
    """Return `ALTER TABLE ... DISABLE TRIGGER` and `disable` for a statement with an action that takes something away
    without dropping it; None for any other.
    """
    words = [t.word for t in meaningful(text)]
    if words[:1] == ["COMMENT"]:
        return ("COMMENT ... IS NULL", "remove") if words[-2:] == ["IS", "NULL"] else None
    found = next(filter(None, map(_away, _actions(words))), None)
    return None if found is None else (f"ALTER {words[1]} ... {found}", _AWAY[found])


def only_takes_away(text: str) -> tuple[str, str] | None:
    """Return the same if the statement has no other action."""
    is_all = all(_away(action) for action in _actions([t.word for t in meaningful(text)]))
    return takes_away(text) if is_all else None


_AWAY = {
    "DETACH PARTITION": "detach",
    "NO INHERIT": "detach",
    "DISABLE TRIGGER": "disable",
    "DISABLE RULE": "disable",
    "DISABLE ROW LEVEL SECURITY": "disable",
    "NO FORCE ROW LEVEL SECURITY": "disable",
    "DISABLE": "disable",
    "SET WITHOUT CLUSTER": "remove",
    "OWNED BY NONE": "remove",
    "NOT OF": "remove",
    "DROP": "drop",
}
"""The beginnings of actions, the longer first, each with its verb."""


def _away(action: str) -> str | None:
    return next((begin for begin in _AWAY if f"{action} ".startswith(f"{begin} ")), None)


def _actions(words: Sequence[str]) -> list[str]:
    """Return the actions of an ALTER statement: what follows the name, divided at commas outside of parentheses."""
    if words[:1] != ["ALTER"]:
        return []
    at = 3 if words[1:2] == ["EVENT"] else 2
    while words[at : at + 1] in (["IF"], ["EXISTS"], ["ONLY"]):
        at += 1
    at += 1
    while words[at : at + 1] == ["."]:
        at += 2
    actions, depth = [list[str]()], 0
    for word in words[at:]:
        depth += {"(": 1, ")": -1}.get(word, 0)
        if word == "," and depth == 0:
            actions.append([])
        else:
            actions[-1].append(word)
    return [" ".join(action) for action in actions]


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
    """Remove CONCURRENTLY: it cannot run in a transaction, and in a new database nothing blocks anyone."""
    return _CONCURRENTLY.sub(r"\1\2", text)


_CONCURRENTLY = re.compile(
    r"^(\s*(?:CREATE\s+(?:UNIQUE\s+)?INDEX|DROP\s+INDEX))\s+CONCURRENTLY\b|(\bDETACH\s+PARTITION\s.*?)\s+CONCURRENTLY\s*$",
    re.IGNORECASE | re.DOTALL,
)
