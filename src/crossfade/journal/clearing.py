"""How far the check of the constraints has come: a run that was killed resumes there."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from crossfade.journal.moves import lock_move
from crossfade.journal.tables import CLEARING
from crossfade.stores.contract import TargetTransaction


@dataclass(frozen=True, slots=True)
class Clearing:
    """How far the check of the constraints has come: the next test (`place`), the tables whose children are to be
    asked in this round (`parents`) and in the next one (`changed`), and the rows that the test found, if it was asked.
    """

    place: int
    parents: frozenset[str]
    changed: frozenset[str] = frozenset()
    doomed: bytes | None = None


def find_clearing(tx: TargetTransaction) -> Clearing | None:
    for place, parents, changed, doomed in tx.journal.select(CLEARING, ("place", "parents", "changed", "doomed")):
        names = frozenset(json.loads(parents)), frozenset(json.loads(changed))
        return Clearing(place, *names, None if doomed is None else bytes(doomed))
    return None


def note_clearing(tx: TargetTransaction, clearing: Clearing | None) -> None:
    """Note how far it has come; None: it is done."""
    tx.journal.delete(CLEARING)
    if clearing is not None:
        names = {"parents": json.dumps(sorted(clearing.parents)), "changed": json.dumps(sorted(clearing.changed))}
        tx.journal.insert(CLEARING, [{"id": 1, "place": clearing.place, **names, "doomed": clearing.doomed}])


_READMITTING = -1
"""The place that follows all tests: records come in again whose obstacle was removed."""


def find_readmitting(tx: TargetTransaction) -> frozenset[str] | None:
    """Return the tables into which rows have come again; None where the check has not come to that."""
    found = find_clearing(tx)
    return found.changed if found is not None and found.place == _READMITTING else None


def note_readmitting(tx: TargetTransaction, tables: Iterable[str]) -> None:
    note_clearing(tx, Clearing(_READMITTING, frozenset(), frozenset(tables)))


def note_came(tx: TargetTransaction, tables: Iterable[str]) -> None:
    """Rows come into these tables again, with this transaction: a run that is killed would not know of it."""
    new = frozenset(tables)
    if not new <= (find_readmitting(tx) or frozenset()):
        lock_move(tx)
        note_readmitting(tx, new | (find_readmitting(tx) or frozenset()))
