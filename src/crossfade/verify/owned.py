"""Find the rows of the target that records own, by the path that shares nothing with the writer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
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
class Owned:
    """The primary keys of rows of one table, each with the key of the record that owns it."""

    table: TargetTable
    keys: pa.Table
    records: Sequence[str]


def owned_rows(s: Session, entity: str, keys: Sequence[str]) -> Iterator[Owned]:
    """Yield the rows of these records: by the owner column of each table, or by the journal's ledger."""
    owners = s.owners[entity]
    named = [key for key in keys if not key.startswith(NO_KEY)]
    if owners.columns and named:
        mapped, values = values_of(s, owners.entity).of(named)
        known = dict(zip(python_values(values), mapped, strict=True))
        for name, column in owners.columns.items():
            yield _by_column(s, s.work.tables[name], column, values, known)
    if owners.ledger and keys:
        with s.writer.transaction() as tx:
            noted = s.ledger.rows(tx, entity, keys, s.work.tables)
        for name, (own, records) in noted.items():
            table = s.work.tables[name]
            by_text = dict(zip(row_texts(table, own), records, strict=True))
            found = s.row_reader.rows(table, list(table.primary_key), own).select(list(table.primary_key))
            yield Owned(table, found, [by_text[text] for text in row_texts(table, found)])


def _by_column(s: Session, table: TargetTable, column: str, values: pa.Array, known: Mapping[object, str]) -> Owned:
    own = list(table.primary_key)
    rows = s.row_reader.owned(table, list(dict.fromkeys([*own, column])), pa.table({column: values}))
    records = [known.get(value) for value in python_values(rows.column(column))]  # None: equal only by the collation
    places = [place for place, record in enumerate(records) if record is not None]
    found = rows.select(own).take(pa.array(places, pa.int64())).combine_chunks()
    return Owned(table, found, [record for record in records if record is not None])


def owners_in_ledger(s: Session, tx: TargetTransaction, table: TargetTable, keys: pa.Table) -> list[Who | None]:
    """Return the record that the ledger names for each of these rows; None where it names none."""
    known = s.ledger.records(tx, table, keys)
    return [known.get(text) for text in row_texts(table, keys)]


def behind(s: Session, tx: TargetTransaction, table: TargetTable, keys: pa.Table) -> list[Who | None]:
    """Return the record that owns each of the rows with these primary keys, whether the source has it or not; None if
    no owner is known.
    """
    found: list[Who | None] = [None] * len(keys)
    for entity, owners in s.owners.items():
        if table.name in owners.ledger:
            found = [one or other for one, other in zip(found, owners_in_ledger(s, tx, table, keys), strict=True)]
        elif table.name in owners.columns:
            by_row = _records_of_rows(s, owners, table, keys)
            rows = python_rows(keys.select(list(table.primary_key)))
            found = [
                one or ((entity, by_row[row]) if row in by_row else None) for one, row in zip(found, rows, strict=True)
            ]
    return found


def _records_of_rows(s: Session, owners: Owners, table: TargetTable, keys: pa.Table) -> dict[tuple[object, ...], str]:
    column, own = owners.columns[table.name], list(table.primary_key)
    rows = s.row_reader.rows(table, list(dict.fromkeys([*own, column])), keys.select(own))
    values = rows.column(column).combine_chunks()
    record = values_of(s, owners.entity).keys(values, gone=True) if rows.num_rows else {}
    pairs = zip(python_rows(rows.select(own)), python_values(values), strict=True)
    return {row: record[value] for row, value in pairs if value in record}


_known: WeakKeyDictionary[Session, dict[str, OwnerValues]] = WeakKeyDictionary()


def values_of(s: Session, entity: str) -> OwnerValues:
    """Return what converts between keys of an entity and the values of its owner columns; cached for later calls."""
    of_session = _known.setdefault(s, {})
    if entity not in of_session:
        of_session[entity] = OwnerValues(s, s.owners[entity])
    return of_session[entity]
