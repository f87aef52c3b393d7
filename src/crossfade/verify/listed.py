"""Compare the records of a list of keys, in a worker: as the source has them now, with their rows in the target.

Each key has one account, as in the comparison of chunks. In addition, this finds rows that a record owns but does not
make, and rows of keys that the source no longer has.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from crossfade.journal import journal
from crossfade.journal.entries import documents_outside
from crossfade.journal.ledger import row_texts
from crossfade.model.batch import Batch
from crossfade.model.canonical import with_nulls
from crossfade.model.equal import find_keys
from crossfade.model.positions import Floor
from crossfade.model.rejection import REMAINDER, Rejection
from crossfade.model.target import TargetTable
from crossfade.runtime.memory import keep_less
from crossfade.runtime.records import read
from crossfade.runtime.sent_once import Once
from crossfade.runtime.session import Session, Work, session
from crossfade.stores.contract import TargetTransaction
from crossfade.transform.transform import Mapped, TableRows, drop_roots
from crossfade.verify.chunk import Agreed
from crossfade.verify.compare import DUPLICATE, EXTRA, Unlike, compare
from crossfade.verify.not_copied import ACCOUNTS, COPIED, DISCARDED, Altered, ChunkAccounts, Document, NotCopied
from crossfade.verify.owned import Owned, owned_rows, owners_in_ledger
from crossfade.verify.show import key_text
from crossfade.verify.verdict import Difference

GONE, UNCOUNTED = "gone", "uncounted"
"""Accounts of a key, beside COPIED, QUARANTINED and DISCARDED. GONE: the source does not have it."""

_ALL = 1 << 31


@dataclass(frozen=True)
class Listing:
    """Records of one entity that are to be compared, by reads that have seen `floor`: key -> its mark as a suspect."""

    entity: str
    marks: Mapping[str, str]
    floor: Floor | None
    agreed: Once[Agreed]


@dataclass
class Unequal:
    """All differences of one record. `not_in_source`: it is in the journal, but no longer in the source."""

    entity: str
    key: str
    differences: list[Difference] = field(default_factory=list)
    uncounted: Rejection | None = None
    altered: Altered | None = None
    not_in_source: bool = False


@dataclass
class ListComparison:
    """The result: the account of each key, and the findings of those that differ. `rows` counts the expected rows, and
    `compared` has the columns, of each table. `marks` are those of the listing.
    """

    entity: str
    marks: Mapping[str, str]
    accounts: dict[str, str] = field(default_factory=dict)
    findings: dict[str, Unequal] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)
    compared: dict[str, set[str]] = field(default_factory=dict)


def compare_listed(work: Work, listing: Listing) -> ListComparison:
    """Compare the records with these keys. Nothing is written."""
    keep_less()
    s = session(work)
    s.forget_lookups()
    with s.reading(listing.floor):
        return _Comparison(s, listing).compare()


class _Comparison:
    def __init__(self, s: Session, listing: Listing) -> None:
        self._s, self._listing = s, listing
        self._entity, self._agreed = listing.entity, listing.agreed.value
        self._out = ListComparison(listing.entity, listing.marks)

    def compare(self) -> ListComparison:
        entity, keys = self._entity, list(self._listing.marks)
        found = read(self._s, entity, keys)
        with self._s.writer.transaction() as tx:
            not_copied = _not_copied(tx, entity, keys)
        self._gone([key for key in keys if not found[key]], not_copied)
        present = [key for key in keys if found[key]]
        raws = [raw for key in present for raw in found[key]]
        parts = self._accounted(raws, ChunkAccounts(not_copied, journal.LATER)) if raws else []
        for part in parts:
            self._rows(part)
        self._beside(parts)
        return self._out

    def _finding(self, key: str) -> Unequal:
        return self._out.findings.setdefault(key, Unequal(self._entity, key))

    def _gone(self, keys: Sequence[str], not_copied: NotCopied) -> None:
        for key in keys:
            self._out.accounts[key] = GONE
            if key in not_copied.by_key:
                self._finding(key).not_in_source = True

    def _accounted(self, raws: Sequence[bytes], accounts: ChunkAccounts) -> list[_TableRows]:
        """Give each record its account. Return the rows of those that should be in the target."""
        batch = self._s.batch_of(self._entity, b"".join(raws))
        mapped = self._s.transformer(self._entity).map(batch)
        self._of_rejected(batch, accounts)
        inside = self._of_read(batch, mapped, accounts)
        for one in accounts.altered:
            self._finding(one.key).altered = one
        out = set(range(len(batch.raws))) - inside
        copied = [drop_roots(part, out) if out else part for part in mapped.tables]
        return [self._part(part, batch) for part in copied if part.table.name in self._agreed.tables]

    def _part(self, part: TableRows, batch: Batch) -> _TableRows:
        """Return the rows as the target should have them."""
        rows = self._s.row_reader.printed(part.table, part.rows)
        if part.table.name not in self._agreed.triggered:
            rows = with_nulls(part.table, rows)
        return _TableRows(part.table, rows, [str(batch.keys[row]) for row in part.roots.to_pylist()])

    def _of_rejected(self, batch: Batch, accounts: ChunkAccounts) -> None:
        for one in batch.rejected:
            if one.reason == REMAINDER or one.key is None:
                continue
            account = accounts.account(one.key, one.raw)
            if account is None:
                self._uncounted(one.key, one)
            else:
                self._out.accounts[one.key] = account

    def _of_read(self, batch: Batch, mapped: Mapped, accounts: ChunkAccounts) -> set[int]:
        """Return the records that should be in the target, by their place in the batch."""
        why = {one.row: one for one in mapped.rejections}
        inside = set[int]()
        for row, key in enumerate(batch.keys):
            assert key is not None, "it was read by its key"
            account = accounts.account(key, batch.raws[row]) if accounts.may_have(key) else None
            if account is None and row in why:
                self._uncounted(key, why[row])
                continue
            if account is None and row not in mapped.discarded:
                inside.add(row)
                account = COPIED
            self._out.accounts[key] = account or DISCARDED
        return inside

    def _uncounted(self, key: str, why: Rejection) -> None:
        self._out.accounts[key] = UNCOUNTED
        self._finding(key).uncounted = why.of(key)

    def _rows(self, part: _TableRows) -> None:
        """Compare the rows of one table that the records make."""
        table, name = part.table, part.table.name
        if not part.rows.num_rows:
            return
        found = self._s.row_reader.rows(table, part.rows.column_names, part.rows.select(list(table.primary_key)))
        seen = compare(table, part.rows, found, limit=_ALL)
        self._out.rows[name] = self._out.rows.get(name, 0) + seen.rows
        self._out.compared.setdefault(name, set()).update(part.rows.column_names)
        for unlike in seen.unlike:
            self._differs(part, unlike)
        self._twice(part)
        if name in self._s.owners[self._entity].ledger:
            self._others(part, set(seen.missing))

    def _differs(self, part: _TableRows, unlike: Unlike) -> None:
        key, table = part.records[unlike.row], part.table.name
        named = unlike.key, key, unlike.column, unlike.expected, unlike.found
        self._finding(key).differences.append(Difference(unlike.kind, self._entity, table, *named))

    def _twice(self, part: _TableRows) -> None:
        """Note keys that the records make more than once."""
        counts = Counter(row_texts(part.table, part.rows))
        for row, text in enumerate(row_texts(part.table, part.rows) if len(counts) < len(part.records) else ()):
            if counts[text] > 1:
                self._note(DUPLICATE, part, row, f"{counts[text]} rows", "a row")

    def _others(self, part: _TableRows, missing: set[int]) -> None:
        """Note rows that are correct but belong to another record."""
        with self._s.writer.transaction() as tx:
            owners = owners_in_ledger(self._s, tx, part.table, part.rows.select(list(part.table.primary_key)))
        for row, (owner, key) in enumerate(zip(owners, part.records, strict=True)):
            if owner is not None and owner != (self._entity, key) and row not in missing:
                self._note(DUPLICATE, part, row, "a row of its own", f"a row of {owner[0]} {owner[1]}")

    def _note(self, kind: str, part: _TableRows, row: int, expected: str, found: str) -> None:
        text = key_text(part.rows.slice(row, 1), part.table, part.table.primary_key)
        key = part.records[row]
        one = Difference(kind, self._entity, part.table.name, text, key, None, expected, found)
        self._finding(key).differences.append(one)

    def _beside(self, parts: Sequence[_TableRows]) -> None:
        """Find the rows that the records own and do not make."""
        for owned in owned_rows(self._s, self._entity, list(self._listing.marks)):
            if owned.table.name in self._agreed.tables and owned.keys.num_rows:
                self._extra(owned, [part.rows for part in parts if part.table.name == owned.table.name])

    def _extra(self, owned: Owned, made: Sequence[pa.Table]) -> None:
        own = list(owned.table.primary_key)
        expected = pa.concat_tables([rows.select(own) for rows in made]) if made else owned.keys.slice(0, 0)
        places = find_keys(owned.keys, expected, owned.table, own)
        for place in pc.indices_nonzero(pc.is_null(places)).to_pylist():
            self._note(EXTRA, _TableRows(owned.table, owned.keys, owned.records), place, "no row", "a row")


@dataclass(frozen=True)
class _TableRows:
    """Rows of one table, each with the key of its record."""

    table: TargetTable
    rows: pa.Table
    records: Sequence[str]


def _not_copied(tx: TargetTransaction, entity: str, keys: Sequence[str]) -> NotCopied:
    """Return the accounts of those of the keys that are in the journal. A source with unique keys is assumed."""
    found: dict[str, tuple[str, Document]] = {}
    for entry, digest, size in documents_outside(tx, entity, keys):
        if entry.reason != REMAINDER and entry.key is not None:
            found[entry.key] = ACCOUNTS[entry.state], Document(digest, size)
    return NotCopied(found)
