"""Version 5: entries are known by entity and key, not by chunk and position; a ledger; records that are gone."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from crossfade.stores.contract import TargetTransaction
from crossfade.stores.contract.journal import After, IsNot, JournalTable, Size, UpTo
from crossfade.stores.contract.journal import JournalColumn as C

_GONE = C("gone", "bigint", default=0)
_DIGEST = C("digest", default="")
_CHUNK = JournalTable("chunk", (), ())
_QUARANTINE = JournalTable("quarantine", (C("id"),), ("id",), {"quarantine_key": ("entity", "record_key")})
_LEDGER = JournalTable(
    "ledger",
    (C("target_table"), C("row_key"), C("entity"), C("record_key")),
    ("target_table", "row_key"),
    {"ledger_record": ("entity", "record_key")},
)
_AGREED = JournalTable("agreed", (C("kind"), C("name"), C("digest")), ("kind", "name"))
_AGAIN = JournalTable("again", (C("entity"),), ("entity",))
_AT_ONCE = 16_000_000


def migrate(tx: TargetTransaction, has_unique_keys: bool) -> None:
    tx.journal.add_column(_CHUNK, _GONE)
    tx.journal.add_column(_QUARANTINE, _DIGEST)
    for table in (_QUARANTINE, _LEDGER, _AGREED, _AGAIN):  # for an existing table, its new index
        tx.journal.create(table)
    digests = dict(_digests(tx))
    entries = tx.journal.select(_QUARANTINE, ("id", "entity", "record_key", "state"), order=("id",))
    new, taken = dict[str, str](), set[str]()
    for old, entity, key, _ in sorted(entries, key=lambda e: (e[3] == "retried", e[0])):  # closed ones last
        told = "" if has_unique_keys and key is not None else digests[old]
        number = 1
        while (found := _id(entity, key, told, number)) in taken:
            told, number = digests[old], number + 1
        new[old] = found
        taken.add(found)
    waiting = tx.journal.select(_QUARANTINE, ("id", "waits_for"), (IsNot("waits_for", None),))
    tx.journal.update_each(_QUARANTINE, [({"id": old}, {"id": new[old], "digest": digests[old]}) for old in new])
    tx.journal.update_each(
        _QUARANTINE, [({"id": new[old]}, {"waits_for": new[of]}) for old, of in waiting if of in new]
    )


def _id(entity: str, key: str | None, digest: str, number: int) -> str:
    identity = (entity, key, digest, number) if number > 1 else (entity, key, digest)
    return hashlib.sha256(repr(identity).encode()).hexdigest()[:16]


def _digests(tx: TargetTransaction) -> Iterator[tuple[str, str]]:
    """Yield the digest of every entry's document, reading a bounded number of bytes at a time."""
    after = ""
    while sizes := tx.journal.select(
        _QUARANTINE, ("id", Size("raw")), (After(("id",), (after,)),), order=("id",), limit=1000
    ):
        together = 0
        for place, (last, size) in enumerate(sizes):
            together += size
            if together >= _AT_ONCE or place + 1 == len(sizes):
                where = (After(("id",), (after,)), UpTo("id", last))
                for entry, raw in tx.journal.select(_QUARANTINE, ("id", "raw"), where, order=("id",)):
                    yield str(entry), hashlib.sha256(bytes(raw)).hexdigest()
                after, together = last, 0
