"""The rows of the target that records own, and the records that own rows: by owner columns, or by the ledger."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import pyarrow as pa

from crossfade.journal.ledger import row_texts
from crossfade.model.canonical import python_rows, python_values
from crossfade.model.owners import Owners
from crossfade.model.target import TargetTable
from crossfade.runtime.records import NO_KEY, OwnerValues
from crossfade.runtime.session import Session
from crossfade.stores.contract import TargetTransaction

Who = tuple[str, str]
"""An entity and the key of one of its records."""


@dataclass(frozen=True)
class OwnedRows:
    """Rows of a table as they are in the target, each with the record that owns it.

    `changed`: the columns that change in any of them, if known.
    """

    table: TargetTable
    rows: pa.Table
    owners: Sequence[Who]
    changed: Sequence[str] | None = None


class Ownership:
    """Finds rows and records of one move."""

    def __init__(self, s: Session) -> None:
        self._s = s
        self._values: dict[str, OwnerValues] = {}
        self._triggers: dict[str, bool] = {}

    def columns(self, entity: str, table: TargetTable) -> list[str]:
        """Return the columns to compare: the key and the owner first, then those that mappings fill or leave NULL."""
        filled = {name for b in self._s.work.program.branches if b.table == table.name for name in b.outputs}
        empty = {c.name for c in table.columns if not c.has_default and not c.generated}
        owner = self._s.owners[entity].columns.get(table.name)
        first = [*table.primary_key, *([owner] if owner else [])]
        return list(dict.fromkeys([*first, *(c.name for c in table.columns if c.name in filled | empty)]))

    def has_insert_trigger(self, table: TargetTable) -> bool:
        """Return whether a trigger may have filled columns that no mapping fills."""
        if table.name not in self._triggers:
            self._triggers[table.name] = self._s.row_reader.has_insert_trigger(table)
        return self._triggers[table.name]

    def of(
        self, tx: TargetTransaction, entity: str, keys: Sequence[str], *, only_keys: bool = False
    ) -> Iterator[OwnedRows]:
        """Yield the rows of these records; with `only_keys`, only their primary keys."""
        owners = self._s.owners[entity]
        named = [key for key in keys if not key.startswith(NO_KEY)]
        if owners.columns and named:
            yield from self._by_column(tx, owners, named, only_keys)
        if owners.ledger and keys:
            yield from self._by_ledger(tx, owners, keys, only_keys)

    def _by_column(
        self, tx: TargetTransaction, owners: Owners, keys: Sequence[str], only_keys: bool
    ) -> Iterator[OwnedRows]:
        mapped, values = self.values(owners).of(keys)
        known = dict(zip(python_values(values), mapped, strict=True))
        for name, column in owners.columns.items():
            table = self._s.work.tables[name]
            names = [*table.primary_key, column] if only_keys else self.columns(owners.entity, table)
            rows = tx.owned(table, pa.table({column: values}), list(dict.fromkeys(names)))
            if rows.num_rows:
                found = [(owners.entity, known[value]) for value in python_values(rows.column(column))]
                yield OwnedRows(table, rows, found)

    def _by_ledger(
        self, tx: TargetTransaction, owners: Owners, keys: Sequence[str], only_keys: bool
    ) -> Iterator[OwnedRows]:
        for name, (own, records) in self._s.ledger.rows(tx, owners.entity, keys, self._s.work.tables).items():
            table = self._s.work.tables[name]
            if only_keys:
                yield OwnedRows(table, own, [(owners.entity, key) for key in records])
                continue
            known = dict(zip(row_texts(table, own), records, strict=True))
            rows = tx.owned(table, own, self.columns(owners.entity, table))
            if rows.num_rows:
                yield OwnedRows(table, rows, [(owners.entity, known[text]) for text in row_texts(table, rows)])

    def behind(self, tx: TargetTransaction, table: TargetTable, keys: Any) -> list[Who | None]:
        """Return the record that owns each of the rows with these primary keys, or None if none is known."""
        found: list[Who | None] = [None] * len(keys)
        for entity, owners in self._s.owners.items():
            if table.name in owners.ledger:
                known = self._s.ledger.records(tx, table, keys)
                found = [f or known.get(text) for f, text in zip(found, row_texts(table, keys), strict=True)]
            elif table.name in owners.columns:
                known_rows = self._owner_of_rows(tx, owners, table, keys)
                rows = python_rows(keys.select(list(table.primary_key)))
                found = [
                    f or ((entity, known_rows[row]) if row in known_rows else None)
                    for f, row in zip(found, rows, strict=True)
                ]
        return found

    def _owner_of_rows(
        self, tx: TargetTransaction, owners: Owners, table: TargetTable, keys: Any
    ) -> Mapping[tuple[Any, ...], str]:
        column, key = owners.columns[table.name], list(table.primary_key)
        rows = tx.owned(table, keys.select(key), list(dict.fromkeys([*key, column])))
        own = rows.column(column).combine_chunks()
        record = self.values(owners).keys(own, gone=True) if rows.num_rows else {}
        values = zip(python_rows(rows.select(key)), python_values(rows.column(column)), strict=True)
        return {row: record[value] for row, value in values if value in record}

    def values(self, owners: Owners) -> OwnerValues:
        """Return the owner values of an entity, cached for later calls."""
        if owners.entity not in self._values:
            self._values[owners.entity] = OwnerValues(self._s, owners)
        return self._values[owners.entity]


_ownerships: WeakKeyDictionary[Session, Ownership] = WeakKeyDictionary()


def ownership_of(s: Session) -> Ownership:
    """Return the ownership of a session, cached for later calls."""
    if s not in _ownerships:
        _ownerships[s] = Ownership(s)
    return _ownerships[s]


def tables_of(s: Session, entities: Collection[str]) -> set[str]:
    """Return the tables that these entities fill."""
    return {name for entity in entities for name in s.owners[entity].tables}
