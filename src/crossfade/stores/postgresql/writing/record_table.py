"""The statements that write rows of one table back, each column as the text of its raw record."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import psycopg
from psycopg import sql

from crossfade.records.rows.keys import texts_of_key
from crossfade.records.rows.raw import read
from crossfade.stores.contract import RecordChange
from crossfade.stores.postgresql.catalog.own_rows import of_kind
from crossfade.stores.postgresql.meaning import TypeCatalog
from crossfade.stores.postgresql.reading.relations import PARTITIONED, Relation, Relations, SourceColumn
from crossfade.stores.postgresql.writing.spare import spares

# The columns of each table that can be written, and whether a missing value becomes the default.
_COLUMNS = """
SELECT a.attname::text, a.attnotnull AND (a.atthasdef OR a.attidentity <> '')
FROM pg_catalog.pg_attribute a
WHERE a.attrelid = {oid} AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
"""


class RecordTable:
    """How rows of an entity are written. `filled`: the columns in which NULL stands for the default."""

    def __init__(self, connection: psycopg.Connection[Any], entity: str) -> None:
        relations = Relations(asking(connection))
        self.relation: Relation = relations.relation(entity)
        self.key: tuple[SourceColumn, ...] = relations.key(self.relation).columns
        rows = connection.execute(_COLUMNS.format(oid=self.relation.oid).encode()).fetchall()
        self.columns = {str(name) for name, _ in rows}
        types = TypeCatalog(asking(connection)).columns(self.relation.oid)
        self.types = {name: replace(of, delimiter=",") for name, of in types.items()}  # as in raw records
        self._known = {column.name: column for column in relations.columns(self.relation)}
        self.filled = {str(name) for name, has_default in rows if has_default}
        self.spares = spares(connection, self.relation.oid, {column.name for column in self.key})
        self._composed: dict[tuple[str, ...], bytes] = {}

    @property
    def name(self) -> sql.Identifier:
        return sql.Identifier(self.relation.schema, self.relation.table)

    @property
    def rows(self) -> sql.Composable:
        """Return what rows are changed and deleted in: not in tables that inherit from it."""
        return of_kind(self.name, partitioned=self.relation.kind == PARTITIONED)

    def statement(self, change: RecordChange) -> tuple[bytes, list[Any], Mapping[str, str | None]] | None:
        """Return the statement, its values, and those of what it returns; None if there is nothing to do."""
        if change.after is None:
            return self._text("delete", ()), texts_of_key(change.key), {}
        after = {n: v for n, v in read(change.after).columns.items() if n in self.columns}
        if change.before is None:
            own = {n: v for n, v in after.items() if v is not None or n not in self.filled}
            return self._text("insert", own), list(own.values()), own
        before = read(change.before).columns
        own = {n: v for n, v in after.items() if before.get(n) != v}
        if not own:
            return None
        return self._text("update", own), [*own.values(), *texts_of_key(change.key)], own

    def _text(self, what: str, columns: Iterable[str]) -> bytes:
        """Return a statement that writes these columns. It is composed once, which takes longer than it runs."""
        key = (what, *columns)
        if key not in self._composed:
            compose = {"insert": self._insert, "update": self._update, "delete": self._delete}[what]
            self._composed[key] = compose(key[1:]).as_bytes()
        return self._composed[key]

    def _insert(self, columns: Sequence[str]) -> sql.Composed:
        names = sql.SQL(", ").join(map(sql.Identifier, columns))
        values = sql.SQL(", ").join(map(self._value, columns))
        insert = sql.SQL("INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE VALUES ({}) RETURNING {}")
        return insert.format(self.name, names, values, self._printed(columns))

    def _update(self, columns: Sequence[str]) -> sql.Composed:
        sets = sql.SQL(", ").join(sql.SQL("{} = {}").format(sql.Identifier(n), self._value(n)) for n in columns)
        update = sql.SQL("UPDATE {} SET {} WHERE {} RETURNING {}")
        return update.format(self.rows, sets, self._is_it(), self._printed(columns))

    def _delete(self, _: Sequence[str]) -> sql.Composed:
        return sql.SQL("DELETE FROM {} WHERE {}").format(self.rows, self._is_it())

    def parking(self, change: RecordChange) -> tuple[sql.Composed, list[Any]] | None:
        """Return the statement that gives a row spare values for the unique values that it is about to give up."""
        if change.before is None:
            return None
        before = read(change.before).columns
        after = {} if change.after is None else read(change.after).columns
        gives_up = {name for name in before if change.after is None or before[name] != after.get(name)}
        given = {one.column: one.expression for one in self.spares if one.of & gives_up}
        if not given:
            return None
        sets = sql.SQL(", ").join(
            sql.SQL("{} = {}").format(sql.Identifier(name), value) for name, value in given.items()
        )
        update = sql.SQL("UPDATE {} SET {} WHERE {}").format(self.rows, sets, self._is_it())
        return update, list(texts_of_key(change.key))

    def _value(self, name: str) -> sql.Composed:
        return sql.SQL(self._known[name].of_text).format(sql.Placeholder())

    def _printed(self, names: Iterable[str]) -> sql.Composed:
        return sql.SQL(", ").join(sql.SQL(self._known[name].as_text).format(sql.Identifier(name)) for name in names)

    def _is_it(self) -> sql.Composed:
        same = sql.SQL("{} = {}::{}")
        return sql.SQL(" AND ").join(
            same.format(sql.Identifier(c.name), sql.Placeholder(), sql.SQL(c.cast)) for c in self.key
        )


def asking(connection: psycopg.Connection[Any]) -> Any:
    return lambda statement: connection.execute(statement.encode()).fetchall()
