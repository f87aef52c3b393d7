"""Entries that may be readmitted or retried: listed without their documents, which are read piece by piece."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from typing import NamedTuple

from crossfade.journal.causes import Selection
from crossfade.journal.entries import ENTRY, OPEN, Entry, entry_of
from crossfade.journal.tables import QUARANTINE
from crossfade.model.keys import in_order
from crossfade.stores.contract import TargetTransaction
from crossfade.stores.contract.journal import Condition, Is, OneOf, Size

PIECE_RECORDS, PIECE_BYTES = 1000, 8_000_000
_COLUMNS = ("id", "entity", "record_key", "digest", Size("raw"), "target_table", "row_key")


class RefusedEntry(NamedTuple):
    """The fields of an open entry that are needed to sort it, to assign it to a piece and to find its owner."""

    id: str
    entity: str
    key: str | None
    digest: str
    size: int
    table: str | None = None
    row_key: str | None = None


def refused(tx: TargetTransaction, *reasons: str, phase: str | None = None) -> list[RefusedEntry]:
    """Return the open entries with these reasons by entity and key; records with the same key by digest."""
    where: list[Condition] = [OPEN, OneOf("reason", reasons)]
    if phase is not None:
        where.append(Is("phase", phase))
    return ordered(RefusedEntry(*row) for row in tx.journal.select(QUARANTINE, _COLUMNS, where))


def open_entries(tx: TargetTransaction, of: Selection) -> list[RefusedEntry]:
    """Return the open entries of a selection."""
    return ordered(
        RefusedEntry(*row) for row in tx.journal.select(QUARANTINE, _COLUMNS, replace(of, state="open").where)
    )


def ordered(found: Iterator[RefusedEntry] | Sequence[RefusedEntry]) -> list[RefusedEntry]:
    return sorted(found, key=lambda h: (h.entity, in_order(h.key), h.digest, h.id))


def in_pieces(found: Sequence[RefusedEntry]) -> Iterator[list[RefusedEntry]]:
    """Yield pieces of bounded size, each with records of one entity, in order."""
    for _, group in groupby(found, key=lambda h: h.entity):
        piece, size = list[RefusedEntry](), 0
        for one in group:
            if piece and (len(piece) >= PIECE_RECORDS or size + one.size > PIECE_BYTES):
                yield piece
                piece, size = [], 0
            piece.append(one)
            size += one.size
        yield piece


def read(tx: TargetTransaction, ids: Sequence[str]) -> list[tuple[Entry, bytes]]:
    """Return the open entries with these ids and their documents, in the order of the ids."""
    rows = tx.journal.select(QUARANTINE, ("raw", *ENTRY), (OPEN, OneOf("id", ids)))
    found = {row[0]: (entry_of(row), bytes(raw)) for raw, *row in rows}
    return [found[id_] for id_ in ids if id_ in found]
