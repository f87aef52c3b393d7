"""Steps of a schema that do not commit with their record in the journal: the catalog tells what exists of them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager

from crossfade.errors import Unsupported
from crossfade.model.target import Step
from crossfade.schema.things import drop_of, thing_of
from crossfade.stores.contract import Standing, Steps
from crossfade.stores.sqlite.connect import connect, path_of
from crossfade.stores.sqlite.errors import translated

_THERE = "SELECT 1 FROM sqlite_schema WHERE type = ? AND name = ? COLLATE NOCASE"


class SqliteSteps:
    """Every call opens its own connection and closes it."""

    def __init__(self, url: str) -> None:
        self._url = url

    def is_alone(self, step: Step) -> bool:
        """Return False: every statement of a schema runs in a transaction."""
        return False

    def check(self, step: Step) -> Standing:
        """Return what exists. A statement that was killed is rolled back, so nothing is half done."""
        thing = thing_of(step)
        if thing is None:
            return Standing.ABSENT
        with self._connected() as connection:
            there = connection.execute(_THERE, (thing.kind.lower(), thing.name)).fetchone() is not None
        return Standing.DONE if there != thing.drops else Standing.ABSENT

    def start(self, step: Step) -> None:
        with self._connected() as connection:
            connection.execute(step.sql)

    def finish(self, step: Step) -> None:
        self.undo(step)
        self.start(step)

    def undo(self, step: Step) -> None:
        thing = thing_of(step)
        if thing is None or thing.drops:
            raise Unsupported(f"it is not known how to undo the step {step.id!r}")
        statement = drop_of(thing)
        if statement is not None:
            with self._connected() as connection:
                connection.execute(statement.partition(" ON ")[0] if thing.kind == "TRIGGER" else statement)

    @contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        with closing(connect(self._url, write=True)) as connection:
            try:
                yield connection
            except sqlite3.Error as error:
                raise translated(error, path_of(self._url), "") from error


_: type[Steps] = SqliteSteps
