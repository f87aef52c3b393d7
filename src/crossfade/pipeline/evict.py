"""Remove records from the target because their rows break a constraint, or have a key that an earlier record is to get.

A row leads back to its record by the owner column of its table or by the ledger; `take_out` removes the record. Nothing
is mapped again, because the source may have changed. If the source no longer has the record of a row, its key may be
unknown: then its rows are found by their owner value alone.

This is for many records at once, before the foreign keys exist, so that no other record is concerned. `apply_keys` does
the same for single records while others write.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from crossfade.journal.ledger import row_texts
from crossfade.model.canonical import python_rows, python_values
from crossfade.model.owners import Owners
from crossfade.model.rejection import Rejection
from crossfade.pipeline.accounts import COPIED, note_moved
from crossfade.pipeline.apply import TakenOut, are_all_own, take_out
from crossfade.pipeline.ownership import OwnedRows, ownership_of
from crossfade.pipeline.removing import delete_rows
from crossfade.pipeline.search import records_of_rows
from crossfade.runtime.records import NO_KEY, OwnerValues, pieces, read
from crossfade.runtime.session import Session, Work, session

CONSTRAINTS = "constraints"


@dataclass(frozen=True)
class RefusedRows:
    """Rows of a table (by primary key) to remove, and why; `each` has the reason of every row if they differ. `phase`
    is recorded in the entries.
    """

    table: str
    keys: pa.Table
    why: Rejection
    each: Sequence[Rejection] = ()
    phase: str = CONSTRAINTS

    def of(self, row: int) -> Rejection:
        return self.each[row] if self.each else self.why


@dataclass
class Evicted:
    """The numbers, by entity, of quarantined records, and of removed records that the source no longer holds."""

    quarantined: Counter[str] = field(default_factory=Counter)
    gone: Counter[str] = field(default_factory=Counter)

    @property
    def total(self) -> int:
        return self.quarantined.total() + self.gone.total()

    def add(self, entity: str, other: TakenOut) -> None:
        self.quarantined[entity] += other.quarantined
        self.gone[entity] += other.gone


def evict(work: Work, rows: RefusedRows) -> Evicted:
    """Remove the records of these rows, piece by piece."""
    s = session(work)
    out = Evicted()
    for entity, feed in work.program.feeds.items():
        if any(b.table == rows.table for b in feed.branches):
            for one in _of_entity(s, s.owners[entity], rows):
                out.add(entity, one)
    out.quarantined, out.gone = +out.quarantined, +out.gone
    return out


def _of_entity(s: Session, owners: Owners, rows: RefusedRows) -> Iterator[TakenOut]:
    if rows.table in owners.ledger:
        yield from _by_key(s, owners.entity, _in_ledger(s, owners, rows), rows.phase)
    else:
        yield from _by_value(s, owners, rows)


def _by_key(s: Session, entity: str, why: Mapping[str, Rejection], phase: str) -> Iterator[TakenOut]:
    for piece in pieces(why):
        yield take_out(s, entity, read(s, entity, piece), why, phase)


def _by_value(s: Session, owners: Owners, rows: RefusedRows) -> Iterator[TakenOut]:
    """Find the records by owner values. Those from which the key cannot be computed are searched in one scan at the
    end.
    """
    values, left = ownership_of(s).values(owners), list[object]()
    kind, why = _owner_values(s, owners, rows)
    for piece in pieces(why):
        records = values.records(piece)
        reasons = {key: why[value] for value, (key, _) in records.items()}
        yield take_out(s, owners.entity, dict(records.values()), reasons, rows.phase)
        left += [value for value in piece if value not in records]
    if left:
        keys = values.searched(left)
        yield from _by_key(s, owners.entity, {key: why[value] for value, key in keys.items()}, rows.phase)
        lost = [value for value in left if value not in keys]
        if lost:
            yield _lost(s, owners, values, pa.array(lost, kind))


def _in_ledger(s: Session, owners: Owners, rows: RefusedRows) -> dict[str, Rejection]:
    """Return, by record key, why a record is removed."""
    table = s.work.tables[rows.table]
    texts = row_texts(table, rows.keys)
    with s.transaction() as tx:
        known = s.ledger.records(tx, table, rows.keys)
    unknown = [i for i, text in enumerate(texts) if text not in known]
    if unknown:  # the journal is older than its ledger, or others have inserted the rows
        known |= records_of_rows(s, owners, table, rows.keys.take(unknown))
    found: dict[str, Rejection] = {}
    for place, text in enumerate(texts):
        entity, key = known.get(text, ("", ""))
        if entity == owners.entity:
            found.setdefault(key, rows.of(place))
    return found


def _owner_values(s: Session, owners: Owners, rows: RefusedRows) -> tuple[pa.DataType, dict[object, Rejection]]:
    """Return the owner values of these rows, and why their records are removed: for the first row of each."""
    table = s.work.tables[rows.table]
    column, key = owners.columns[rows.table], list(table.primary_key)
    with s.transaction() as tx:
        there = tx.owned(table, rows.keys, list(dict.fromkeys([*key, column])))
    places = {row: i for i, row in enumerate(python_rows(rows.keys.select(key)))}
    found = zip(python_rows(there.select(key)), python_values(there.column(column)), strict=True)
    why: dict[object, Rejection] = {}
    for place, value in sorted(((places.get(row, 0), value) for row, value in found), key=lambda one: one[0]):
        why.setdefault(value, rows.of(place))
    return there.schema.field(column).type, why


def _lost(s: Session, owners: Owners, values: OwnerValues, lost: pa.Array) -> TakenOut:
    """Remove the rows with these owner values, for which the source has no record."""
    keys = _noted_keys(s, owners, values, lost)
    rows, inside = Counter[str](), set[object]()
    with s.transaction() as tx:
        if not are_all_own(s, tx, owners.entity):
            return TakenOut()
        for name, column in owners.columns.items():
            table = s.work.tables[name]
            found = tx.owned(table, pa.table({column: lost}), list(dict.fromkeys([*table.primary_key, column])))
            inside.update(python_values(found.column(column)))
            no_record = [(owners.entity, "")] * found.num_rows
            rows[name] += delete_rows(s, tx, OwnedRows(table, found, no_record))
        for name, (found, _) in s.ledger.rows(tx, owners.entity, keys, s.work.tables).items() if keys else ():
            no_record = [(owners.entity, "")] * found.num_rows
            rows[name] += delete_rows(s, tx, OwnedRows(s.work.tables[name], found, no_record))
        note_moved(tx, owners.entity, [((COPIED, None), len(inside))], {name: -n for name, n in rows.items()})
    return TakenOut(gone=len(inside))


def _noted_keys(s: Session, owners: Owners, values: OwnerValues, lost: pa.Array) -> list[str]:
    """Return the keys that the ledger has for these owner values: of records that also have rows in ledger tables."""
    if not owners.ledger:
        return []
    with s.transaction() as tx:
        noted = s.ledger.record_keys(tx, owners.entity)
    wanted, found = set(python_values(lost)), list[str]()
    for piece in pieces(key for key in noted if not key.startswith(NO_KEY)):
        keys, own = values.of(piece)
        found += [key for key, value in zip(keys, python_values(own), strict=True) if value in wanted]
    return found
