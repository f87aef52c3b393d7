"""The chunks of the copy with their counts, and an account for changes to records after their chunks."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from crossfade.journal.clock import now
from crossfade.journal.tables import CHUNK
from crossfade.model.batch import Chunk
from crossfade.model.counts import Counts
from crossfade.stores.contract import TargetTransaction
from crossfade.stores.contract.journal import Is


@dataclass(frozen=True, slots=True)
class ChunkRecord:
    chunk: Chunk
    counts: Counts | None
    """None while the chunk is not done."""
    rows: Mapping[str, int]
    seconds: float
    gone: int = 0
    """Records that were read and later found to be no longer in the source."""


_RECORD = (
    *("entity", "number", "lower_key", "upper_key", "planned", "source", "copied", "quarantined", "discarded"),
    *("row_counts", "seconds", "done_at", "gone"),
)


def plan_chunks(tx: TargetTransaction, chunks: Iterable[Chunk]) -> None:
    names = ("entity", "number", "lower_key", "upper_key", "planned")
    rows = [dict(zip(names, (c.entity, c.number, c.lower, c.upper, c.count), strict=True)) for c in chunks]
    tx.journal.insert(CHUNK, rows)


def forget_plan(tx: TargetTransaction) -> None:
    """Delete the chunks that are not finished, so that they are planned again."""
    tx.journal.delete(CHUNK, (Is("done_at", None),))


def chunks(tx: TargetTransaction) -> list[ChunkRecord]:
    """Return the planned chunks, with the counts of the finished ones."""
    out = []
    found = tx.journal.select(CHUNK, _RECORD, order=("entity", "number"))
    for entity, number, lower, upper, planned, *rest in found:
        source, copied, quarantined, discarded, rows, seconds, done_at, gone = rest
        counts = Counts(source, copied, quarantined, discarded) if done_at is not None else None
        chunk = Chunk(entity, number, lower, upper, planned)
        out.append(ChunkRecord(chunk, counts, json.loads(rows or "{}"), seconds or 0.0, gone))
    return out


def _one(entity: str, number: int) -> tuple[Is, Is]:
    return Is("entity", entity), Is("number", number)


def claim_chunk(tx: TargetTransaction, chunk: Chunk) -> bool:
    """Lock the chunk's record for this transaction. Return False if another worker has copied the chunk already.

    If a worker of a killed run is still copying it, wait until that worker has committed or ended.
    """
    tx.journal.lock(CHUNK, (*_one(chunk.entity, chunk.number), Is("done_at", None)))
    rows = tx.journal.select(CHUNK, ("done_at",), _one(chunk.entity, chunk.number))
    return bool(rows) and rows[0][0] is None


def finish_chunk(tx: TargetTransaction, chunk: Chunk, counts: Counts, rows: Mapping[str, int], seconds: float) -> None:
    """Record a chunk's counts. Call it in the transaction that loaded its rows."""
    values = {
        "source": counts.source,
        "copied": counts.copied,
        "quarantined": counts.quarantined,
        "discarded": counts.discarded,
        "row_counts": json.dumps(dict(sorted(rows.items()))),
        "seconds": seconds,
        "done_at": now(),
    }
    tx.journal.update(CHUNK, values, (*_one(chunk.entity, chunk.number), Is("done_at", None)))


LATER = -1
"""The chunk number of the account for changes to an entity's records after their chunks. Its source count is 0."""
_EMPTY = {"planned": 0, "source": 0, "copied": 0, "quarantined": 0, "discarded": 0, "row_counts": "{}", "seconds": 0}


def shift_counts(
    tx: TargetTransaction,
    entity: str,
    *,
    copied: int = 0,
    quarantined: int = 0,
    discarded: int = 0,
    gone: int = 0,
    came: int = 0,
    rows: Mapping[str, int] | None = None,
) -> None:
    """Move records between the accounts of an entity after the copy. `rows` were added or removed.

    The count of the source changes only by `gone`, the records that were read and are no longer in the source, and by
    `came`, those that are in the source since.
    """
    account = _one(entity, LATER)
    tx.journal.insert(CHUNK, [{"entity": entity, "number": LATER, **_EMPTY, "done_at": now()}], keep=True)
    shift = {"copied": copied, "quarantined": quarantined, "discarded": discarded, "gone": gone, "source": came - gone}
    tx.journal.add(CHUNK, shift, account)
    if rows:
        ((known,),) = tx.journal.locked(CHUNK, ("row_counts",), account)
        counts = Counter(json.loads(known))
        counts.update(rows)
        text = json.dumps({table: counts[table] for table in sorted(counts) if counts[table]})
        tx.journal.update(CHUNK, {"row_counts": text}, account)
