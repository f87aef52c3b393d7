"""The ledger: which record made a row, for tables without an owner column. It is written together with the rows.

A row is identified by its primary key, as text from which the values can be restored.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from json.encoder import encode_basestring
from typing import Any

import pyarrow as pa

from crossfade.journal.tables import LEDGER
from crossfade.model.canonical import arrow_rows, arrow_schema, python_rows
from crossfade.model.target import ColumnType, TargetColumn, TargetTable
from crossfade.stores.contract import RowRejected, Store, TargetTransaction
from crossfade.stores.contract.journal import Is, IsNot, OneOf

_TEXT = ColumnType("text", "text")
_COLUMNS = tuple(column.name for column in LEDGER.columns)


class Ledger:
    """The ledger in the target `store`."""

    def __init__(self, store: Store) -> None:
        in_schema, prefix = store.traits.has_journal_schema, store.traits.journal_prefix
        schema, name = (
            ("crossfade", store.traits.journal_tables + LEDGER.name) if in_schema else (None, prefix + LEDGER.name)
        )
        columns = tuple(TargetColumn(column, _TEXT, nullable=False) for column in _COLUMNS)
        self._table = TargetTable("the journal's ledger", schema, name, columns, LEDGER.key)

    def add(
        self, tx: TargetTransaction, table: TargetTable, rows: Any, entity: str, record_keys: Sequence[str]
    ) -> None:
        """Record which records made these rows (`rows` has at least the primary key)."""
        if not record_keys:
            return
        keys = rows.select(list(table.primary_key))
        texts = row_texts(table, keys)
        values = [[table.name] * len(texts), texts, [entity] * len(texts), list(record_keys)]
        try:
            with tx.savepoint():
                tx.load(self._table, _texts(_COLUMNS, values))
        except RowRejected:  # others have deleted a row that had such a key, which the ledger still has
            self.forget(tx, table, keys)
            tx.load(self._table, _texts(_COLUMNS, values))

    def records(self, tx: TargetTransaction, table: TargetTable, keys: Any) -> dict[str, tuple[str, str]]:
        """Return entity and key of the record that made each row, by the text of the row's primary key."""
        texts = row_texts(table, keys)
        by = _texts(_COLUMNS[:2], [[table.name] * len(texts), texts])
        found = tx.owned(self._table, by, _COLUMNS[1:])
        return {row: (entity, record) for row, entity, record in python_rows(found)}

    def rows(
        self, tx: TargetTransaction, entity: str, record_keys: Sequence[str], tables: Mapping[str, TargetTable]
    ) -> dict[str, tuple[Any, list[str]]]:
        """Return, for each table, the primary keys of the rows of these records, with the key of each row's record."""
        by = _texts(_COLUMNS[2:], [[entity] * len(record_keys), record_keys])
        found: dict[str, list[tuple[str, str]]] = {}
        for table, row, record in python_rows(tx.owned(self._table, by, ("target_table", "row_key", "record_key"))):
            if table != _NO_TABLE:
                found.setdefault(table, []).append((row, record))
        return {
            name: (row_keys(tables[name], [row for row, _ in pairs]), [record for _, record in pairs])
            for name, pairs in found.items()
        }

    def forget(self, tx: TargetTransaction, table: TargetTable, keys: Any) -> None:
        """Delete the entries of rows with these primary keys."""
        texts = row_texts(table, keys)
        tx.delete(self._table, _texts(_COLUMNS[:2], [[table.name] * len(texts), texts]))

    def record_keys(self, tx: TargetTransaction, entity: str) -> list[str]:
        """Return the keys of all records of an entity that are in the ledger."""
        where = (Is("entity", entity), IsNot("target_table", _NO_TABLE))
        return [key for (key,) in tx.journal.select(LEDGER, ("record_key",), where, distinct=True)]

    # -- records that a mapping leaves out: they have no row, and no entry

    def add_left(self, tx: TargetTransaction, entity: str, record_keys: Sequence[str]) -> None:
        """Note that a discard's `where` leaves these records out."""
        tx.journal.upsert(LEDGER, [_left(entity, key) for key in record_keys])

    def load_left(self, tx: TargetTransaction, entity: str, record_keys: Sequence[str]) -> None:
        """Like `add_left`, by bulk load, for records of which none is noted yet."""
        if record_keys:
            rows = [tuple(_left(entity, key)[name] for name in _COLUMNS) for key in record_keys]
            tx.load(self._table, _texts(_COLUMNS, list(zip(*rows, strict=True))))

    def forget_left(self, tx: TargetTransaction, entity: str, record_keys: Sequence[str]) -> None:
        tx.journal.delete_each(LEDGER, [_left(entity, key) for key in record_keys])

    def left(self, tx: TargetTransaction, entity: str, record_keys: Sequence[str]) -> set[str]:
        """Return the records that were left out, among those with these keys."""
        where = (
            Is("target_table", _NO_TABLE),
            OneOf("row_key", [_left(entity, key)["row_key"] for key in record_keys]),
        )
        return {key for (key,) in tx.journal.select(LEDGER, ("record_key",), where)}


_NO_TABLE = ""


def _left(entity: str, key: str) -> dict[str, str]:
    row = json.dumps([entity, key], ensure_ascii=False)
    return {"target_table": _NO_TABLE, "row_key": row, "entity": entity, "record_key": key}


def row_texts(table: TargetTable, keys: Any) -> list[str]:
    """Return the text of each primary key (canonical, in the order of the table's columns)."""
    padded, columns = _padded(table), keys.select(list(table.primary_key))
    forms = [_form(column, is_padded) for column, is_padded in zip(columns.columns, padded, strict=True)]
    if None in forms:
        return [_row_text(row, padded) for row in python_rows(columns)]
    texts = [map(form, column.to_pylist()) for form, column in zip(forms, columns.columns, strict=True) if form]
    return [f"[{','.join(row)}]" for row in zip(*texts, strict=True)]


def _form(column: Any, padded: bool) -> Callable[[Any], str] | None:
    """Return what makes JSON as `_row_text` does, for the usual types of keys; None for others."""
    if column.null_count or padded:
        return None
    if pa.types.is_integer(column.type):
        return str
    if pa.types.is_string(column.type):
        return encode_basestring
    return _quoted_digits if pa.types.is_fixed_size_binary(column.type) else None


def _quoted_digits(value: bytes) -> str:
    return f'"{value.hex()}"'


def row_text(table: TargetTable, key: Sequence[Any]) -> str:
    """Return the text of a primary key with the values of `python_rows`."""
    return _row_text(key, _padded(table))


def _row_text(key: Sequence[Any], padded: Sequence[bool]) -> str:
    plain = [_plain(value, is_padded) for value, is_padded in zip(key, padded, strict=True)]
    return json.dumps(plain, ensure_ascii=False, separators=(",", ":"))


def _padded(table: TargetTable) -> list[bool]:
    return [_is_padded(table, name) for name in table.primary_key]


def _is_padded(table: TargetTable, name: str) -> bool:
    column = table.column(name)
    return column is not None and column.type.kind == "char"


def _plain(value: Any, padded: bool) -> Any:
    if isinstance(value, bytes):
        return value.hex()
    return value.rstrip(" ") if padded and isinstance(value, str) else value


def row_keys(table: TargetTable, texts: Sequence[str]) -> Any:
    """Return the primary keys from the texts of `row_texts`."""
    kinds = arrow_schema(table, table.primary_key).types
    found = json.loads(f"[{','.join(texts)}]")
    if any(map(_is_bytes, kinds)):
        rows = [tuple(_value(v, kind) for v, kind in zip(row, kinds, strict=True)) for row in found]
    else:
        rows = [tuple(row) for row in found]
    return arrow_rows(table, table.primary_key, rows)


def _value(plain: Any, kind: Any) -> Any:
    return bytes.fromhex(plain) if _is_bytes(kind) and plain is not None else plain


def _is_bytes(kind: Any) -> bool:
    return bool(pa.types.is_binary(kind) or pa.types.is_fixed_size_binary(kind))


def _texts(names: Sequence[str], columns: Sequence[Sequence[str]]) -> Any:
    return pa.table([pa.array(list(values), pa.string()) for values in columns], names=list(names))
