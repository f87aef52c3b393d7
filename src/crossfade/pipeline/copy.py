"""The copy: every chunk of every feed through the pipeline, each in one transaction with its record in the journal.

kill -9 at any instant leaves chunks that are wholly there and chunks that are not there at all; the next run does
the latter.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from crossfade.documents.decode import key_of
from crossfade.executor.again import TryingAgain
from crossfade.executor.tasks import run_tasks
from crossfade.journal import journal, loaded
from crossfade.journal.causes import place_of
from crossfade.journal.journal import Entry
from crossfade.model.batch import REMAINDER, Batch, Chunk
from crossfade.model.counts import Counts
from crossfade.pipeline.enough import Losses, Refusals, StopAt
from crossfade.pipeline.load import load_records
from crossfade.pipeline.session import Session, Work, session
from crossfade.runtime.executor import Executor
from crossfade.stores.contract import Loader
from crossfade.transform.transform import Mapped, Misfit

_LARGE = 32 << 20
"""Bytes of a batch, as those of the biggest documents have: what it took is not kept for the next one."""


@dataclass(frozen=True, slots=True)
class ChunkCopied:
    """An event: a chunk is in the target, and noted. `counts` is None where an earlier run had done it."""

    chunk: Chunk
    counts: Counts | None
    seconds: float
    refused: tuple[Refusals, ...] = ()


@dataclass
class _Account:
    counts: Counts = field(default_factory=Counts)
    rows: dict[str, int] = field(default_factory=dict)
    position: int = 0
    refused: dict[tuple[str, str], Refusals] = field(default_factory=dict)


def copy(
    work: Work,
    pending: Sequence[Chunk],
    executor: Executor,
    listen: Callable[[ChunkCopied | TryingAgain], None],
    stop_at: StopAt,
) -> None:
    """Copies the pending chunks. On an error or Ctrl-C those at work are finished, the others wait for the next run.

    Raises TooManyRefused where an entity loses too many of its records.
    """
    losses = Losses(stop_at)

    def take(done: ChunkCopied) -> None:
        listen(done)
        losses.add(done.chunk.entity, done.counts, done.refused)

    run_tasks(executor, copy_chunk, ((work, chunk) for chunk in pending), take, tell=listen)


def copy_chunk(work: Work, chunk: Chunk) -> ChunkCopied:
    """One chunk, one transaction. Runs in a worker."""
    start = time.perf_counter()
    s = session(work)
    account = _Account()
    with s.transaction() as tx:
        if not journal.claim_chunk(tx, chunk):
            return ChunkCopied(chunk, None, 0.0)
        columns = work.program.feeds[chunk.entity].columns
        for batch in s.reader.batches(chunk, work.shapes[chunk.entity], columns):
            _carry_batch(s, tx, chunk, batch, account)
            large = batch.table.nbytes > _LARGE
            del batch  # the next one is made without it
            if large:
                pa.default_memory_pool().release_unused()
        seconds = time.perf_counter() - start
        journal.finish_chunk(tx, chunk, account.counts, account.rows, seconds)
    return ChunkCopied(chunk, account.counts, seconds, tuple(account.refused.values()))


def _carry_batch(s: Session, tx: Loader, chunk: Chunk, batch: Batch, account: _Account) -> None:
    mapped = s.carrier(chunk.entity).map(batch)
    aside = {m.row for m in mapped.misfits} | mapped.discarded
    good = [row for row in range(len(batch.raws)) if row not in aside]
    refused = load_records(tx, mapped.tables, good, loaded=loaded.note)
    misfits = [*mapped.misfits, *refused]
    _note(tx, chunk, batch, misfits, account.position)
    _count_refusals(batch, misfits, account)
    _count_rows(mapped, {m.row for m in refused}, account)
    set_aside = sum(1 for aside in batch.aside if aside.reason != REMAINDER)  # which is of nobody knows how many
    quarantined = len(misfits) + set_aside
    account.counts += Counts(
        source=len(batch.raws) + set_aside,
        copied=len(good) - len(refused),
        quarantined=quarantined,
        discarded=len(mapped.discarded),
    )
    account.position += len(batch.raws) + len(batch.aside)


def _note(tx: Loader, chunk: Chunk, batch: Batch, misfits: Sequence[Misfit], position: int) -> None:
    journal.quarantine_all(tx, _entries(chunk, batch, misfits, position))


def _entries(chunk: Chunk, batch: Batch, misfits: Sequence[Misfit], position: int) -> Iterator[tuple[Entry, bytes]]:
    for misfit in misfits:
        raw = batch.raws[misfit.row]
        entry = Entry(
            id=journal.entry_id(chunk.entity, chunk.number, position, "row", misfit.row),
            entity=chunk.entity,
            chunk=chunk.number,
            key=key_of(raw),
            reason=misfit.reason,
            detail=misfit.detail,
            table=misfit.table,
            column=misfit.column,
            phase="copy",
            constraint=misfit.constraint,
        )
        yield entry, raw
    for i, aside in enumerate(batch.aside):
        entry = Entry(
            id=journal.entry_id(chunk.entity, chunk.number, position, "aside", i),
            entity=chunk.entity,
            chunk=chunk.number,
            key=aside.key,
            reason=aside.reason,
            detail=aside.said,
            table=None,
            column=None,
            phase="read",
        )
        yield entry, aside.raw


def _count_refusals(batch: Batch, misfits: Sequence[Misfit], account: _Account) -> None:
    for misfit in misfits:
        place = place_of(misfit.table, misfit.column)
        _count_refusal(account, misfit.reason, place, misfit.detail)
    for aside in batch.aside:
        _count_refusal(account, aside.reason, aside.path, aside.detail)


def _count_refusal(account: _Account, reason: str, place: str, example: str) -> None:
    known = account.refused.get((reason, place))
    account.refused[reason, place] = Refusals(reason, place, known.count + 1 if known else 1, example)


def _count_rows(mapped: Mapped, refused: set[int], account: _Account) -> None:
    for part in mapped.tables:
        lost = sum(1 for root in part.roots.to_pylist() if root in refused) if refused else 0
        name = part.table.name
        account.rows[name] = account.rows.get(name, 0) + part.rows.num_rows - lost
