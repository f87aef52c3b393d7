"""The journal's tables in memory: rows by their keys, committed and rolled back with the rows of the target."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
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
from crossfade.stores.memory.table import Key
from crossfade.stores.memory.tables import Catalog


class MemoryJournal:
    """The tables in the catalog of one transaction. `claims` is called before and after rows are locked."""

    def __init__(self, catalog: Catalog, claims: Callable[[str], object]) -> None:
        self._catalog, self._claims = catalog, claims

    # -- tables

    def create(self, table: JournalTable) -> None:
        if table.name not in self._catalog.notes:
            self._catalog.set_notes(table.name, {})

    def add_column(self, table: JournalTable, column: JournalColumn) -> None:
        rows = self._catalog.notes[table.name]
        self._catalog.set_notes(table.name, {key: {**row, column.name: column.default} for key, row in rows.items()})

    def drop(self, table: JournalTable) -> None:
        self._catalog.set_notes(table.name, None)

    # -- questions

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
        rows = sorted(self._rows(table, where), key=lambda row: [_sorted(row[name]) for name in order])
        found = [tuple(_selected(row, column) for column in columns) for row in rows]
        return (list(dict.fromkeys(found)) if distinct else found)[:limit]

    def shared(self, table: JournalTable, columns: Sequence[str], where: Where) -> list[tuple[Any, ...]]:
        """Like `select`: no other transaction writes until this one ends."""
        return self.select(table, columns, where)

    def lock(self, table: JournalTable, where: Where = ()) -> None:
        """Only call the hook: no other transaction writes until this one ends."""
        self._claims("before claim")
        self._claims("after claim")

    def locked(self, table: JournalTable, columns: Sequence[str], where: Where = ()) -> list[tuple[Any, ...]]:
        self.lock(table, where)
        return self.select(table, columns, where)

    def take(self, table: JournalTable, values: Row, where: Where, columns: Sequence[str]) -> list[tuple[Any, ...]]:
        found = self.locked(table, columns, where)
        self.update(table, values, where)
        return found

    def count(self, table: JournalTable, by: Sequence[str], where: Where = ()) -> list[tuple[Any, ...]]:
        counts = Counter(tuple(row[name] for name in by) for row in self._rows(table, where))
        return [(*values, counts[values]) for values in sorted(counts, key=lambda v: list(map(_sorted, v)))]

    def groups(
        self, table: JournalTable, columns: Sequence[str], where: Where, of: Groups
    ) -> list[tuple[int, Any, tuple[Any, ...]]]:
        there = {key[0]: row for key, row in self._catalog.notes[table.name].items()}
        groups: dict[tuple[Any, ...], list[Row]] = {}
        for row in self._rows(table, where):
            linked = there[row[of.link]][of.linked] if row[of.link] in there else None
            groups.setdefault((*(row[name] for name in of.by), linked), []).append(row)
        shown: list[tuple[int, int, Any, tuple[Any, ...]]] = []
        for values, rows in groups.items():
            rows.sort(key=lambda row: [row[name] or "" for name in of.order])
            for place, row in enumerate(rows[: of.first]):
                shown.append((place, len(rows), values[-1], tuple(row[name] for name in columns)))
        return [(size, linked, row) for _, size, linked, row in sorted(shown, key=lambda one: one[0])]

    # -- changes

    def insert(self, table: JournalTable, rows: Sequence[Row], *, keep: bool = False) -> None:
        for row in rows:
            key = _key(table, row)
            if key not in self._catalog.notes[table.name]:
                self._put(table, {c.name: row.get(c.name, c.default) for c in table.columns})
            elif not keep:
                raise RuntimeError(f"the journal has a row {key} of {table.name} already")

    def upsert(self, table: JournalTable, rows: Sequence[Row]) -> None:
        for row in rows:
            known = self._catalog.notes[table.name].get(_key(table, row))
            defaults = {c.name: c.default for c in table.columns}
            self._put(table, {**(known or defaults), **row})

    def update(self, table: JournalTable, values: Row, where: Where = ()) -> None:
        for row in list(self._rows(table, where)):
            self._replace(table, row, {**row, **values})

    def update_each(self, table: JournalTable, changes: Sequence[tuple[Row, Row]]) -> None:
        for now, then in changes:
            self.update(table, then, _same(now))

    def add(self, table: JournalTable, amounts: Mapping[str, int], where: Where) -> None:
        for row in list(self._rows(table, where)):
            self._replace(table, row, {**row, **{name: row[name] + amount for name, amount in amounts.items()}})

    def delete(self, table: JournalTable, where: Where = ()) -> None:
        for row in list(self._rows(table, where)):
            self._catalog.note(table.name, _key(table, row), None)

    def delete_each(self, table: JournalTable, rows: Sequence[Row]) -> None:
        for row in rows:
            self.delete(table, _same(row))

    def _rows(self, table: JournalTable, where: Where) -> Iterator[Row]:
        return (row for row in self._catalog.notes[table.name].values() if all(_holds(c, row) for c in where))

    def _replace(self, table: JournalTable, old: Row, new: Row) -> None:
        if _key(table, old) != _key(table, new):
            self._catalog.note(table.name, _key(table, old), None)
        self._put(table, new)

    def _put(self, table: JournalTable, row: Row) -> None:
        missing = [c.name for c in table.columns if row[c.name] is None and not c.nullable]
        if missing or len(row) > len(table.columns):
            raise RuntimeError(f"not a row of the journal's {table.name}: {missing or sorted(row)}")
        self._catalog.note(table.name, _key(table, row), row)


def _key(table: JournalTable, row: Row) -> Key:
    return tuple(row[name] for name in table.key)


def _same(row: Row) -> list[Condition]:
    return [Is(name, value) for name, value in row.items()]


def _selected(row: Row, column: str | Size) -> Any:
    if isinstance(column, str):
        return row[column]
    value = row[column.column]
    return None if value is None else len(value)


def _sorted(value: Any) -> tuple[bool, Any]:
    return (value is not None, value)


def _holds(condition: Condition, row: Row) -> bool:
    """Return whether the condition holds; a comparison with null does not."""
    match condition:
        case Is(column, value):
            return bool(row[column] == value)
        case IsNot(column, value):
            return row[column] is not None and row[column] != value
        case OneOf(column, values):
            return row[column] is not None and row[column] in values
        case After(columns, values):
            return tuple(row[name] for name in columns) > tuple(values)
        case From(column, value):
            return row[column] is not None and bool(row[column] >= value)
        case UpTo(column, value):
            return row[column] is not None and bool(row[column] <= value)
        case StartsWith(column, text):
            return row[column] is not None and str(row[column]).startswith(text)
        case Either(ways):
            return any(all(_holds(c, row) for c in way) for way in ways)


_: type[JournalTables] = MemoryJournal
