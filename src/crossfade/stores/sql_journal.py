"""The journal's tables in SQL that all supported databases accept; stores/contract/journal.py describes the methods."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
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
"""The most values of a list in one statement: databases limit the number of parameters."""
_IN_AN_ARRAY = 10_000
_BYTES = 32_000_000
"""The most bytes of rows in one statement: PostgreSQL limits an array to 1 GB, and bytes are sent as hex digits."""


class SqlJournal:
    """The tables by statements with `:name` parameters.

    `prefix`: that of all table names; `index_prefix`: of all index names; `locks`: whether the database has FOR SHARE
    and FOR UPDATE (not needed if there is one writer at a time); `arrays`: whether a parameter can be an array, so that
    many rows are one statement.
    """

    def __init__(
        self,
        execute: Execute,
        execute_many: ExecuteMany,
        prefix: str,
        index_prefix: str,
        *,
        locks: bool = False,
        arrays: bool = False,
    ) -> None:
        self._execute, self._execute_many = execute, execute_many
        self._prefix, self._index_prefix = prefix, index_prefix
        self._locks, self._arrays = locks, arrays

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
        for piece in self._pieces(where):
            text, values = self._condition(piece)
            start = f"SELECT {'DISTINCT ' if distinct else ''}{', '.join(map(_selected, columns))} FROM"
            end = (f" ORDER BY {', '.join(order)}" if order else "") + (f" LIMIT {limit}" if limit is not None else "")
            found += self._execute(f"{start} {self._name(table)}{text}{end}", values)
        return found

    def shared(self, table: JournalTable, columns: Sequence[str], where: Where) -> list[tuple[Any, ...]]:
        text, values = self._condition(where)
        share = " FOR SHARE" if self._locks else ""
        return self._execute(f"SELECT {', '.join(columns)} FROM {self._name(table)}{text}{share}", values)

    def lock(self, table: JournalTable, where: Where = ()) -> None:
        self.locked(table, table.key, where)

    def locked(self, table: JournalTable, columns: Sequence[str], where: Where = ()) -> list[tuple[Any, ...]]:
        found = list[tuple[Any, ...]]()
        for piece in self._pieces(where):
            text, values = self._condition(piece)
            if self._locks:
                end = f" ORDER BY {_order(table)} FOR UPDATE"
            else:
                end = ""
                other = next(c.name for c in reversed(table.columns) if c.name not in table.key)
                self._execute(f"UPDATE {self._name(table)} SET {other} = {other}{text}", values)
            found += self._execute(f"SELECT {', '.join(columns)} FROM {self._name(table)}{text}{end}", values)
        return found

    def take(self, table: JournalTable, values: Row, where: Where, columns: Sequence[str]) -> list[tuple[Any, ...]]:
        if not self._locks:
            found = self.locked(table, columns, where)
            self.update(table, values, where)
            return found
        sets, found = ", ".join(f"{name} = :{name}" for name in values), []
        name, returned = self._name(table), ", ".join(columns)
        for piece in self._pieces(where):
            text, bound = self._condition(piece)
            # In a statement of its own: of a join with the locked rows PostgreSQL may read the whole table for each.
            mine = f"SELECT 1 FROM {name}{text} ORDER BY {_order(table)} FOR UPDATE"
            self._execute(f"SELECT count(*) FROM ({mine}) AS mine", bound)
            found += self._execute(f"UPDATE {name} SET {sets}{text} RETURNING {returned}", {**values, **bound})
        return found

    def count(self, table: JournalTable, by: Sequence[str], where: Where = ()) -> list[tuple[Any, ...]]:
        text, values = self._condition(where)
        names = ", ".join(by)
        query = f"SELECT {names}, count(*) FROM {self._name(table)}{text} GROUP BY {names} ORDER BY {names}"
        return self._execute(query, values)

    def groups(
        self, table: JournalTable, columns: Sequence[str], where: Where, of: Groups
    ) -> list[tuple[int, Any, tuple[Any, ...]]]:
        text, values = self._condition(where)
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
            self._insert(table, rows, clash)

    def upsert(self, table: JournalTable, rows: Sequence[Row]) -> None:
        if rows:
            sets = ", ".join(f"{name} = excluded.{name}" for name in rows[0] if name not in table.key)
            does = f"UPDATE SET {sets}" if sets else "NOTHING"
            once = {tuple(row[name] for name in table.key): row for row in rows}  # the last of several
            self._insert(table, list(once.values()), f" ON CONFLICT ({', '.join(table.key)}) DO {does}")

    def _insert(self, table: JournalTable, rows: Sequence[Row], clash: str) -> None:
        names = tuple(rows[0])
        into = f"INSERT INTO {self._name(table)} ({', '.join(names)})"
        if self._at_once(table, names, rows):
            for piece in _bounded(rows):
                self._execute(f"{into} SELECT * FROM {_unnest(table, names)}{clash}", _lists(names, piece))
        else:
            self._execute_many(f"{into} VALUES ({', '.join(f':{name}' for name in names)}){clash}", rows)

    def update(self, table: JournalTable, values: Row, where: Where = ()) -> None:
        sets = ", ".join(f"{name} = :{name}" for name in values)
        for piece in self._pieces(where):
            text, bound = self._condition(piece)
            self._execute(f"UPDATE {self._name(table)} SET {sets}{text}", {**values, **bound})

    def update_each(self, table: JournalTable, changes: Sequence[tuple[Row, Row]]) -> None:
        if not changes:
            return
        now, then = changes[0]
        bound = [{**new, **{f"now_{name}": value for name, value in old.items()}} for old, new in changes]
        names = tuple(bound[0])
        if self._at_once(table, names, bound):
            sets = ", ".join(f"{name} = sent.{name}" for name in then)
            sent = f"{_unnest(table, names)} AS sent({', '.join(names)})"
            statement = f"UPDATE {self._name(table)} AS t SET {sets} FROM {sent} WHERE {_same(now, 't.', 'sent.')}"
            for piece in _bounded(bound):
                self._execute(statement, _lists(names, piece))
        else:
            sets = ", ".join(f"{name} = :{name}" for name in then)
            self._execute_many(f"UPDATE {self._name(table)} SET {sets} WHERE {_same(now)}", bound)

    def add(self, table: JournalTable, amounts: Mapping[str, int], where: Where) -> None:
        text, values = self._condition(where)
        sets = ", ".join(f"{name} = {name} + :{name}" for name in amounts)
        self._execute(f"UPDATE {self._name(table)} SET {sets}{text}", {**amounts, **values})

    def delete(self, table: JournalTable, where: Where = ()) -> None:
        for piece in self._pieces(where):
            text, values = self._condition(piece)
            self._execute(f"DELETE FROM {self._name(table)}{text}", values)

    def delete_each(self, table: JournalTable, rows: Sequence[Row]) -> None:
        if not rows:
            return
        bound = [{f"now_{name}": value for name, value in row.items()} for row in rows]
        names = tuple(bound[0])
        if self._at_once(table, names, bound):
            sent = f"{_unnest(table, names)} AS sent({', '.join(names)})"
            statement = f"DELETE FROM {self._name(table)} AS t USING {sent} WHERE {_same(rows[0], 't.', 'sent.')}"
            self._execute(statement, _lists(names, bound))
        else:
            self._execute_many(f"DELETE FROM {self._name(table)} WHERE {_same(rows[0])}", bound)

    def _at_once(self, table: JournalTable, names: Sequence[str], rows: Sequence[Row]) -> bool:
        """Return whether one statement can write all rows. A migration may not name the columns of a table."""
        known = {column.name for column in table.columns}
        return self._arrays and len(rows) > 1 and all(name.removeprefix("now_") in known for name in names)

    def _condition(self, where: Where) -> tuple[str, dict[str, Any]]:
        return _condition(where, arrays=self._arrays)

    def _pieces(self, where: Where) -> list[Where]:
        return _pieces(where, _IN_AN_ARRAY if self._arrays else _AT_ONCE)

    def _name(self, table: JournalTable) -> str:
        return self._prefix + table.name


def _column(column: JournalColumn) -> str:
    default = "" if column.default is None else f" DEFAULT {column.default!r}"
    return f"{column.name} {_TYPES[column.kind]}{'' if column.nullable else ' NOT NULL'}{default}"


def _order(table: JournalTable) -> str:
    """Return the order in which rows are inserted. Transactions that lock rows in the same order cannot deadlock."""
    texts = {column.name for column in table.columns if column.kind == "text"}
    return ", ".join(f'{name} COLLATE "C"' if name in texts else name for name in table.key)


def _selected(column: str | Size) -> str:
    return f"length({column.column})" if isinstance(column, Size) else column


def _same(row: Row, mine: str = "", sent: str = ":") -> str:
    """Return the condition that a row has these values; their parameters are named `now_...`."""
    return " AND ".join(
        f"{mine}{name} IS NULL" if value is None else f"{mine}{name} = {sent}now_{name}" for name, value in row.items()
    )


def _unnest(table: JournalTable, names: Sequence[str]) -> str:
    kinds = {column.name: column.kind for column in table.columns}
    arrays = (f"CAST(:{name} AS {_TYPES[kinds[name.removeprefix('now_')]]}[])" for name in names)
    return f"unnest({', '.join(arrays)})"


def _bounded(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    """Yield the rows in pieces of about _BYTES."""
    columns = ([row[name] for row in rows] for name in rows[0])
    sizes = [sum(of_row) for of_row in zip(*map(_sizes, columns), strict=True)]
    start, size = 0, 0
    for place, own in enumerate(sizes):
        if place > start and size + own > _BYTES:
            yield rows[start:place]
            start, size = place, 0
        size += own
    yield rows[start:]


def _sizes(values: Sequence[Any]) -> list[int]:
    """Return the length of each text or bytes in a column; 0 for other values."""
    if set(map(type, values)) <= {str, bytes}:  # most columns: without a test of each value
        return list(map(len, values))
    return [len(value) if isinstance(value, bytes | str) else 0 for value in values]


def _lists(names: Sequence[str], rows: Sequence[Row]) -> dict[str, list[Any]]:
    return {name: [row[name] for row in rows] for name in names}


def _condition(where: Where, *, arrays: bool) -> tuple[str, dict[str, Any]]:
    """Return ` WHERE ...` and the values of its parameters; "" without conditions."""
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
            case OneOf(column, listed) if arrays:
                kind = "BIGINT" if listed and isinstance(listed[0], int) else "TEXT"
                return f"{column} = ANY(CAST({bound(list(listed))} AS {kind}[]))"
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


def _pieces(where: Where, most: int) -> list[Where]:
    """Return the condition with its list of values split into pieces of at most `most`; a row matches one of them."""
    for place, condition in enumerate(where):
        if isinstance(condition, OneOf):
            values = list(dict.fromkeys(condition.values))
            cut = [values[at : at + most] for at in range(0, len(values), most)]
            return [(*where[:place], OneOf(condition.column, some), *where[place + 1 :]) for some in cut]
    return [where]


_: type[JournalTables] = SqlJournal
