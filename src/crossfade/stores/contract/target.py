"""Writes to a target: everything that belongs together in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from crossfade.model.described import Described
from crossfade.model.target import TargetTable


@dataclass(frozen=True, slots=True)
class Strangers:
    """How many rows of a table are not the move's, and the keys of the first, as the target prints them.

    `edits_show`: a row that somebody changed is among them. Otherwise a row is known by its key alone.
    """

    count: int
    keys: tuple[str, ...] = ()
    edits_show: bool = False


class RecordRows(Protocol):
    """Rows of one table, and of which record each is: `roots` (Arrow integers) numbers the records."""

    @property
    def table(self) -> TargetTable: ...
    @property
    def rows(self) -> Any: ...
    @property
    def roots(self) -> Any: ...


class TargetTransaction(Protocol):
    """Fills and empties tables inside one transaction of the target.

    `rows` are canonical Arrow tables (model/target.CANONICAL), columns named as the target's.
    """

    def load(self, table: TargetTable, rows: Any) -> None:
        """Adds rows by the target's bulk load. Raises `RowRejected` where the database refuses, or where a column
        would keep another value than the one that is given; nothing of `rows` is in then.
        """
        ...

    def load_each(self, parts: Sequence[RecordRows]) -> Mapping[int, RowRejected] | None:
        """Adds the rows of many records, of which some are refused: each record whole or not at all, in the order of
        their numbers, its tables in the order of `parts`. What was refused, by the number of the record.

        None where the store cannot do that here, and nothing is in then. Raises `RowRejected` as `load` does. Where the
        journal has a place for it, `strangers` knows the rows later.
        """
        ...

    def update(self, table: TargetTable, rows: Any) -> int:
        """Gives the rows with these primary keys the other values of `rows`, in place; how many there were. Raises
        `RowRejected` as `load` does.
        """
        ...

    def delete(self, table: TargetTable, keys: Any) -> int:
        """Deletes the rows whose values stand in `keys` (canonical: the primary key, or the owner column); the number
        deleted. Text is told apart byte by byte, whatever the collation of its column.
        """
        ...

    def owned(self, table: TargetTable, by: Any, columns: Sequence[str]) -> Any:
        """These columns (canonical) of the rows whose values stand in `by`, as `delete` finds them."""
        ...

    def count(self, table: TargetTable, *, hold: bool) -> int | None:
        """How many rows the table has, counted in this transaction; None where there is no such table.

        With `hold` no other transaction adds, changes or deletes rows of it until this one ends. Raises where the rows
        cannot be counted: that is not the same as a table that is gone.
        """
        ...

    def mark(self, table: TargetTable, rows: Any) -> bytes | None:
        """What the journal is to note beside rows that were loaded (`{crossfade}loaded`, in the same savepoint), so
        that `strangers` knows them later. None: that there is such a note is enough.
        """
        ...

    def strangers(self, table: TargetTable, *, limit: int) -> Strangers:
        """The rows of the table that are not as the move wrote them, by what the journal notes of its loads.

        Of `table` its name alone is asked: columns and key are as the target has them now.
        """
        ...

    def describe(self) -> Described:
        """As `Ddl.describe`, in this transaction."""
        ...

    def left_broken(self, statements: Sequence[str]) -> list[str]:
        """What would no longer work if the statements ran, and what the target would not refuse them for (`view v`).

        They are run, and rolled back. [] where the target itself refuses such statements.
        """
        ...

    def empty(self, table: TargetTable, *, beside: Collection[TargetTable]) -> None:
        """Deletes every row of the table; rows of tables that inherit from it stay, and no trigger fires.

        Raises RowRejected (foreign_key) where rows of a table that is not in `beside` may refer to these: a foreign key
        could delete or change them, too.
        """
        ...

    def execute(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        """Runs one statement with `:name` parameters. Rows, or [].

        `{crossfade}` stands for the journal's prefix, `{share}` for what keeps the selected rows as they are until the
        transaction ends (nothing, where a writer is alone anyway).
        """
        ...

    def execute_many(self, sql: str, parameters: Sequence[Mapping[str, Any]]) -> None:
        """As `execute`, once for each of the parameters, without a round trip each; what it gives is not read."""
        ...

    def run(self, sql: str) -> None:
        """Runs one statement of the target's schema exactly as it is written: nothing in it is a placeholder."""
        ...

    def note_default_schema(self) -> None:
        """Notes in the journal, which has just been made, the schema of tables that name none: for the whole move."""
        ...

    def savepoint(self) -> AbstractContextManager[None]:
        """What happens inside is undone when an exception leaves it."""
        ...


Transaction = Callable[[], AbstractContextManager[TargetTransaction]]
"""Begins one: it commits at the end, and rolls back when an exception leaves it."""


class Writer(Protocol):
    def transaction(self) -> AbstractContextManager[TargetTransaction]:
        """Commits at the end, rolls back when an exception leaves it."""
        ...

    def lock(self) -> AbstractContextManager[None]:
        """No other process is in this block for the same target; the end of a process leaves it, however it ends.

        Waits some seconds for what a killed one had at work. Raises Busy where another one is in it and stays.
        """
        ...

    def fill_rank(self) -> int:
        """How many writers may fill the target at once (1 for SQLite)."""
        ...


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why one row of a load was refused: `row` is its place. `reason` as in docs/reference/errors.md."""

    row: int
    reason: str
    message: str
    column: str | None = None


class RowRejected(Exception):
    """The target refused rows. `reason` as in docs/reference/errors.md; `column`, `constraint` where the database
    says them.

    `rows` names rows that are refused, where the store knows them: all that it found in one look. `doubtful`: by its
    code the error may tell of the server as well; whether it was the row shows in whether others go in.
    """

    def __init__(
        self,
        reason: str,
        message: str,
        *,
        table: str,
        column: str | None = None,
        constraint: str | None = None,
        rows: Sequence[Refusal] = (),
        doubtful: bool = False,
    ) -> None:
        self.reason, self.message = reason, message
        self.table, self.column, self.constraint = table, column, constraint
        self.rows, self.doubtful = tuple(rows), doubtful
        super().__init__(message)

    def __reduce__(self) -> tuple[Any, ...]:
        named = {"table": self.table, "column": self.column, "constraint": self.constraint}
        return (_row_rejected, (self.reason, self.message, {**named, "rows": self.rows, "doubtful": self.doubtful}))


def _row_rejected(reason: str, message: str, named: dict[str, Any]) -> RowRejected:
    return RowRejected(reason, message, **named)
