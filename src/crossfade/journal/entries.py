"""Quarantine: source records that are not in the target, complete, each with the reason."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from crossfade.journal.clock import now
from crossfade.journal.tables import QUARANTINE
from crossfade.model.rejection import REMAINDER
from crossfade.stores.contract import TargetTransaction
from crossfade.stores.contract.journal import After, Condition, Either, Is, IsNot, OneOf, Size, UpTo

OWN = ""
"""Stands for a row of the record itself in `Entry.row_key`."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A record in quarantine. `key` is its key in the form of the codec, or None if it could not be read."""

    id: str
    entity: str
    chunk: int
    key: str | None
    reason: str
    detail: str
    table: str | None
    column: str | None
    phase: str
    state: str = "open"
    note: str | None = None
    noted_at: str = ""
    constraint: str | None = None
    """The constraint of the target that the row breaks, if that is the reason."""
    parent: str | None = None
    """For a `foreign_key`, once it is explained: `missing`, `quarantined`, or `present` (copied in the meantime)."""
    waits_for: str | None = None
    """The id of the parent's entry."""
    row_key: str | None = None
    """The primary key (as text of the ledger) in `table` that the record wanted and another row has; OWN if two rows of
    the record itself have the same key.
    """
    cause: Mapping[str, Any] | None = None
    """The values, and what they clash with (docs/reference/json.md); None if the detail is sufficient."""


ENTRY = (
    *("id", "entity", "chunk", "record_key", "reason", "detail", "target_table", "target_column", "phase", "state"),
    *("note", "noted_at", "target_constraint", "parent", "waits_for", "row_key", "cause"),
)
"""The columns for `entry_of`."""

OPEN = Is("state", "open")
NOT_IN_TARGET = IsNot("state", "retried")


def entry_of(row: Sequence[Any]) -> Entry:
    """Return the entry of a row with the columns ENTRY."""
    entry = Entry(*row[:-1])
    return entry if row[-1] is None else replace(entry, cause=json.loads(row[-1]))


def digest_of(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()


def entry_id(entity: str, key: str | None, digest: str = "", number: int = 1) -> str:
    """Return the id of the entry of the record with this key. `digest` distinguishes records that share a key, or whose
    key cannot be read; `number` distinguishes identical records.
    """
    identity = (entity, key, digest, number) if number > 1 else (entity, key, digest)
    return hashlib.sha256(repr(identity).encode()).hexdigest()[:16]


def quarantine_all(tx: TargetTransaction, entries: Iterable[tuple[Entry, bytes]]) -> None:
    """Put many records into quarantine at once. A record may have been there before."""
    moment = now()
    new = {**dict.fromkeys(("parent", "waits_for", "cause", "note")), "state": "open", "noted_at": moment}
    rows = [{**_entry_values(entry), **new, "raw": raw, "digest": digest_of(raw)} for entry, raw in entries]
    tx.journal.upsert(QUARANTINE, rows)


def _entry_values(entry: Entry) -> dict[str, Any]:
    return {
        "id": entry.id,
        "entity": entry.entity,
        "chunk": entry.chunk,
        "record_key": entry.key,
        "reason": entry.reason,
        "detail": entry.detail.replace("\0", "\\0"),
        "target_table": entry.table,
        "target_column": entry.column,
        "phase": entry.phase,
        "target_constraint": entry.constraint,
        "row_key": entry.row_key,
    }


def entries(tx: TargetTransaction) -> list[Entry]:
    """Return every entry, open and resolved, without the documents."""
    rows = tx.journal.select(QUARANTINE, ENTRY, order=("entity", "reason", "record_key", "id"))
    return [entry_of(row) for row in rows]


def remainders(tx: TargetTransaction) -> dict[str, tuple[str, ...]]:
    """Return the unreadable rests of a torn source by entity: entries that are not records."""
    out: dict[str, tuple[str, ...]] = {}
    where = (OPEN, Is("reason", REMAINDER))
    for entity, detail in tx.journal.select(QUARANTINE, ("entity", "detail"), where, order=("entity", "id")):
        out[entity] = (*out.get(entity, ()), detail)
    return out


def discarded_by_person(tx: TargetTransaction) -> dict[tuple[str, str], int]:
    """Return the number of records that a person discarded, by entity and reason."""
    where = (Is("state", "discarded"), IsNot("note", None))
    return {(entity, note): count for entity, note, count in tx.journal.count(QUARANTINE, ("entity", "note"), where)}


def open_by_reason(tx: TargetTransaction) -> dict[str, dict[str, int]]:
    """Return the number of open entries by entity and reason."""
    out: dict[str, dict[str, int]] = {}
    for entity, reason, count in tx.journal.count(QUARANTINE, ("entity", "reason"), (OPEN,)):
        out.setdefault(entity, {})[reason] = count
    return out


def find_entry(tx: TargetTransaction, entry_id: str) -> Entry | None:
    rows = tx.journal.select(QUARANTINE, ENTRY, (Is("id", entry_id),))
    return entry_of(rows[0]) if rows else None


def entries_outside(tx: TargetTransaction, entity: str) -> list[Entry]:
    """Return the entries of an entity whose records are not in the target: open, or discarded."""
    return [entry_of(row) for row in tx.journal.select(QUARANTINE, ENTRY, (Is("entity", entity), NOT_IN_TARGET))]


def entries_of_keys(tx: TargetTransaction, entity: str, keys: Sequence[str]) -> dict[str, list[tuple[Entry, str]]]:
    """Return key -> the entries of its records that are not in the target, each with the digest of its document."""
    found: dict[str, list[tuple[Entry, str]]] = {}
    where = (Is("entity", entity), NOT_IN_TARGET, OneOf("record_key", keys))
    for digest, *row in tx.journal.select(QUARANTINE, ("digest", *ENTRY), where, order=("id",)):
        entry = entry_of(row)
        found.setdefault(entry.key or "", []).append((entry, digest))
    return found


def documents_outside(tx: TargetTransaction, entity: str, keys: Sequence[str]) -> list[tuple[Entry, str, int]]:
    """Return the entries of records with these keys that are not in the target, each with the digest and the size of
    its document.
    """
    where = (Is("entity", entity), NOT_IN_TARGET, OneOf("record_key", keys))
    rows = tx.journal.select(QUARANTINE, ("digest", Size("raw"), *ENTRY), where, order=("id",))
    return [(entry_of(row), digest, size) for digest, size, *row in rows]


def ids_outside(tx: TargetTransaction, ids: Sequence[str]) -> set[str]:
    """Return those of the ids whose records are not in the target."""
    return {id_ for (id_,) in tx.journal.select(QUARANTINE, ("id",), (NOT_IN_TARGET, OneOf("id", ids)))}


def hold_open(tx: TargetTransaction, ids: Sequence[str]) -> set[str]:
    """Return those of the entries that are open, and keep others from changing them until this transaction ends."""
    return {id_ for (id_,) in tx.journal.locked(QUARANTINE, ("id",), (OPEN, OneOf("id", ids)))}


def digests_outside(tx: TargetTransaction, entity: str, key: str) -> Counter[str]:
    """Count, by digest, the documents with this key (without one: `#` and the digest) that are not in the target."""
    ways: list[tuple[Condition, ...]] = [(Is("record_key", key),)]
    ways += [(Is("record_key", None), Is("digest", key[1:] if key.startswith("#") else ""))]
    where = (Is("entity", entity), NOT_IN_TARGET, Either(tuple(ways)))
    return Counter(digest for (digest,) in tx.journal.select(QUARANTINE, ("digest",), where))


def raw_of(tx: TargetTransaction, entry: Entry) -> bytes:
    (row,) = tx.journal.select(QUARANTINE, ("raw",), (Is("id", entry.id),))
    return bytes(row[0])


SIZES_AT_ONCE = 1000


def raws(tx: TargetTransaction, at_once: int = 16_000_000) -> Iterator[tuple[str, bytes]]:
    """Yield the documents of all entries whose records are not in the target, by id; about `at_once` bytes at a
    time.
    """
    after = ""

    def following(*more: Condition) -> tuple[Condition, ...]:
        return NOT_IN_TARGET, After(("id",), (after,)), *more

    while sizes := tx.journal.select(QUARANTINE, ("id", Size("raw")), following(), order=("id",), limit=SIZES_AT_ONCE):
        together = 0
        for place, (last, size) in enumerate(sizes):
            together += size
            if together >= at_once or place + 1 == len(sizes):
                found = tx.journal.select(QUARANTINE, ("id", "raw"), following(UpTo("id", last)), order=("id",))
                yield from ((str(entry), bytes(raw)) for entry, raw in found)
                after, together = last, 0


def forget_all(tx: TargetTransaction, entries: Iterable[Entry]) -> None:
    """Delete entries that existed only until it was decided which record is copied."""
    tx.journal.delete_each(QUARANTINE, [{"id": entry.id} for entry in entries])


def resolve_all(tx: TargetTransaction, entries: Iterable[Entry], state: str, note: str | None = None) -> None:
    """Close open entries as "retried" or "discarded"."""
    new = {"state": state, "note": note, "noted_at": now()}
    tx.journal.update_each(QUARANTINE, [({"id": entry.id, "state": "open"}, new) for entry in entries])


def update_reasons(tx: TargetTransaction, entries: Iterable[tuple[Entry, bytes | None]]) -> None:
    """Update entries that were refused again, perhaps for other reasons. `bytes` are the current documents; None: they
    have not changed.
    """
    names = ("reason", "detail", "target_table", "target_column", "target_constraint", "row_key")
    unexplained = dict.fromkeys(("parent", "waits_for", "cause"))
    moment = now()
    changed, same = list[tuple[dict[str, Any], dict[str, Any]]](), list[tuple[dict[str, Any], dict[str, Any]]]()
    for entry, raw in entries:
        own = _entry_values(entry)
        new = {**{n: own[n] for n in names}, **unexplained}
        if raw is None:
            same.append(({"id": entry.id}, new))
        else:
            document = {"raw": raw, "digest": digest_of(raw), "noted_at": moment}
            changed.append(({"id": entry.id}, {**new, **document}))
    tx.journal.update_each(QUARANTINE, changed)
    tx.journal.update_each(QUARANTINE, same)
