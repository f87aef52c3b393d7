"""The settings of a PostgreSQL session that change text or behavior: one list, for every connection of every driver.

A role, a database, the URL or the environment may have set any of them otherwise. One statement sets all of them before
the first query of a connection. What an application chose for its own objects (`role`, `default_tablespace`,
`default_text_search_config`, ...) is not changed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from crossfade.errors import Refused
from crossfade.stores.postgresql.session import default_schema

SETTINGS: Mapping[str, str] = {
    # how values are printed and read
    "client_encoding": "UTF8",
    "DateStyle": "ISO, YMD",
    "IntervalStyle": "postgres",
    "TimeZone": "UTC",
    "timezone_abbreviations": "Default",
    "bytea_output": "hex",
    "extra_float_digits": "1",
    "xmloption": "content",
    "xmlbinary": "base64",
    "array_nulls": "on",
    "quote_all_identifiers": "off",
    "standard_conforming_strings": "on",
    "backslash_quote": "safe_encoding",
    "transform_null_equals": "off",
    "lc_numeric": "C",
    "lc_time": "C",
    # timeouts of a session, a transaction, a statement and a lock: blocking sessions are reported instead
    "statement_timeout": "0",
    "lock_timeout": "0",
    "transaction_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "idle_session_timeout": "0",
    # what a statement does
    "default_transaction_isolation": "read committed",
    "default_transaction_read_only": "off",
    "default_transaction_deferrable": "off",
    "synchronous_commit": "on",
    "row_security": "off",  # PostgreSQL then raises an error if a policy would hide rows
    "gin_fuzzy_search_limit": "0",
    "restrict_nonsystem_relation_kind": "",
    "check_function_bodies": "off",  # a function may use what a later step creates
    "exit_on_error": "off",
    "client_min_messages": "error",  # ADBC would print the others on stderr
}
READING = {"default_transaction_read_only": "on"}

_SEARCH_PATH = """
SELECT pg_catalog.string_agg(pg_catalog.quote_ident(s.nspname), ', ' ORDER BY s.place, s.nspname)
FROM (
    SELECT own.name, 0 FROM own
    UNION SELECT n.nspname::pg_catalog.text, 1
    FROM own, pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace
    WHERE n.nspname <> 'pg_catalog' AND n.nspname::pg_catalog.text <> own.name
) AS s(nspname, place)"""
"""The schema of tables that name none, and the schemas of extensions: their types and functions are referenced by their
bare names.
"""

_LC_MONETARY = """
SELECT CASE WHEN pg_catalog.scale(1::numeric::money::numeric) = 2 THEN 'C'
            ELSE pg_catalog.current_setting('lc_monetary') END"""
"""C, unless the database's money has other than two decimals: 12.34 is another number there."""

_SETTLE = """
WITH own(name) AS MATERIALIZED ({default_schema})
SELECT s.name, CASE WHEN s.value IS NULL THEN pg_catalog.current_setting(s.name)
                    ELSE pg_catalog.set_config(s.name, s.value, false) END AS value
FROM (VALUES {values}, ('search_path', ({search_path})), ('lc_monetary', ({lc_monetary})),
             {privileged}) AS s(name, value)
WHERE pg_catalog.current_setting(s.name, true) IS NOT NULL{condition}
UNION ALL SELECT '{own_schema}', own.name FROM own WHERE true{condition}"""
_OWN_SCHEMA = "crossfade.schema"

PRIVILEGED: Mapping[str, str] = {
    "session_replication_role": "origin",
    "zero_damaged_pages": "off",
    "ignore_checksum_failure": "off",
}
"""Settings that require a privilege of their own, so they are set only if they differ."""

_MESSAGES = "lc_messages"
_ENGLISH = re.compile(r"|C([._].*)?|POSIX|en.*", re.IGNORECASE)

Ask = Callable[[str], Sequence[tuple[str, str]]]
"""Runs a statement and returns its rows (none if it has no result)."""


def fix_settings(ask: Ask, *, reading: bool = False, backend: int | None = None, schema: str | None = None) -> bool:
    """Set every setting of a session. Return false, with nothing done, if it is not the session of process `backend`.
    `schema` is the one that the URL names (see default_schema.py).

    Raises Refused if a setting is fixed for this role to a value under which a move cannot work, or if `schema` is not
    the one of the move.
    """
    found = dict(ask(_statement({**SETTINGS, **(READING if reading else {})}, backend, schema)))
    if not found:
        return False
    default_schema.require_given(found.get(_OWN_SCHEMA, schema or ""), schema)
    if not _ENGLISH.fullmatch(found.get(_MESSAGES, "")):
        _try(ask, f"SET {_MESSAGES} TO 'C'")
    for name, value in PRIVILEGED.items():
        if found.get(name, value) != value and not _try(ask, f"SET {name} TO '{value}'"):
            raise Refused(
                f"{name} is {found[name]!r} for this role, which may not set it to {value!r};"
                " a move could lose data with that setting, so nothing was done",
                hint=f"as a superuser: ALTER ROLE ... RESET {name}, or ALTER DATABASE ... RESET {name}",
            )
    return True


def _statement(settings: Mapping[str, str], backend: int | None, schema: str | None) -> str:
    """Return the statement. It sets only what exists: `timezone_abbreviations`, for one, is not in every version."""
    return _SETTLE.format(
        values=", ".join(f"('{name}', '{value}')" for name, value in settings.items()),
        search_path=_SEARCH_PATH,
        lc_monetary=_LC_MONETARY,
        privileged=", ".join(f"('{name}', NULL)" for name in (*PRIVILEGED, _MESSAGES)),
        default_schema=default_schema.chosen(schema),
        own_schema=_OWN_SCHEMA,
        condition="" if backend is None else f" AND pg_catalog.pg_backend_pid() = {backend}",
    )


def _try(ask: Ask, statement: str) -> bool:
    """Return whether a setting that requires a privilege could be set."""
    try:
        ask(statement)
    except Exception as error:
        if getattr(error, "sqlstate", None) == "42501":
            return False
        raise
    return True
