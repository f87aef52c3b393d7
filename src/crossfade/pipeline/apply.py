"""Many records at once: `apply` puts records into the target that have no rows there, `take_out` takes records out.

Copy, retry, duplicate keys and readmission call `apply` with a batch that was read for a chunk or for a list of keys;
duplicate keys and constraints call `take_out` by way of `evict`. Both look only at the rows of these records. For
records that may be in the target already, or while others write, use `apply_keys`.

For tables without an owner column (`mapping.owners`), the owners of the rows are recorded in the same transaction.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from crossfade.journal import journal, loaded
from crossfade.model.batch import Batch
from crossfade.model.counts import Counts
from crossfade.model.rejection import REMAINDER, Rejection
from crossfade.pipeline.accounts import COPIED, QUARANTINED, note_moved
from crossfade.pipeline.admission import Asked, with_existing_keys
from crossfade.pipeline.entries import entry_of, quarantine
from crossfade.pipeline.load import load_records
from crossfade.pipeline.ownership import Who, ownership_of
from crossfade.pipeline.removing import delete_rows
from crossfade.runtime.records import record_key
from crossfade.runtime.session import Session
from crossfade.stores.contract import TargetTransaction
from crossfade.transform.transform import Mapped, TableRows, drop_roots


@dataclass(frozen=True)
class BatchResult:
    """The result for the records of a batch, by position. Records neither rejected nor discarded are copied."""

    rejected: dict[int, Rejection] = field(default_factory=dict)
    discarded: frozenset[int] = frozenset()
    rows: Counter[str] = field(default_factory=Counter)
    """The number of rows added to each table."""
    counts: Counts = field(default_factory=Counts)


def apply(
    s: Session, tx: TargetTransaction, entity: str, batch: Batch, mapped: Mapped, asked: Asked | None = None
) -> BatchResult:
    """Put the records of a batch, of which the target has no rows yet, into the target. Records that do not fit are
    rejected as a whole.

    `asked`: what the target has answered about rows that clash. Without it all rows are loaded, and the target is asked
    only if it refuses them; then it is asked first for the entity's next batches, which are likely to have more.
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
    return BatchResult(rejected | refused, frozenset(mapped.discarded), row_counts(inside), counts)


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
        asked = Asked(with_existing_keys(tx, parts, rows))
    known = asked.rejected if asked is not None else {}
    rest = without(parts, known) if known else parts
    good = [row for row in rows if row not in known]
    refused = load_records(tx, rest, good, loaded=loaded.note, clashing=partial(_with_existing_keys, s, tx, entity))
    return {**known, **{m.row: m for m in refused}}


def _with_existing_keys(
    s: Session, tx: TargetTransaction, entity: str, parts: Sequence[TableRows], rows: Sequence[int]
) -> dict[int, Rejection]:
    found = with_existing_keys(tx, parts, rows)
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


@dataclass(frozen=True)
class TakenOut:
    """The numbers of records that were put into quarantine, and of those that the source no longer has."""

    quarantined: int = 0
    gone: int = 0


def take_out(
    s: Session, entity: str, records: Mapping[str, Sequence[bytes]], why: Mapping[str, Rejection], phase: str
) -> TakenOut:
    """Take records out of the target, in one transaction: delete all rows that they own, and put them into quarantine
    as the source has them now (`records`, by key). Records without rows in the target are ignored.

    A record that the source no longer has is removed too, but only if the move wrote all rows of the entity's tables:
    otherwise the rows may belong to others.
    """
    with s.transaction() as tx:
        if not all(records.values()) and not are_all_own(s, tx, entity):
            records = {key: raws for key, raws in records.items() if raws}
        rows, owned = Counter[str](), set[Who]()
        for part in ownership_of(s).of(tx, entity, list(records), only_keys=True):
            rows[part.table.name] -= delete_rows(s, tx, part)
            owned.update(part.owners)
        inside = [key for key in records if (entity, key) in owned]
        found = [(key, raw) for key in inside for raw in _not_outside(tx, entity, key, records[key])]
        quarantine(s, tx, entity, [(entry_of(entity, key, why[key], phase), raw) for key, raw in found])
        gone = sum(not records[key] for key in inside)
        note_moved(tx, entity, [((COPIED, QUARANTINED), len(found)), ((COPIED, None), gone)], rows)
    return TakenOut(len(found), gone)


def are_all_own(s: Session, tx: TargetTransaction, entity: str) -> bool:
    """Return whether the move wrote all rows of the entity's tables."""
    tables = [s.work.tables[name] for name in s.owners[entity].tables]
    return not any(tx.other_rows(table, limit=1).count for table in tables)


def _not_outside(tx: TargetTransaction, entity: str, key: str, raws: Sequence[bytes]) -> Sequence[bytes]:
    """Return, of records that share a key, those that are not already in quarantine or discarded."""
    if len(raws) <= 1:
        return raws
    outside = journal.digests_outside(tx, entity, key)
    left = list[bytes]()
    for raw in raws:
        digest = journal.digest_of(raw)
        if outside[digest]:
            outside[digest] -= 1
        else:
            left.append(raw)
    return left
