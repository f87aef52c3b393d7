"""Records that want the same primary key: the one that comes first by its own key has it, whoever was loaded first.

While the copy runs, the target refuses the later one; with several workers, or after a kill, that is now this one and
now that. So when all is copied, the winners leave as well, and all of them come in again in the order of their keys.
A run that is killed here ends the same: who is in the target is taken out once more, and the order is the same.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from itertools import count, groupby

import pyarrow as pa

from crossfade.journal import journal, loaded
from crossfade.journal.journal import Entry
from crossfade.model.batch import Batch, Chunk
from crossfade.pipeline.leave import Broken, digest_of, row_counts, take_out
from crossfade.pipeline.load import load_records
from crossfade.pipeline.session import Session, Work, session
from crossfade.runtime.executor import Executor
from crossfade.stores.contract import Loader
from crossfade.transform.transform import Mapped, Misfit, keep_roots

PIECE_RECORDS, PIECE_BYTES = 1000, 8_000_000

Contested = tuple[Entry, str]
"""An entry in quarantine, and the digest of its document."""


def settle(work: Work, chunks: Sequence[Chunk], executor: Executor) -> None:
    """Decides anew, in the order of the keys, between all records that wanted the same primary key."""
    s = session(work)
    refused = _contested(s)
    for table, keys in _keys_of(s, refused).items():
        broken = Broken(table, "unique", "its primary key is taken", "", keys, phase="copy")
        take_out(work, broken, chunks, executor, by_key=False)
    contested = _contested(s) if refused else []
    taken = {entry.id for entry, _ in contested}
    for piece in _pieces(s, contested):
        _bring_back(s, piece, taken)


def _contested(s: Session) -> list[Contested]:
    """In the order in which they come in."""
    with s.transaction() as tx:
        entries = [e for e in journal.entries(tx) if e.state == "open" and e.phase == "copy" and e.reason == "unique"]
        found = [(e, digest_of(journal.raw_of(tx, e))) for e in entries if e.entity in s.work.program.feeds]
    return sorted(found, key=lambda c: (c[0].entity, c[0].key or "", c[1], c[0].chunk, c[0].id))


def _keys_of(s: Session, contested: Sequence[Contested]) -> dict[str, pa.Table]:
    """Table -> the primary keys that these records want."""
    found: dict[str, list[pa.Table]] = {}
    for piece in _pieces(s, contested):
        for part in _mapped(s, piece)[1].tables:
            found.setdefault(part.table.name, []).append(part.rows.select(list(part.table.primary_key)))
    return {table: pa.concat_tables(parts).combine_chunks() for table, parts in found.items()}


Piece = list[tuple[Contested, bytes]]


def _pieces(s: Session, contested: Sequence[Contested]) -> Iterator[Piece]:
    """A bounded number of records of one entity, with their documents."""
    for _, group in groupby(contested, key=lambda c: c[0].entity):
        piece: Piece = []
        for one in group:
            with s.transaction() as tx:
                piece.append((one, journal.raw_of(tx, one[0])))
            if len(piece) >= PIECE_RECORDS or sum(len(raw) for _, raw in piece) >= PIECE_BYTES:
                yield piece
                piece = []
        if piece:
            yield piece


def _mapped(s: Session, piece: Piece) -> tuple[Batch, Mapped]:
    entity = piece[0][0][0].entity
    batch = s.batch_of(entity, b"".join(raw for _, raw in piece))
    return batch, s.carrier(entity).map(batch)


def _bring_back(s: Session, piece: Piece, taken: set[str]) -> None:
    """Loads the piece's records one after the other; who is refused stays in quarantine. `taken`: all entries' ids."""
    batch, mapped = _mapped(s, piece)
    aside = {a.position for a in batch.aside}
    rows = iter(range(len(batch.raws)))
    misfits = {m.row: m for m in mapped.misfits}
    with s.transaction() as tx:
        for place, ((entry, digest), raw) in enumerate(piece):
            row = None if place in aside else next(rows)
            if row is None or row in mapped.discarded:  # not as the copy saw it: left as it is
                continue
            misfit = misfits.get(row) or _load(tx, entry, mapped, row)
            journal.forget_entry(tx, entry)
            taken.remove(entry.id)
            if misfit is not None:
                refused = _refused(entry, misfit, digest, taken)
                journal.quarantine(tx, refused, raw)
                taken.add(refused.id)


def _load(tx: Loader, entry: Entry, mapped: Mapped, row: int) -> Misfit | None:
    parts = [keep_roots(part, {row}) for part in mapped.tables]
    refused = load_records(tx, parts, [row], loaded=loaded.note)
    if not refused:
        journal.shift_counts(tx, entry.entity, copied=1, quarantined=-1, rows=row_counts(parts))
    return next(iter(refused), None)


def _refused(entry: Entry, misfit: Misfit, digest: str, taken: Collection[str]) -> Entry:
    """Twins that are the same to the byte are told apart by a number: the next that no other entry has."""
    ids = (journal.entry_id(entry.entity, "contested", entry.chunk, entry.key, digest, n) for n in count(1))
    return replace(
        entry,
        id=next(i for i in ids if i not in taken),
        reason=misfit.reason,
        detail=misfit.detail,
        table=misfit.table,
        column=misfit.column,
        constraint=misfit.constraint,
    )
