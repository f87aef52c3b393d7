"""Reads a target back, by a path that shares nothing with the writer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from crossfade.model.target import TargetTable


class RowReader(Protocol):
    """Reads the target back, by a path that shares nothing with the writer, in canonical Arrow.

    A store without strict types (SQLite) may have a value that the column's canonical type cannot represent. It is read
    as NULL, and the table or batch has an additional column "#unreadable" (text) that describes it.
    """

    def rows(self, table: TargetTable, columns: Sequence[str], keys: Any) -> Any:
        """Return the rows whose primary key is in `keys` (canonical, key columns) as a pyarrow.Table."""
        ...

    def owned(self, table: TargetTable, columns: Sequence[str], by: Any) -> Any:
        """Return all rows with one of the values in `by` (canonical, one column: the owner column), as `rows` does."""
        ...

    def printed(self, table: TargetTable, rows: Any) -> Any:
        """Return `rows` (canonical) with values of kind "other" as the database prints them: `1 day 2 hours` of an
        interval becomes `1 day 02:00:00`. Text that the type does not accept, or whose meaning it would change
        (`12.345` of money), is unchanged.
        """
        ...

    def scan(self, table: TargetTable, columns: Sequence[str]) -> Iterator[Any]:
        """Yield all rows of the table as pyarrow.RecordBatches, bounded in memory."""
        ...

    def count(self, table: TargetTable) -> int:
        """Return the number of rows of the table, counted."""
        ...

    def has_insert_trigger(self, table: TargetTable) -> bool:
        """Return whether a trigger may change a new row of the table."""
        ...

    def query(
        self, sql: str, *, limit: int, tables: Sequence[TargetTable] = ()
    ) -> tuple[list[str], list[tuple[Any, ...]], int]:
        """Run a SELECT of the user's read-only. Return column names, the first `limit` rows, and the number of all
        rows. `tables` are those of the schema: a store without SQL has only these. Raises InvalidQuery, or another
        CrossfadeError for what may be cured by something that does not exist yet (a view, a function).
        """
        ...
