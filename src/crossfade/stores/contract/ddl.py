"""The schema of a target: tried out, read back, and the rows that violate it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from crossfade.model.described import Described
from crossfade.model.findings import Finding
from crossfade.model.target import Step, TargetSchema, TargetTable


@dataclass(frozen=True, slots=True)
class NumbersBehind:
    """The next number of `sequence` is `next`, but `column` of a table has numbers up to `last`."""

    sequence: str
    table: str
    column: str
    next: int
    last: int


@dataclass(frozen=True, slots=True)
class Unsound:
    """A problem that the next write will meet, although the schema is as created: `fact` of `name` (a `what`: table,
    sequence, file) is `found`, not `expected`. `fails`: the write will fail, or something is already damaged.
    """

    what: str
    name: str
    fact: str
    expected: str
    found: str
    detail: str = ""
    fails: bool = True


class Ddl(Protocol):
    def is_empty(self) -> list[str]:
        """Return names of existing tables that hold rows or are not ours (an empty list: the target is free)."""
        ...

    def default_schema(self) -> str:
        """Return the schema of tables that name none; "" if the store has no schemas."""
        ...

    def has_journal(self) -> bool:
        """Return whether the journal's tables exist (an empty target has none)."""
        ...

    def there_before(self) -> list[tuple[str, str]]:
        """Return existing objects that the steps of a move may name, but do not create again: schemas, extensions and
        functions as (kind, name), named as in the ids of steps.
        """
        ...

    def scratch_schema(self, statements: str, file: str) -> TargetSchema:
        """Execute SQL text in a scratch database and reflect it. Raises SchemaFault with every fault found."""
        ...

    def live_schema(self) -> TargetSchema:
        """Reflect the target as it is."""
        ...

    def describe(self) -> Described:
        """Describe the target's catalog, except for the journal's own tables."""
        ...

    def describe_made(self, schema: TargetSchema) -> Described:
        """Describe the catalog of a scratch database in which the schema was created, step by step."""
        ...

    def holding_rows(self, relations: Sequence[str]) -> dict[str, bool | None]:
        """Return whether each relation, by its name in a description, has a row; None if it may not be read."""
        ...

    def holds_values(self, relation: str, column: str) -> bool:
        """Return whether a row has a value in the column; both by the names in a description."""
        ...

    def numbers_behind(self, tables: Sequence[TargetTable]) -> list[NumbersBehind]:
        """Return the sequences of the tables' columns whose next number is already in use."""
        ...

    def unsound(self, tables: Sequence[TargetTable]) -> list[Unsound]:
        """Return sequences of the tables' columns with few numbers left, damage that the store itself finds in its
        file, and rows that violate an unenforced foreign key.
        """
        ...

    def duplicates(self, table: TargetTable, unique: Any) -> Any:
        """Return the primary keys (canonical Arrow) of the rows to remove so that `unique` holds; the least key of each
        group stays.
        """
        ...

    def orphans(self, table: TargetTable, key: Any) -> Any:
        """Return the primary keys (canonical Arrow) of the rows whose foreign key `key` references a missing row."""
        ...

    def unbuildable(self, table: TargetTable, step: Step) -> Any:
        """Return the primary keys (canonical Arrow) of the rows to remove so that `step` (an index, a unique or an
        exclusion constraint on `table`) can be built, with `#reason`, `#detail` and `#column` (text) of each. Nothing
        is changed.
        """
        ...

    def outlive_removed(self) -> None:
        """Wait until no transaction on the server can see the rows that were removed so far: an index includes those.
        Raises Busy, with the sessions, if they do not end.
        """
        ...

    def advance_sequences(self, tables: Sequence[TargetTable], headroom: int = 0) -> int:
        """Set the sequences of the tables' columns to the last number in use, or `headroom` numbers after it if they
        fit. One that is ahead of that stays. Return how many were set.
        """
        ...

    def doubtful(self, schema: TargetSchema, mapped: Collection[str]) -> list[Finding]:
        """Return what of the tables `mapped` the database does not keep as it is declared or written: columns of a type
        that it does not store as such, and rows that it removes or rewrites by itself; each with what to do instead.
        """
        ...
