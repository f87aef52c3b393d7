"""What a database can do for us, one ability a Protocol, with the promises each keeps.

A `Store` is a frozen bundle of these parts; a part that is None is an ability that the store does not have. A phase
asks `need(store.reader, store, "read documents")` and gets the part, or an `Unsupported` that says what is missing. No
phase asks which database it is talking to.

Stores are opened from a URL by `stores.open.open_store`; every worker process opens its own. All raise `Unreachable`
where the server or file cannot be reached (the URL shown with its password hidden).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from crossfade.errors import Unsupported
from crossfade.model.batch import Batch, Chunk, Column
from crossfade.model.described import Described
from crossfade.model.shape import Path, Shape
from crossfade.model.target import ColumnType, ForeignKey, Step, TargetColumn, TargetSchema, TargetTable, Unique

Part = TypeVar("Part")


@dataclass(frozen=True, slots=True)
class EntityInfo:
    """One thing that the source holds. `entity_class`: collection, capped, clustered, view, timeseries,
    gridfs_files, gridfs_chunks, system.

    `plan` is one sentence on what becomes of it. `copied` says whether a move takes it up unless told otherwise.
    `count` and `bytes` are the source's own estimate, good for progress bars and for the number of workers only.
    """

    name: str
    entity_class: str
    plan: str
    copied: bool
    count: int
    bytes: int
    indexes: tuple[Mapping[str, Any], ...] = ()
    options: Mapping[str, Any] | None = None
    torn: str = ""
    """Why a part of it cannot be read, of which nobody knows how many records it holds; "" where it is whole."""
    unread: bool = False
    """Whether it holds records, or may hold some, that cannot be read here and now."""
    identity: str = ""
    """What tells it from another of its name (model/identity.py); "" where nothing does."""


class Inspector(Protocol):
    def entities(self, named: Sequence[str] = (), *, sized: bool = True) -> Sequence[EntityInfo]:
        """Everything there, sorted by name; nothing is left unnamed.

        Where the login may not list everything, those `named` (all that the move takes) are enough. Without `sized`
        only what is known at once is told of each: its name, class and plan, and a count where that takes no time.
        """
        ...

    def place(self) -> tuple[str, tuple[str, ...]]:
        """The database's name, and the names that the source has for where it is (model/identity.py)."""
        ...

    def version(self) -> str:
        """Product and version, for reports."""
        ...


class Reader(Protocol):
    """Reads an entity's documents. Only ever reads: a user with read rights suffices."""

    def chunks(self, entity: str, *, target_bytes: int) -> Iterator[Chunk]:
        """Ranges that hold every document exactly once, whatever the types of their keys, each of about
        `target_bytes`.
        """
        ...

    def raw(self, chunk: Chunk) -> Iterator[bytes]:
        """The chunk's documents in key order: BSON documents one after another, at most about 16 MB (or one
        document) at a time.
        """
        ...

    def batches(self, chunk: Chunk, shape: Shape, columns: Sequence[Column]) -> Iterator[Batch]:
        """The chunk's documents held against `shape`, as Arrow: bounded batches (`documents_a_batch`, or 16 MB)."""
        ...

    def count(self, entity: str) -> int:
        """How many documents the entity has now, counted."""
        ...

    def scan(self, entity: str) -> Iterator[bytes]:
        """Every document of the entity, in whatever order is fastest, as `raw` gives them. For the survey.

        Neither gives the remainder of a torn source, which is no document: `batches` sets it aside.
        """
        ...

    def keys(self, entity: str) -> Iterator[bytes]:
        """As `scan`, but documents that hold `_id` alone: the cheapest way to see every key."""
        ...

    def fetch(self, entity: str, path: Path, values: Sequence[str]) -> Iterator[bytes]:
        """Documents whose value at `path` equals one of `values` (canonical Extended JSON), as `raw` gives them.

        Where the path leads through arrays, a document counts when any element matches. No order; no duplicates.
        """
        ...


class Loader(Protocol):
    """Fills and empties tables inside one transaction of the target.

    `rows` are canonical Arrow tables (model/target.CANONICAL), columns named as the target's.
    """

    def load(self, table: TargetTable, rows: Any) -> None:
        """Adds rows by the target's bulk load. Raises `RowRejected` where the database refuses, or where a column
        would keep another value than the one that is given; nothing of `rows` is in then.
        """
        ...

    def delete(self, table: TargetTable, keys: Any) -> int:
        """Deletes the rows whose primary key stands in `keys` (canonical, the key columns alone); the number
        deleted.
        """
        ...

    def count(self, table: TargetTable, *, hold: bool) -> int | None:
        """How many rows the table has, counted in this transaction; None where there is no such table.

        With `hold` no other transaction adds, changes or deletes rows of it until this one ends. Raises where the rows
        cannot be counted: that is not the same as a table that is gone.
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

    def savepoint(self) -> AbstractContextManager[None]:
        """What happens inside is undone when an exception leaves it."""
        ...


Transaction = Callable[[], AbstractContextManager[Loader]]
"""Begins one: it commits at the end, and rolls back when an exception leaves it."""


class Writer(Protocol):
    def transaction(self) -> AbstractContextManager[Loader]:
        """Commits at the end, rolls back when an exception leaves it."""
        ...

    def alone(self) -> AbstractContextManager[None]:
        """No other process is in this block for the same target; the end of a process leaves it, however it ends.

        Waits some seconds for what a killed one had at work. Raises Busy where another one is in it and stays.
        """
        ...

    def fill_rank(self) -> int:
        """How many writers may fill the target at once (1 for SQLite)."""
        ...


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


@dataclass(frozen=True, slots=True)
class NumbersBehind:
    """`sequence` hands out `next` the next time, and `column` of a table holds numbers up to `last`."""

    sequence: str
    table: str
    column: str
    next: int
    last: int


class Ddl(Protocol):
    def is_empty(self) -> list[str]:
        """Names of tables that are there and hold rows or are not ours (an empty list: the target is free)."""
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

    def column_types(self) -> Mapping[str, ColumnType]:
        """Types by their SQL name, where the store has such a catalogue; may be empty."""
        ...


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why one row of a load was refused: `row` is its place. `reason` as in docs/reference/errors.md."""

    row: int
    reason: str
    message: str
    column: str | None = None


@dataclass(frozen=True, slots=True)
class Clash:
    """Why a row may not stand: what it clashes with. `values` are the row's own, as the target prints them.

    Of a unique constraint `holder` are the primary key's columns of the row that has the same, printed, and `key` the
    same in canonical Python values; None where no row has it.
    """

    values: Mapping[str, str | None]
    holder: Mapping[str, str | None] | None = None
    key: tuple[Any, ...] | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """A CHECK constraint: its text, its expression, and the columns that it names."""

    text: str
    expression: str
    columns: tuple[str, ...]


class Clashes(Protocol):
    """Says what rows clash with that a constraint refused: its own expressions and the target's equality decide.

    `rows` are canonical rows of the table, which need not be in it; the answer is one Clash (or None) for each.
    """

    def orphaned(self, table: TargetTable, key: ForeignKey, rows: Any) -> list[Clash | None]:
        """The rows whose foreign key finds no parent."""
        ...

    def holders(self, table: TargetTable, unique: Unique, rows: Any) -> list[Clash | None]:
        """The values of the rows under `unique`, with the row of the table that has the same."""
        ...

    def check(self, table: TargetTable, name: str) -> Check | None:
        """The CHECK constraint that a refusal calls so."""
        ...

    def breaking(self, table: TargetTable, check: Check, rows: Any) -> list[Clash | None]:
        """The rows for which the check is false."""
        ...


@dataclass(frozen=True, slots=True)
class Blocker:
    """A session that holds a lock which this run waits for; texts are empty where the login may not see them.

    `pid` is 0 for a prepared transaction, which has no session.
    """

    pid: int
    application: str
    user: str
    state: str
    query_start: str
    query: str


class Watch(Protocol):
    """Looks at the run from outside."""

    def blockers(self, seconds: float) -> list[Blocker]:
        """Sessions of others that some session of this run has waited for, for `seconds` or more. Never waits itself.

        Raises CrossfadeError where the server cannot be asked.
        """
        ...


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


@dataclass(frozen=True)
class Traits:
    """Facts about a store, phrased as questions."""

    has_journal_schema: bool = False  # does the journal live in a schema of its own (or under a table prefix)?
    constraints_after_tables: bool = True  # can constraints be added to a table that exists?


@dataclass(frozen=True)
class Store:
    """A database as its parts. `url` is shown to people: its password is hidden."""

    scheme: str
    url: str
    traits: Traits = Traits()
    inspector: Inspector | None = None
    reader: Reader | None = None
    writer: Writer | None = None
    row_reader: RowReader | None = None
    ddl: Ddl | None = None
    watch: Watch | None = None
    clashes: Clashes | None = None
    closer: Any = None

    def close(self) -> None:
        if self.closer is not None:
            self.closer()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def need(part: Part | None, store: Store, ability: str) -> Part:
    """The part, or `Unsupported` that names the store and what it cannot do."""
    if part is None:
        raise Unsupported(f"{store.scheme} cannot {ability} ({store.url})")
    return part


__all__ = [
    "Blocker",
    "Check",
    "Clash",
    "Clashes",
    "Ddl",
    "EntityInfo",
    "Inspector",
    "Loader",
    "Reader",
    "Refusal",
    "RowReader",
    "RowRejected",
    "Store",
    "TargetColumn",
    "Traits",
    "Transaction",
    "Watch",
    "Writer",
    "need",
]
