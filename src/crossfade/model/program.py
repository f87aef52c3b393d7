"""The compiled mapping files, as values that can be sent to worker processes.

A *branch* is a SELECT of a mapping file (a UNION ALL has several), rewritten for the engine: every place in the
documents is a column of a batch, named after its path, in the form that the SQL needs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from crossfade.model.batch import Column
from crossfade.model.quoting import identifier
from crossfade.model.shape import Path

ROOT_TABLE = "root"
"""The engine's name for the batch of root documents; its first column is `#row`."""

ROW = "#row"

WHOLE, LESS, DECIDES = "whole", "less", "decides"
"""How much of a value reaches the column: all of it, what a function or a CASE keeps of it, or only a decision."""


@dataclass(frozen=True, slots=True)
class Use:
    """A place that a branch uses.

    `depth` is "value" (the value itself), "whole" (everything below it as well), "elements" (it is read as an array;
    its elements have their own uses), "entries" (it is read as an object by its fields), "keys" (the names of its
    fields), "type" (only its type or presence) or "rest". `output` is the target column that it feeds, "" if it only
    decides about rows (FROM, WHERE, ON, GROUP BY).

    `looked_up`: it is read from another document than the root. `types` are the possible types, and `keeps` is how much
    of them reaches the column (WHOLE, LESS, DECIDES); `by` are the functions that keep less than their argument,
    innermost first. `as_json`: it is read as plain JSON, which does not tell types apart.
    """

    entity: str
    path: Path
    depth: str
    output: str
    looked_up: bool = False
    types: frozenset[str] = frozenset()
    keeps: str = WHOLE
    by: tuple[str, ...] = ()
    as_json: bool = False


def carries(use: Use) -> bool:
    """Return whether the root's own values at the place, or parts of them, go into a column. Decisions, remainders and
    types do not count.
    """
    return bool(use.output) and not use.looked_up and use.depth not in ("rest", "type") and use.keeps != DECIDES


@dataclass(frozen=True, slots=True)
class Equality:
    """A further equality of a lookup: only records with one of the keys at `path` can be joined."""

    path: Path
    key_kind: str
    keys_sql: str


@dataclass(frozen=True)
class Lookup:
    """Another entity, fetched by key for each batch. `keys_sql` returns the distinct keys that a batch needs, of kind
    `key_kind`.

    `of` and `of_path` say where the keys are from: a place in the root (then `of` is empty) or in an earlier lookup, by
    its alias. `of_path` is None if they are the value of an expression. `further` narrows what is fetched.
    """

    entity: str
    alias: str
    table: str
    path: Path
    key_kind: str
    keys_sql: str
    columns: tuple[Column, ...]
    of: str = ""
    of_path: Path | None = None
    further: tuple[Equality, ...] = ()


@dataclass(frozen=True, slots=True)
class Presence:
    """A place (its paths) without which a branch makes no row, because its WHERE asks whether it is there.

    `of_root`: it is in the root itself, so that a record without it has no row at all; otherwise it is in its elements.
    """

    paths: tuple[Path, ...]
    of_root: bool


@dataclass(frozen=True, slots=True)
class Computed:
    """Outputs of a branch that depend only on columns of the root in the same row.

    `outputs` has the SQL of each, in which the root is `alias`; `columns` are the columns that it reads.
    """

    alias: str
    outputs: Mapping[str, str]
    columns: tuple[str, ...]


def computed_sql(asked: Sequence[Computed]) -> str:
    """Return SQL for `#row` and the outputs of all of these, which have the same alias, in order."""
    alias = identifier(asked[0].alias)
    outputs = [f"{sql} AS c{i}" for i, sql in enumerate(sql for one in asked for sql in one.outputs.values())]
    return f"SELECT {', '.join([f'{alias}.{identifier(ROW)}', *outputs])} FROM {ROOT_TABLE} AS {alias}"


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A piece of a mapping file: its first line and column (from 1), and its text."""

    line: int
    column: int
    text: str


@dataclass(frozen=True, slots=True)
class Narrow:
    """A SELECT in pieces: the row's number, each output, and everything from FROM on (`unfiltered`: without WHERE and
    HAVING).
    """

    row: str
    outputs: Mapping[str, str]
    rest: str
    unfiltered: str

    def sql(self, *names: str, filtered: bool = True) -> str:
        """Return the SELECT with only the row's number and these outputs."""
        rest = self.rest if filtered else self.unfiltered
        return f"SELECT {', '.join([self.row, *(self.outputs[name] for name in names)])}{rest}"


@dataclass(frozen=True)
class Branch:
    """A SELECT. `sql` reads `root` and the tables of the lookups, and returns `#row` and the outputs.

    If it reads only the root and makes one row of each document, `straight` maps outputs to the columns of the batch
    that they are (they need no engine), and `computed` has the others (None if there are none).

    `one_row` says that it makes a row of the root itself (nothing is unnested at its top level); `unnested` has the
    paths of the elements of each unnested array of the root (`list_of` has two paths). `filtered` is what leaves out
    rows (WHERE, HAVING, JOIN without LEFT), other than tests that a place exists, which are in `present`. `narrow` is
    the same SELECT with fewer outputs, to find what fails; `excerpts` has each output as its author wrote it; `mixed`
    are outputs that hold values of several types unchanged: canonical Extended JSON.
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
    present: tuple[Presence, ...] = ()
    place: Excerpt = field(default=Excerpt(1, 1, "SELECT"))
    excerpts: Mapping[str, Excerpt] = field(default_factory=dict)
    mixed: tuple[str, ...] = ()
    straight: Mapping[str, str] = field(default_factory=dict)
    computed: Computed | None = None

    @cached_property
    def plain_json(self) -> frozenset[str]:
        """The outputs that hold plain JSON, in which `{"$date": 5}` is an object."""
        return frozenset(use.output for use in self.uses if use.as_json)


@dataclass(frozen=True)
class Draft(Branch):
    """A branch with faults, as far as it could be compiled: it is checked, and never run. `failed` are its outputs with
    faults ("" or * for one without a name). `uses` has what these may use, too. `binds`: the engine can judge it.
    """

    failed: tuple[str, ...] = ()
    binds: bool = True


@dataclass(frozen=True)
class Feed:
    """Everything that a root entity feeds: its branches, one set of columns for all of them, and its discards."""

    entity: str
    columns: tuple[Column, ...]
    branches: tuple[Branch, ...]
    discard_sql: str | None = None
    """SQL for the `#row` of the documents that a discard's `where` matches."""
    valid_json: frozenset[str] = frozenset()
    """The columns of JSON in which no object has a name twice: the reader, or the source's database, printed them."""


@dataclass(frozen=True)
class Program:
    feeds: Mapping[str, Feed]
    digest: str
    files: Mapping[str, str] = field(default_factory=dict)
    """The mapping file of each target table."""

    @property
    def branches(self) -> tuple[Branch, ...]:
        return tuple(b for feed in self.feeds.values() for b in feed.branches)
