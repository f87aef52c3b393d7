"""Verify one chunk in a worker: read it again, map it again, and compare the result with the rows in the target."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from typing import Protocol

import pyarrow as pa

from crossfade.model.batch import Batch, Chunk
from crossfade.model.canonical import with_nulls
from crossfade.model.counts import Counts
from crossfade.model.rejection import REMAINDER, Rejection
from crossfade.model.shape import Shape
from crossfade.runtime.memory import keep_less
from crossfade.runtime.sent_once import Once
from crossfade.stores.contract import Reader, RowReader
from crossfade.transform.transform import Mapped, TableRows, Transformer, drop_roots
from crossfade.verify.compare import Unlike, compare
from crossfade.verify.not_copied import COPIED, DISCARDED, QUARANTINED, Altered, ChunkAccounts, NotCopied
from crossfade.verify.runs import Runs
from crossfade.verify.spool import ENTITY, RECORD, keys_as_bytes, keys_of
from crossfade.verify.verdict import Difference


class Agreement(Protocol):
    @property
    def shapes(self) -> Mapping[str, Shape]: ...


class Tools(Protocol):
    """The open stores and the mappings of a worker (runtime.session.Session implements it)."""

    @property
    def work(self) -> Agreement: ...
    @property
    def reader(self) -> Reader: ...
    @property
    def row_reader(self) -> RowReader: ...
    def reading(self) -> AbstractContextManager[None]: ...
    def forget_lookups(self) -> None: ...
    def transformer(self, entity: str) -> Transformer: ...


Keys = dict[str, list[pa.Table]]
"""The expected keys of each table, batch by batch."""

ACCOUNTS = "#accounts"
"""Stands for a table among the keys: the accounts of records by key."""

Opening = Callable[[], Tools]
"""Return the tools of the calling process. It can be pickled."""


@dataclass(frozen=True)
class Task:
    """`not_copied` has the records of the entity in the journal, which may be many. `agreed` is the same for all
    chunks.
    """

    chunk: Chunk
    not_copied: Once[NotCopied]
    agreed: Once[Agreed]


@dataclass(frozen=True)
class Agreed:
    """`tables` are compared. `triggered` are the tables with triggers that may have filled columns that no mapping
    fills. `live`: others write meanwhile, so that the account and the rows of each record are returned with its key.
    """

    tables: frozenset[str]
    limit: int
    triggered: frozenset[str] = frozenset()
    names_all: bool = False
    live: bool = False


@dataclass
class TableCount:
    """The result of a chunk for one table. All differences are counted; `differences` has the first ones. `runs`
    describes the order of all keys.

    `left_out` counts the rows that the mapping's own condition leaves out; None if unknown.
    """

    rows: int = 0
    missing: int = 0
    changed_rows: int = 0
    changed: Counter[str] = field(default_factory=Counter)
    compared: set[str] = field(default_factory=set)
    differences: list[Difference] = field(default_factory=list)
    runs: Runs = field(default_factory=Runs)
    left_out: int | None = 0


@dataclass
class ChunkResult:
    """The result of a chunk. `seen` counts the records that are in the journal, by account."""

    chunk: Chunk
    account: Counts = field(default_factory=Counts)
    uncounted: int = 0
    uncounted_records: list[Rejection] = field(default_factory=list)
    remainders: list[str] = field(default_factory=list)
    altered: list[Altered] = field(default_factory=list)
    tables: dict[str, TableCount] = field(default_factory=dict)
    seen: Counter[str] = field(default_factory=Counter)
    wrong: set[str] = field(default_factory=set)
    """If asked for: the keys of all records that differ, are not counted, or are not as they are in the journal."""
    seconds: float = 0.0

    @property
    def differences(self) -> int:
        return (
            self.uncounted + len(self.altered) + sum(t.missing + sum(t.changed.values()) for t in self.tables.values())
        )


def verify_chunk(opening: Opening, task: Task) -> tuple[ChunkResult, dict[str, bytes]]:
    """Return the result, and the expected keys of each table; while others write, also the ACCOUNTS of all records."""
    start = time.perf_counter()
    keep_less()
    tools, chunk = opening(), task.chunk
    transformer = tools.transformer(chunk.entity)
    result = ChunkResult(chunk)
    accounts = ChunkAccounts(task.not_copied.value, chunk.number)
    keys: Keys = {}
    if task.agreed.value.live:
        tools.forget_lookups()
    with tools.reading():
        for batch in tools.reader.batches(chunk, tools.work.shapes[chunk.entity], transformer.feed.columns):
            mapped = transformer.map(batch)
            copied = _ChunkBatch(tools.row_reader, task, batch, mapped, accounts, result, keys).verify()
            for table, rows in transformer.left_out(batch, mapped, copied).items():
                count = result.tables.setdefault(table, TableCount())
                count.left_out = added(count.left_out, rows)
    result.seen, result.altered = accounts.seen, accounts.altered
    if task.agreed.value.names_all:
        result.wrong |= {one.key for one in accounts.altered}
    sent = {table: keys_as_bytes(parts) for table, parts in keys.items() if parts}
    result.seconds = time.perf_counter() - start
    return result, sent


def added(one: int | None, other: int | None) -> int | None:
    """Return the sum, or None if one of the two is unknown."""
    return None if one is None or other is None else one + other


class _ChunkBatch:
    """Verifies one batch, and adds to the counts and the expected keys of its chunk."""

    def __init__(
        self,
        rows: RowReader,
        task: Task,
        batch: Batch,
        mapped: Mapped,
        accounts: ChunkAccounts,
        result: ChunkResult,
        keys: Keys,
    ) -> None:
        self.keys = keys
        self.rows, self.agreed, self.batch, self.mapped = rows, task.agreed.value, batch, mapped
        self.accounts, self.result = accounts, result
        self.entity = task.chunk.entity

    def verify(self) -> set[int]:
        """Verify the batch. Return the rows of the documents that count as copied."""
        accounts = self._not_copied()
        for rejection in self.mapped.rejections:
            if rejection.row not in accounts:
                key = self.batch.keys[rejection.row]
                self._uncounted(key, rejection)
        aside = Counter(self._rejected())
        by_mapping = self.mapped.discarded - accounts.keys()
        out = accounts.keys() | by_mapping | {m.row for m in self.mapped.rejections}
        lost = self._compare(set(accounts))
        if self.agreed.live:
            self.keys.setdefault(ACCOUNTS, []).append(self._accounts(accounts, by_mapping))
        counts = Counter(accounts.values()) + aside
        self.result.account += Counts(
            source=len(self.batch.raws) + sum(1 for one in self.batch.rejected if one.reason != REMAINDER),
            copied=len(self.batch.raws) - len(out | lost),
            quarantined=counts[QUARANTINED],
            discarded=counts[DISCARDED] + len(by_mapping),
        )
        return set(range(len(self.batch.raws))) - out

    def _accounts(self, not_copied: Mapping[int, str], by_mapping: Collection[int]) -> pa.Table:
        """Return the account of each record by its key. Records without one, or that differ, are compared again."""
        by_row = [COPIED] * len(self.batch.raws)
        for row in by_mapping:
            by_row[row] = DISCARDED
        for row, account in not_copied.items():
            by_row[row] = account
        aside = [(one.key, QUARANTINED) for one in self.batch.rejected if one.reason != REMAINDER]
        keys, accounts = [*self.batch.keys, *(key for key, _ in aside)], [*by_row, *(what for _, what in aside)]
        return pa.table([pa.array(keys, pa.string()), pa.array(accounts, pa.string())], names=["key", "account"])

    def _not_copied(self) -> dict[int, str]:
        """Return the account of each document that is in the journal, by row."""
        if self.accounts.is_empty:
            return {}
        keys = self.batch.keys
        rows = [row for row, key in enumerate(keys) if self.accounts.may_have(key)]
        raws = self.batch.records(rows)
        pairs = ((row, self.accounts.account(keys[row], raw)) for row, raw in zip(rows, raws, strict=True))
        return {row: account for row, account in pairs if account is not None}

    def _rejected(self) -> list[str]:
        """Return the accounts of the documents that the reader rejected. Documents without one are uncounted."""
        accounts = []
        for aside in self.batch.rejected:
            if aside.reason == REMAINDER:
                self.result.remainders.append(aside.detail)
                continue
            account = self.accounts.account(aside.key, aside.raw)
            if account is not None:
                accounts.append(account)
            else:
                self._uncounted(aside.key, aside)
        return accounts

    def _uncounted(self, key: str | None, why: Rejection) -> None:
        self.result.uncounted += 1
        self._wrong(key)
        if len(self.result.uncounted_records) < self.agreed.limit:
            self.result.uncounted_records.append(why.of(key))

    def _compare(self, not_copied: set[int]) -> set[int]:
        """Compare all rows of the documents that should be in the target. Return the documents with a missing row."""
        lost: set[int] = set()
        for part in self.mapped.tables:
            copied = drop_roots(part, not_copied) if not_copied else part
            if copied.rows.num_rows and copied.table.name in self.agreed.tables:
                lost |= self._compare_table(copied)
        return lost

    def _compare_table(self, part: TableRows) -> set[int]:
        part = replace(part, rows=self.rows.printed(part.table, part.rows))
        if part.table.name not in self.agreed.triggered:
            part = replace(part, rows=with_nulls(part.table, part.rows))
        table, columns = part.table, part.rows.column_names
        count = self.result.tables.setdefault(table.name, TableCount())
        keys = keys_of(part.rows, table)
        count.runs.add(keys)
        if self.agreed.live:
            records = pa.array([self.batch.keys[root] for root in part.roots.to_pylist()], pa.string())
            keys = keys.append_column(RECORD, records).append_column(ENTITY, pa.array([self.entity] * len(records)))
        self.keys.setdefault(table.name, []).append(keys)
        found = self.rows.rows(table, columns, part.rows.select(list(table.primary_key)))
        seen = compare(table, part.rows, found, limit=max(0, self.agreed.limit - len(count.differences)))
        count.rows += seen.rows
        count.missing += len(seen.missing)
        count.changed_rows += seen.changed_rows
        count.changed.update(seen.changed)
        count.compared.update(columns)
        for row in seen.wrong if self.agreed.names_all else ():
            self._wrong(self.batch.keys[part.roots[row].as_py()])
        count.differences += [self._difference(part, unlike) for unlike in seen.unlike]
        return {part.roots[row].as_py() for row in seen.missing}

    def _wrong(self, key: str | None) -> None:
        if self.agreed.names_all and key is not None:
            self.result.wrong.add(key)

    def _difference(self, part: TableRows, unlike: Unlike) -> Difference:
        return Difference(
            unlike.kind,
            self.entity,
            part.table.name,
            unlike.key,
            self.batch.keys[part.roots[unlike.row].as_py()],
            unlike.column,
            unlike.expected,
            unlike.found,
        )
