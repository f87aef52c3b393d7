"""Reads a SQLite file back into canonical Arrow without relying on the declared types.

A value that the column's canonical type cannot represent (text in an INTEGER column, a UUID in another spelling) is
NULL in its column, and an additional column "#unreadable" describes it. Such a row is equal to no other.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import date, datetime, timedelta
from typing import Any

import pyarrow as pa

from crossfade.errors import CrossfadeError, InvalidQuery
from crossfade.model.canonical import arrow_schema, arrow_type
from crossfade.model.quoting import identifier
from crossfade.model.target import ColumnType, TargetTable
from crossfade.stores.contract import RowReader
from crossfade.stores.sqlite.connect import connect, failure, path_of
from crossfade.stores.sqlite.forms import Unstorable, canonical_number, printed_form, stored

UNREADABLE = "#unreadable"
_BATCH = 5_000
_READING = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE}
_SHOWN = 80
_INVALID = re.compile(
    "syntax error|incomplete input|unrecognized token|one statement at a time|not authorized|no such column"
    "|ambiguous column|misuse of|number of bindings|value for binding"
)
"""What nothing that is created later cures: SQLite has one error code for all of its refusals of a statement."""


class SqliteRowReader:
    """One connection that cannot write, opened when first needed."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._open: sqlite3.Connection | None = None

    def rows(self, table: TargetTable, columns: Sequence[str], keys: Any) -> Any:
        equal = " AND ".join(f"{identifier(name)} = ?" for name in keys.column_names)
        statement = f"{_select(table, columns)} WHERE {equal}"
        found: list[tuple[Any, ...]] = []
        try:
            cursor = self._connection().cursor()
            for key in self._keys(table, keys):
                found.extend(cursor.execute(statement, key))
        except sqlite3.Error as error:
            raise failure(error, path_of(self._url)) from error
        return pa.Table.from_batches([canonical_batch(table, columns, found)])

    def owned(self, table: TargetTable, columns: Sequence[str], by: Any) -> Any:
        return self.rows(table, columns, by)

    def printed(self, table: TargetTable, rows: Any) -> Any:
        """Return the rows as SQLite reads them back: only a bare JSON number changes, by its column's affinity."""
        for column in table.columns:
            if column.name in rows.column_names and (form := printed_form(column.type)) is not None:
                texts = [None if text is None else form(text) for text in rows.column(column.name).to_pylist()]
                at = rows.column_names.index(column.name)
                rows = rows.set_column(at, rows.schema.field(at), pa.array(texts, rows.schema.field(at).type))
        return rows

    def scan(self, table: TargetTable, columns: Sequence[str]) -> Iterator[Any]:
        try:
            cursor = self._connection().execute(_select(table, columns))
            while found := cursor.fetchmany(_BATCH):
                yield canonical_batch(table, columns, found)
        except sqlite3.Error as error:
            raise failure(error, path_of(self._url)) from error

    def count(self, table: TargetTable) -> int:
        return self._number(f"SELECT count(*) FROM {identifier(table.table)}")

    def has_insert_trigger(self, table: TargetTable) -> bool:
        """Return whether the table has any trigger, because only its SQL text says when it fires."""
        named = "type = 'trigger' AND lower(tbl_name) = lower(?)"
        return self._number(f"SELECT count(*) FROM sqlite_master WHERE {named}", table.table) > 0

    def _number(self, statement: str, *parameters: str) -> int:
        try:
            (found,) = self._connection().execute(statement, parameters).fetchone()
        except sqlite3.Error as error:
            raise failure(error, path_of(self._url)) from error
        return int(found)

    def query(
        self, sql: str, *, limit: int, tables: Sequence[TargetTable] = ()
    ) -> tuple[list[str], list[tuple[Any, ...]], int]:
        try:
            with closing(connect(self._url, write=False)) as connection:
                connection.set_authorizer(_only_reads)
                cursor = connection.execute(sql)
                names = [column[0] for column in cursor.description or ()]
                rows = cursor.fetchmany(limit)
                return names, rows, len(rows) + sum(1 for _ in cursor)
        except (sqlite3.Error, sqlite3.Warning) as error:  # a Warning: more than one statement, before Python 3.12
            kind = InvalidQuery if _INVALID.search(str(error)) else CrossfadeError
            raise kind(f"SQLite file {path_of(self._url)} refused the query: {error}") from error

    def close(self) -> None:
        if self._open is not None:
            self._open.close()
            self._open = None

    def _keys(self, table: TargetTable, keys: Any) -> Iterator[tuple[Any, ...]]:
        types = {c.name: c.type for c in table.columns}
        try:
            return zip(*(stored(keys.column(name), types[name]) for name in keys.column_names), strict=True)
        except Unstorable:  # a key that SQLite cannot store is in no row; the others are looked up one by one
            single = (keys.slice(i, 1) for i in range(len(keys))) if len(keys) > 1 else ()
            return iter([key for one in single for key in self._keys(table, one)])

    def _connection(self) -> sqlite3.Connection:
        if self._open is None:
            self._open = connect(self._url, write=False)
        return self._open


def _only_reads(action: int, first: str | None, second: str | None, *_: str | None) -> int:
    """Authorize an action of a user's statement: no ATTACH, PRAGMA, transaction or write is allowed.

    `second` is the name of the function that is called.
    """
    harmless = action != sqlite3.SQLITE_FUNCTION or second not in ("load_extension", "fts3_tokenizer")
    return sqlite3.SQLITE_OK if action in _READING and harmless else sqlite3.SQLITE_DENY


def _select(table: TargetTable, columns: Sequence[str]) -> str:
    return f"SELECT {', '.join(map(identifier, columns))} FROM {identifier(table.table)}"


class _OtherValue(Exception):
    pass


def canonical_table(table: TargetTable, columns: Sequence[str], rows: list[tuple[Any, ...]]) -> Any:
    """Return rows of SQLite as a table, with a column "#unreadable" if a row has a value that its column cannot
    represent.
    """
    if not rows:
        return arrow_schema(table, columns).empty_table()
    return pa.Table.from_batches([canonical_batch(table, columns, rows)])


def canonical_batch(table: TargetTable, columns: Sequence[str], rows: list[tuple[Any, ...]]) -> Any:
    """Return the same as a batch."""
    schema, types = arrow_schema(table, columns), {c.name: c.type for c in table.columns}
    unreadable: dict[int, list[str]] = {}
    arrays = [_column([row[i] for row in rows], name, types[name], unreadable) for i, name in enumerate(columns)]
    if not unreadable:
        return pa.record_batch(arrays, schema=schema)
    notes = pa.array(["; ".join(unreadable[i]) if i in unreadable else None for i in range(len(rows))], pa.string())
    return pa.record_batch([*arrays, notes], schema=schema.append(pa.field(UNREADABLE, pa.string())))


def _column(values: list[Any], name: str, kind: ColumnType, unreadable: dict[int, list[str]]) -> Any:
    read, out = _reader(kind), []
    for row, value in enumerate(values):
        try:
            out.append(None if value is None else read(value))
        except (_OtherValue, ValueError):
            shown = repr(value)[:_SHOWN]
            unreadable.setdefault(row, []).append(f"{name} holds {shown}, which is not a valid {kind.sql}")
            out.append(None)
    to = arrow_type(kind)
    if kind.kind in _WIDTH:
        return pa.array(out, pa.int64() if _WIDTH[kind.kind] == 64 else pa.int32()).cast(to)
    return pa.array(out, to)


_WIDTH = {"timestamptz": 64, "timestamp": 64, "time": 64, "date": 32}


def _reader(kind: ColumnType) -> Callable[[Any], Any]:
    if kind.kind in _BITS:
        return _integer(_BITS[kind.kind])
    if kind.kind == "numeric":
        return lambda value: _numeric(value, kind)
    return _READERS.get(kind.kind, _string)


def _of(expected: type | tuple[type, ...], value: Any) -> Any:
    if not isinstance(value, expected):
        raise _OtherValue
    return value


def _integer(bits: int) -> Callable[[Any], int]:
    limit = 1 << (bits - 1)

    def read(value: Any) -> int:
        number: int = _of(int, value)
        if not -limit <= number < limit:
            raise _OtherValue
        return number

    return read


def _float(value: Any) -> float:
    number: int | float = _of((int, float), value)
    if float(number) != number:
        raise _OtherValue
    return float(number)


def _single(value: Any) -> float:
    number = _float(value)
    if pa.scalar(number, pa.float32()).as_py() != number:
        raise _OtherValue
    return number


def _numeric(value: Any, kind: ColumnType) -> str:
    if isinstance(value, str):
        return _digits(value)
    return canonical_number(_of((int, float), value), kind.scale if kind.precision is not None else None)


def _digits(text: str) -> str:
    if not re.fullmatch(r"-?[0-9]+(?:\.[0-9]+)?|NaN|-?Infinity", text):
        raise _OtherValue
    return text


def _bool(value: Any) -> bool:
    if _of(int, value) not in (0, 1):
        raise _OtherValue
    return bool(value)


def _string(value: Any) -> str:
    text: str = _of(str, value)
    return text


def _json(value: Any) -> str:
    """Return the JSON text. A bare number was converted by the column's affinity; as JSON it is the same."""
    return canonical_number(value, None) if isinstance(value, (int, float)) else _string(value)


def _uuid(value: Any) -> bytes:
    """Read 32 lowercase hex digits or 16 bytes. Any other spelling is another key to SQLite."""
    if isinstance(value, bytes) and len(value) == 16:
        return value
    if not re.fullmatch(r"[0-9a-f]{32}", _string(value)):
        raise _OtherValue
    return bytes.fromhex(value)


# Times in exactly the format of SQLAlchemy, converted to integers.


def _timestamp(value: Any) -> int:
    if not re.fullmatch(r"[0-9-]{10} [0-9:]{8}\.[0-9]{6}", _string(value)):
        raise _OtherValue
    return (datetime.fromisoformat(value) - _EPOCH) // _MICROSECOND


def _date(value: Any) -> int:
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", _string(value)):
        raise _OtherValue
    return date.fromisoformat(value).toordinal() - _EPOCH.toordinal()


def _time(value: Any) -> int:
    found = re.fullmatch(r"([01][0-9]|2[0-3]):([0-5][0-9]):([0-5][0-9])\.([0-9]{6})", _string(value))
    if not found:
        raise _OtherValue
    hours, minutes, seconds, part = map(int, found.groups())
    return ((hours * 60 + minutes) * 60 + seconds) * 1_000_000 + part


_EPOCH, _MICROSECOND = datetime(1970, 1, 1), timedelta(microseconds=1)
_BITS = {"int2": 16, "int4": 32, "int8": 64}
_READERS: dict[str, Callable[[Any], Any]] = {
    "float4": _single,
    "float8": _float,
    "bool": _bool,
    "char": lambda value: _string(value).rstrip(" "),
    "json": _json,
    "jsonb": _json,
    "uuid": _uuid,
    "bytea": lambda value: _of(bytes, value),
    "timestamptz": _timestamp,
    "timestamp": _timestamp,
    "date": _date,
    "time": _time,
}

_: type[RowReader] = SqliteRowReader
