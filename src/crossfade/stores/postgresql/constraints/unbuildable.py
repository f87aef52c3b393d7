"""Rows that prevent an index or an exclusion constraint, found by the server in a copy of the table.

PostgreSQL names at most one such row when it fails, by its ctid. So the rows are inserted into an empty table that has
the same index, in the order of their primary keys; a refused part is bisected until the row is alone. Of rows that
exclude each other the one with the least key stays. All of it is one transaction that is rolled back.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import psycopg
from psycopg import sql

from crossfade.model.target import Step, TargetTable
from crossfade.schema.live import place_of_table
from crossfade.stores.postgresql import errors as failures
from crossfade.stores.postgresql.catalog.own_rows import own_rows
from crossfade.stores.postgresql.constraints.violations import keys_with

_MOST_ASKED = 1000  # conflicting rows for each of which the other row is looked up
_DEFERRABLE = re.compile(r"(?: NOT)? DEFERRABLE(?: INITIALLY (?:DEFERRED|IMMEDIATE))?(?: NOT VALID)?$")
_ROWS_AT_ONCE = 20_000
_PROBE, _ORDER, _REFUSED = "crossfade_probe", "crossfade_order", "crossfade_refused"

_INDEX = """
SELECT i.indexrelid::regclass::text, m.amname,
       (SELECT string_agg(pg_get_indexdef(i.indexrelid, k, true), ', ' ORDER BY k)
        FROM generate_series(1, i.indnkeyatts::int) AS k)
FROM pg_catalog.pg_index i
JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
JOIN pg_catalog.pg_am m ON m.oid = c.relam
WHERE i.indrelid = %s::regclass
"""


def unbuildable(connection: psycopg.Connection[Any], table: TargetTable, step: Step) -> Any:
    """Return primary keys (canonical Arrow) of the rows to remove, with `#reason`, `#detail` and `#column` of each."""
    with connection.transaction(force_rollback=True):
        return _Probe(connection, table, step).run()


@dataclass
class _Probe:
    connection: psycopg.Connection[Any]
    table: TargetTable
    step: Step
    refused: list[tuple[int, str, str]] = field(default_factory=list)
    loaded: int = 0
    _summarize: str | None = None

    def run(self) -> Any:
        self._make()
        index, method, columns = self._index()
        self._summarize = index if method == "brin" else None
        (last,) = self._one(sql.SQL("SELECT coalesce(max(place), 0) FROM {}").format(self._name(_ORDER)))
        for first in range(1, last + 1, _ROWS_AT_ONCE):
            self._fill(first, min(first + _ROWS_AT_ONCE - 1, last))
        self._conflicts()
        with self.connection.cursor() as cursor:
            statement = sql.SQL("INSERT INTO {} VALUES (%s, %s, %s, %s)").format(self._name(_REFUSED))
            cursor.executemany(statement, [(*one, columns) for one in self.refused])
        return keys_with(
            self.connection,
            self.table,
            sql.SQL("{} AS crossfade_rows JOIN {} AS o USING ({}) JOIN {} AS r USING (place)").format(
                self._rows, self._name(_ORDER), self._key, self._name(_REFUSED)
            ),
            {"#reason": "r.reason", "#detail": "r.detail", "#column": "r.columns"},
        )

    # -- the copy of the table

    def _name(self, name: str) -> sql.Identifier:
        return sql.Identifier(self.table.schema or "public", name)

    @property
    def _own(self) -> sql.Identifier:
        return self._name(self.table.table)

    @cached_property
    def _rows(self) -> sql.Composable:
        return own_rows(self.connection, self._own)

    @property
    def _key(self) -> sql.Composed:
        return sql.SQL(", ").join(map(sql.Identifier, self.table.primary_key))

    def _make(self) -> None:
        probe, order = self._name(_PROBE), self._name(_ORDER)
        for statement in (
            sql.SQL("CREATE UNLOGGED TABLE {} (LIKE {})").format(probe, self._own),
            sql.SQL(
                "CREATE UNLOGGED TABLE {} AS SELECT row_number() OVER (ORDER BY {key}) AS place, {key} FROM {own}"
            ).format(order, key=self._key, own=self._rows),
            sql.SQL("ALTER TABLE {} ADD PRIMARY KEY (place)").format(order),
            sql.SQL("ANALYZE {}").format(order),
            sql.SQL("CREATE UNLOGGED TABLE {} (place bigint, reason text, detail text, columns text)").format(
                self._name(_REFUSED)
            ),
        ):
            self.connection.execute(statement)
        start, end = place_of_table(self.step)
        own = self.step.sql
        on_probe = own[:start] + probe.as_string(self.connection) + own[end:]
        self.connection.execute(_DEFERRABLE.sub("", on_probe).encode())

    def _index(self) -> tuple[str, str, str]:
        name = self._name(_PROBE).as_string(self.connection)
        row = self.connection.execute(_INDEX, [name]).fetchone()
        assert row is not None  # the step has just created it
        return str(row[0]), str(row[1]), str(row[2])

    def _one(self, query: sql.Composed, values: list[Any] | None = None) -> tuple[Any, ...]:
        row = self.connection.execute(query, values).fetchone()
        assert row is not None  # it counts
        return tuple(row)

    # -- the rows

    def _fill(self, first: int, last: int) -> None:
        pending = [(first, last)]
        while pending:
            first, last = pending.pop()
            error = self._refusal(first, last, "ON CONFLICT DO NOTHING")
            if error is None:
                self.loaded += last - first + 1
            elif first == last:
                self._note(first, error)
            else:
                middle = (first + last) // 2
                pending += [(middle + 1, last), (first, middle)]

    def _refusal(self, first: int, last: int, conflict: str) -> psycopg.Error | None:
        """Insert the rows of these places, all or none."""
        columns = sql.SQL(", ").join(sql.Identifier("t", c.name) for c in self.table.columns)
        names = sql.SQL(", ").join(sql.Identifier(c.name) for c in self.table.columns)
        statement = sql.SQL(
            "INSERT INTO {} ({}) SELECT {} FROM {} AS o JOIN {} AS t USING ({})"
            " WHERE o.place BETWEEN %s AND %s ORDER BY o.place {}"
        ).format(
            self._name(_PROBE), names, columns, self._name(_ORDER), self._rows, self._key, sql.SQL(conflict)
        )  # fmt: skip
        try:
            with self.connection.transaction():
                self.connection.execute(statement, [first, last])
                if self._summarize is not None:
                    self.connection.execute("SELECT brin_summarize_new_values(%s::regclass)", [self._summarize])
        except psycopg.Error as error:
            if failures.is_state(error):
                raise
            return error
        return None

    def _note(self, place: int, error: psycopg.Error) -> None:
        self.refused.append((place, failures.reason_of(error), failures.message_of(error)))
        if not self.loaded and len(self.refused) >= _MOST_ASKED and failures.row_reason(error) is None:
            raise error  # no row at all was inserted: the cause is the index, not the rows

    def _conflicts(self) -> None:
        """Return the rows that conflict with another one, with the server's message if they are few."""
        query = sql.SQL(
            "SELECT o.place FROM {order} AS o LEFT JOIN {probe} AS p USING ({key})"
            " WHERE p.{first} IS NULL AND o.place <> ALL (%s) ORDER BY o.place"
        ).format(
            order=self._name(_ORDER),
            probe=self._name(_PROBE),
            key=self._key,
            first=sql.Identifier(self.table.primary_key[0]),
        )
        kind = "exclusion" if self.step.id.startswith("exclusion ") else "unique"
        known = [place for place, _, _ in self.refused]
        for number, (place,) in enumerate(self.connection.execute(query, [known]).fetchall()):
            error = self._refusal(place, place, "") if number < _MOST_ASKED else None
            said = failures.message_of(error) if error else f"the row conflicts with another row ({self.step.id})"
            self.refused.append((place, kind, said))
