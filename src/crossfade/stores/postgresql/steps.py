"""Steps of a schema that do not commit with their record in the journal: PostgreSQL's catalog tells what exists of
them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from crossfade.errors import Unsupported
from crossfade.model.target import Step
from crossfade.schema.things import StepThing, drop_of, thing_of
from crossfade.schema.tokens import meaningful
from crossfade.stores.contract import Standing, Steps
from crossfade.stores.postgresql import errors as failures
from crossfade.stores.postgresql.session import rights
from crossfade.stores.postgresql.session.connect import connect

# Each returns a row if the object exists, with whether it is valid.
_RELATION = "SELECT true FROM pg_class WHERE oid = to_regclass(%(name)s)"
_QUERIES = {
    "INDEX": "SELECT indisvalid AND indisready FROM pg_index WHERE indexrelid = to_regclass(%(name)s)",
    "TYPE": "SELECT true FROM pg_type WHERE oid = to_regtype(%(name)s)",
    "DOMAIN": "SELECT true FROM pg_type WHERE oid = to_regtype(%(name)s)",
    "SCHEMA": "SELECT true FROM pg_namespace WHERE nspname = %(plain)s",
    "EXTENSION": "SELECT true FROM pg_extension WHERE extname = %(plain)s",
    "TRIGGER": "SELECT true FROM pg_trigger WHERE tgrelid = to_regclass(%(table)s) AND tgname = %(plain)s",
    "CONSTRAINT": "SELECT true FROM pg_constraint WHERE conrelid = to_regclass(%(table)s) AND conname = %(plain)s",
}
_FILLED = "SELECT relispopulated FROM pg_class WHERE oid = to_regclass(%(name)s)"
_VALIDATED = f"{_QUERIES['CONSTRAINT']} AND convalidated"


class PostgresSteps:
    """Every call opens its own connection and closes it."""

    def __init__(self, url: str) -> None:
        self._url = url

    def is_alone(self, step: Step) -> bool:
        """Return whether the statement is CONCURRENTLY."""
        return any(word.word == "CONCURRENTLY" for word in meaningful(step.sql)[:4])

    def check(self, step: Step) -> Standing:
        thing = thing_of(step)
        if thing is None:
            return Standing.ABSENT
        found = self._found(thing)
        if thing.drops:
            return Standing.DONE if found is None else Standing.ABSENT
        if found is None:
            return Standing.ABSENT
        return Standing.DONE if found else Standing.HALF_DONE

    def start(self, step: Step) -> None:
        with self._connected(step.sql) as connection:
            rights.run(connection, step.sql)

    def finish(self, step: Step) -> None:
        """Drop what exists and execute the step again: PostgreSQL cannot complete an INVALID index."""
        self.undo(step)
        self.start(step)

    def undo(self, step: Step) -> None:
        thing = thing_of(step)
        if thing is None or thing.drops:
            raise Unsupported(f"it is not known how to undo the step {step.id!r}")
        statement = drop_of(thing)
        if statement is None:
            return
        if self.is_alone(step):
            statement = statement.replace("DROP INDEX ", "DROP INDEX CONCURRENTLY ", 1)
        with self._connected(statement) as connection:
            connection.execute(statement.encode())

    def _found(self, thing: StepThing) -> bool | None:
        """Return whether the object is valid; None if it does not exist."""
        query = _VALIDATED if thing.validates else _FILLED if thing.fills else _QUERIES.get(thing.kind, _RELATION)
        names = {"name": thing.quoted, "plain": thing.name, "table": thing.quoted_table}
        with self._connected(query) as connection:
            row = connection.execute(query.encode(), names).fetchone()
        return None if row is None else bool(row[0])

    @contextmanager
    def _connected(self, statement: str) -> Iterator[psycopg.Connection[Any]]:
        with connect(self._url, autocommit=True) as connection:
            try:
                yield connection
            except psycopg.Error as error:
                lacking = None if connection.closed else rights.lacking(error, connection, statement)
                raise lacking or failures.of_statement(error, self._url) from error


_: type[Steps] = PostgresSteps
