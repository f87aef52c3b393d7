"""The one function that puts records into the target: transform, write, count, and return which records do not fit.

Copy, retry, duplicate keys and readmission call it with a batch that was read for a chunk or for a list of keys. For
tables without an owner column (`mapping.owners`), the owners of the rows are recorded in the same transaction.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from functools import partial

from crossfade.journal import loaded
from crossfade.model.batch import Batch
from crossfade.model.counts import Counts
from crossfade.model.rejection import REMAINDER, Rejection
from crossfade.pipeline.admission import Asked, keys_taken
from crossfade.pipeline.load import load_records
from crossfade.pipeline.records import record_key
from crossfade.runtime.session import Session
from crossfade.stores.contract import TargetTransaction
from crossfade.transform.transform import Mapped, TableRows, drop_roots


@dataclass(frozen=True)
class Applied:
    """The result for the records of a batch, by position. Records neither rejected nor discarded are copied."""

    rejected: dict[int, Rejection] = field(default_factory=dict)
    discarded: frozenset[int] = frozenset()
    rows: Counter[str] = field(default_factory=Counter)
    """The number of rows added to each table."""
    counts: Counts = field(default_factory=Counts)


def apply(
    s: Session, tx: TargetTransaction, entity: str, batch: Batch, mapped: Mapped, asked: Asked | None = None
) -> Applied:
    """Put the records of a batch, of which the target has no rows yet, into the target. Records that do not fit are
    rejected as a whole.

    `asked` is the target's answer on rows that clash. Without it all rows are loaded, and the target is asked only if
    it refuses them; then it is asked first for the entity's next batches, which are likely to have more of them.
    """
    rejected = {m.row: m for m in mapped.rejections}
    out = rejected.keys() | mapped.discarded
    good = [row for row in range(len(batch.raws)) if row not in out]
    refused = _load(s, tx, entity, mapped.tables, good, asked)
    inside = without(mapped.tables, refused) if refused else mapped.tables
    _note_owners(s, tx, entity, batch, inside)
    if asked is None and s.source.traits.has_unique_keys:  # a copy: no record of the batch is noted yet
        s.ledger.load_left(tx, entity, [record_key(batch, row) for row in sorted(mapped.discarded)])
    unread = sum(1 for one in batch.rejected if one.reason != REMAINDER)  # a remainder is an unknown number of records
    counts = Counts(
        source=len(batch.raws) + unread,
        copied=len(good) - len(refused),
        quarantined=len(rejected) + len(refused) + unread,
        discarded=len(mapped.discarded),
    )
    return Applied(rejected | refused, frozenset(mapped.discarded), row_counts(inside), counts)


def _load(
    s: Session,
    tx: TargetTransaction,
    entity: str,
    parts: Sequence[TableRows],
    rows: Sequence[int],
    asked: Asked | None,
) -> dict[int, Rejection]:
    """Load all rows of these records. Return the refusals by record."""
    if asked is None and entity in s.with_duplicate_keys:
        asked = Asked(keys_taken(tx, parts, rows))
    known = asked.rejected if asked is not None else {}
    rest = without(parts, known) if known else parts
    good = [row for row in rows if row not in known]
    refused = load_records(tx, rest, good, loaded=loaded.note, taken=partial(_taken, s, tx, entity))
    return {**known, **{m.row: m for m in refused}}


def _taken(
    s: Session, tx: TargetTransaction, entity: str, parts: Sequence[TableRows], rows: Sequence[int]
) -> dict[int, Rejection]:
    found = keys_taken(tx, parts, rows)
    if found:
        s.with_duplicate_keys.add(entity)
    return found


def without(parts: Sequence[TableRows], rows: Collection[int]) -> list[TableRows]:
    return [drop_roots(part, set(rows)) for part in parts]


def row_counts(parts: Sequence[TableRows]) -> Counter[str]:
    """Return the number of rows of each table that has any."""
    counts: Counter[str] = Counter()
    for part in parts:
        counts[part.table.name] += part.rows.num_rows
    return +counts


def _note_owners(s: Session, tx: TargetTransaction, entity: str, batch: Batch, parts: Sequence[TableRows]) -> None:
    in_ledger = s.owners[entity].ledger
    for part in parts:
        if part.table.name in in_ledger:
            keys = {row: record_key(batch, row) for row in set(part.roots.to_pylist())}
            s.ledger.add(tx, part.table, part.rows, entity, [keys[row] for row in part.roots.to_pylist()])
