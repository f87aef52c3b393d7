"""Remove records from the target: find the record of a row that must be removed, and delete all of its rows.

A row leads back to its record by the owner column of its table or by the ledger. The record's rows are found in the
same way, and deleted in the transaction that puts the document into quarantine. Nothing is mapped again, because the
source may have changed. A record that the source no longer holds has no document; it is counted as gone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import pyarrow as pa

from crossfade.journal import journal, loaded
from crossfade.journal.identities import Identities
from crossfade.journal.journal import Entry
from crossfade.journal.ledger import row_texts
from crossfade.model.canonical import python_rows
from crossfade.model.owners import Owners
from crossfade.model.program import Feed
from crossfade.model.target import TargetTable
from crossfade.pipeline.records import NO_KEY, OwnerValues, pieces, read
from crossfade.pipeline.search import records_of_rows
from crossfade.runtime.session import Session, Work, session
from crossfade.stores.contract import TargetTransaction


@dataclass(frozen=True)
class Broken:
    """Rows of `table` (by primary key) to remove, and why. `phase` is recorded in their entries.

    `each` has the reason and the detail of every row if they differ.
    """

    table: str
    reason: str
    detail: str
    column: str
    keys: pa.Table
    phase: str = "constraints"
    constraint: str | None = None
    each: tuple[tuple[str, str], ...] = ()

    def why(self, row: int) -> Broken:
        if not self.each:
            return self
        reason, detail = self.each[row]
        return replace(self, reason=reason, detail=detail)


@dataclass
class Evicted:
    """The numbers, by entity, of quarantined records, and of removed records that the source no longer holds."""

    quarantined: Counter[str] = field(default_factory=Counter)
    gone: Counter[str] = field(default_factory=Counter)

    @property
    def total(self) -> int:
        return self.quarantined.total() + self.gone.total()

    def add(self, other: Evicted) -> None:
        self.quarantined.update(other.quarantined)
        self.gone.update(other.gone)


def evict(work: Work, broken: Broken) -> Evicted:
    """Remove the records of the broken rows, piece by piece."""
    s = session(work)
    out = Evicted()
    for feed in work.program.feeds.values():
        if any(b.table == broken.table for b in feed.branches):
            out.add(_of_feed(s, feed, broken))
    out.quarantined, out.gone = +out.quarantined, +out.gone
    return out


def _of_feed(s: Session, feed: Feed, broken: Broken) -> Evicted:
    remover = Remover(s, s.owners[feed.entity], broken.phase)
    found, lost = remover.behind(broken)
    out = Evicted()
    for piece in pieces(found):
        out.add(remover.remove({key: found[key] for key in piece}))
    if len(lost):
        out.add(remover.remove_lost(lost))
    return out


class Remover:
    """Removes records of an entity from the target."""

    def __init__(self, s: Session, owners: Owners, phase: str) -> None:
        self._s, self._owners, self._phase = s, owners, phase
        self._entity = owners.entity
        self._values = OwnerValues(s, owners) if owners.columns else None

    def behind(self, broken: Broken) -> tuple[dict[str, Broken], pa.Array]:
        """Return, by record key, why a record is removed; and the owner values of rows whose record is not found."""
        table = self._s.work.tables[broken.table]
        if broken.table in self._owners.ledger:
            return self._in_ledger(table, broken), pa.array([], pa.null())
        assert self._values is not None
        column, key = self._owners.columns[broken.table], list(table.primary_key)
        with self._s.transaction() as tx:
            rows = tx.owned(table, broken.keys, list(dict.fromkeys([*key, column])))
        places = {row: i for i, row in enumerate(python_rows(broken.keys.select(key)))}
        why: dict[object, Broken] = {}
        own = rows.column(column).to_pylist()
        for place, value in sorted(
            ((places.get(row, 0), value) for row, value in zip(python_rows(rows.select(key)), own, strict=True)),
            key=lambda found: found[0],
        ):
            why.setdefault(value, broken.why(place))
        keys = self._values.keys(rows.column(column).combine_chunks())
        lost = [value for value in why if value not in keys]
        kind = rows.schema.field(column).type
        return {keys[value]: b for value, b in why.items() if value in keys}, pa.array(lost, kind)

    def _in_ledger(self, table: TargetTable, broken: Broken) -> dict[str, Broken]:
        texts = row_texts(table, broken.keys)
        with self._s.transaction() as tx:
            known = self._s.ledger.records(tx, table, broken.keys)
        unknown = [i for i, text in enumerate(texts) if text not in known]
        if unknown:  # the journal is older than its ledger, or the rows are somebody else's
            rows = broken.keys.take(unknown)
            known |= records_of_rows(self._s, self._owners, table, rows)
        found: dict[str, Broken] = {}
        for place, text in enumerate(texts):
            entity, key = known.get(text, ("", ""))
            if entity == self._entity:
                found.setdefault(key, broken.why(place))
        return found

    def remove(self, why: Mapping[str, Broken]) -> Evicted:
        """Remove the records with these keys. Records without rows in the target are ignored."""
        documents = read(self._s, self._entity, list(why))
        with self._s.transaction() as tx:
            keys = list(why)
            if not all(documents.values()) and not self._are_all_own(tx):
                keys = [key for key in why if documents[key]]
            inside, rows = self._delete(tx, keys)
            entries, gone = list[tuple[Entry, bytes]](), 0
            identities = Identities(self._entity, self._s.source.traits.has_unique_keys)
            for key in inside:
                raws = self._not_held(tx, key, documents[key])
                gone += not documents[key]
                entries += [(self._entry(raw, why[key]), raw) for raw in raws]
            journal.quarantine_all(tx, identities.named(tx, entries))
            self._shift(tx, len(entries), gone, rows)
        return Evicted(Counter({self._entity: len(entries)}), Counter({self._entity: gone}))

    def remove_lost(self, values: pa.Array) -> Evicted:
        """Remove the rows with these owner values, for which the source has no record."""
        assert self._values is not None
        if self._owners.ledger:  # the ledger is searched by key, which is unknown
            with self._s.transaction() as tx:
                keys = self._s.ledger.record_keys(tx, self._entity)
        else:
            keys = []
        wanted, found = set(values.to_pylist()), dict[object, str]()
        for piece in pieces(k for k in keys if not k.startswith(NO_KEY)):
            named, own = self._values.of(piece)
            found |= {v: k for k, v in zip(named, own.to_pylist(), strict=True) if v in wanted}
        with self._s.transaction() as tx:
            if not self._are_all_own(tx):
                return Evicted()
            gone, rows = self._delete_by(tx, values)
            rows.update(self._delete_in_ledger(tx, list(found.values()))[1])
            self._shift(tx, 0, len(gone), rows)
        return Evicted(Counter(), Counter({self._entity: len(gone)}))

    def _shift(self, tx: TargetTransaction, quarantined: int, gone: int, rows: Counter[str]) -> None:
        shift = {name: -count for name, count in rows.items()}
        if quarantined or gone or shift:
            journal.shift_counts(
                tx, self._entity, copied=-quarantined - gone, quarantined=quarantined, gone=gone, rows=shift
            )

    # -- rows

    def _are_all_own(self, tx: TargetTransaction) -> bool:
        """Return whether the move wrote all rows of the entity's tables. Otherwise a row without a record in the source
        may be somebody else's.
        """
        tables = [self._s.work.tables[name] for name in self._owners.tables]
        return not any(tx.other_rows(table, limit=1).count for table in tables)

    def _delete(self, tx: TargetTransaction, keys: Sequence[str]) -> tuple[list[str], Counter[str]]:
        """Delete all rows of these records. Return the keys that had any, and the number of rows by table."""
        inside, rows = self._delete_in_ledger(tx, keys)
        named = [key for key in keys if not key.startswith(NO_KEY)]
        if self._values is not None and named:
            mapped, values = self._values.of(named)
            deleted, more = self._delete_by(tx, values)
            inside |= {key for key, value in zip(mapped, values.to_pylist(), strict=True) if value in deleted}
            rows.update(more)
        return [key for key in keys if key in inside], rows

    def _delete_by(self, tx: TargetTransaction, values: pa.Array) -> tuple[set[object], Counter[str]]:
        found, rows = set[object](), Counter[str]()
        for name, column in self._owners.columns.items():
            table = self._s.work.tables[name]
            by, key = pa.table({column: values}), list(table.primary_key)
            own = tx.owned(table, by, list(dict.fromkeys([*key, column])))
            found.update(own.column(column).to_pylist())
            rows[name] += tx.delete(table, by)
            loaded.note_gone(tx, table, own.select(key))
        return found, +rows

    def _delete_in_ledger(self, tx: TargetTransaction, keys: Sequence[str]) -> tuple[set[str], Counter[str]]:
        inside, rows = set[str](), Counter[str]()
        if self._owners.ledger and keys:
            for name, (own, records) in self._s.ledger.rows(tx, self._entity, keys, self._s.work.tables).items():
                table = self._s.work.tables[name]
                rows[name] += tx.delete(table, own)
                loaded.note_gone(tx, table, own)
                self._s.ledger.forget(tx, table, own)
                inside.update(records)
        return inside, +rows

    # -- entries

    def _not_held(self, tx: TargetTransaction, key: str, raws: Sequence[bytes]) -> list[bytes]:
        """Return, of records that share a key, those that are not already in quarantine or discarded."""
        if len(raws) <= 1:
            return list(raws)
        held = journal.held_digests(tx, self._entity, key)
        left: list[bytes] = []
        for raw in raws:
            digest = journal.digest_of(raw)
            if held[digest]:
                held[digest] -= 1
            else:
                left.append(raw)
        return left

    def _entry(self, raw: bytes, why: Broken) -> Entry:
        return Entry(
            id="",
            entity=self._entity,
            chunk=journal.LATER,
            key=self._s.codec.key(raw),
            reason=why.reason,
            detail=why.detail,
            table=why.table,
            column=why.column,
            phase=why.phase,
            constraint=why.constraint,
        )
