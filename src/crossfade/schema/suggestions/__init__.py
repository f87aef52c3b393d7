"""Corrected statements for what PostgreSQL refuses, one small function for each kind of fault.

A suggestion is only a proposal: the trial (stores/postgresql/scratch/) runs it, and shows it only if it succeeds.
"""

from __future__ import annotations

import re

from crossfade.schema.suggestions.extensions import extension_not_there, missing_extension
from crossfade.schema.suggestions.indexes import not_immutable
from crossfade.schema.suggestions.kinds import Knowledge, Refusal, Suggester, Suggestion
from crossfade.schema.suggestions.order import absent, made_later, needed_later
from crossfade.schema.suggestions.tables import (
    not_partitioned,
    partial_unique,
    quoted_default,
    quoted_text,
    trailing_comma,
)
from crossfade.schema.suggestions.types import inline_enum, mysql_words, unknown_type
from crossfade.schema.suggestions.views import fails_without_rows

SUGGESTERS: tuple[Suggester, ...] = (
    partial_unique,
    trailing_comma,
    made_later,
    inline_enum,
    mysql_words,
    missing_extension,
    extension_not_there,
    unknown_type,
    quoted_default,
    quoted_text,
    not_partitioned,
    not_immutable,
    fails_without_rows,
)


def suggest(statement: str, refusal: Refusal, known: Knowledge) -> Suggestion:
    """Return what is wrong, and the corrected statement (`sql` is None if there is none)."""
    for suggester in SUGGESTERS:
        found = suggester(statement, refusal, known)
        if found is not None:
            return found
    return Suggestion(_in_words(statement, refusal))


_BEGIN = {"ALTER", "COMMENT", "CREATE", "DO", "DROP", "INSERT", "SELECT", "SET"}
"""Words with which statements begin, and lines within one seldom."""


def _end_of(text: str) -> str:
    """Return the last words of a text, some 60 characters."""
    return text if len(text) <= 60 else text[-60:].partition(" ")[2] or text[-60:]


def _in_words(statement: str, refusal: Refusal) -> str:
    if refusal.code == "42601":
        if "end of input" in refusal.message:
            return "the statement ends too early: a parenthesis or a quote is not closed, or its end is missing"
        near = re.search(r'at or near "(.*)"', refusal.message, re.DOTALL)
        if near and refusal.position is not None:
            before = statement[: refusal.position].rstrip().rpartition("\n")[2].strip()
            lacking = "semicolon" if near[1].upper() in _BEGIN else "comma or parenthesis"
            return f"unexpected {near[1]!r}; look for a missing {lacking} after {_end_of(before)!r}"
    if refusal.code == "42P07":
        return "the file creates this twice"
    if refusal.code == "42830":
        return "a foreign key can only reference columns that are unique together"
    return "PostgreSQL rejects this statement"


__all__ = ["Knowledge", "Refusal", "Suggestion", "absent", "needed_later", "suggest"]
