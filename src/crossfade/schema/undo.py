"""Derives DROP statements from the statements that created things; without CASCADE, so that nothing else is dropped."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from crossfade.model.target import Step
from crossfade.schema.documents import commands
from crossfade.schema.suggestions.text import closing
from crossfade.schema.tokens import Token, meaningful


@dataclass(frozen=True, slots=True)
class Undo:
    """`sql` drops the thing; `kind` (TABLE, TYPE, ...) and `name` are for display, `plain` is (schema, name).

    `partition` says that the rows of this table are counted with its parent's.
    """

    kind: str
    name: str
    sql: str
    plain: tuple[str, str] = ("", "")
    partition: bool = False


_BEFORE_KIND = {
    "OR",
    "REPLACE",
    "UNLOGGED",
    "TEMPORARY",
    "TEMP",
    "GLOBAL",
    "LOCAL",
    "RECURSIVE",
    "UNIQUE",
    "TRUSTED",
    "CONSTRAINT",
}
_BEFORE_NAME = {"IF", "NOT", "EXISTS", "CONCURRENTLY"}
_NAMED = (
    ("MATERIALIZED", "VIEW"),
    ("FOREIGN", "DATA", "WRAPPER"),
    ("FOREIGN", "TABLE"),
    ("EVENT", "TRIGGER"),
    ("TEXT", "SEARCH", "CONFIGURATION"),
    ("TEXT", "SEARCH", "DICTIONARY"),
    ("TEXT", "SEARCH", "TEMPLATE"),
    ("TEXT", "SEARCH", "PARSER"),
    *(
        (word,)
        for word in ("TABLE", "TYPE", "DOMAIN", "SEQUENCE", "VIEW", "COLLATION", "SERVER", "SCHEMA", "EXTENSION")
    ),
)
_BY_ID = ("FUNCTION", "PROCEDURE", "AGGREGATE", "OPERATOR")
"""Kinds that are identified with their arguments: the step's id has them."""
_WITH_TABLE = ("INDEX", "TRIGGER", "RULE", "POLICY", "STATISTICS")
"""Kinds that are dropped with their table."""


_PUBLIC = Undo("COMMENT", "on schema public", "COMMENT ON SCHEMA public IS 'standard public schema'")
"""The only comment on something that stays."""


def undo_of(step: Step) -> Undo | None:
    """Return the statement that drops what a step created; None if it is dropped with something else.

    Raises LookupError for an unknown kind of thing.
    """
    if commands.is_command(step.sql):
        return _of_command(step.sql)
    words = list(meaningful(step.sql))
    if not words:
        return None
    if words[0].word == "ALTER":
        return _foreign_key(words)
    if [w.word for w in words[:4]] == ["COMMENT", "ON", "SCHEMA", "PUBLIC"]:
        return _PUBLIC
    if words[0].word != "CREATE":
        return None
    rest = words[1:]
    while rest and rest[0].word in _BEFORE_KIND:
        rest = rest[1:]
    kinds = [w.word for w in rest[:3]]
    for known in _NAMED:
        if tuple(kinds[: len(known)]) == known:
            return _named(" ".join(known), rest[len(known) :], words)
    if kinds[:1] == ["CAST"]:
        types = step.sql[rest[1].start : rest[closing(rest, 1)].end]
        return Undo("CAST", types, f"DROP CAST IF EXISTS {types}")
    if kinds[:1] == ["OPERATOR"] and kinds[1:2] in (["CLASS"], ["FAMILY"]):
        kind, name = f"OPERATOR {kinds[1]}", "".join(t.text for t in _name(rest[2:]))
        method = rest[next(i for i, t in enumerate(rest) if t.word == "USING") + 1].text
        return Undo(kind, name, f"DROP {kind} IF EXISTS {name} USING {method}")
    if kinds and kinds[0] in _BY_ID and kinds[1:2] not in (["CLASS"], ["FAMILY"]):
        name = step.id.partition(" ")[2]
        return Undo(kinds[0], name, f"DROP {kinds[0]} IF EXISTS {name}")
    if kinds and kinds[0] in _WITH_TABLE:
        return None
    raise LookupError(step.id)


def _of_command(sql: str) -> Undo | None:
    drop, name = commands.drop_of(sql), commands.collection_of(sql)
    return None if drop is None else Undo("TABLE", name, drop, ("", name))


def _named(kind: str, rest: Sequence[Token], words: Sequence[Token]) -> Undo:
    while rest and rest[0].word in _BEFORE_NAME:
        rest = rest[1:]
    tokens = list(_name(rest))
    name = "".join(t.text for t in tokens)
    parts = [t.name for t in tokens if t.text != "."]
    said = [w.word for w in words]
    return Undo(
        kind,
        name,
        f"DROP {kind} IF EXISTS {name}",
        (parts[-2] if len(parts) > 1 else "", parts[-1]),
        partition=_follow(said, "PARTITION", "OF"),
    )


def _name(rest: Sequence[Token]) -> Iterator[Token]:
    """`schema . name`."""
    yield rest[0]
    for dot, part in zip(rest[1::2], rest[2::2], strict=False):
        if dot.text != ".":
            return
        yield from (dot, part)


def _follow(words: Sequence[str], first: str, second: str) -> bool:
    return any(a == first and b == second for a, b in pairwise(words))


def _foreign_key(words: Sequence[Token]) -> Undo | None:
    """Drop a foreign key first: tables that reference each other could not be dropped otherwise."""
    said = [w.word for w in words]
    if not _follow(said, "FOREIGN", "KEY") or not _follow(said, "ADD", "CONSTRAINT"):
        return None
    rest = words[2:]
    while rest and rest[0].word in (*_BEFORE_NAME, "ONLY"):
        rest = rest[1:]
    table = "".join(t.text for t in _name(rest))
    key = words[said.index("CONSTRAINT") + 1].text
    return Undo("CONSTRAINT", f"{key} of {table}", f"ALTER TABLE IF EXISTS {table} DROP CONSTRAINT IF EXISTS {key}")
