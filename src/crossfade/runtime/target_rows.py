"""Read all rows that records own, with all columns, by the path that shares nothing with the writer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pyarrow as pa

from crossfade.journal.ledger import row_texts
from crossfade.model.canonical import python_values
from crossfade.model.target import TargetTable
from crossfade.runtime.records import OwnerValues
from crossfade.runtime.session import Session
from crossfade.transform.numbered import Numbered


def rows_of(s: Session, entity: str, keys: Sequence[str]) -> dict[str, Numbered]:
    """Return the rows of the records with these keys, by table. Rows are numbered by the positions of the keys."""
    return {rows.table.name: rows for rows in _rows_of(s, entity, keys)}


def _rows_of(s: Session, entity: str, keys: Sequence[str]) -> Iterator[Numbered]:
    owners = s.owners[entity]
    numbers = {key: number for number, key in enumerate(keys)}
    if owners.columns and keys:
        named, values = OwnerValues(s, owners).of(keys)
        known = {value: numbers[key] for key, value in zip(named, python_values(values), strict=True) if key in numbers}
        for name, column in owners.columns.items():
            table = s.work.tables[name]
            rows = s.row_reader.owned(table, columns_of(table), pa.table({column: values}))
            yield _numbered(table, rows, [known.get(value) for value in python_values(rows.column(column))])
    if owners.ledger and keys:
        with s.writer.transaction() as tx:
            noted = s.ledger.rows(tx, entity, keys, s.work.tables)
        for name, (own, records) in noted.items():
            table = s.work.tables[name]
            by_text = dict(zip(row_texts(table, own), records, strict=True))
            rows = s.row_reader.rows(table, columns_of(table), own)
            yield _numbered(table, rows, [numbers.get(by_text[text]) for text in row_texts(table, rows)])


def columns_of(table: TargetTable) -> list[str]:
    return [column.name for column in table.columns if not column.generated]


def _numbered(table: TargetTable, rows: pa.Table, numbers: Sequence[int | None]) -> Numbered:
    """Number the rows. Leave out those whose owner column is equal to an owner only by its collation."""
    places = [place for place, number in enumerate(numbers) if number is not None]
    own = rows.take(pa.array(places, pa.int64())).combine_chunks()
    return Numbered(table, own, [number for number in numbers if number is not None])


__all__ = ["columns_of", "rows_of"]
