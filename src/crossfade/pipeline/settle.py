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
from crossfade.transform.transform import Mapped, Misfit, drop_roots, keep_roots

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
        entries = [e for e in entries if e.entity in s.work.program.feeds]
        found = [(e, digest_of(raw)) for e, raw in zip(entries, journal.raws_of(tx, entries), strict=True)]
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
        own = list(group)
        for start in range(0, len(own), PIECE_RECORDS):
            some = own[start : start + PIECE_RECORDS]
            piece: Piece = []
            size = 0
            with s.transaction() as tx:
                documents = journal.raws_of(tx, [entry for entry, _ in some])
                for one, raw in zip(some, documents, strict=True):
                    if piece and size + len(raw) > PIECE_BYTES:
                        yield piece
                        piece, size = [], 0
                    piece.append((one, raw))
                    size += len(raw)
            yield piece


def _mapped(s: Session, piece: Piece) -> tuple[Batch, Mapped]:
    entity = piece[0][0][0].entity
    batch = s.batch_of(entity, b"".join(raw for _, raw in piece))
    return batch, s.carrier(entity).map(batch)


def _bring_back(s: Session, piece: Piece, taken: set[str]) -> None:
    """Loads the piece's records in their order; who is refused stays in quarantine. `taken`: all entries' ids."""
    batch, mapped = _mapped(s, piece)
    aside = {a.position for a in batch.aside}
    rows = iter(range(len(batch.raws)))
    tried = [(None if place in aside else next(rows), one, raw) for place, (one, raw) in enumerate(piece)]
    seen = {row: (one, raw) for row, one, raw in tried if row is not None and row not in mapped.discarded}
    misfits = {m.row: m for m in mapped.misfits if m.row in seen}
    with s.transaction() as tx:
        misfits |= _load(tx, mapped, [row for row in seen if row not in misfits], piece[0][0][0].entity)
        journal.forget_entries(tx, [entry for (entry, _), _ in seen.values()])
        back: list[tuple[Entry, bytes]] = []
        for row, ((entry, digest), raw) in seen.items():  # what is discarded now is left as it is
            taken.remove(entry.id)
            if row in misfits:
                refused = _refused(entry, misfits[row], digest, taken)
                taken.add(refused.id)
                back.append((refused, raw))
        journal.quarantine_all(tx, back)


def _load(tx: Loader, mapped: Mapped, rows: Sequence[int], entity: str) -> dict[int, Misfit]:
    parts = [keep_roots(part, set(rows)) for part in mapped.tables]
    refused = {m.row: m for m in load_records(tx, parts, rows, loaded=loaded.note)}
    made = [drop_roots(part, set(refused)) for part in parts]
    count = len(rows) - len(refused)
    if count:
        journal.shift_counts(tx, entity, copied=count, quarantined=-count, rows=row_counts(made))
    return refused


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
