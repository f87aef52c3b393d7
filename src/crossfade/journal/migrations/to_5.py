"""Version 5: entries are known by entity and key, not by chunk and position; a ledger; records that are gone."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from crossfade.stores.contract import TargetTransaction

_STATEMENTS = (
    "ALTER TABLE {crossfade}chunk ADD COLUMN gone BIGINT NOT NULL DEFAULT 0",
    "ALTER TABLE {crossfade}quarantine ADD COLUMN digest TEXT NOT NULL DEFAULT ''",
    "CREATE INDEX {index}quarantine_key ON {crossfade}quarantine (entity, record_key)",
    "CREATE TABLE {crossfade}ledger (target_table TEXT NOT NULL, row_key TEXT NOT NULL, entity TEXT NOT NULL,"
    " record_key TEXT NOT NULL, PRIMARY KEY (target_table, row_key))",
    "CREATE INDEX {index}ledger_record ON {crossfade}ledger (entity, record_key)",
    "CREATE TABLE {crossfade}agreed (kind TEXT NOT NULL, name TEXT NOT NULL, digest TEXT NOT NULL,"
    " PRIMARY KEY (kind, name))",
    "CREATE TABLE {crossfade}again (entity TEXT PRIMARY KEY)",
)
_ENTRIES = "SELECT id, entity, record_key, state FROM {crossfade}quarantine ORDER BY id"
_SIZES = "SELECT id, length(raw) FROM {crossfade}quarantine WHERE id > :after ORDER BY id LIMIT 1000"
_RAWS = "SELECT id, raw FROM {crossfade}quarantine WHERE id > :after AND id <= :last ORDER BY id"
_RENAME = "UPDATE {crossfade}quarantine SET id = :id, digest = :digest WHERE id = :old"
_WAITING = "SELECT id, waits_for FROM {crossfade}quarantine WHERE waits_for IS NOT NULL"
_WAIT = "UPDATE {crossfade}quarantine SET waits_for = :waits_for WHERE id = :id"
_AT_ONCE = 16_000_000


def migrate(tx: TargetTransaction, in_schema: bool, has_unique_keys: bool) -> None:
    for statement in _STATEMENTS:
        tx.execute(statement.replace("{index}", "" if in_schema else "crossfade_"))
    digests = dict(_digests(tx))
    entries = tx.execute(_ENTRIES)
    new, taken = dict[str, str](), set[str]()
    for old, entity, key, _ in sorted(entries, key=lambda e: (e[3] == "retried", e[0])):  # closed ones give way
        told = "" if has_unique_keys and key is not None else digests[old]
        number = 1
        while (found := _id(entity, key, told, number)) in taken:
            told, number = digests[old], number + 1
        new[old] = found
        taken.add(found)
    waiting = tx.execute(_WAITING)
    tx.execute_many(_RENAME, [{"id": new[old], "digest": digests[old], "old": old} for old in new])
    tx.execute_many(_WAIT, [{"id": new[old], "waits_for": new[of]} for old, of in waiting if of in new])


def _id(entity: str, key: str | None, digest: str, number: int) -> str:
    identity = (entity, key, digest, number) if number > 1 else (entity, key, digest)
    return hashlib.sha256(repr(identity).encode()).hexdigest()[:16]


def _digests(tx: TargetTransaction) -> Iterator[tuple[str, str]]:
    """The digest of every entry's document, a bounded number of bytes at a time."""
    after = ""
    while sizes := tx.execute(_SIZES, {"after": after}):
        together = 0
        for place, (last, size) in enumerate(sizes):
            together += size
            if together >= _AT_ONCE or place + 1 == len(sizes):
                for entry, raw in tx.execute(_RAWS, {"after": after, "last": last}):
                    yield str(entry), hashlib.sha256(bytes(raw)).hexdigest()
                after, together = last, 0
