"""Reads a PostgreSQL catalog into a TargetSchema: its tables, and the steps that create the same."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any

import psycopg
from psycopg.rows import namedtuple_row

from crossfade.model.sql_files import statements
from crossfade.model.target import TargetSchema
from crossfade.schema.digest import digest_of
from crossfade.stores.postgresql.catalog.later_steps import COMMENTED, later_steps
from crossfade.stores.postgresql.catalog.objects import objects, shown
from crossfade.stores.postgresql.catalog.order import arrange
from crossfade.stores.postgresql.catalog.tables import target_tables

JOURNAL_SCHEMA = "crossfade"

_FORCED = (
    "row-level security of {} is forced for its owner: verification and retries need a role that bypasses it"
    " (ALTER ROLE ... BYPASSRLS)"
)

_UNCOMMENTED = "not created in the target: the comment on {0.type} {0.identity}"

Rows = Callable[[str], list[Any]]

USER = f"(n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', '{JOURNAL_SCHEMA}'))"
_OPTIONS = (
    "nullif(array_to_string(array(SELECT o FROM unnest(a.attoptions) WITH ORDINALITY AS u(o, n)"
    " WHERE NOT o ^@ 'pg_attver=' ORDER BY n), ', '), '')"
)
"""The options of a column that somebody has set: PostgreSQL 15.20 notes one of its own for each."""
_MEMBER = (
    r"EXISTS (SELECT FROM pg_depend member WHERE member.classid = '\1'::regclass"
    r" AND member.objid = \2 AND member.deptype = 'e')"
)


def reflect(
    connection: psycopg.Connection[Any],
    default: str,
    notes: tuple[str, ...] = (),
    metadata_of: Callable[[], Any] | None = None,
) -> TargetSchema:
    """Reflect the connected database: all schemas, except PostgreSQL's own and the journal's. Tables of the schema
    `default` have unqualified names.
    """
    with plainly(connection):
        rows = _reader(connection)
        early, late, said = arrange(objects(rows), rows("dependencies"), rows("aliases"))
        tables = target_tables(rows, default)
        pre, post = tuple(early), (*later_steps(rows, early, late, connection.info.server_version),)
        left_out = (
            *(f"not created in the target: {row.what}" for row in rows("left_out")),
            *(_UNCOMMENTED.format(row) for row in rows("comments") if row.type not in COMMENTED),
            *(
                _FORCED.format(shown(row.sql_name))
                for row in rows("tables")
                if row.forced_row_security and row.is_bound
            ),
        )
    return TargetSchema(
        dialect="postgresql",
        tables=tables,
        pre=pre,
        post=post,
        metadata_of=metadata_of,
        digest=digest_of("postgresql", tables, pre, post),
        notes=tuple(dict.fromkeys((*notes, *said, *left_out))),
    )


# Settings that decide how the catalog prints things: qualified names, and always the same form of times and numbers.
_PLAIN = {
    "search_path": "",
    "timezone": "UTC",
    "datestyle": "ISO, MDY",
    "intervalstyle": "postgres",
    "extra_float_digits": "1",
    "quote_all_identifiers": "off",
    "bytea_output": "hex",
}


@contextmanager
def plainly(connection: psycopg.Connection[Any]) -> Iterator[None]:
    """Inside this block the catalog prints everything in one form, whatever the session's settings."""
    reading = ", ".join(["current_setting(%s)"] * len(_PLAIN))
    before = connection.execute(f"SELECT {reading}".encode(), list(_PLAIN)).fetchone()
    assert before is not None  # current_setting answers or raises
    _set(connection, _PLAIN)
    yield
    _set(connection, dict(zip(_PLAIN, before, strict=True)))


def _set(connection: psycopg.Connection[Any], settings: Mapping[str, str]) -> None:
    setting = ", ".join(["set_config(%s, %s, false)"] * len(settings))
    connection.execute(f"SELECT {setting}".encode(), [text for pair in settings.items() for text in pair])


def _reader(connection: psycopg.Connection[Any]) -> Rows:
    @cache
    def rows(name: str) -> Any:
        with connection.cursor(row_factory=namedtuple_row) as cursor:
            return cursor.execute(_queries()[name].encode()).fetchall()

    return rows


@cache
def _queries() -> dict[str, str]:
    return queries_of("catalog.sql")


def queries_of(file: str) -> dict[str, str]:
    """Return the queries of an SQL file of this folder, by name, with {user}, {options} and {member:...} filled in."""
    return {
        name: re.sub(
            r"\{member:(\w+),([\w.]+)\}", _MEMBER, query.replace("{user}", USER).replace("{options}", _OPTIONS)
        )
        for name, query in statements(__package__, file).items()
    }
