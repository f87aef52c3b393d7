"""The progress of the check of the constraints, where a run resumes after another one was killed."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from crossfade.journal.moves import lock_move
from crossfade.journal.tables import CLEARING
from crossfade.stores.contract import TargetTransaction


@dataclass(frozen=True, slots=True)
class Clearing:
    """The progress: the next test (`place`), the tables whose children are tested in this round (`parents`) and in the
    next one (`changed`), and the rows that the test found, if it has been run.
    """

    place: int
    parents: frozenset[str]
    changed: frozenset[str] = frozenset()
    to_remove: bytes | None = None


_TO_REMOVE = "doomed"
"""The column of `Clearing.to_remove`. Its name is historical: a better one would need a new version of the journal.
"""


def find_clearing(tx: TargetTransaction) -> Clearing | None:
    for place, parents, changed, rows in tx.journal.select(CLEARING, ("place", "parents", "changed", _TO_REMOVE)):
        names = frozenset(json.loads(parents)), frozenset(json.loads(changed))
        return Clearing(place, *names, None if rows is None else bytes(rows))
    return None


def note_clearing(tx: TargetTransaction, clearing: Clearing | None) -> None:
    """Record the progress; None when the check is finished."""
    tx.journal.delete(CLEARING)
    if clearing is not None:
        names = {"parents": json.dumps(sorted(clearing.parents)), "changed": json.dumps(sorted(clearing.changed))}
        tx.journal.insert(CLEARING, [{"id": 1, "place": clearing.place, **names, _TO_REMOVE: clearing.to_remove}])


_READMITTING = -1
"""The place after all tests: records are readmitted whose value no other row has any more."""


def find_readmitting(tx: TargetTransaction) -> frozenset[str] | None:
    """Return the tables into which records have been readmitted, or None before that."""
    found = find_clearing(tx)
    return found.changed if found is not None and found.place == _READMITTING else None


def note_readmitting(tx: TargetTransaction, tables: Iterable[str]) -> None:
    note_clearing(tx, Clearing(_READMITTING, frozenset(), frozenset(tables)))


def note_came(tx: TargetTransaction, tables: Iterable[str]) -> None:
    """Record in this transaction that rows are readmitted into these tables, for the run after a killed one."""
    new = frozenset(tables)
    if not new <= (find_readmitting(tx) or frozenset()):
        lock_move(tx)
        note_readmitting(tx, new | (find_readmitting(tx) or frozenset()))
