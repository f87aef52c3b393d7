"""Entries whose constraint is known, but not yet what they clash with."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from crossfade.journal.entries import ENTRY, NOT_IN_TARGET, OPEN, OWN, SIZES_AT_ONCE, Entry, entry_of
from crossfade.journal.tables import QUARANTINE
from crossfade.stores.contract import TargetTransaction, Transaction
from crossfade.stores.contract.journal import After, Condition, Either, From, Is, IsNot, OneOf, Size, UpTo, Where

PIECE_BYTES, PIECE_RECORDS = 8_000_000, 5_000


@dataclass(frozen=True, slots=True)
class Kind:
    """Entries of an entity that a constraint of a table refused ("" if the target did not name the constraint)."""

    entity: str
    reason: str
    table: str
    constraint: str

    @property
    def where(self) -> tuple[Condition, ...]:
        named = Is("target_constraint", self.constraint)
        constraint = named if self.constraint else Either(((named,), (Is("target_constraint", None),)))
        own = Is("entity", self.entity), Is("reason", self.reason), Is("target_table", self.table)
        return *_UNEXPLAINED, *own, constraint


_UNEXPLAINED = (OPEN, Is("cause", None))


def kinds(tx: TargetTransaction) -> list[Kind]:
    """Return the kinds of entries that are not explained yet."""
    where = (*_UNEXPLAINED, IsNot("target_table", None), OneOf("reason", ("foreign_key", "unique", "check")))
    columns = ("entity", "reason", "target_table", "target_constraint")
    found = {(*row[:3], row[3] or "") for row in tx.journal.select(QUARANTINE, columns, where, distinct=True)}
    return [Kind(*row) for row in sorted(found)]


def with_rows(transaction: Transaction, kind: Kind) -> Iterator[list[Entry]]:
    """Yield the entries that name the row whose primary key their record wanted."""
    where, after = (*kind.where, IsNot("row_key", None), IsNot("row_key", OWN)), ""
    while True:
        with transaction() as tx:
            found = (*where, After(("id",), (after,)))
            rows = tx.journal.select(QUARANTINE, ENTRY, found, order=("id",), limit=PIECE_RECORDS)
        if not rows:
            return
        yield [entry_of(row) for row in rows]
        after = rows[-1][0]


def documents(transaction: Transaction, kind: Kind) -> Iterator[list[tuple[Entry, bytes]]]:
    """Yield the other entries with their raw documents, a bounded number of bytes at a time."""
    unnamed = Either(((Is("row_key", None),), (Is("row_key", OWN),)))
    after, where = "", (*kind.where, unnamed)
    while True:
        with transaction() as tx:
            sizes = _sizes(tx, ("id", Size("raw")), where, after)
        for first, last in _stretches(sizes):
            with transaction() as tx:
                rows = _stretch(tx, ("raw", *ENTRY), where, first, last)
            yield [(entry_of(row[1:]), bytes(row[0])) for row in rows]
        if not sizes:
            return
        after = sizes[-1][0]


def _sizes(tx: TargetTransaction, columns: Sequence[str | Size], where: Where, after: str) -> list[tuple[Any, ...]]:
    """Return the entries that follow the id `after`."""
    found = (*where, After(("id",), (after,)))
    return tx.journal.select(QUARANTINE, columns, found, order=("id",), limit=SIZES_AT_ONCE)


def _stretch(
    tx: TargetTransaction, columns: Sequence[str], where: Where, first: str, last: str
) -> list[tuple[Any, ...]]:
    """Return the entries from the id `first` to `last`."""
    return tx.journal.select(QUARANTINE, columns, (*where, From("id", first), UpTo("id", last)), order=("id",))


def _stretches(sizes: list[tuple[Any, ...]]) -> Iterator[tuple[str, str]]:
    """Yield the first and the last id of each piece."""
    ids: list[str] = []
    total = 0
    for id_, size in sizes:
        if ids and total + size > PIECE_BYTES:
            yield ids[0], ids[-1]
            ids, total = [], 0
        ids.append(id_)
        total += size
    if ids:
        yield ids[0], ids[-1]


@dataclass(frozen=True, slots=True)
class RecordOutside:
    """A record that is not in the target. `raw` is None if only the key was requested."""

    id: str
    key: str | None
    is_open: bool
    raw: bytes | None = None


def records_outside(transaction: Transaction, entity: str, *, with_documents: bool) -> Iterator[list[RecordOutside]]:
    """Yield the records of an entity in quarantine or discarded by a person, piece by piece."""
    after, where = "", (Is("entity", entity), NOT_IN_TARGET)
    while True:
        with transaction() as tx:
            rows = _sizes(tx, ("id", "record_key", "state", Size("raw")), where, after)
        if not with_documents:
            yield [RecordOutside(id_, key, state == "open") for id_, key, state, _ in rows]
        else:
            for first, last in _stretches([(row[0], row[3]) for row in rows]):
                with transaction() as tx:
                    found = _stretch(tx, ("id", "record_key", "state", "raw"), where, first, last)
                yield [RecordOutside(id_, key, state == "open", bytes(raw)) for id_, key, state, raw in found]
        if not rows:
            return
        after = rows[-1][0]


@dataclass(frozen=True, slots=True)
class Explained:
    """What an entry clashes with. `cause` is empty if that could not be determined."""

    id: str
    detail: str
    cause: Mapping[str, Any]
    parent: str | None = None
    waits_for: str | None = None
    column: str | None = None
    """The column, for an entry that names none."""


def explain(tx: TargetTransaction, found: list[Explained]) -> None:
    """Record what these entries clash with."""
    tx.journal.update_each(QUARANTINE, [({"id": one.id}, _values(one)) for one in found])
    named = [({"id": one.id, "target_column": None}, {"target_column": one.column}) for one in found if one.column]
    tx.journal.update_each(QUARANTINE, named)


def _values(one: Explained) -> dict[str, Any]:
    values = {"detail": one.detail.replace("\0", "\\0"), "parent": one.parent}
    return {**values, "waits_for": one.waits_for, "cause": json.dumps(one.cause)}
