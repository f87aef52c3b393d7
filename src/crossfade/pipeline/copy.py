"""Copy all chunks, each in one transaction together with its record in the journal.

After kill -9 at any time, each chunk is either complete or absent; the next run copies the absent ones.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from crossfade.journal import journal
from crossfade.journal.causes import place_of
from crossfade.journal.journal import Entry
from crossfade.model.batch import Batch, Chunk
from crossfade.model.counts import Counts
from crossfade.model.events import ChunkCopied, Listener, Refusals
from crossfade.model.rejection import Rejection
from crossfade.pipeline.apply import apply
from crossfade.pipeline.enough import Losses, StopAt
from crossfade.pipeline.entries import entry_of, quarantine
from crossfade.runtime.executor import Executor
from crossfade.runtime.session import Session, Work, session
from crossfade.runtime.tasks import run_tasks
from crossfade.stores.contract import TargetTransaction

_LARGE = 32 << 20
"""Batches above this size, with very large documents, release their memory before the next one."""


@dataclass
class _Account:
    """The result of a chunk so far. `entries` are put into quarantine at its end."""

    counts: Counts = field(default_factory=Counts)
    rows: Counter[str] = field(default_factory=Counter)
    refused: dict[tuple[str, str], Refusals] = field(default_factory=dict)
    entries: list[tuple[Entry, bytes]] = field(default_factory=list)


def copy(
    work: Work,
    pending: Sequence[Chunk],
    executor: Executor,
    listen: Listener,
    stop_at: StopAt,
    may_begin: Callable[[], bool],
) -> None:
    """Copy the pending chunks. On an error or Ctrl-C, running chunks are finished and the others are left to the next
    run. No chunk begins while `may_begin` says no.

    Raises TooManyRefused if an entity loses too many of its records.
    """
    losses = Losses(stop_at)

    def take(done: ChunkCopied) -> None:
        listen(done)
        losses.add(done.chunk.entity, done.counts, done.refused)

    run_tasks(executor, copy_chunk, ((work, chunk) for chunk in pending), take, tell=listen, may_begin=may_begin)


def copy_chunk(work: Work, chunk: Chunk) -> ChunkCopied:
    """Copy a chunk in one transaction. Runs in a worker."""
    start = time.perf_counter()
    s = session(work)
    account = _Account()
    if work.is_followed:
        s.forget_lookups()  # those that an earlier chunk noted may have been rolled back
    with s.reading(), s.transaction() as tx:
        if not journal.claim_chunk(tx, chunk):
            return ChunkCopied(chunk, Counts(), 0.0, before=True)
        columns = work.program.feeds[chunk.entity].columns
        for batch in s.reader.batches(chunk, work.shapes[chunk.entity], columns):
            _copy_batch(s, tx, chunk, batch, account)
            large = batch.table.nbytes > _LARGE
            del batch  # release its memory before the next one
            if large:
                pa.default_memory_pool().release_unused()
        quarantine(s, tx, chunk.entity, account.entries)
        seconds = time.perf_counter() - start
        journal.finish_chunk(tx, chunk, account.counts, account.rows, seconds)
    return ChunkCopied(chunk, account.counts, seconds, tuple(account.refused.values()))


def _copy_batch(s: Session, tx: TargetTransaction, chunk: Chunk, batch: Batch, account: _Account) -> None:
    with s.noting_uses(tx, chunk.entity):
        mapped = s.transformer(chunk.entity).map(batch)
    applied = apply(s, tx, chunk.entity, batch, mapped)
    rejected = list(applied.rejected.values())
    account.entries += _entries(chunk, batch, rejected)
    _count_refusals(batch, rejected, account)
    account.rows += applied.rows
    account.counts += applied.counts


def _entries(chunk: Chunk, batch: Batch, rejected: Sequence[Rejection]) -> Iterator[tuple[Entry, bytes]]:
    """Yield entries without ids, which are assigned when the whole chunk is known."""
    for why, raw in zip(rejected, batch.records([one.row for one in rejected]), strict=True):
        yield entry_of(chunk.entity, batch.keys[why.row], why, "copy", chunk.number), raw
    for aside in batch.rejected:
        yield entry_of(chunk.entity, aside.key, aside, "read", chunk.number), aside.raw


def _count_refusals(batch: Batch, rejections: Sequence[Rejection], account: _Account) -> None:
    for rejection in rejections:
        place = place_of(rejection.table, rejection.column)
        _count_refusal(account, rejection.reason, place, rejection.detail)
    for aside in batch.rejected:
        _count_refusal(account, aside.reason, aside.path, aside.detail)


def _count_refusal(account: _Account, reason: str, place: str, example: str) -> None:
    known = account.refused.get((reason, place))
    account.refused[reason, place] = Refusals(reason, place, known.count + 1 if known else 1, example)
