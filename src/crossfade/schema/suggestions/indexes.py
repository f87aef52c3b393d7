"""Suggestions for indexes on expressions whose value may change although the row does not."""

from __future__ import annotations

import re
from collections.abc import Callable

from crossfade.schema.suggestions.kinds import Knowledge, Refusal, Suggestion
from crossfade.schema.suggestions.text import Edit, closing, edited
from crossfade.schema.tokens import Token, meaningful

_WRAPPED = {
    "array_to_string": (
        "CREATE FUNCTION immutable_array_to_string(text[], text) RETURNS text\n"
        "    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE\n"
        "    AS $$ SELECT pg_catalog.array_to_string($1, $2) $$",
        "array_to_string is only STABLE because printing an element may depend on settings (a date's on DateStyle); "
        "text does not, so for text[] the wrapper is really immutable. "
        "A NULL array makes the whole expression NULL; use COALESCE if that is not intended",
    ),
    "concat_ws": (
        "CREATE FUNCTION immutable_concat_ws(text, VARIADIC text[]) RETURNS text\n"
        "    LANGUAGE sql IMMUTABLE PARALLEL SAFE\n"
        "    AS $$ SELECT pg_catalog.concat_ws($1, VARIADIC $2) $$",
        "concat_ws is only STABLE because printing some types depends on settings; text does not",
    ),
    "concat": (
        "CREATE FUNCTION immutable_concat(VARIADIC text[]) RETURNS text\n"
        "    LANGUAGE sql IMMUTABLE PARALLEL SAFE\n"
        "    AS $$ SELECT pg_catalog.concat(VARIADIC $1) $$",
        "concat is only STABLE because printing some types depends on settings; text does not",
    ),
    "unaccent": (
        "CREATE FUNCTION immutable_unaccent(text) RETURNS text\n"
        "    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE\n"
        "    AS $$ SELECT unaccent('unaccent', $1) $$",
        "unaccent is only STABLE because its dictionary can be changed; do not change it while the index exists",
    ),
}
_SEARCHES = ("to_tsvector", "to_tsquery", "plainto_tsquery", "phraseto_tsquery")


def not_immutable(statement: str, refusal: Refusal, known: Knowledge) -> Suggestion | None:
    """functions in index expression must be marked IMMUTABLE."""
    if refusal.code != "42P17" or "IMMUTABLE" not in refusal.message:
        return None
    found = meaningful(statement)
    for way in (_wrapped, _with_configuration, _at_utc):
        corrected = way(statement, found)
        if corrected:
            return corrected
    return Suggestion(
        "an index expression must not change for the same row; this one depends on the clock or on settings",
        None,
        "use only IMMUTABLE functions; convert times with AT TIME ZONE 'UTC' first; now() cannot be indexed",
    )


def _calls(found: list[Token]) -> list[tuple[int, Token]]:
    return [(i, t) for i, t in enumerate(found[:-1]) if t.kind == "name" and found[i + 1].word == "("]


def _wrapped(statement: str, found: list[Token]) -> Suggestion | None:
    names = sorted({t.name for _, t in _calls(found) if t.name in _WRAPPED})
    if not names:
        return None
    edits: list[Edit] = [(t.start, t.end, f"immutable_{t.name}") for _, t in _calls(found) if t.name in _WRAPPED]
    edits += _configured(found)
    functions = [_WRAPPED[name][0].replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION") for name in names]
    why = ". ".join(_WRAPPED[name][1] for name in names)
    return Suggestion(
        f"an index may only use IMMUTABLE functions, and {' and '.join(names)} is not",
        ";\n\n".join([*functions, edited(statement, edits)]),
        f"use the wrapper in the index and in the queries that are to use it. {why}",
    )


def _with_configuration(statement: str, found: list[Token]) -> Suggestion | None:
    edits = _configured(found)
    if not edits:
        return None
    return Suggestion(
        "to_tsvector with one argument depends on the session's default_text_search_config",
        edited(statement, edits),
        "name the configuration, in the index and in the queries that are to use it",
    )


def _configured(found: list[Token]) -> list[Edit]:
    """Add a configuration to each text search call that has only its text."""
    edits: list[Edit] = []
    for i, token in _calls(found):
        if token.name in _SEARCHES and not _has_comma(found, i + 1):
            edits.append((found[i + 1].end, found[i + 1].end, "'english', "))
    return edits


def _has_comma(found: list[Token], opening: int) -> bool:
    depth = 0
    for token in found[opening : closing(found, opening)]:
        depth += {"(": 1, ")": -1}.get(token.word, 0)
        if token.word == "," and depth == 1:
            return True
    return False


def _at_utc(statement: str, found: list[Token]) -> Suggestion | None:
    """Correct created_at::date and date_trunc('day', created_at), which depend on the session's time zone."""
    rules: tuple[tuple[str, str | Callable[[re.Match[str]], str]], ...] = (
        (r'("[^"]+"|\b\w+)\s*::\s*date\b', r"((\1 AT TIME ZONE 'UTC')::date)"),
        (r'\bdate\s*\(\s*("[^"]+"|\w+)\s*\)', r"((\1 AT TIME ZONE 'UTC')::date)"),
        (r"(\bdate_trunc\s*\(\s*'[^']+'\s*,\s*)(\"[^\"]+\"|\w+)(\s*\))", r"\1\2 AT TIME ZONE 'UTC'\3"),
        (r"(\bextract\s*\(\s*\w+\s+from\s+)(\"[^\"]+\"|\w+)(\s*\))", r"\1\2 AT TIME ZONE 'UTC'\3"),
    )
    corrected = statement
    for pattern, new in rules:
        corrected = re.sub(pattern, new, corrected, flags=re.IGNORECASE)
    if corrected == statement:
        return None
    return Suggestion(
        "the date of a timestamptz depends on the session's time zone, so it cannot be indexed",
        corrected,
        "state the time zone, in the index and in the queries that are to use it",
    )
