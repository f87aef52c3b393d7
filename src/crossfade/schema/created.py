"""The object that a statement creates."""

from __future__ import annotations

from dataclasses import dataclass

from crossfade.schema.tokens import tokens

PARTS = ("TRIGGER", "RULE")
"""Kinds whose names have a space of their own."""
_KINDS = ("TABLE", "VIEW", "TYPE", "DOMAIN", "FUNCTION", "PROCEDURE", "SEQUENCE", "SCHEMA", "EXTENSION", *PARTS)
_BEFORE = {
    "OR",
    "REPLACE",
    "TEMP",
    "TEMPORARY",
    "GLOBAL",
    "LOCAL",
    "UNLOGGED",
    "MATERIALIZED",
    "RECURSIVE",
    "FOREIGN",
    "VIRTUAL",
    "CONSTRAINT",
    "EVENT",
}


@dataclass(frozen=True)
class Made:
    """`kind` is TABLE, VIEW, ...; `name` is folded and without its `schema` ("": the statement names none)."""

    kind: str
    name: str
    schema: str = ""


def made_by(text: str) -> Made | None:
    """Return what a CREATE statement creates; None for any other."""
    start = []
    for token in tokens(text):
        if token.kind not in ("space", "comment"):
            start.append(token)
        if len(start) == 16:
            break
    if not start or start[0].word != "CREATE":
        return None
    at = 1
    while at < len(start) and start[at].word in _BEFORE:
        at += 1
    kind = start[at].word if at < len(start) else ""
    if kind not in _KINDS:
        return None
    at += 4 if [t.word for t in start[at + 1 : at + 4]] == ["IF", "NOT", "EXISTS"] else 1
    schema = ""
    while at + 2 < len(start) and start[at + 1].text == ".":
        schema = start[at].name
        at += 2
    return Made(kind, start[at].name, schema) if at < len(start) and start[at].name else None
