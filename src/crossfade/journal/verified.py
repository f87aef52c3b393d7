"""The records of a followed source that are still to be compared, and the verifications that have ended."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from crossfade.journal.tables import APPLIED, DIRTY, SUSPECT, VERIFIED
from crossfade.model.positions import Position
from crossfade.stores.contract import TargetTransaction
from crossfade.stores.contract.journal import After, Is, IsNot, OneOf, Where

AT_ONCE = 10_000


@dataclass(frozen=True, slots=True)
class Proof:
    """A verification that has ended: every write up to `position` was compared. `kind`: `whole`, or `again` (only what
    had changed since). `compared` is the number of records; `digest` is that of the mappings.
    """

    kind: str
    position: Position
    began_at: str
    ended_at: str
    verdict: str
    compared: int
    digest: str = ""


WHOLE, AGAIN, BACK_WHOLE, BACK_AGAIN = "whole", "again", "back whole", "back again"
CURRENT = (WHOLE, AGAIN, BACK_WHOLE, BACK_AGAIN)
"""Kinds of verifications; those of the way back compare the source with what the target's rows put back."""

NO_BASE = "not_equal_beyond_records"
"""The verdict of a comparison of everything that found rows of no record, or could not read a table: `verify --again`
cannot go on from it.
"""

_COLUMNS = ("kind", "position", "position_at", "began_at", "ended_at", "verdict", "compared", "digest")


def take_applied(tx: TargetTransaction, mark: str, limit: int = AT_ONCE) -> int:
    """Make applied records suspects with this mark, at most `limit` at once. Return how many; 0 at the end."""
    rows = tx.journal.select(DIRTY, ("entity", "record_key"), (Is("number", APPLIED),), limit=limit)
    applied = [{"entity": entity, "record_key": key} for entity, key in rows]
    tx.journal.upsert(SUSPECT, [{**row, "mark": mark} for row in applied])
    tx.journal.delete_each(DIRTY, [{**row, "number": APPLIED} for row in applied])
    return len(applied)


def changed_since(tx: TargetTransaction) -> int:
    """Return how many records the next verification of what changed has to compare, at most."""
    counted = [*tx.journal.count(SUSPECT, ("entity",)), *tx.journal.count(DIRTY, ("entity",))]
    return sum(int(count) for _, count in counted)


def forget_applied(tx: TargetTransaction) -> None:
    """Delete applied records and suspects: everything is about to be compared."""
    tx.journal.delete(DIRTY, (Is("number", APPLIED),))
    tx.journal.delete(SUSPECT)


def suspect(tx: TargetTransaction, mark: str, records: Iterable[tuple[str, str]]) -> None:
    """Make records suspects, by entity and key."""
    rows = [{"entity": entity, "record_key": key, "mark": mark} for entity, key in sorted(set(records))]
    tx.journal.upsert(SUSPECT, rows)


def suspects(
    tx: TargetTransaction, after: tuple[str, str] = ("", ""), limit: int = AT_ONCE
) -> list[tuple[str, str, str]]:
    """Return entity, key and mark of the suspects after `after`, in order."""
    order = ("entity", "record_key")
    where = (After(order, after),)
    rows = tx.journal.select(SUSPECT, (*order, "mark"), where, order=order, limit=limit)
    return [(entity, key, mark) for entity, key, mark in rows]


def clear(tx: TargetTransaction, marked: Mapping[tuple[str, str], str]) -> None:
    """Delete these suspects, unless they were put in again: then they have another mark."""
    rows = [{"entity": entity, "record_key": key, "mark": mark} for (entity, key), mark in sorted(marked.items())]
    tx.journal.delete_each(SUSPECT, rows)


def clear_all(tx: TargetTransaction, mark: str) -> None:
    """Delete all suspects with this mark."""
    tx.journal.delete(SUSPECT, (Is("mark", mark),))


def changed(tx: TargetTransaction, marked: Mapping[tuple[str, str], str]) -> set[tuple[str, str]]:
    """Return the suspects that are to be applied, were applied since, or are gone or have another mark now."""
    found, by_entity = set[tuple[str, str]](), dict[str, list[str]]()
    for entity, key in sorted(marked):
        by_entity.setdefault(entity, []).append(key)
    for entity, keys in by_entity.items():
        where = (Is("entity", entity), OneOf("record_key", keys))
        still = dict(tx.journal.select(SUSPECT, ("record_key", "mark"), where))
        dirty = {key for (key,) in tx.journal.select(DIRTY, ("record_key",), where)}
        found |= {(entity, key) for key in keys if key in dirty or still.get(key) != marked[entity, key]}
    return found


def all_changed(tx: TargetTransaction, marked: Mapping[tuple[str, str], str], without: str = "") -> dict[str, set[str]]:
    """Return entity -> the keys of its records that are to be applied, were applied, or are suspects with another mark
    than in `marked`, except those with the mark `without`.
    """
    found: dict[str, set[str]] = {}
    for entity, key in tx.journal.select(DIRTY, ("entity", "record_key")):
        found.setdefault(entity, set()).add(key)
    for entity, key, mark in tx.journal.select(SUSPECT, ("entity", "record_key", "mark"), (IsNot("mark", without),)):
        if marked.get((entity, key)) != mark:
            found.setdefault(entity, set()).add(key)
    return found


def note(tx: TargetTransaction, proof: Proof) -> None:
    at = None if proof.position.at is None else proof.position.at.isoformat()
    row = {
        "id": uuid.uuid4().hex,
        "kind": proof.kind,
        "position": proof.position.token,
        "position_at": at,
        "began_at": proof.began_at,
        "ended_at": proof.ended_at,
        "verdict": proof.verdict,
        "compared": proof.compared,
        "digest": proof.digest,
    }
    tx.journal.insert(VERIFIED, [row])


def last(tx: TargetTransaction, verdict: str | None = None) -> Proof | None:
    """Return the verification that ended last, or the last with this verdict."""
    return _last(tx, () if verdict is None else (Is("verdict", verdict),))


def last_whole(tx: TargetTransaction, kind: str = WHOLE) -> Proof | None:
    """Return the last verification of everything that ended."""
    return _last(tx, (Is("kind", kind),))


def end(tx: TargetTransaction) -> None:
    """End all verifications: they stay as evidence, but the feed changes its direction, so none can continue them."""
    for kind in CURRENT:
        tx.journal.update(VERIFIED, {"kind": f"past {kind}"}, (Is("kind", kind),))


def forget_all(tx: TargetTransaction) -> None:
    """Delete all verifications: the target is filled again, or the source is followed from a new position."""
    tx.journal.delete(VERIFIED)


def _last(tx: TargetTransaction, where: Where) -> Proof | None:
    rows = tx.journal.select(VERIFIED, _COLUMNS, where, order=("ended_at", "began_at"))
    if not rows:
        return None
    kind, token, at, *rest = rows[-1]
    return Proof(kind, Position(token, None if at is None else datetime.fromisoformat(at)), *rest)
