"""Counts the rows of a table as they are read for the copy, each value by its own type."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from crossfade.model.batch import Chunk
from crossfade.model.map_rules import MapRules
from crossfade.records.rows.dynamic.count import DynamicCounter
from crossfade.records.rows.dynamic.reader import BAD_TEXT
from crossfade.records.rows.dynamic.values import BadText, text_of
from crossfade.records.rows.keys import key_of_texts
from crossfade.stores.contract import Surveyor
from crossfade.stores.sqlite.reading.key_ranges import Condition, within
from crossfade.stores.sqlite.reading.references import references
from crossfade.stores.sqlite.reading.transaction import Rows
from crossfade.stores.sqlite.source import SqliteReader


@dataclass(frozen=True)
class SqliteSurveyor:
    reader: SqliteReader

    def counted(self, piece: str | Chunk, rules: MapRules) -> DynamicCounter:
        entity = piece.entity if isinstance(piece, Chunk) else piece
        table, key = self.reader.keyed(entity)
        columns = self.reader.tables.columns(table)
        names = [column.name for column in columns]
        counter = DynamicCounter([column.described(table.is_strict) for column in columns], key.columns)
        condition = within(key.parts, piece.lower, piece.upper) if isinstance(piece, Chunk) else Condition("true")
        selected = ", ".join([*(column.sql for column in columns), *key.parts])
        statement = f"SELECT {selected} FROM {table.rows} WHERE {condition.sql}"
        for rows in self.reader.transaction.rows(statement, condition.parameters):
            good = list(_readable(rows, len(names), counter))
            values: list[Any] = list(zip(*good, strict=True)) or [()] * len(names)
            counter.add_columns(dict(zip(names, values, strict=False)), len(good))
        if not isinstance(piece, Chunk) or piece.number == 0:
            counter.references = references(self.reader.tables, table, self.reader.transaction)
        counter.bytes = counter.count * self.reader.row_size(table)
        return counter


def _readable(rows: Rows, width: int, counter: DynamicCounter) -> Iterator[tuple[Any, ...]]:
    """Yield the rows without those that hold text that is not UTF-8, which are counted as a problem."""
    for row in rows:
        if BadText in map(type, row):
            counter.count += 1
            counter.add_bad(BAD_TEXT, 1, [key_of_texts([text_of(value) for value in row[width:]])])
        else:
            yield row


_: type[Surveyor] = SqliteSurveyor
