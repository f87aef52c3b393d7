"""What compiling the mapping files gives: values that a worker process can be sent.

A *branch* is one SELECT of a mapping file (a UNION ALL has several), rewritten for the engine: every place in the
documents has become a column of a batch, called by its path, in the form that the SQL needs it in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from crossfade.model.batch import Column
from crossfade.model.quoting import identifier
from crossfade.model.shape import Path

ROOT_TABLE = "root"
"""The engine's name for the batch of root documents; its first column is `#row`."""

ROW = "#row"

WHOLE, LESS, DECIDES = "whole", "less", "decides"
"""What of a value reaches the column: all of it; what a function or a CASE keeps of it; nothing but a decision."""


@dataclass(frozen=True, slots=True)
class Use:
    """A place that a branch takes up.

    `depth` is "value" (what stands here), "whole" (everything below as well), "elements" (that it is an array; its
    elements are uses of their own), "entries" (that it is an object whose fields are gone through), "keys" (the names
    of its fields), "type" (its type or presence alone) or "rest". `output` is the target column that it feeds, "" where
    it only steers (FROM, WHERE, ON, GROUP BY).
    `looked_up`: it is read of another document than the root. `types` are those that it can have there, and `keeps`
    what of them arrives (WHOLE, LESS, DECIDES); `by` are the functions that keep less than they are given, innermost
    first.
    """

    entity: str
    path: Path
    depth: str
    output: str
    looked_up: bool = False
    types: frozenset[str] = frozenset()
    keeps: str = WHOLE
    by: tuple[str, ...] = ()


def carries(use: Use) -> bool:
    """Whether the root's own values at the place go into a column, or what is kept of them: neither that they decide,
    nor a remainder, nor their type.
    """
    return bool(use.output) and not use.looked_up and use.depth not in ("rest", "type") and use.keeps != DECIDES


@dataclass(frozen=True)
class Lookup:
    """Another entity, fetched by key for each batch. `keys_sql` gives the distinct keys that a batch asks for, of
    kind `key_kind`.
    """

    entity: str
    alias: str
    table: str
    path: Path
    key_kind: str
    keys_sql: str
    columns: tuple[Column, ...]


@dataclass(frozen=True, slots=True)
class Computed:
    """Outputs of a branch that depend on columns of the root alone, row for row.

    `outputs` has the SQL of each, which calls the root `alias`; `columns` are those that it reads.
    """

    alias: str
    outputs: Mapping[str, str]
    columns: tuple[str, ...]


def computed_sql(asked: Sequence[Computed]) -> str:
    """Gives `#row` and the outputs of all of these, which have one alias, in their order."""
    alias = identifier(asked[0].alias)
    outputs = [f"{sql} AS c{i}" for i, sql in enumerate(sql for one in asked for sql in one.outputs.values())]
    return f"SELECT {', '.join([f'{alias}.{identifier(ROW)}', *outputs])} FROM {ROOT_TABLE} AS {alias}"


@dataclass(frozen=True, slots=True)
class Written:
    """A piece of a mapping file: its first line and column (from 1), and its text."""

    line: int
    column: int
    text: str


@dataclass(frozen=True, slots=True)
class Narrow:
    """A SELECT in pieces: the row's number, each output, and all from FROM on."""

    row: str
    outputs: Mapping[str, str]
    rest: str

    def sql(self, *names: str) -> str:
        """The SELECT with the row's number and these outputs alone."""
        return f"SELECT {', '.join([self.row, *(self.outputs[name] for name in names)])}{self.rest}"


@dataclass(frozen=True)
class Branch:
    """One SELECT. `sql` reads `root` and the lookups' tables, and gives `#row` and the outputs.

    Where nothing but the root is asked, and every document makes one row, `straight` are the outputs that are a column
    of the batch as the reader made it, and which (they need no engine), and `computed` are the others (None: there are
    none).

    `one_row` says that it makes a row of the root itself (nothing is unnested at its top); `unnested` says of each of
    the root's arrays that the rows are made from where its elements stand (`list_of` has two places). `filtered` is
    what leaves rows out (WHERE, HAVING, JOIN without LEFT), but for questions whether a place is there. `narrow`
    is the same SELECT with fewer outputs, to find what fails; `written` has each output as its author wrote it; `mixed`
    are those that hold values of several types as they are: canonical Extended JSON.
    """

    table: str
    file: str
    number: int
    entity: str
    alias: str
    sql: str
    outputs: tuple[str, ...]
    narrow: Narrow
    lookups: tuple[Lookup, ...] = ()
    uses: tuple[Use, ...] = ()
    one_row: bool = True
    filtered: str | None = None
    unnested: tuple[tuple[Path, ...], ...] = ()
    place: Written = field(default=Written(1, 1, "SELECT"))
    written: Mapping[str, Written] = field(default_factory=dict)
    mixed: tuple[str, ...] = ()
    straight: Mapping[str, str] = field(default_factory=dict)
    computed: Computed | None = None


@dataclass(frozen=True)
class Feed:
    """Everything that one root entity feeds: its branches, one set of columns for all of them, and what is
    discarded.
    """

    entity: str
    columns: tuple[Column, ...]
    branches: tuple[Branch, ...]
    discard_sql: str | None = None
    """Gives the `#row` of the documents that a discard's `where` leaves behind."""


@dataclass(frozen=True)
class Program:
    feeds: Mapping[str, Feed]
    digest: str
    files: Mapping[str, str] = field(default_factory=dict)
    """Target table -> mapping file."""

    @property
    def branches(self) -> tuple[Branch, ...]:
        return tuple(b for feed in self.feeds.values() for b in feed.branches)
