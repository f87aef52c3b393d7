"""The schema of a target: tried out, read back, and what in the rows stands in its way."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from crossfade.model.described import Described
from crossfade.model.findings import Finding
from crossfade.model.target import Step, TargetSchema, TargetTable


@dataclass(frozen=True, slots=True)
class NumbersBehind:
    """`sequence` hands out `next` the next time, and `column` of a table holds numbers up to `last`."""

    sequence: str
    table: str
    column: str
    next: int
    last: int


@dataclass(frozen=True, slots=True)
class Unsound:
    """Something in the target that the next write will meet, though the schema is as it was made: `fact` of `name` (a
    `what`: table, sequence, file) is `found`, not `expected`. `fails`: it will fail, or something is broken already.
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
        """Names of tables that are there and hold rows or are not ours (an empty list: the target is free)."""
        ...

    def default_schema(self) -> str:
        """The schema of tables that name none; "" where the store has no schemas."""
        ...

    def has_journal(self) -> bool:
        """Whether the journal's tables are there (an empty target has none)."""
        ...

    def there_before(self) -> list[tuple[str, str]]:
        """What a move would not make anew where it is there, but its steps may name: schemas, extensions and functions
        as (kind, name), called as in the ids of steps.
        """
        ...

    def scratch_schema(self, statements: str, file: str) -> TargetSchema:
        """Executes SQL text in a scratch database and reflects it. Raises SchemaFault with every fault found."""
        ...

    def live_schema(self) -> TargetSchema:
        """The target as it stands."""
        ...

    def describe(self) -> Described:
        """What the target's catalogue says, but for the journal's own tables."""
        ...

    def describe_made(self, schema: TargetSchema) -> Described:
        """What the catalogue says of a scratch database in which the schema was made, step by step."""
        ...

    def holding_rows(self, relations: Sequence[str]) -> dict[str, bool | None]:
        """Whether each of the relations, by the names in a description, holds a row; None: it may not be read."""
        ...

    def holds_values(self, relation: str, column: str) -> bool:
        """Whether a row has a value in the column; both by the names in a description."""
        ...

    def numbers_behind(self, tables: Sequence[TargetTable]) -> list[NumbersBehind]:
        """What hands out numbers for the tables' columns and will hand out one that is there already."""
        ...

    def unsound(self, tables: Sequence[TargetTable]) -> list[Unsound]:
        """Sequences of the tables' columns with few numbers left; what the store itself finds wrong in its file; rows
        that break a foreign key which nobody enforced.
        """
        ...

    def duplicates(self, table: TargetTable, unique: Any) -> Any:
        """Primary keys (canonical Arrow) of the rows that must go so that `unique` holds; of each group the least
        key stays.
        """
        ...

    def orphans(self, table: TargetTable, key: Any) -> Any:
        """Primary keys (canonical Arrow) of the rows whose foreign key `key` finds no parent."""
        ...

    def unbuildable(self, table: TargetTable, step: Step) -> Any:
        """Primary keys (canonical Arrow) of the rows that must go so that `step` (an index, a unique or an exclusion
        constraint on `table`) can be made, with `#reason`, `#detail` and `#column` (text) of each. Nothing is changed.
        """
        ...

    def outlive_removed(self) -> None:
        """Waits until no transaction on the server can see the rows that were removed so far: an index is made of
        those, too. Raises Busy, with who they are, where they do not end.
        """
        ...

    def advance_sequences(self, tables: Sequence[TargetTable]) -> int:
        """Lets what hands out numbers for the tables' columns go on after the last one there; how many were set."""
        ...

    def doubtful_columns(self, schema: TargetSchema, mapped: Collection[str]) -> list[Finding]:
        """Columns of the tables `mapped` of which the database would not keep what their declared type says, with what
        to declare instead.
        """
        ...
