"""Reads PostgreSQL back into canonical Arrow through ADBC: a driver that writing does not use."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import pyarrow as pa

from crossfade.errors import CrossfadeError
from crossfade.model.canonical import arrow_schema
from crossfade.model.matching import arranged, places_of
from crossfade.model.quoting import identifier
from crossfade.model.target import ColumnType, TargetTable
from crossfade.stores.contract import RowReader
from crossfade.stores.postgresql.catalog.column_types import COLUMN_TYPES
from crossfade.stores.postgresql.meaning import PgType, TypeCatalog
from crossfade.stores.postgresql.meaning.checks import (
    Verdict,
    read_answer,
    statement_of,
    type_of_texts,
    unusual_columns,
    valid_texts,
    with_texts,
)
from crossfade.stores.postgresql.reading import ask
from crossfade.stores.postgresql.reading.adbc import AdbcConnection
from crossfade.stores.postgresql.reading.canonical import canonical, expression
from crossfade.stores.postgresql.reading.lookup import Guess, literal, of_keys, of_stretch

_SLICE = 18_000  # keys in one statement: those of a whole batch
_MOST_REFUSALS = 100  # most texts that a type may refuse, before the rest is compared unchanged

_INSERT_TRIGGER = """
SELECT EXISTS (
    SELECT FROM pg_catalog.pg_trigger g
    WHERE NOT g.tgisinternal AND g.tgenabled <> 'D' AND g.tgname !~ '^crossfade_'
      AND (g.tgtype & 4) <> 0  -- for INSERT
      AND (g.tgrelid = {0}::regclass OR g.tgrelid IN (SELECT relid FROM pg_catalog.pg_partition_tree({0}::regclass)))
)
"""


class PostgresRowReader:
    """One ADBC connection, opened on first use and again if it was lost; its transactions are read-only."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._adbc = AdbcConnection(url)
        self._seqscan = "", 0
        self._type_names: dict[str, dict[str, str]] = {}
        self._partitioned: set[str] = set()
        self._described: dict[str, dict[str, PgType]] = {}
        self._guesses: dict[str, Guess] = {}

    def rows(self, table: TargetTable, columns: Sequence[str], keys: Any) -> Any:
        pieces = [arrow_schema(table, columns).empty_table()]
        for start in range(0, len(keys), _SLICE):
            near, left = self._near(table, columns, keys.slice(start, _SLICE))
            pieces.append(near)
            if len(left):
                pieces.append(self._table(table, columns, self._lookup(table, columns, left)))
        return pa.concat_tables(pieces)

    def owned(self, table: TargetTable, columns: Sequence[str], by: Any) -> Any:
        pieces = [arrow_schema(table, columns).empty_table()]
        for start in range(0, len(by), _SLICE):
            statement = self._lookup(table, columns, by.slice(start, _SLICE))
            pieces.append(self._table(table, columns, statement))
        return pa.concat_tables(pieces)

    def _near(self, table: TargetTable, columns: Sequence[str], keys: Any) -> tuple[Any, Any]:
        """Return rows with one of the keys, and the keys that are still to be looked up."""
        guess = self._guesses.setdefault(table.name, Guess())
        if not set(keys.column_names) <= set(columns) or not guess.worth(keys):
            return arrow_schema(table, columns).empty_table(), keys
        near = self._table(table, columns, self._stretch(table, columns, keys), seqscan="off")
        chosen, left = _chosen(near, keys)
        guess.learn(len(keys), len(chosen))
        return chosen, left

    def printed(self, table: TargetTable, rows: Any) -> Any:
        for name in unusual_columns(table, rows.column_names):
            kind, place = _kind(table, name), rows.column_names.index(name)
            judge = partial(self._judge, type_of_texts(self._pg_types(table)[name], kind))
            rows = rows.set_column(place, name, with_texts(kind, rows.column(name), judge))
        return rows

    def _judge(self, type_: PgType, texts: Sequence[str]) -> dict[str, Verdict]:
        found: dict[str, Verdict] = {}
        for start in range(0, len(texts), _SLICE):
            found |= self._judged(type_, texts[start : start + _SLICE])
        return found

    def _judged(self, type_: PgType, texts: Sequence[str]) -> dict[str, Verdict]:
        """Leave out the texts that are not valid for this type: they are compared unchanged."""
        found: dict[str, Verdict] = {}
        pending, refused = [texts], 0
        while pending and refused < _MOST_REFUSALS:
            piece = pending.pop()
            try:
                found |= read_answer(type_, piece, self._adbc.text_rows(statement_of(type_, piece)))
            except CrossfadeError:  # if the connection is lost, the next statement reports it
                refused += 1
                valid = self._valid(type_, piece)
                if 0 < len(valid) < len(piece):
                    pending.append(valid)
                elif len(valid) > 1:
                    pending += [valid[: len(valid) // 2], valid[len(valid) // 2 :]]
        return found

    def _valid(self, type_: PgType, texts: Sequence[str]) -> list[str]:
        (rows,) = self._adbc.text_rows("SELECT (pg_catalog.current_setting('server_version_num')::int >= 160000)::text")
        if rows != ("true",):
            return list(texts)
        try:
            return [str(text) for (text,) in self._adbc.text_rows(valid_texts(type_, texts))]
        except CrossfadeError:  # the input function of an extension's type may raise an error nevertheless
            return list(texts)

    def _pg_types(self, table: TargetTable) -> dict[str, PgType]:
        if table.name not in self._described:
            catalog = TypeCatalog(self._adbc.text_rows)
            self._described[table.name] = catalog.columns(f"{literal(_name(table))}::pg_catalog.regclass")
        return self._described[table.name]

    def scan(self, table: TargetTable, columns: Sequence[str]) -> Iterator[Any]:
        schema = arrow_schema(table, columns)
        statement = f"SELECT {_expressions(table, columns)} FROM {self._rows_of(table)} AS t"
        for batch in self._batches(statement):
            yield _canonical(batch, table, schema)

    def count(self, table: TargetTable) -> int:
        (batch,) = self._batches(f"SELECT count(*) FROM {self._rows_of(table)}")
        return int(batch.column(0)[0].as_py())

    def has_insert_trigger(self, table: TargetTable) -> bool:
        (batch,) = self._batches(_INSERT_TRIGGER.format(literal(_name(table))))
        return bool(batch.column(0)[0].as_py())

    def query(
        self, sql: str, *, limit: int, tables: Sequence[TargetTable] = ()
    ) -> tuple[list[str], list[tuple[Any, ...]], int]:
        return ask.query(self._url, sql, limit)

    def close(self) -> None:
        self._adbc.close()

    def _table(self, table: TargetTable, columns: Sequence[str], statement: str, *, seqscan: str = "on") -> Any:
        schema = arrow_schema(table, columns)
        batches = self._batches(statement, seqscan=seqscan)
        return pa.Table.from_batches((_canonical(batch, table, schema) for batch in batches), schema)

    def _batches(self, statement: str, *, seqscan: str = "on") -> Iterator[Any]:
        if (seqscan, self._adbc.opened) != self._seqscan:
            self._adbc.run(f"SET enable_seqscan TO {seqscan}")
            self._seqscan = seqscan, self._adbc.opened
        return self._adbc.batches(statement)

    def _lookup(self, table: TargetTable, columns: Sequence[str], keys: Any) -> str:
        kinds, types = [_kind(table, name) for name in keys.column_names], self._types(table)
        given, condition = of_keys(keys, kinds, [types[name] for name in keys.column_names])
        select = f"SELECT {_expressions(table, columns)} FROM {self._rows_of(table)} AS t WHERE {condition}"
        return f"SELECT s.* FROM {given} CROSS JOIN LATERAL ({select} OFFSET 0) AS s" if given else select

    def _stretch(self, table: TargetTable, columns: Sequence[str], keys: Any) -> str:
        """Return the rows between the least and the greatest key, but not many more than there are keys.

        Sequential scans are off: the planner would choose one if it expected the range to be long.
        """
        name = keys.column_names[0]
        condition = of_stretch(keys, _kind(table, name), self._types(table)[name])
        limit = len(keys) * 3 // 2
        rows = f"{self._rows_of(table)} AS t WHERE {condition}"
        return f"SELECT {_expressions(table, columns)} FROM {rows} LIMIT {limit}"

    def _types(self, table: TargetTable) -> dict[str, str]:
        if table.name not in self._type_names:
            batches = list(self._batches(COLUMN_TYPES.format(literal(_name(table)))))
            found = [row for batch in batches for row in batch.to_pylist()]
            self._type_names[table.name] = {row["name"]: row["type_name"] for row in found}
            if any(row["partitioned"] for row in found):
                self._partitioned.add(table.name)
        return self._type_names[table.name]

    def _rows_of(self, table: TargetTable) -> str:
        """Return what to read from: without the rows of inheriting tables, and with those of partitions."""
        self._types(table)
        return _name(table) if table.name in self._partitioned else f"ONLY {_name(table)}"


def _expressions(table: TargetTable, columns: Sequence[str]) -> str:
    return ", ".join(f"{expression(_kind(table, n), f't.{identifier(n)}')} AS {identifier(n)}" for n in columns)


def _kind(table: TargetTable, name: str) -> ColumnType:
    column = table.column(name)
    if column is None:
        raise CrossfadeError(f"table {table.name} has no column {name}")
    return column.type


def _name(table: TargetTable) -> str:
    return f"{identifier(table.schema)}.{identifier(table.table)}" if table.schema else identifier(table.table)


def _chosen(near: Any, keys: Any) -> tuple[Any, Any]:
    """Return the rows that have one of the keys, and the keys that no row has."""
    names = keys.column_names
    places = places_of(*([side.column(name).combine_chunks() for name in names] for side in (keys, near)))
    return arranged(near, places.drop_null()), keys.filter(places.is_null())


def _canonical(batch: Any, table: TargetTable, schema: Any) -> Any:
    arrays = [canonical(batch.column(i), _kind(table, field.name)) for i, field in enumerate(schema)]
    return pa.record_batch(arrays, schema=schema)


_: type[RowReader] = PostgresRowReader
