"""The source records that the journal does not count as copied: in quarantine, or discarded by a person."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from crossfade.journal.journal import LATER, Entry
from crossfade.model.rejection import REMAINDER

COPIED, QUARANTINED, DISCARDED = "copied", "quarantined", "discarded"
ACCOUNTS = {"open": QUARANTINED, "discarded": DISCARDED}

Place = tuple[int, str]
"""The number of a chunk (LATER if unknown), and the SHA-256 of a document in it."""


@dataclass(frozen=True, slots=True)
class Document:
    """The facts about a document in the journal that are needed to compare it with the source's, byte by byte."""

    digest: str
    size: int


def document_of(raw: bytes) -> Document:
    return Document(digest_of(raw), len(raw))


@dataclass(frozen=True, slots=True)
class Altered:
    """A record in quarantine, or discarded there, that differs from the source's. `key` is the source's key."""

    key: str
    account: str
    in_source: Document
    in_journal: Document


@dataclass(frozen=True)
class NotCopied:
    """`by_key` maps a key (canonical Extended JSON) to its account and to the document in the journal.

    `by_place` has the accounts of documents that their key does not identify: the key cannot be read, or an earlier
    document of a dump has the same key and is copied.
    """

    by_key: Mapping[str, tuple[str, Document]] = field(default_factory=dict)
    by_place: Mapping[Place, tuple[str, ...]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.by_key) + sum(map(len, self.by_place.values()))


NOTHING = NotCopied()


def records_outside(entries: Iterable[Entry], documents: Mapping[str, Document]) -> dict[str, NotCopied]:
    """Return the records of each entity that are not copied. `documents` has the entries' documents by entry id."""
    by_key: dict[str, dict[str, tuple[str, Document]]] = {}
    by_place: dict[str, dict[Place, tuple[str, ...]]] = {}
    entries = list(entries)
    known = Counter((entry.entity, entry.key) for entry in entries)
    for entry in entries:
        account = ACCOUNTS.get(entry.state)
        if account is None or entry.reason == REMAINDER:  # every read finds the remainder again
            continue
        if entry.key is not None and not _may_share_key(entry) and known[entry.entity, entry.key] == 1:
            by_key.setdefault(entry.entity, {})[entry.key] = account, documents[entry.id]
        else:
            places = by_place.setdefault(entry.entity, {})
            place = (entry.chunk, documents[entry.id].digest)
            places[place] = (*places.get(place, ()), account)
    return {e: NotCopied(by_key.get(e, {}), by_place.get(e, {})) for e in sorted(by_key.keys() | by_place.keys())}


def _may_share_key(entry: Entry) -> bool:
    """Return whether another document may have the same key: the target refused this one for its key in the copy."""
    return entry.reason == "unique" and entry.phase == "copy"


def digest_of(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()


class ChunkAccounts:
    """Returns the accounts of one chunk's documents, one after the other. `seen` counts the documents in the journal;
    `altered` lists those that differ there from the source.
    """

    def __init__(self, not_copied: NotCopied, chunk: int) -> None:
        self._not_copied = not_copied
        self._chunk = chunk
        self._left = {
            place: list(accounts) for place, accounts in not_copied.by_place.items() if place[0] in (chunk, LATER)
        }
        self.seen: Counter[str] = Counter()
        self.altered: list[Altered] = []

    @property
    def is_empty(self) -> bool:
        return not self._not_copied.by_key and not self._left

    def may_have(self, key: str | None) -> bool:
        """Return whether a document with this key may be in the journal; `account` tells whether it is."""
        return bool(self._left) or key in self._not_copied.by_key

    def account(self, key: str | None, raw: bytes) -> str | None:
        """Return QUARANTINED or DISCARDED, or None if this document is not in the journal."""
        account = self._by_place(raw) or self._by_key(key, raw)
        if account is not None:
            self.seen[account] += 1
        return account

    def _by_place(self, raw: bytes) -> str | None:
        if not self._left:
            return None
        digest = digest_of(raw)
        accounts = self._left.get((self._chunk, digest)) or self._left.get((LATER, digest))
        return accounts.pop(0) if accounts else None

    def _by_key(self, key: str | None, raw: bytes) -> str | None:
        known = self._not_copied.by_key.get(key) if key is not None else None
        if key is None or known is None:
            return None
        account, document = known
        found = document_of(raw)
        if found.digest != document.digest:
            self.altered.append(Altered(key, account, found, document))
        return account
