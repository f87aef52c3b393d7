"""The records, rows and rules of model_placing.py."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

P, A, B, L = 0, 1, 2, 3
NAMES = "PABL"
ROOTS = (P, A, B)
NOBODY = -1


class Record(NamedTuple):
    """`parent`: P or NOBODY; `unique`: 0 is NULL."""

    parent: int = NOBODY
    unique: int = 0


class Row(NamedTuple):
    parent: int
    unique: int
    gathered: bool


Held = tuple[str, int] | None
"""What a record in quarantine waits for: (parent, P), (unique, value), (lookup, L), (copy, 0) if nobody knows."""

DOMAINS: tuple[tuple[Record | None, ...], ...] = (
    (None, Record()),
    (None, Record(P, 1)),
    (None, Record(NOBODY, 1), Record(P, 2)),
)
OWNERS = (NOBODY, A, B)


@dataclass(frozen=True)
class Rules:
    """`exclusive`: who quarantines or takes rows out is alone. L is expanded by a `query` of the source and by the
    `ledger` of who used it, when no transaction that has read is open. `reread`: who leaves with its parent is claimed
    and read, not only claimed. `unknown_woken`: entries of the copy are woken by every change of their table.
    `copy_first`: keys wait for the end of the copy, not only for their own chunk.
    """

    exclusive: bool = True
    old_rows_leave: bool = True
    dependants_leave: bool = True
    reread: bool = True
    parent_wakes: bool = True
    free_value_wakes: bool = True
    leaving_wakes: bool = True
    unknown_woken: bool = True
    query: bool = True
    ledger: bool = True
    expansion_waits: bool = True
    copy_first: bool = True


@dataclass(frozen=True)
class Bounds:
    writes: int = 3
    appliers: int = 2
    batch: int = 2
    copies: bool = True
    empty: bool = False


class Job(NamedTuple):
    """`load` of a chunk, `quick` or `careful` apply (or `waiting` to be alone), `expand` of L. The `roots` are read
    first, then the `owner` of L.
    """

    what: str
    keys: tuple[int, ...]
    roots: tuple[Record | None, ...] = ()
    owner: int | None = None
    wakes: tuple[int, ...] | None = None
    decided: tuple[tuple[Row | None, ...], tuple[Held, ...]] | None = None


class S(NamedTuple):
    """`owner`: whose L is, in the source."""

    source: tuple[Record | None, ...]
    owner: int
    rows: tuple[Row | None, ...]
    held: tuple[Held, ...]
    dirty: tuple[bool, ...]
    unnamed: tuple[bool, ...]
    chunks: tuple[bool, bool]
    constrained: bool
    jobs: tuple[Job | None, ...]
    writes: int


CHUNKS = ((P,), (A, B))


def put(values: tuple, at: int, value: object) -> tuple:  # type: ignore[type-arg]
    return (*values[:at], value, *values[at + 1 :])


def fits(rows: Iterable[Row | None]) -> bool:
    there = list(rows)
    uniques = [row.unique for row in there if row and row.unique]
    parents = all(row is None or row.parent == NOBODY or there[row.parent] is not None for row in there)
    return len(uniques) == len(set(uniques)) and parents


def shown(value: Record | None) -> str:
    if value is None:
        return "deleted"
    return f"there{' under P' if value.parent == P else ''}{f' with value {value.unique}' if value.unique else ''}"
