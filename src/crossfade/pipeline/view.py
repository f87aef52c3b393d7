"""What is known of some records in one transaction: the records in the source, the rows that they make, the rows that
they own, and their entries in quarantine.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from functools import cached_property

import pyarrow as pa

from crossfade.journal import journal
from crossfade.journal.journal import Entry
from crossfade.model.keys import in_order
from crossfade.model.rejection import REMAINDER, Rejection
from crossfade.model.target import TargetTable
from crossfade.pipeline.ownership import OwnedRows, Ownership, Who
from crossfade.pipeline.parents import Parents
from crossfade.runtime.records import read
from crossfade.runtime.session import Session
from crossfade.stores.contract import TargetTransaction
from crossfade.transform.transform import TableRows

MAPPING, PERSON = "mapping", "person"
"""What discarded a record: the `where` of a discard, or a person."""


@dataclass
class Record:
    """One record. `raw` is None if the source does not have it now. `frozen`: why it and its rows stay as they are.

    `rejection`: it does not fit, whatever else is in the target. `entry`: its open or discarded entry in quarantine.
    """

    number: int
    who: Who
    raw: bytes | None
    entry: Entry | None = None
    entry_digest: str = ""
    rejection: Rejection | None = None
    discarded: str | None = None
    was_discarded: bool = False
    frozen: str | None = None

    @property
    def wants_in(self) -> bool:
        return self.raw is not None and self.rejection is None and self.discarded is None and self.frozen is None


@dataclass(frozen=True)
class Wanted:
    """Rows of one table that records make, each with the number of its record."""

    table: TargetTable
    rows: pa.Table
    records: Sequence[int]


@dataclass
class View:
    """Records and rows that were read; `add` reads more, and none twice.

    `failed`: records that are not mapped, but go to quarantine. `left`: records that were asked for, and that another
    transaction applies. `instead`: records whose keys are equal to those asked for, but other texts (1.00 for 1.0).
    """

    s: Session
    tx: TargetTransaction
    ownership: Ownership
    failed: Mapping[Who, Rejection] = field(default_factory=dict)
    left: frozenset[Who] = frozenset()
    records: list[Record] = field(default_factory=list)
    by_who: dict[Who, list[Record]] = field(default_factory=dict)
    wanted: list[Wanted] = field(default_factory=list)
    current: list[OwnedRows] = field(default_factory=list)
    instead: set[Who] = field(default_factory=set)

    def add(self, listed: Mapping[str, Iterable[str]]) -> None:
        """Read these records of each entity."""
        for entity, keys in sorted(listed.items()):
            new = [key for key in dict.fromkeys(keys) if (entity, key) not in self.by_who]
            if new:
                self._add(entity, sorted(new, key=in_order))

    def _add(self, entity: str, keys: Sequence[str]) -> None:
        found = read(self.s, entity, keys)
        self.instead |= {(entity, key) for key in found.keys() - set(keys)}
        entries = journal.entries_of_keys(self.tx, entity, keys)
        left = set(self.s.ledger.left(self.tx, entity, keys)) if self._discards(entity) else set()
        new = [r for key in keys for r in self._records(entity, key, found[key], entries.get(key, []), key in left)]
        self._map(entity, [record for record in new if record.raw is not None and record.rejection is None])
        self.current += self.ownership.of(self.tx, entity, keys)

    def _records(
        self, entity: str, key: str, raws: Sequence[bytes], entries: Sequence[tuple[Entry, str]], was_left: bool
    ) -> list[Record]:
        """Return the records with one key: only a dump has several. If there is none, one that stands for the record
        that was there, or for each entry.
        """
        out, left = list[Record](), list(entries)
        present: list[bytes | None] = [*raws]
        for raw in present or [None] * max(1, len(entries)):
            failed = self.failed.get((entity, key))
            record = Record(len(self.records), (entity, key), raw, rejection=failed, was_discarded=was_left)
            mine = _entry_of(raw, left, alone=len(raws) == 1) if left else None
            if mine is not None:
                left.remove(mine)
                record.entry, record.entry_digest = mine
                is_persons = mine[0].state == "discarded" and mine[0].note is not None
                record.discarded = PERSON if is_persons else None
            self.records.append(record)
            self.by_who.setdefault((entity, key), []).append(record)
            out.append(record)
        return out

    def _map(self, entity: str, records: Sequence[Record]) -> None:
        if not records:
            return
        batch = self.s.batch_of(entity, b"".join(record.raw or b"" for record in records))
        unread = {one.row: one for one in batch.rejected}
        for place, one in unread.items():
            records[place].rejection = replace(one, detail=one.said, path="", raw=b"")
        read_ones = [record for place, record in enumerate(records) if place not in unread]
        with self.s.noting_uses(self.tx, entity):
            mapped = self.s.transformer(entity).map(batch)
        for why in mapped.rejections:
            read_ones[why.row].rejection = why
        for row in mapped.discarded:
            if read_ones[row].discarded is None:
                read_ones[row].discarded = MAPPING
        self.wanted += [self._part(part, read_ones) for part in mapped.tables]

    def _part(self, part: TableRows, records: Sequence[Record]) -> Wanted:
        return Wanted(part.table, part.rows, [records[row].number for row in part.roots.to_pylist()])

    def _discards(self, entity: str) -> bool:
        return self.s.work.program.feeds[entity].discard_sql is not None

    def freeze(self, who: Who, why: str) -> None:
        """Leave a record and its rows as they are."""
        for record in self.by_who[who]:
            record.frozen = why
        self.current = [_without(part, who) for part in self.current]

    @cached_property
    def waiting(self) -> Parents:
        """The rows that records in quarantine would make."""
        return Parents(self.s, lambda: nullcontext(self.tx))

    @property
    def inside(self) -> set[Who]:
        """The records that have rows in the target."""
        return {who for rows in self.current for who in rows.owners}


def _without(part: OwnedRows, who: Who) -> OwnedRows:
    places = [i for i, owner in enumerate(part.owners) if owner != who]
    rows = part.rows.take(pa.array(places, pa.int64()))
    return OwnedRows(part.table, rows, [part.owners[i] for i in places])


def _entry_of(raw: bytes | None, entries: Sequence[tuple[Entry, str]], *, alone: bool) -> tuple[Entry, str] | None:
    """Return the entry of a record among those of its key: by its digest, if several records have the key."""
    usable = [one for one in entries if one[0].reason != REMAINDER]
    if alone or raw is None:  # of several that are gone each has its own
        return usable[0] if usable else None
    digest = journal.digest_of(raw)
    return next((one for one in usable if one[1] == digest), None)
