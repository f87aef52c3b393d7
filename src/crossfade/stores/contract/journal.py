"""The operations on the journal's tables, which every target implements, with or without SQL.

The tables are small values (journal/tables.py), and so are the conditions. For all databases with SQL,
stores/sql_journal.py implements them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

Row = Mapping[str, Any]
"""Column -> value: str, int, float, bytes or None."""


@dataclass(frozen=True, slots=True)
class JournalColumn:
    name: str
    kind: Literal["text", "integer", "bigint", "real", "bytes"] = "text"
    nullable: bool = False
    default: str | int | None = None


@dataclass(frozen=True, slots=True)
class JournalTable:
    """A table of the journal. `indexes`: name -> columns."""

    name: str
    columns: tuple[JournalColumn, ...]
    key: tuple[str, ...]
    indexes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Is:
    """The column has this value; None: it is null."""

    column: str
    value: Any


@dataclass(frozen=True, slots=True)
class IsNot:
    """The column has another value than this; None: it is not null."""

    column: str
    value: Any


@dataclass(frozen=True, slots=True)
class OneOf:
    column: str
    values: Sequence[Any]


@dataclass(frozen=True, slots=True)
class After:
    """The values of the columns, compared one after the other, are greater than these."""

    columns: tuple[str, ...]
    values: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class UpTo:
    """The column has this value or a lesser one."""

    column: str
    value: Any


@dataclass(frozen=True, slots=True)
class From:
    """The column has this value or a greater one."""

    column: str
    value: Any


@dataclass(frozen=True, slots=True)
class StartsWith:
    column: str
    text: str


@dataclass(frozen=True, slots=True)
class Either:
    """One of the ways holds: all of its conditions."""

    ways: tuple[Where, ...]


Condition = Is | IsNot | OneOf | After | From | UpTo | StartsWith | Either
Where = Sequence[Condition]
"""All of these hold."""


@dataclass(frozen=True, slots=True)
class Size:
    """Stands for a column in a selection: how many bytes its value has."""

    column: str


@dataclass(frozen=True, slots=True)
class Groups:
    """Rows that have the same values in `by`, and whose row in `link` (a column that holds the key of another row of
    the table) has the same value in `linked`. Of each group the `first` rows are shown, in the order of `order`.
    """

    by: tuple[str, ...]
    link: str
    linked: str
    order: tuple[str, ...]
    first: int


class JournalTables(Protocol):
    """Reads and writes the journal's tables in one transaction of the target."""

    def create(self, table: JournalTable) -> None:
        """Create the table and its indexes, those that do not exist."""
        ...

    def add_column(self, table: JournalTable, column: JournalColumn) -> None:
        """Add a column to an existing table; its rows get the default."""
        ...

    def drop(self, table: JournalTable) -> None:
        """Drop the table if it exists."""
        ...

    def select(
        self,
        table: JournalTable,
        columns: Sequence[str | Size],
        where: Where = (),
        *,
        order: Sequence[str] = (),
        limit: int | None = None,
        distinct: bool = False,
    ) -> list[tuple[Any, ...]]:
        """Return these columns of the rows for which `where` holds."""
        ...

    def shared(self, table: JournalTable, columns: Sequence[str], where: Where) -> list[tuple[Any, ...]]:
        """Like `select`, and lock these rows against changes until the transaction ends. Any number of transactions may
        do so at once.
        """
        ...

    def lock(self, table: JournalTable, where: Where = ()) -> None:
        """Lock these rows exclusively until the transaction ends. Waits for transactions that have changed or locked
        them.
        """
        ...

    def locked(self, table: JournalTable, columns: Sequence[str], where: Where = ()) -> list[tuple[Any, ...]]:
        """Like `lock`, and return these columns of the rows as they are then."""
        ...

    def take(self, table: JournalTable, values: Row, where: Where, columns: Sequence[str]) -> list[tuple[Any, ...]]:
        """Like `update`, and return these columns of the rows; none of them is in `values`."""
        ...

    def count(self, table: JournalTable, by: Sequence[str], where: Where = ()) -> list[tuple[Any, ...]]:
        """Return the values of the columns `by`, ordered by them, each with the number of the rows that have them."""
        ...

    def groups(
        self, table: JournalTable, columns: Sequence[str], where: Where, of: Groups
    ) -> list[tuple[int, Any, tuple[Any, ...]]]:
        """Return the first rows of each group, each with the size of its group and the group's value of `of.linked`."""
        ...

    def insert(self, table: JournalTable, rows: Sequence[Row], *, keep: bool = False) -> None:
        """Insert rows, all with the same columns. With `keep`, an existing row of the same key stays as it is."""
        ...

    def upsert(self, table: JournalTable, rows: Sequence[Row]) -> None:
        """Insert rows, all with the same columns, or give existing rows of the same key these values."""
        ...

    def update(self, table: JournalTable, values: Row, where: Where = ()) -> None:
        """Give the rows for which `where` holds these values."""
        ...

    def update_each(self, table: JournalTable, changes: Sequence[tuple[Row, Row]]) -> None:
        """Update for each pair the rows that have the values of its first part now (None: null) to those of its second.
        All pairs have the same columns, and null in the same ones.
        """
        ...

    def add(self, table: JournalTable, amounts: Mapping[str, int], where: Where) -> None:
        """Add these amounts to the columns of the rows."""
        ...

    def delete(self, table: JournalTable, where: Where = ()) -> None:
        """Delete the rows for which `where` holds."""
        ...

    def delete_each(self, table: JournalTable, rows: Sequence[Row]) -> None:
        """Delete, for each of these, the rows that have its values."""
        ...
