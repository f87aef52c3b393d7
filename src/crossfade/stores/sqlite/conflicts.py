"""What refused rows conflict with, queried from SQLite row by row, with its own equality and collations."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from typing import Any

from crossfade.model.canonical import python_rows
from crossfade.model.quoting import identifier
from crossfade.model.target import ForeignKey, TargetTable, Unique
from crossfade.schema.tokens import Token, tokens
from crossfade.stores.contract import Check, Conflict, Conflicts
from crossfade.stores.sqlite.connect import connect, failure, path_of
from crossfade.stores.sqlite.forms import Unstorable, stored
from crossfade.stores.sqlite.rows import canonical_batch


class SqliteConflicts:
    """The Conflicts of the file at `url`. Every call opens its own connection, which cannot write."""

    def __init__(self, url: str) -> None:
        self._url = url

    def orphaned(self, table: TargetTable, key: ForeignKey, rows: Any) -> list[Conflict | None]:
        child = [f"given.{identifier(name)}" for name in key.columns]
        same = [f"parent.{identifier(p)} = {c}" for p, c in zip(key.parent_columns, child, strict=True)]
        whole = " AND ".join(f"{c} IS NOT NULL" for c in child)
        query = (
            f"SELECT {_as_text(child)} FROM given WHERE {whole} AND NOT EXISTS"
            f" (SELECT 1 FROM {identifier(key.parent)} AS parent WHERE {' AND '.join(same)})"
        )
        return [
            None if found is None else Conflict(dict(zip(key.columns, found, strict=True)))
            for found in self._asked(table, rows, query)
        ]

    def holders(self, table: TargetTable, unique: Unique, rows: Any) -> list[Conflict | None]:
        names = [f"crossfade_{i}" for i in range(len(unique.expressions))]
        made = ", ".join(f"({e}) AS {n}" for e, n in zip(unique.expressions, names, strict=True))
        where = f" WHERE {unique.predicate}" if unique.predicate else ""
        key = ", ".join(map(identifier, table.primary_key))
        values = [f"given.{n}" for n in names]
        query = (
            f"SELECT {_as_text(values)}, holder.* FROM (SELECT {made} FROM given{where}) AS given"
            f" LEFT JOIN (SELECT {made}, {key} FROM {identifier(table.table)}{where}) AS holder"
            f" ON {' AND '.join(f'holder.{n} = given.{n}' for n in names)}"
            f" WHERE {' AND '.join(f'{value} IS NOT NULL' for value in values)}"
        )
        return [None if f is None else _conflict(table, unique, f) for f in self._asked(table, rows, query)]

    def check(self, table: TargetTable, name: str) -> Check | None:
        with closing(connect(self._url, write=False)) as connection:
            query = "SELECT sql FROM sqlite_master WHERE type = 'table' AND lower(name) = lower(?)"
            row = connection.execute(query, (table.table,)).fetchone()
        expression = (
            _named_check(row[0], name) if row else None
        ) or name  # SQLite reports an unnamed check by its text
        words = {t.name.lower() for t in tokens(expression) if t.kind in ("name", "quoted")}
        return Check(
            f"CHECK ({expression})", expression, tuple(c.name for c in table.columns if c.name.lower() in words)
        )

    def breaking(self, table: TargetTable, check: Check, rows: Any) -> list[Conflict | None]:
        if not check.columns:
            return [None] * len(rows)
        columns = [f"given.{identifier(name)}" for name in check.columns]
        query = f"SELECT {_as_text(columns)} FROM given WHERE NOT ({check.expression})"
        return [
            None if found is None else Conflict(dict(zip(check.columns, found, strict=True)))
            for found in self._asked(table, rows, query)
        ]

    def _asked(self, table: TargetTable, rows: Any, query: str) -> Iterator[tuple[Any, ...] | None]:
        """Return the first result for each row, which the query calls `given`; None if there is none."""
        with closing(connect(self._url, write=False)) as connection:
            for place in range(len(rows)):
                try:
                    yield _answer(connection, table, _stored_values(table, rows.slice(place, 1)), query)
                except sqlite3.OperationalError as error:
                    raise failure(error, path_of(self._url)) from None
                except (sqlite3.Error, Unstorable):
                    yield None


def _answer(
    connection: sqlite3.Connection, table: TargetTable, values: Mapping[str, Any], query: str
) -> tuple[Any, ...] | None:
    columns = ", ".join(f"{'?' if c.name in values else 'NULL'} AS {identifier(c.name)}" for c in table.columns)
    bound = [values[c.name] for c in table.columns if c.name in values]
    row = connection.execute(f"WITH given AS (SELECT {columns}) {query} LIMIT 1", bound).fetchone()
    return None if row is None else tuple(row)


def _stored_values(table: TargetTable, row: Any) -> dict[str, Any]:
    types = {c.name: c.type for c in table.columns}
    return {name: stored(row.column(name), types[name])[0] for name in row.column_names}


def _conflict(table: TargetTable, unique: Unique, found: Sequence[Any]) -> Conflict | None:
    count = len(unique.expressions)
    if None in found[:count]:  # NULL is equal to nothing
        return None
    values = dict(zip(unique.expressions, found[:count], strict=True))
    key = found[2 * count :]
    if all(value is None for value in key):
        return Conflict(values)
    (canonical,) = python_rows(canonical_batch(table, table.primary_key, [tuple(key)]).select(list(table.primary_key)))
    shown = {name: str(value) for name, value in zip(table.primary_key, key, strict=True)}
    return Conflict(values, shown, canonical)


def _named_check(sql: str, name: str) -> str | None:
    """Return the expression of CONSTRAINT name CHECK (...)."""
    words: list[Token] = [t for t in tokens(sql) if t.kind not in ("space", "comment")]
    for i, token in enumerate(words[:-3]):
        named = words[i + 1].name.lower() == name.lower() and words[i + 2].word == "CHECK"
        if token.word == "CONSTRAINT" and named and words[i + 3].text == "(":
            return _inside(sql, words[i + 3 :])
    return None


def _inside(sql: str, words: Sequence[Token]) -> str:
    """Return the text inside the parentheses at the start of the tokens."""
    depth = 0
    for token in words:
        depth += {"(": 1, ")": -1}.get(token.text, 0)
        if depth == 0:
            return sql[words[0].end : token.start].strip()
    return sql[words[0].end :].strip()


def _as_text(expressions: Sequence[str]) -> str:
    return ", ".join(f"CAST({expression} AS TEXT)" for expression in expressions)


_: type[Conflicts] = SqliteConflicts
