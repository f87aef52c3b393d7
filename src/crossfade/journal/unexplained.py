"""Entries whose constraint is known, and not yet what they clash with: found, and filled in when it is."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from crossfade.journal.journal import Entry, entry_of
from crossfade.journal.queries import queries
from crossfade.stores.contract import TargetTransaction, Transaction

PIECE_BYTES = 8_000_000


@dataclass(frozen=True, slots=True)
class Kind:
    """Entries of one entity that one constraint of a table refused (empty where the target did not name it)."""

    entity: str
    reason: str
    table: str
    constraint: str

    @property
    def values(self) -> dict[str, str]:
        return {"entity": self.entity, "reason": self.reason, "table": self.table, "constraint": self.constraint}


def kinds(tx: TargetTransaction) -> list[Kind]:
    return [Kind(*row) for row in tx.execute(queries()["find_unexplained_kinds"])]


def documents(transaction: Transaction, kind: Kind) -> Iterator[list[tuple[Entry, bytes]]]:
    """The entries with their raw documents, a bounded number of bytes at a time."""
    after = ""
    while True:
        with transaction() as tx:
            sizes = tx.execute(queries()["find_unexplained"], {**kind.values, "after": after})
        for first, last in _stretches(sizes):
            with transaction() as tx:
                rows = tx.execute(queries()["find_documents"], {**kind.values, "first": first, "last": last})
            yield [(entry_of(row[1:]), bytes(row[0])) for row in rows]
        if not sizes:
            return
        after = sizes[-1][0]


def _stretches(sizes: list[tuple[Any, ...]]) -> Iterator[tuple[str, str]]:
    """The first and the last id of each piece."""
    ids: list[str] = []
    held = 0
    for id_, size in sizes:
        if ids and held + size > PIECE_BYTES:
            yield ids[0], ids[-1]
            ids, held = [], 0
        ids.append(id_)
        held += size
    if ids:
        yield ids[0], ids[-1]


@dataclass(frozen=True, slots=True)
class HeldRecord:
    """A record that is not in the target. `raw` is None where the key was asked for alone."""

    id: str
    key: str | None
    is_open: bool
    raw: bytes | None = None


def held_records(transaction: Transaction, entity: str, *, with_documents: bool) -> Iterator[list[HeldRecord]]:
    """The records of an entity in quarantine or discarded by a person, a piece at a time."""
    after = ""
    while True:
        with transaction() as tx:
            rows = tx.execute(queries()["find_held_keys"], {"entity": entity, "after": after})
        if not with_documents:
            yield [HeldRecord(id_, key, state == "open") for id_, key, state, _ in rows]
        else:
            for first, last in _stretches([(row[0], row[3]) for row in rows]):
                stretch = {"entity": entity, "first": first, "last": last}
                with transaction() as tx:
                    found = tx.execute(queries()["find_held_documents"], stretch)
                yield [HeldRecord(id_, key, state == "open", bytes(raw)) for id_, key, state, raw in found]
        if not rows:
            return
        after = rows[-1][0]


@dataclass(frozen=True, slots=True)
class Explained:
    """What an entry clashes with; `cause` is empty where that could not be found out."""

    id: str
    detail: str
    cause: Mapping[str, Any]
    parent: str | None = None
    waits_for: str | None = None
    column: str | None = None
    """For an entry that names none."""


def explain(tx: TargetTransaction, found: list[Explained]) -> None:
    tx.execute_many(queries()["explain_entry"], [_values(one) for one in found])


def _values(one: Explained) -> dict[str, Any]:
    values = {"id": one.id, "detail": one.detail.replace("\0", "\\0"), "parent": one.parent}
    return {**values, "column": one.column, "waits_for": one.waits_for, "cause": json.dumps(one.cause)}
