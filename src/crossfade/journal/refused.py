"""The entries that may come in again without a person: known without their documents, read a piece at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from crossfade.journal.causes import Selection
from crossfade.journal.journal import Entry, entry_of
from crossfade.journal.queries import queries
from crossfade.model.keys import in_order
from crossfade.stores.contract import TargetTransaction

PIECE_RECORDS, PIECE_BYTES = 1000, 8_000_000
_COLUMNS = (
    "id, entity, chunk, record_key, reason, detail, target_table, target_column, phase, state, note, noted_at,"
    " target_constraint, parent, waits_for, cause"
)


@dataclass(frozen=True, slots=True)
class Held:
    """An open entry, as far as it takes to put it in order and into a piece."""

    id: str
    entity: str
    key: str | None
    digest: str
    size: int


def refused(tx: TargetTransaction, *reasons: str, phase: str | None = None) -> list[Held]:
    """Open entries of one or two reasons, by entity and key: records that share a key by their digests."""
    values = {"reason": reasons[0], "other": reasons[-1], "phase": phase}
    return ordered(Held(*row) for row in tx.execute(queries()["find_refused"], values))


def held_of(tx: TargetTransaction, of: Selection) -> list[Held]:
    """The open entries of a selection."""
    return ordered(Held(*row) for row in tx.execute(queries()["find_held_of"], {**of.values, "state": "open"}))


def ordered(found: Iterator[Held] | Sequence[Held]) -> list[Held]:
    return sorted(found, key=lambda h: (h.entity, in_order(h.key), h.digest, h.id))


def in_pieces(found: Sequence[Held]) -> Iterator[list[Held]]:
    """Bounded numbers of records of one entity, in their order."""
    for _, group in groupby(found, key=lambda h: h.entity):
        piece, size = list[Held](), 0
        for one in group:
            if piece and (len(piece) >= PIECE_RECORDS or size + one.size > PIECE_BYTES):
                yield piece
                piece, size = [], 0
            piece.append(one)
            size += one.size
        yield piece


def read(tx: TargetTransaction, ids: Sequence[str]) -> list[tuple[Entry, bytes]]:
    """The open entries with these ids and their documents, in the order of the ids."""
    found: dict[str, tuple[Entry, bytes]] = {}
    for at in range(0, len(ids), PIECE_RECORDS):
        some = {f"i{n}": id_ for n, id_ in enumerate(ids[at : at + PIECE_RECORDS])}
        marks = ", ".join(f":{name}" for name in some)
        query = f"SELECT raw, {_COLUMNS} FROM {{crossfade}}quarantine WHERE state = 'open' AND id IN ({marks})"
        for raw, *row in tx.execute(query, some):
            found[row[0]] = entry_of(row), bytes(raw)
    return [found[id_] for id_ in ids if id_ in found]
