"""Repeats a refused batch record by record inside the server: returns the refusals in one round trip.

The rows are copied into temporary tables without constraints, and from there into their tables, in runs of records that
grow while all are accepted and shrink after a refusal. In a refused run each record has a subtransaction of its own, so
that n records of which k are refused cost n + k statements inside the server.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from crossfade.model.sql_files import text_of
from crossfade.model.target import TargetTable
from crossfade.stores.contract import RowRejected
from crossfade.stores.postgresql import errors as failures

NUMBER = "n"
"""The column of a temporary table that holds the number of the record."""

# The types of the columns without modifiers and without the checks of domains, and the domains.
_COLUMNS = """
WITH RECURSIVE typed AS (
    SELECT a.attname, a.attnum, a.atttypid AS own, a.atttypid AS base
    FROM pg_catalog.pg_attribute a
    WHERE a.attrelid = %s::pg_catalog.regclass AND a.attnum > 0 AND NOT a.attisdropped
    UNION ALL
    SELECT c.attname, c.attnum, c.own, t.typbasetype
    FROM typed c JOIN pg_catalog.pg_type t ON t.oid = c.base WHERE t.typtype = 'd'
)
SELECT c.attname::pg_catalog.text, pg_catalog.format('%%I.%%I', n.nspname, t.typname),
       CASE WHEN c.own <> c.base THEN (SELECT pg_catalog.format('%%I.%%I', m.nspname, d.typname)
            FROM pg_catalog.pg_type d JOIN pg_catalog.pg_namespace m ON m.oid = d.typnamespace WHERE d.oid = c.own) END
FROM typed c JOIN pg_catalog.pg_type t ON t.oid = c.base JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
WHERE t.typtype <> 'd'
"""
# Rules of the table apply to an INSERT, but not to a COPY.
_POSSIBLE = """
SELECT pg_catalog.has_database_privilege(pg_catalog.current_database(), 'TEMP')
   AND pg_catalog.has_language_privilege('plpgsql', 'USAGE')
   AND NOT EXISTS (SELECT FROM pg_catalog.pg_class c, pg_catalog.unnest(%s::text[]) AS t(name)
                   WHERE c.oid = t.name::pg_catalog.regclass AND c.relhasrules),
       pg_catalog.to_regclass(%s) IS NOT NULL
"""


_NOTING = -2
"""The part number of statements that are not about a row: an error in them is not about one."""

# One entry is enough for a subtransaction with several tables: all of its rows have the same transaction number.
_NOTE = "part := {}; INSERT INTO {} (id, table_name, gone) VALUES ({} || at, {}, 0);"


@dataclass(frozen=True)
class Staged:
    """Rows of a table in a temporary table, whose columns c0, c1, ... stand for `columns`."""

    table: TargetTable
    place: str
    columns: tuple[str, ...]
    domains: dict[str, str]

    @property
    def name(self) -> sql.Identifier:
        return sql.Identifier("pg_temp", self.place)


def possible(connection: psycopg.Connection[Any], names: Sequence[str], loaded: str) -> tuple[bool, str]:
    """Return whether the tables (by SQL name) can be filled in this way, and `loaded`, the journal's table of loads, if
    there is one.
    """
    ((can, notes),) = connection.execute(_POSSIBLE, [list(names), loaded]).fetchall()
    return bool(can), loaded if notes else ""


def stage(connection: psycopg.Connection[Any], number: int, table: TargetTable, name: str, names: list[str]) -> Staged:
    """Create the temporary table for rows of `table` (SQL name: `name`). The caller fills it."""
    types = {column: (base, own) for column, base, own in connection.execute(_COLUMNS, [name]).fetchall()}
    domains = {column: own for column, (_, own) in types.items() if own is not None and column in names}
    staged = Staged(table, f"crossfade_staged_{number}", tuple(names), domains)
    columns = sql.SQL(", ").join(sql.SQL(f"c{i} {types[column][0]}") for i, column in enumerate(names))
    connection.execute(
        sql.SQL(f"CREATE TEMPORARY TABLE {{}} ({NUMBER} integer, {{}}) ON COMMIT DROP").format(staged.name, columns)
    )
    return staged


def fill(
    connection: psycopg.Connection[Any], parts: Sequence[Staged], total: int, *, check_late: bool, notes: str
) -> None:
    """Fill the tables with the records 0 to `total`, except those that are refused.

    With `notes`, the journal's table of loads, each subtransaction records its number there, which marks its rows as
    the move's.
    """
    for part in parts:
        connection.execute(sql.SQL("CREATE INDEX ON {} ({})").format(part.name, sql.Identifier(NUMBER)))
    connection.execute("CREATE TEMPORARY TABLE crossfade_refused (n integer, part integer, said text[]) ON COMMIT DROP")
    inserts: list[sql.Composable] = [_insert(i, part) for i, part in enumerate(parts)]
    if notes:
        inserts.append(sql.SQL(_NOTE).format(_NOTING, sql.SQL(notes), f"{secrets.token_hex(12)}-", parts[0].table.name))
    if check_late:
        inserts.append(sql.SQL("part := -1; SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED;"))
    columns = [probe for i, part in enumerate(parts) for probe in _domains(i, part)]
    body = sql.SQL(_text()).format(
        total=sql.Literal(total),
        inserts=sql.SQL("\n").join(inserts),
        noting=sql.Literal(_NOTING),
        never_a_row=sql.Literal([f"{beginning}%" for beginning in failures.NEVER_A_ROW]),
        raised=sql.Literal(failures.RAISED),
        columns=sql.SQL("\n").join([*columns, sql.SQL("NULL;")]),
    )
    connection.execute(sql.SQL("DO {}").format(sql.Literal(body.as_string(connection))))


def refused(connection: psycopg.Connection[Any], parts: Sequence[Staged], default: str) -> dict[int, RowRejected]:
    """Return the refusals by record number, and drop the temporary tables."""
    found = connection.execute("SELECT n, part, said FROM pg_temp.crossfade_refused ORDER BY n").fetchall()
    names = [*(part.name for part in parts), sql.Identifier("pg_temp", "crossfade_refused")]
    connection.execute(sql.SQL("DROP TABLE {}").format(sql.SQL(", ").join(names)))
    names_of = [part.table.name for part in parts] + [""]
    return {n: failures.said_of_a_row(said, names_of[part], default) for n, part, said in found}


def _insert(number: int, part: Staged) -> sql.Composed:
    given = sql.SQL(", ").join(sql.SQL(f"s.c{i}") for i in range(len(part.columns)))
    return sql.SQL(
        f"part := {number}; INSERT INTO {{}} ({{}}) OVERRIDING SYSTEM VALUE SELECT {{}} FROM {{}} AS s"
        f" WHERE s.{NUMBER} >= at AND s.{NUMBER} < upto ORDER BY s.{NUMBER};"
    ).format(_identifier(part.table), sql.SQL(", ").join(map(sql.Identifier, part.columns)), given, part.name)


def _domains(number: int, part: Staged) -> Iterator[sql.Composed]:
    """Yield statements that find the column of a domain's error, which does not name it."""
    for i, column in enumerate(part.columns):
        if column in part.domains:
            yield sql.SQL(
                f"IF part = {number} AND said_column = '' THEN BEGIN"
                f" PERFORM s.c{i}::{{}} FROM {{}} AS s WHERE s.{NUMBER} = at;"
                " EXCEPTION WHEN OTHERS OR assert_failure THEN said_column := {}; END; END IF;"
            ).format(sql.SQL(part.domains[column]), part.name, sql.Literal(column))


def _identifier(table: TargetTable) -> sql.Identifier:
    return sql.Identifier(table.schema, table.table) if table.schema else sql.Identifier(table.table)


def _text() -> str:
    return text_of(__package__, "record_by_record.sql")
