"""Checks unusual types over the writer's connection: finds every text that a column would refuse or change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import psycopg

from crossfade.model.rejection import Rejection
from crossfade.model.target import TargetTable
from crossfade.stores.postgresql import errors as failures
from crossfade.stores.postgresql.meaning import PgType, TypeCatalog
from crossfade.stores.postgresql.meaning.checks import (
    Verdict,
    read_answer,
    refusals_of,
    statement_of,
    type_of_texts,
    unusual_columns,
)

_SOFT_ERRORS = 160000
"""Since this version the server can tell for each text whether a type accepts it, without aborting the statement."""

_REFUSED = """
SELECT g.i, e.sql_error_code, e.message, e.detail
FROM pg_catalog.unnest(%s::text[]) WITH ORDINALITY AS g(v, i),
     LATERAL pg_catalog.pg_input_error_info(g.v, %s) AS e
WHERE e.message IS NOT NULL
"""


class WriterChecks:
    """Runs queries in the open transaction, each in a savepoint, because an error aborts it."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection
        self._types = TypeCatalog(lambda statement: connection.execute(statement.encode()).fetchall())
        self._columns: dict[str, dict[str, PgType]] = {}

    def refusals(self, table: TargetTable, regclass: str, rows: Any) -> list[Rejection]:
        """Return the rows that a type refuses or changes, each once. `regclass`: an expression for the table's oid."""
        found: dict[int, Rejection] = {}
        for name in unusual_columns(table, rows.column_names):
            column = table.column(name)
            assert column is not None
            type_ = type_of_texts(self._of(table, regclass)[name], column.type)
            for refusal in refusals_of(column.type, name, rows.column(name), partial(self._judge, type_)):
                found.setdefault(refusal.row, refusal)
        return list(found.values())

    def _of(self, table: TargetTable, regclass: str) -> dict[str, PgType]:
        if table.name not in self._columns:
            self._columns[table.name] = self._types.columns(regclass)
        return self._columns[table.name]

    def _judge(self, type_: PgType, texts: Sequence[str]) -> Mapping[str, Verdict]:
        if not texts:
            return {}
        try:
            with self._connection.transaction():
                rows = self._connection.execute(statement_of(type_, texts).encode()).fetchall()
        except psycopg.Error as error:
            return self._refused(type_, texts, error)
        return read_answer(type_, texts, rows)

    def _refused(self, type_: PgType, texts: Sequence[str], error: psycopg.Error) -> Mapping[str, Verdict]:
        """Return which of the texts were refused: in one query if the server can tell, otherwise by bisection."""
        if failures.is_state(error):
            raise error
        if len(texts) == 1:
            return {texts[0]: (failures.reason_of(error), failures.message_of(error))}
        soft = self._soft_errors(type_, texts)
        if soft:
            return {**soft, **self._judge(type_, [text for text in texts if text not in soft])}
        half = len(texts) // 2
        return {**self._judge(type_, texts[:half]), **self._judge(type_, texts[half:])}

    def _soft_errors(self, type_: PgType, texts: Sequence[str]) -> dict[str, Verdict]:
        if self._connection.info.server_version < _SOFT_ERRORS:
            return {}
        try:
            with self._connection.transaction():
                rows = self._connection.execute(_REFUSED, [list(texts), type_.spelled]).fetchall()
        except psycopg.Error as error:  # a type that aborts the statement after all
            if failures.is_state(error):
                raise
            return {}
        return {
            texts[place - 1]: (failures.reason_of_code(code, f"{said} {more}"), " · ".join(filter(None, (said, more))))
            for place, code, said, more in rows
        }
