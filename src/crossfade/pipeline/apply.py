"""The one function that puts records into the target: transform, write, count, and say which records do not fit.

Copy, retry, the order of duplicate keys and the return of records whose obstacle is gone call it with a batch that was
read: of a chunk, or of the keys that they were told. What the rows belong to is noted in the same transaction, for the
tables whose columns do not say it (`mapping.owners`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from crossfade.journal import journal, loaded
from crossfade.model.batch import Batch
from crossfade.model.counts import Counts
from crossfade.model.rejection import REMAINDER, Rejection
from crossfade.pipeline.admission import Asked
from crossfade.pipeline.load import load_records
from crossfade.runtime.session import Session
from crossfade.stores.contract import TargetTransaction
from crossfade.transform.transform import Mapped, TableRows, drop_roots

NO_KEY = "#"
"""Begins what stands for the key of a record that has none: the digest of its document follows."""


@dataclass(frozen=True)
class Applied:
    """What became of a batch's records, by their places in it. Whoever is neither rejected nor discarded is in."""

    rejected: dict[int, Rejection] = field(default_factory=dict)
    discarded: frozenset[int] = frozenset()
    rows: Counter[str] = field(default_factory=Counter)
    """Table -> the rows that came in."""
    counts: Counts = field(default_factory=Counts)


def apply(
    s: Session, tx: TargetTransaction, entity: str, batch: Batch, mapped: Mapped, asked: Asked | None = None
) -> Applied:
    """Puts the records of a batch into the target, of which it holds no row yet; those that do not fit stay out whole.

    `asked` is what the target said beforehand of rows that clash: without it all are loaded, and those that are refused
    are found by halving.
    """
    rejected = {m.row: m for m in mapped.rejections}
    if asked is not None:
        rejected |= asked.rejected
    out = rejected.keys() | mapped.discarded
    good = [row for row in range(len(batch.raws)) if row not in out]
    parts = without(mapped.tables, asked.rejected) if asked is not None and asked.rejected else mapped.tables
    refused = load_records(tx, parts, good, loaded=loaded.note)
    rejected |= {m.row: m for m in refused}
    inside = without(parts, {m.row for m in refused}) if refused else parts
    _note_owners(s, tx, entity, batch, inside)
    unread = sum(1 for one in batch.rejected if one.reason != REMAINDER)  # which is of nobody knows how many
    counts = Counts(
        source=len(batch.raws) + unread,
        copied=len(good) - len(refused),
        quarantined=len(rejected) + unread,
        discarded=len(mapped.discarded),
    )
    return Applied(rejected, frozenset(mapped.discarded), row_counts(inside), counts)


def without(parts: Sequence[TableRows], rows: Collection[int]) -> list[TableRows]:
    return [drop_roots(part, set(rows)) for part in parts]


def row_counts(parts: Sequence[TableRows]) -> Counter[str]:
    """Table -> rows, of those that have any."""
    counts: Counter[str] = Counter()
    for part in parts:
        counts[part.table.name] += part.rows.num_rows
    return +counts


def _note_owners(s: Session, tx: TargetTransaction, entity: str, batch: Batch, parts: Sequence[TableRows]) -> None:
    in_ledger = s.owners[entity].ledger
    for part in parts:
        if part.table.name in in_ledger:
            keys = {row: record_key(s, batch.raws[row]) for row in set(part.roots.to_pylist())}
            s.ledger.add(tx, part.table, part.rows, entity, [keys[row] for row in part.roots.to_pylist()])


def record_key(s: Session, raw: bytes) -> str:
    """What the ledger calls a record."""
    key = s.codec.key(raw)
    return NO_KEY + journal.digest_of(raw) if key is None else key
