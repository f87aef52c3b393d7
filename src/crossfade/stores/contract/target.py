"""Writes to a target: everything that belongs together in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from crossfade.errors import CrossfadeError
from crossfade.model.described import Described
from crossfade.model.rejection import Rejection
from crossfade.model.target import TargetTable
from crossfade.stores.contract.journal import JournalTables


@dataclass(frozen=True, slots=True)
class OtherRows:
    """How many rows of a table are not the move's, and the keys of the first, as the target prints them.

    `edits_show`: rows that were changed later are among them. Otherwise the move's rows are recognized by key alone.
    """

    count: int
    keys: tuple[str, ...] = ()
    edits_show: bool = False


class RecordRows(Protocol):
    """Rows of one table, each with the number of its record in `roots` (Arrow integers)."""

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
        """Insert rows by the target's bulk load. Raises `RowRejected` if the database refuses a row, or if a column
        would store another value than the given one; then none of `rows` is inserted.
        """
        ...

    def load_each(self, parts: Sequence[RecordRows]) -> Mapping[int, RowRejected] | None:
        """Insert the rows of many records, of which some are refused: each record completely or not at all, in the
        order of their numbers, its tables in the order of `parts`. Return the refusals by the number of the record.

        Return None, with nothing inserted, if the store cannot do that here. Raises `RowRejected` as `load` does. If
        the journal has the table for it, the rows are noted for `other_rows`.
        """
        ...

    def update(
        self, table: TargetTable, rows: Any, changed: Sequence[str] | None = None, *, for_now: bool = False
    ) -> int:
        """Update the rows with these primary keys in place to the other values of `rows`. Return the number of rows.
        Raises `RowRejected` as `load` does.

        `changed`: the columns in which a row differs from what the target has. Others need not be written. `for_now`:
        the values are replaced in the same transaction, so that a check need not hold for them.
        """
        ...

    def delete(self, table: TargetTable, keys: Any, *, beside: Sequence[tuple[TargetTable, Any]] = ()) -> int:
        """Delete the rows whose values are in `keys` (canonical: the primary key, or the owner column). Return the
        number deleted. Text is compared byte by byte, whatever the collation of its column.

        Raises RowRejected if the database would delete or change rows with them that refer to them, and that are not
        deleted too, here or `beside` (their primary keys, by table).
        """
        ...

    def owned(self, table: TargetTable, by: Any, columns: Sequence[str]) -> Any:
        """Return these columns (canonical) of the rows with the values in `by`, found as by `delete`."""
        ...

    def key_name(self, table: TargetTable) -> str | None:
        """Return what `RowRejected.constraint` calls the table's primary key; None if the key has no name."""
        ...

    def count(self, table: TargetTable, *, hold: bool) -> int | None:
        """Count the rows of the table in this transaction; return None if the table does not exist.

        With `hold` no other transaction inserts, changes or deletes its rows until this one ends. Raises if the rows
        cannot be counted, which is not the same as a missing table.
        """
        ...

    def mark(self, table: TargetTable, rows: Any) -> bytes | None:
        """Return what the journal is to note of loaded rows (table `loaded`, in the same savepoint), so that
        `other_rows` can recognize them. None: the existence of the note is enough.
        """
        ...

    @property
    def edits_show(self) -> bool:
        """Whether `other_rows` includes rows that others have changed in place. Then each change of ours is noted."""
        ...

    def pack_marks(self) -> None:
        """Replace the journal's notes of loads by fewer ones that say the same. Nothing is loaded meanwhile."""
        ...

    def other_rows(self, table: TargetTable, *, limit: int) -> OtherRows:
        """Return the rows of the table that are not as the move wrote them, by the journal's notes of its loads.

        Only the name of `table` is used: columns and key are as the target has them now.
        """
        ...

    def describe(self) -> Described:
        """Like `Ddl.describe`, in this transaction."""
        ...

    def left_broken(self, statements: Sequence[str]) -> list[str]:
        """Return what would break if the statements ran, although the target would not refuse them (`view v`).

        They are run and rolled back. Return [] if the target itself refuses such statements.
        """
        ...

    def empty(self, table: TargetTable, *, beside: Collection[TargetTable]) -> None:
        """Delete every row of the table; rows of inheriting tables stay, and no trigger fires.

        Raises RowRejected (foreign_key) if rows of a table that is not in `beside` may reference these: a foreign key
        could delete or change them as well.
        """
        ...

    @property
    def journal(self) -> JournalTables:
        """The journal's own tables, in this transaction."""
        ...

    def begin_journal(self) -> None:
        """Create the place for the journal's tables if the store needs one (a schema) and has none yet."""
        ...

    def holds(self, table: TargetTable, column: str | None = None) -> bool:
        """Return whether the table has a row, or a row with a value in the column (named as in a description)."""
        ...

    def run(self, sql: str) -> None:
        """Run one statement of the target's schema exactly as written: nothing in it is a placeholder."""
        ...

    def note_default_schema(self) -> None:
        """Note the schema of tables that name none in the new journal, for the whole move."""
        ...

    def savepoint(self) -> AbstractContextManager[None]:
        """Roll back what happens inside this block if it raises an exception."""
        ...


Transaction = Callable[[], AbstractContextManager[TargetTransaction]]
"""Begin a transaction. It commits at the end, and rolls back on an exception."""


class Writer(Protocol):
    def transaction(self) -> AbstractContextManager[TargetTransaction]:
        """Commit at the end; roll back on an exception."""
        ...

    def lock(self) -> AbstractContextManager[None]:
        """Lock the target against other processes during this block. The end of the process releases the lock.

        Waits some seconds for the statements of a killed process. Raises Busy if another process has the lock.
        """
        ...

    def is_locked(self) -> bool:
        """Return whether a process has the lock. That of a killed process ends when the store notices, at the latest
        after some seconds.
        """
        ...

    def fill_rank(self) -> int:
        """Return how many writers may fill the target at once (1 for SQLite)."""
        ...


class Overtaken(CrossfadeError):
    """another transaction has changed what this one has read; nothing was written"""

    passing = True


class RowRejected(Exception):
    """The target refused rows. `reason` as in docs/reference/errors.md; `column`, `constraint` if the database reports
    them.

    `rows` are the refused rows, if the store knows them: all that it found in one pass. `doubtful`: judging by its code
    the error may be about the server; if other rows are accepted, it was the row. `owners`: the records (entity and
    key) that own each of `rows`, if the caller has added them.
    """

    owners: Sequence[tuple[str, str]] = ()

    def __init__(
        self,
        reason: str,
        message: str,
        *,
        table: str,
        column: str | None = None,
        constraint: str | None = None,
        rows: Sequence[Rejection] = (),
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
