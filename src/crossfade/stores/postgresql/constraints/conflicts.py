"""Find what refused rows conflict with, by the server's own equality, collations and expressions.

The rows need not be in the table: they are sent as text and cast; missing columns are NULL.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import sql

from crossfade.model.quoting import identifier
from crossfade.model.target import ForeignKey, TargetTable, Unique
from crossfade.stores.contract import Check, Conflict, Conflicts
from crossfade.stores.postgresql import errors as failures
from crossfade.stores.postgresql.catalog.own_rows import own_rows
from crossfade.stores.postgresql.constraints import violations as census
from crossfade.stores.postgresql.session.connect import connect
from crossfade.stores.postgresql.text_form import texts

_GIVEN, _THERE = "\0given\0", "\0there\0"
"""The places of the rows in a query, and of those that are there."""

# Types by their full name: `character` alone would mean character(1), and truncate what is cast to it.
_COLUMNS = """
SELECT a.attname::text, quote_ident(n.nspname) || '.' || quote_ident(t.typname)
FROM pg_attribute AS a JOIN pg_type AS t ON t.oid = a.atttypid JOIN pg_namespace AS n ON n.oid = t.typnamespace
WHERE a.attrelid = %s::regclass AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
"""
_CHECK = """
SELECT pg_get_constraintdef(c.oid, true), pg_get_expr(c.conbin, c.conrelid),
       array(SELECT a.attname::text FROM unnest(c.conkey) WITH ORDINALITY AS k(number, place)
             JOIN pg_attribute AS a ON a.attrelid = c.conrelid AND a.attnum = k.number ORDER BY k.place)
FROM pg_constraint AS c
WHERE c.contype = 'c' AND c.conname = %s AND (c.conrelid = %s::regclass OR c.contypid <> 0)
ORDER BY c.contypid LIMIT 1
"""

Found = list[tuple[Any, ...]]


class PostgresConflicts:
    """The Conflicts of the database at `url`. Every call opens its own connection, and only reads."""

    def __init__(self, url: str) -> None:
        self._url = url

    def orphaned(self, table: TargetTable, key: ForeignKey, rows: Any) -> list[Conflict | None]:
        child = [f"given.{identifier(name)}" for name in key.columns]
        same = [f"parent.{identifier(p)} = {c}" for p, c in zip(key.parent_columns, child, strict=True)]
        listed = ", ".join(child)
        query = (
            f"SELECT crossfade_place, {_as_text(child)} FROM {_GIVEN} AS given WHERE num_nulls({listed}) = 0"
            f" AND NOT EXISTS (SELECT FROM {_THERE} AS parent WHERE {' AND '.join(same)})"
        ) + (f" OR num_nulls({listed}) > 0 AND num_nonnulls({listed}) > 0" if key.match_full else "")
        found = self._asked(table, rows, query, census._parent(key))
        return _in_order(rows, {place: Conflict(_named(key.columns, values)) for place, *values in found})

    def holders(self, table: TargetTable, unique: Unique, rows: Any) -> list[Conflict | None]:
        names = [f"crossfade_{i}" for i in range(len(unique.expressions))]
        made = ", ".join(f"({e}) AS {n}" for e, n in zip(unique.expressions, names, strict=True))
        where = f" WHERE {unique.predicate}" if unique.predicate else ""
        equal = "=" if unique.nulls_distinct else "IS NOT DISTINCT FROM"
        values = [f"given.{n}" for n in names]
        key = [f"holder.{identifier(name)}" for name in table.primary_key]
        plain = ", ".join(map(identifier, table.primary_key))
        canonical = _text(census._canonical(table, "holder"))
        query = (
            f"SELECT given.crossfade_place, {_as_text(values)}, {_as_text(key)}, {canonical}"
            f" FROM (SELECT crossfade_place, {made} FROM {_GIVEN} AS rows_given{where}) AS given"
            f" LEFT JOIN (SELECT {plain}, {made} FROM {_THERE}{where}) AS holder"
            f" ON {' AND '.join(f'holder.{n} {equal} given.{n}' for n in names)}"
            + (f" WHERE num_nulls({', '.join(values)}) = 0" if unique.nulls_distinct else "")
        )
        found = self._asked(table, rows, query, census._name(table))
        return _in_order(rows, {place: _conflict(table, unique, rest) for place, *rest in found})

    def check(self, table: TargetTable, name: str) -> Check | None:
        with self._connected() as connection:
            row = connection.execute(_CHECK, [name, _name(table)]).fetchone()
        return None if row is None else Check(row[0], row[1], tuple(row[2]))

    def breaking(self, table: TargetTable, check: Check, rows: Any) -> list[Conflict | None]:
        if not check.columns:
            return [None] * len(rows)
        columns = [f"given.{identifier(name)}" for name in check.columns]
        query = f"SELECT crossfade_place, {_as_text(columns)} FROM {_GIVEN} AS given WHERE NOT ({check.expression})"
        found = self._asked(table, rows, query)
        return _in_order(rows, {place: Conflict(_named(check.columns, values)) for place, *values in found})

    def _asked(self, table: TargetTable, rows: Any, query: str, there: sql.Identifier | None = None) -> Found:
        """Return the result for the rows, each of which has a `crossfade_place`. `there`: the table that is asked."""
        if not len(rows):
            return []
        with self._connected() as connection:
            if there is not None:
                query = query.replace(_THERE, _text(own_rows(connection, there)))
            types = dict(connection.execute(_COLUMNS, [_name(table)]).fetchall())
            return list(_answers(connection, table, types, rows, 0, query))

    @contextmanager
    def _connected(self) -> Iterator[psycopg.Connection[Any]]:
        try:
            with connect(self._url, autocommit=True) as connection:
                connection.execute("SET default_transaction_read_only TO on")
                yield connection
        except psycopg.Error as error:
            raise failures.translated(error, self._url, "") from error


def _answers(
    connection: psycopg.Connection[Any], table: TargetTable, types: dict[str, str], rows: Any, first: int, query: str
) -> Iterator[tuple[Any, ...]]:
    """Run the query. Rows are bisected around one for which an expression fails; that row has no result."""
    statement = query.replace("%", "%%").replace(_GIVEN, _given(rows.column_names, types, first))
    kinds = {c.name: c.type for c in table.columns}
    values = [texts(rows.column(name), kinds[name]) for name in rows.column_names]
    try:
        yield from connection.execute(statement.encode(), values, binary=True).fetchall()
    except psycopg.Error as error:
        if failures.is_state(error):
            raise
        half = len(rows) // 2
        if half:
            yield from _answers(connection, table, types, rows.slice(0, half), first, query)
            yield from _answers(connection, table, types, rows.slice(half), first + half, query)


def _given(names: Sequence[str], types: dict[str, str], first: int) -> str:
    """Return the rows as a subquery with all columns of the table."""
    place = {name: f"k{i}" for i, name in enumerate(names)}
    columns = [
        f"{place[name]}::{kind} AS {identifier(name)}" if name in place else f"NULL::{kind} AS {identifier(name)}"
        for name, kind in types.items()
    ]
    arrays = ", ".join(["%s::text[]"] * len(names))
    keys = ", ".join([*place.values(), "n"])
    selected = ", ".join([f"(n - 1 + {first})::int AS crossfade_place", *columns]).replace("%", "%%")
    return f"(SELECT {selected} FROM unnest({arrays}) WITH ORDINALITY AS sent({keys}))"


def _conflict(table: TargetTable, unique: Unique, rest: Sequence[Any]) -> Conflict:
    count, width = len(unique.expressions), len(table.primary_key)
    values, shown, key = rest[:count], rest[count : count + width], rest[count + width :]
    if all(value is None for value in key):
        return Conflict(_named(unique.expressions, values))
    return Conflict(_named(unique.expressions, values), _named(table.primary_key, shown), tuple(key))


def _named(names: Sequence[str], values: Iterable[str | None]) -> dict[str, str | None]:
    return dict(zip(names, values, strict=True))


def _in_order(rows: Any, found: dict[int, Conflict]) -> list[Conflict | None]:
    return [found.get(place) for place in range(len(rows))]


def _as_text(expressions: Iterable[str]) -> str:
    return ", ".join(f"{expression}::text" for expression in expressions)


def _name(table: TargetTable) -> str:
    return ".".join(identifier(part) for part in (table.schema or "public", table.table))


def _text(composed: sql.Composable) -> str:
    return composed.as_string()


_: type[Conflicts] = PostgresConflicts
