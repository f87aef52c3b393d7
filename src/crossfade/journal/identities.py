"""The ids of entries. They do not depend on the reader, the batch size, the phase or the order of the work."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from itertools import count
from operator import attrgetter

from crossfade.journal import journal
from crossfade.journal.entries import Entry, ids_outside
from crossfade.stores.contract import TargetTransaction

_ALL_BUT_ID = attrgetter(*[field.name for field in fields(Entry)][1:])


class Identities:
    """Assigns ids to the entries of an entity, for one transaction.

    If the source holds every key once, the key identifies a record. Otherwise (a dump) key and digest do, and identical
    records are numbered; transactions that number them run one after the other.
    """

    def __init__(self, entity: str, has_unique_keys: bool) -> None:
        self._entity, self._has_unique_keys = entity, has_unique_keys
        self._given: set[str] = set()

    def named(self, tx: TargetTransaction, entries: Sequence[tuple[Entry, bytes]]) -> list[tuple[Entry, bytes]]:
        """Return the entries with their ids."""
        told = [(entry, raw, self._digest(entry, raw)) for entry, raw in entries]
        if entries and not self._has_unique_keys:
            journal.lock_move(tx)
            first = (journal.entry_id(self._entity, entry.key, digest) for entry, _, digest in told)
            self._given |= ids_outside(tx, list(first))
        return [(Entry(self._next(tx, entry, raw, digest), *_ALL_BUT_ID(entry)), raw) for entry, raw, digest in told]

    def _digest(self, entry: Entry, raw: bytes) -> str:
        return "" if self._has_unique_keys and entry.key is not None else journal.digest_of(raw)

    def _next(self, tx: TargetTransaction, entry: Entry, raw: bytes, digest: str) -> str:
        id_ = journal.entry_id(self._entity, entry.key, digest)
        if id_ in self._given:
            told = digest or journal.digest_of(raw)
            ids = (journal.entry_id(self._entity, entry.key, told, n) for n in count(2))
            id_ = next(i for i in ids if i not in self._given and not ids_outside(tx, [i]))
        self._given.add(id_)
        return id_
