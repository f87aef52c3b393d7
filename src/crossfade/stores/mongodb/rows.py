"""Reads a target back: documents are decoded completely, and checked against the schema value by value.

It shares nothing with documents.py, which wrote them. A value of another BSON type than the schema's, a null where the
field is to be missing, and fields that the schema does not have are described in the column "#unreadable".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa
from pymongo.database import Database

from crossfade.errors import Unsupported
from crossfade.model.canonical import arrow_schema, arrow_type, element_of
from crossfade.model.target import ColumnType, TargetColumn, TargetTable
from crossfade.records.bson.decode import decode
from crossfade.stores.contract import RowReader
from crossfade.stores.mongodb import keys as by_key
from crossfade.stores.mongodb.collection import collection_of
from crossfade.stores.mongodb.columnar import Columns, columns_of
from crossfade.stores.mongodb.decoded import OtherValue, field_of, shown
from crossfade.stores.mongodb.errors import speaking
from crossfade.stores.mongodb.fields import KEY, is_compound, stored
from crossfade.stores.mongodb.printed import may_be_printed, printed
from crossfade.stores.mongodb.queries import run_query

UNREADABLE = "#unreadable"
_AT_ONCE = 5000


class MongoRowReader:
    """Reads one database as a target."""

    def __init__(self, db: Database[dict[str, Any]], url: str) -> None:
        self._db, self._url = db, url
        self._columnar: dict[tuple[TargetTable, tuple[str, ...]], Columns | None] = {}

    def rows(self, table: TargetTable, columns: Sequence[str], keys: Any) -> Any:
        return self.owned(table, columns, keys)

    def owned(self, table: TargetTable, columns: Sequence[str], by: Any) -> Any:
        replies = (raw for some in by_key.filters(table, by) for raw in self._replies(table, some))
        return _together(table, columns, [part for raw in replies for part in self._canonical(table, columns, raw)])

    def _canonical(self, table: TargetTable, columns: Sequence[str], raw: bytes) -> Iterator[Any]:
        """Yield the documents, in any order: those that conform to the schema, and the others."""
        asked = (table, tuple(columns))
        if asked not in self._columnar:
            self._columnar[asked] = columns_of(table, columns)
        reader = self._columnar[asked]
        if reader is None:
            yield canonical_batch(table, columns, raw)
            return
        batch, others = reader.read(raw)
        yield batch
        if others:
            yield canonical_batch(table, columns, b"".join(others))

    def printed(self, table: TargetTable, rows: Any) -> Any:
        """Return the rows with decimals and values of any type as the driver prints them."""
        for place, name in enumerate(rows.column_names):
            column = table.column(name)
            if column is not None and may_be_printed(column.type):
                rows = rows.set_column(place, name, printed(rows.column(name), column.type))
        return rows

    def scan(self, table: TargetTable, columns: Sequence[str]) -> Iterator[Any]:
        only = {KEY: 1} if set(columns) <= set(table.primary_key) else None
        for raw in self._replies(table, {}, only):
            yield from self._canonical(table, columns, raw)

    def count(self, table: TargetTable) -> int:
        with speaking(self._url, f"counting {table.name}"):
            return collection_of(self._db, table.table).count_documents({})

    def has_insert_trigger(self, table: TargetTable) -> bool:
        """Return False: a server has no triggers."""
        return False

    def query(
        self, sql: str, *, limit: int, tables: Sequence[TargetTable] = ()
    ) -> tuple[list[str], list[tuple[Any, ...]], int]:
        return run_query(sql, limit, tables, self.scan)

    def _replies(self, table: TargetTable, query: Any, only: Any = None) -> Iterator[bytes]:
        with speaking(self._url, f"reading {table.name}"):
            collection: Any = collection_of(self._db, table.table)
            with collection.find_raw_batches(query, only, batch_size=_AT_ONCE) as cursor:
                yield from (reply for reply in cursor if reply)


def _together(table: TargetTable, columns: Sequence[str], parts: Sequence[Any]) -> Any:
    if not parts:
        return arrow_schema(table, columns).empty_table()
    if any(UNREADABLE in part.schema.names for part in parts):
        notes = pa.field(UNREADABLE, pa.string())
        parts = [
            p if UNREADABLE in p.schema.names else p.append_column(notes, pa.nulls(len(p), pa.string())) for p in parts
        ]
    return pa.Table.from_batches(parts)


@dataclass(frozen=True, slots=True)
class _Place:
    """A column, its field, and whether that is within a key of several columns."""

    column: str
    field: TargetColumn
    in_key: bool
    is_key: bool


def _places(table: TargetTable, columns: Sequence[str]) -> list[_Place]:
    found = [column for name in columns if (column := table.column(name)) is not None]
    keys = table.primary_key
    return [
        _Place(c.name, replace(c, name=stored(table, c.name)), is_compound(table) and c.name in keys, c.name in keys)
        for c in found
    ]


def canonical_batch(table: TargetTable, columns: Sequence[str], raw: bytes) -> Any:
    """Return documents as a canonical batch, with "#unreadable" for values that the columns cannot represent."""
    places = _places(table, columns)
    known = frozenset({KEY, *(stored(table, column.name) for column in table.columns)})
    read = [_row(table, places, known, document) for document in _decoded(table, raw)]
    arrays = [_array([values[i] for values, _ in read], place.field.type) for i, place in enumerate(places)]
    batch = pa.record_batch(arrays, names=[place.column for place in places])
    notes = ["; ".join(said) or None for _, said in read]
    return batch.append_column(UNREADABLE, pa.array(notes, pa.string())) if any(notes) else batch


def _decoded(table: TargetTable, raw: bytes) -> list[dict[str, Any]]:
    decoded = decode(raw)
    for broken in decoded.rejected:
        raise Unsupported(f"a document of {table.name} cannot be read: {broken.said}")
    return decoded.docs


def _row(
    table: TargetTable, places: Sequence[_Place], known: frozenset[str], document: dict[str, Any]
) -> tuple[list[Any], list[str]]:
    """Return the values of one document, and sentences on those that the columns cannot represent."""
    said = list[str]()
    values = [_read(document, place, said) for place in places]
    first = next((i for i, place in enumerate(places) if not place.is_key), None)
    if first is not None and not table.is_open and (extra := _extra(document, table, known)):
        said.append(f"{places[first].column} holds beside it {extra}, which the schema does not have")
        values[first] = None
    return values, said


def _extra(document: dict[str, Any], table: TargetTable, known: frozenset[str]) -> str:
    extra = [name for name in document if name not in known]
    if is_compound(table):
        extra += [name for name in table.primary_key if document.get(name) != document[KEY].get(name)]
    return f"the field {extra[0]!r}: {shown(document.get(extra[0]))}" if extra else ""


def _read(document: dict[str, Any], place: _Place, said: list[str]) -> Any:
    try:
        return field_of(document[KEY] if place.in_key else document, place.field)
    except OtherValue as unreadable:
        said.append(f"{place.column} holds {unreadable.said}")
        return None


def _array(values: list[Any], kind: ColumnType) -> Any:
    """Return values as Arrow. Times are numbers of microseconds: Python's calendar ends in the year 9999."""
    return pa.array(values, _numbered(kind)).cast(arrow_type(kind))


def _numbered(kind: ColumnType) -> Any:
    if kind.kind == "array":
        return pa.list_(_numbered(element_of(kind)))
    if kind.kind == "struct":
        return pa.struct([pa.field(field.name, _numbered(field.type)) for field in kind.fields])
    return pa.int64() if kind.kind == "timestamptz" else arrow_type(kind)


_: type[RowReader] = MongoRowReader
