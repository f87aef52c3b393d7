"""The journal's tables in SQL that every database of ours takes (stores/contract/journal.py says what each does)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import count
from typing import Any

from crossfade.stores.contract.journal import (
    After,
    Condition,
    Either,
    From,
    Groups,
    Is,
    IsNot,
    JournalColumn,
    JournalTable,
    JournalTables,
    OneOf,
    Row,
    Size,
    StartsWith,
    UpTo,
    Where,
)

Execute = Callable[[str, Mapping[str, Any]], list[tuple[Any, ...]]]
ExecuteMany = Callable[[str, Sequence[Mapping[str, Any]]], None]

_TYPES = {"text": "TEXT", "integer": "INTEGER", "bigint": "BIGINT", "real": "DOUBLE PRECISION", "bytes": "BYTEA"}
_AT_ONCE = 500
"""Values of a list in one statement: a database bounds the number of its parameters."""


class SqlJournal:
    """The tables by statements with `:name` parameters.

    `prefix` begins the name of every table, `index_prefix` of every index; `share` ends a SELECT whose rows nobody may
    change until the transaction ends (empty where there is one writer at a time anyway).
    """

    def __init__(self, execute: Execute, execute_many: ExecuteMany, prefix: str, index_prefix: str, share: str) -> None:
        self._execute, self._execute_many = execute, execute_many
        self._prefix, self._index_prefix, self._share = prefix, index_prefix, share

    def create(self, table: JournalTable) -> None:
        parts = [*map(_column, table.columns), f"PRIMARY KEY ({', '.join(table.key)})"]
        self._execute(f"CREATE TABLE IF NOT EXISTS {self._name(table)} ({', '.join(parts)})", {})
        for name, columns in table.indexes.items():
            on = f"{self._name(table)} ({', '.join(columns)})"
            self._execute(f"CREATE INDEX IF NOT EXISTS {self._index_prefix}{name} ON {on}", {})

    def add_column(self, table: JournalTable, column: JournalColumn) -> None:
        self._execute(f"ALTER TABLE {self._name(table)} ADD COLUMN {_column(column)}", {})

    def drop(self, table: JournalTable) -> None:
        self._execute(f"DROP TABLE IF EXISTS {self._name(table)}", {})

    def select(
        self,
        table: JournalTable,
        columns: Sequence[str | Size],
        where: Where = (),
        *,
        order: Sequence[str] = (),
        limit: int | None = None,
        distinct: bool = False,
    ) -> list[tuple[Any, ...]]:
        found = list[tuple[Any, ...]]()
        for piece in _pieces(where):
            text, values = _condition(piece)
            start = f"SELECT {'DISTINCT ' if distinct else ''}{', '.join(map(_selected, columns))} FROM"
            end = (f" ORDER BY {', '.join(order)}" if order else "") + (f" LIMIT {limit}" if limit is not None else "")
            found += self._execute(f"{start} {self._name(table)}{text}{end}", values)
        return found

    def shared(self, table: JournalTable, columns: Sequence[str], where: Where) -> list[tuple[Any, ...]]:
        text, values = _condition(where)
        return self._execute(f"SELECT {', '.join(columns)} FROM {self._name(table)}{text} {self._share}", values)

    def lock(self, table: JournalTable, where: Where = ()) -> None:
        other = next(c.name for c in reversed(table.columns) if c.name not in table.key)
        text, values = _condition(where)
        self._execute(f"UPDATE {self._name(table)} SET {other} = {other}{text}", values)

    def count(self, table: JournalTable, by: Sequence[str], where: Where = ()) -> list[tuple[Any, ...]]:
        text, values = _condition(where)
        names = ", ".join(by)
        query = f"SELECT {names}, count(*) FROM {self._name(table)}{text} GROUP BY {names} ORDER BY {names}"
        return self._execute(query, values)

    def groups(
        self, table: JournalTable, columns: Sequence[str], where: Where, of: Groups
    ) -> list[tuple[int, Any, tuple[Any, ...]]]:
        text, values = _condition(where)
        (key,) = table.key
        needed = dict.fromkeys((key, *of.by, *of.order, *_columns_in(where)))
        chosen = f"SELECT {', '.join(f'q.{name}' for name in needed)}, p.{of.linked} AS linked"
        joined = f"{chosen} FROM {self._name(table)} AS q LEFT JOIN {self._name(table)} AS p ON p.{key} = q.{of.link}"
        order = ", ".join(f"coalesce({name}, '')" for name in of.order)
        ranked = (
            f"SELECT {key}, linked, count(*) OVER g AS size, row_number() OVER (g ORDER BY {order}) AS place"
            f" FROM ({joined}) AS chosen{text} WINDOW g AS (PARTITION BY {', '.join(of.by)}, linked)"
        )
        query = (
            f"SELECT r.size, r.linked, {', '.join(f'q.{name}' for name in columns)} FROM ({ranked}) AS r"
            f" JOIN {self._name(table)} AS q ON q.{key} = r.{key} WHERE r.place <= {of.first} ORDER BY r.place"
        )
        return [(size, linked, tuple(row)) for size, linked, *row in self._execute(query, values)]

    def insert(self, table: JournalTable, rows: Sequence[Row], *, keep: bool = False) -> None:
        if rows:
            clash = f" ON CONFLICT ({', '.join(table.key)}) DO NOTHING" if keep else ""
            self._execute_many(self._insert(table, rows[0]) + clash, rows)

    def upsert(self, table: JournalTable, rows: Sequence[Row]) -> None:
        if rows:
            sets = ", ".join(f"{name} = excluded.{name}" for name in rows[0] if name not in table.key)
            does = f"UPDATE SET {sets}" if sets else "NOTHING"
            clash = f" ON CONFLICT ({', '.join(table.key)}) DO {does}"
            self._execute_many(self._insert(table, rows[0]) + clash, rows)

    def _insert(self, table: JournalTable, row: Row) -> str:
        return f"INSERT INTO {self._name(table)} ({', '.join(row)}) VALUES ({', '.join(f':{name}' for name in row)})"

    def update(self, table: JournalTable, values: Row, where: Where = ()) -> None:
        text, bound = _condition(where)
        sets = ", ".join(f"{name} = :{name}" for name in values)
        self._execute(f"UPDATE {self._name(table)} SET {sets}{text}", {**values, **bound})

    def update_each(self, table: JournalTable, changes: Sequence[tuple[Row, Row]]) -> None:
        if changes:
            now, then = changes[0]
            sets = ", ".join(f"{name} = :{name}" for name in then)
            bound = [{**new, **{f"now_{name}": value for name, value in old.items()}} for old, new in changes]
            self._execute_many(f"UPDATE {self._name(table)} SET {sets} WHERE {_same(now)}", bound)

    def add(self, table: JournalTable, amounts: Mapping[str, int], where: Where) -> None:
        text, values = _condition(where)
        sets = ", ".join(f"{name} = {name} + :{name}" for name in amounts)
        self._execute(f"UPDATE {self._name(table)} SET {sets}{text}", {**amounts, **values})

    def delete(self, table: JournalTable, where: Where = ()) -> None:
        text, values = _condition(where)
        self._execute(f"DELETE FROM {self._name(table)}{text}", values)

    def delete_each(self, table: JournalTable, rows: Sequence[Row]) -> None:
        if rows:
            bound = [{f"now_{name}": value for name, value in row.items()} for row in rows]
            self._execute_many(f"DELETE FROM {self._name(table)} WHERE {_same(rows[0])}", bound)

    def _name(self, table: JournalTable) -> str:
        return self._prefix + table.name


def _column(column: JournalColumn) -> str:
    default = "" if column.default is None else f" DEFAULT {column.default!r}"
    return f"{column.name} {_TYPES[column.kind]}{'' if column.nullable else ' NOT NULL'}{default}"


def _selected(column: str | Size) -> str:
    return f"length({column.column})" if isinstance(column, Size) else column


def _same(row: Row) -> str:
    return " AND ".join(f"{name} IS NULL" if value is None else f"{name} = :now_{name}" for name, value in row.items())


def _condition(where: Where) -> tuple[str, dict[str, Any]]:
    """` WHERE ...` and the values of its parameters; nothing where there is no condition."""
    values: dict[str, Any] = {}
    names = (f"p{n}" for n in count())

    def bound(value: Any) -> str:
        name = next(names)
        values[name] = value
        return f":{name}"

    def all_of(conditions: Where) -> str:
        return " AND ".join(map(text_of, conditions))

    def text_of(condition: Condition) -> str:
        match condition:
            case Is(column, None):
                return f"{column} IS NULL"
            case Is(column, value):
                return f"{column} = {bound(value)}"
            case IsNot(column, None):
                return f"{column} IS NOT NULL"
            case IsNot(column, value):
                return f"{column} <> {bound(value)}"
            case OneOf(column, listed):
                return f"{column} IN ({', '.join(map(bound, listed))})"
            case After(columns, listed):
                return f"({', '.join(columns)}) > ({', '.join(map(bound, listed))})"
            case From(column, value):
                return f"{column} >= {bound(value)}"
            case UpTo(column, value):
                return f"{column} <= {bound(value)}"
            case StartsWith(column, text):
                return f"substr({column}, 1, {len(text)}) = {bound(text)}"
            case Either(ways):
                return f"({' OR '.join(f'({all_of(way)})' for way in ways)})"

    text = all_of(where)
    return (f" WHERE {text}" if text else "", values)


def _columns_in(where: Where) -> list[str]:
    found = list[str]()
    for condition in where:
        match condition:
            case After(columns, _):
                found += columns
            case Either(ways):
                found += (name for way in ways for name in _columns_in(way))
            case _:
                found.append(condition.column)
    return found


def _pieces(where: Where) -> list[Where]:
    """The same condition, its list of values cut into pieces: each row is in one of them."""
    for place, condition in enumerate(where):
        if isinstance(condition, OneOf):
            values = list(dict.fromkeys(condition.values))
            cut = [values[at : at + _AT_ONCE] for at in range(0, len(values), _AT_ONCE)]
            return [(*where[:place], OneOf(condition.column, some), *where[place + 1 :]) for some in cut]
    return [where]


_: type[JournalTables] = SqlJournal
