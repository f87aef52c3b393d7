"""Reads a target back, by a path that shares nothing with the writer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from crossfade.model.target import TargetTable


class RowReader(Protocol):
    """Reads the target back, by a path that shares nothing with the writer, in canonical Arrow.

    A store without strict types (SQLite) may hold a value that its column's canonical type has no place for. It is NULL
    then, and the table or batch has one more column "#strange" (text) that says of each such row what stands there.
    """

    def rows(self, table: TargetTable, columns: Sequence[str], keys: Any) -> Any:
        """The rows whose primary key stands in `keys` (canonical pyarrow.Table of the key columns). A pyarrow.Table."""
        ...

    def printed(self, table: TargetTable, rows: Any) -> Any:
        """`rows` (canonical) with the text of types that are "other" as the database prints it: `1 day 2 hours` of an
        interval becomes `1 day 02:00:00`. Text that the type does not take, or that means something else when the type
        has read it (`12.345` of money), stays as it is.
        """
        ...

    def scan(self, table: TargetTable, columns: Sequence[str]) -> Iterator[Any]:
        """All rows of the table as pyarrow.RecordBatches, bounded in memory."""
        ...

    def count(self, table: TargetTable) -> int:
        """How many rows the table has, counted."""
        ...

    def has_insert_trigger(self, table: TargetTable) -> bool:
        """Whether a trigger may change what is written into a new row of the table."""
        ...

    def query(self, sql: str, *, limit: int) -> tuple[list[str], list[tuple[Any, ...]], int]:
        """Runs a SELECT of the user's read-only: column names, the first `limit` rows, and how many there are in
        all.
        """
        ...
