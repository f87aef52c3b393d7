"""Where a move remembers itself: in the target, so that a chunk's rows and its record commit together or not at all.

Every function takes an open transaction of the target. The journal knows nothing of databases: its few statements
(queries.sql) are SQL that every target takes.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from crossfade.errors import Busy
from crossfade.journal.queries import queries
from crossfade.model.batch import REMAINDER, Chunk
from crossfade.model.counts import Counts
from crossfade.model.described import Described, as_text, from_text
from crossfade.model.identity import SourceIdentity
from crossfade.model.target import Step
from crossfade.stores.contract import Store, TargetTransaction, need

VERSION = 5

# Where a move stands, in order.
PREPARED, COPYING, COPIED, FINISHED = "prepared", "copying", "copied", "finished"


@dataclass(frozen=True, slots=True)
class MoveRecord:
    name: str
    version: int
    source: str
    lock_digest: str
    schema_digest: str
    mapping_digest: str
    stage: str
    started_at: str


@dataclass(frozen=True, slots=True)
class ChunkRecord:
    chunk: Chunk
    counts: Counts | None
    """None while the chunk is not done."""
    rows: Mapping[str, int]
    seconds: float
    gone: int = 0
    """Records that were read, and were found to be no longer in the source since."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A record in quarantine. `key` is its key as the codec writes it, or None where that could not be
    read.
    """

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
    """What the row breaks, where the reason is a constraint of the target."""
    parent: str | None = None
    """Of a `foreign_key`, once it is explained: `missing`, `quarantined`, or `present` (it came in meanwhile)."""
    waits_for: str | None = None
    """The id of the entry that holds the parent."""
    cause: Mapping[str, Any] | None = None
    """The values, and what they clash with (docs/reference/json.md); None where the detail says all."""


def create(store: Store) -> None:
    """Makes the journal's tables where they are not there yet."""
    with need(store.writer, store, "keep a journal").transaction() as tx:
        if store.traits.has_journal_schema:
            tx.run("CREATE SCHEMA IF NOT EXISTS crossfade")
        for name, sql in queries().items():
            if name.startswith("create_"):
                prefix = "" if store.traits.has_journal_schema else "crossfade_"
                tx.execute(sql.replace("{crossfade_index}", prefix))
        tx.note_default_schema()


def find_move(tx: TargetTransaction) -> MoveRecord | None:
    rows = tx.execute(queries()["find_move"])
    return MoveRecord(*rows[0]) if rows else None


def begin_move(
    tx: TargetTransaction, name: str, source: str, digests: Mapping[str, str], kept_schema: str | None = None
) -> None:
    """Notes the move and its agreement (`lock_digest`, `schema_digest`, `mapping_digest`).

    `kept_schema` is a schema that could not be read again later, or not without a scratch database.
    """
    values = {"name": name, "version": VERSION, "source": source, "stage": PREPARED, "kept_schema": kept_schema}
    tx.execute(queries()["add_move"], {**values, "now": now(), **digests})


def take_over(tx: TargetTransaction, run: str) -> None:
    """From now on only the run of this token writes. Waits for the transactions that another has begun.

    A journal that an older crossfade has made may have no place for it yet.
    """
    tx.execute(queries()["create_run"])
    tx.execute(queries()["take_over"], {"token": run, "now": now()})


def take_part(tx: TargetTransaction, run: str) -> None:
    """Every transaction of a run begins with this. Raises Busy where another run has taken over since.

    A worker may outlive its run, and a server goes on with what a killed process has asked of it: without this, the
    next run would read what is about to change.
    """
    if tx.execute(queries()["take_part"]) != [(run,)]:
        raise Busy(
            "another run of crossfade has taken over this target; this one has written nothing since",
            hint="crossfade status",
        )


def kept_schema(tx: TargetTransaction) -> str | None:
    rows = tx.execute(queries()["find_kept_schema"])
    return str(rows[0][0]) if rows and rows[0][0] is not None else None


def note_expected(tx: TargetTransaction, described: Described) -> None:
    """What the target's catalogue is to say when everything is made."""
    tx.execute(queries()["add_expected"], {"description": as_text(described), "now": now()})


def expected(tx: TargetTransaction) -> Described | None:
    """What was noted; None before that."""
    rows = tx.execute(queries()["find_expected"])
    return from_text(rows[0][0]) if rows else None


def find_identity(tx: TargetTransaction) -> SourceIdentity | None:
    """What tells the source from another; None before a copy has begun."""
    rows = tx.execute(queries()["find_identity"])
    return SourceIdentity.from_text(str(rows[0][0])) if rows and rows[0][0] is not None else None


def set_source(tx: TargetTransaction, url: str, identity: SourceIdentity) -> None:
    tx.execute(queries()["set_source"], {"source": url, "identity": identity.as_text(), "now": now()})


def find_stage(tx: TargetTransaction) -> str:
    move = find_move(tx)
    return PREPARED if move is None else move.stage


def lock_move(tx: TargetTransaction) -> None:
    """Keeps other runs from planning until this transaction ends."""
    tx.execute(queries()["lock_move"])


def set_stage(tx: TargetTransaction, stage: str) -> None:
    tx.execute(queries()["set_stage"], {"stage": stage, "now": now()})


def set_digests(tx: TargetTransaction, digests: Mapping[str, str]) -> None:
    tx.execute(queries()["set_digests"], {**digests, "now": now()})


def steps_done(tx: TargetTransaction) -> set[str]:
    return {row[0] for row in tx.execute(queries()["find_steps"])}


def note_step(tx: TargetTransaction, step: Step) -> None:
    tx.execute(queries()["add_step"], {"id": step.id, "sql": step.sql, "now": now()})


def steps_with_sql(tx: TargetTransaction) -> list[Step]:
    """The steps that were done, in their order."""
    return [Step(*row) for row in tx.execute(queries()["find_steps_done"])]


def note_there_before(tx: TargetTransaction, there: Iterable[tuple[str, str]]) -> None:
    """Notes what the target held before the move began, as kind and name."""
    for kind, name in there:
        tx.execute(queries()["add_there_before"], {"kind": kind, "name": name})


def there_before(tx: TargetTransaction) -> set[tuple[str, str]]:
    return {(kind, name) for kind, name in tx.execute(queries()["find_there_before"])}


def drop(tx: TargetTransaction) -> None:
    """Drops the journal's tables; the move is forgotten."""
    for name, sql in queries().items():
        if name.startswith("create_") and (found := _TABLE.match(sql)):
            tx.execute(f"DROP TABLE IF EXISTS {found[1]}")


_TABLE = re.compile(r"CREATE TABLE IF NOT EXISTS (\{crossfade\}\w+)")


def plan_chunks(tx: TargetTransaction, chunks: Iterable[Chunk]) -> None:
    for c in chunks:
        tx.execute(
            queries()["add_chunk"],
            {"entity": c.entity, "number": c.number, "lower_key": c.lower, "upper_key": c.upper, "planned": c.count},
        )


def chunks(tx: TargetTransaction) -> list[ChunkRecord]:
    """The plan with what is done of it."""
    out = []
    for entity, number, lower, upper, planned, *rest in tx.execute(queries()["find_chunks"]):
        source, copied, quarantined, discarded, rows, seconds, done_at, gone = rest
        counts = Counts(source, copied, quarantined, discarded) if done_at is not None else None
        chunk = Chunk(entity, number, lower, upper, planned)
        out.append(ChunkRecord(chunk, counts, json.loads(rows or "{}"), seconds or 0.0, gone))
    return out


def claim_chunk(tx: TargetTransaction, chunk: Chunk) -> bool:
    """Locks the chunk's record for this transaction; False where another worker has done it already.

    A worker that a killed run left behind may still be at it: then this waits until that one has committed or gone.
    """
    tx.execute(queries()["claim_chunk"], {"entity": chunk.entity, "number": chunk.number})
    rows = tx.execute(queries()["chunk_is_done"], {"entity": chunk.entity, "number": chunk.number})
    return bool(rows) and rows[0][0] is None


def finish_chunk(tx: TargetTransaction, chunk: Chunk, counts: Counts, rows: Mapping[str, int], seconds: float) -> None:
    """Notes a chunk's counts; call it in the transaction that loaded its rows."""
    tx.execute(
        queries()["finish_chunk"],
        {
            "entity": chunk.entity,
            "number": chunk.number,
            "source": counts.source,
            "copied": counts.copied,
            "quarantined": counts.quarantined,
            "discarded": counts.discarded,
            "row_counts": json.dumps(dict(sorted(rows.items()))),
            "seconds": seconds,
            "now": now(),
        },
    )


@dataclass(frozen=True, slots=True)
class Clearing:
    """How far the check of the constraints has come: the next test (`place`), the tables whose children are to be
    asked in this round (`parents`) and in the next one (`changed`), and the rows that the test found, if it was asked.
    """

    place: int
    parents: frozenset[str]
    changed: frozenset[str] = frozenset()
    doomed: bytes | None = None


def find_clearing(tx: TargetTransaction) -> Clearing | None:
    for place, parents, changed, doomed in tx.execute(queries()["find_clearing"]):
        names = frozenset(json.loads(parents)), frozenset(json.loads(changed))
        return Clearing(place, *names, None if doomed is None else bytes(doomed))
    return None


def note_clearing(tx: TargetTransaction, clearing: Clearing | None) -> None:
    """None: it is done."""
    tx.execute(queries()["forget_clearing"])
    if clearing is not None:
        names = {"parents": json.dumps(sorted(clearing.parents)), "changed": json.dumps(sorted(clearing.changed))}
        tx.execute(queries()["add_clearing"], {"place": clearing.place, **names, "doomed": clearing.doomed})


_READMITTING = -1
"""The place that follows all tests: records come in again whose obstacle was removed."""


def find_readmitting(tx: TargetTransaction) -> frozenset[str] | None:
    """The tables into which rows have come again; None where the check has not come to that."""
    found = find_clearing(tx)
    return found.changed if found is not None and found.place == _READMITTING else None


def note_readmitting(tx: TargetTransaction, tables: Iterable[str]) -> None:
    note_clearing(tx, Clearing(_READMITTING, frozenset(), frozenset(tables)))


def note_came(tx: TargetTransaction, tables: Iterable[str]) -> None:
    """Rows come into these tables again, with this transaction: a run that is killed would not know of it."""
    new = frozenset(tables)
    if not new <= (find_readmitting(tx) or frozenset()):
        lock_move(tx)
        note_readmitting(tx, new | (find_readmitting(tx) or frozenset()))


LATER = -1
"""The number of the account that takes what happens to an entity's records after their chunks: its source count is
0.
"""


def shift_counts(
    tx: TargetTransaction,
    entity: str,
    *,
    copied: int = 0,
    quarantined: int = 0,
    discarded: int = 0,
    gone: int = 0,
    rows: Mapping[str, int] | None = None,
) -> None:
    """Moves records between an entity's accounts after the copy. `rows` came or left.

    The source's count stays, but for `gone`: so many of the records that were read are not in the source any more.
    """
    account = {"entity": entity, "number": LATER}
    tx.execute(queries()["open_account"], {**account, "now": now()})
    shift = {"copied": copied, "quarantined": quarantined, "discarded": discarded, "gone": gone}
    tx.execute(queries()["shift_counts"], {**account, **shift})  # also locks it: the rows below are read after that
    if rows:
        ((known,),) = tx.execute(queries()["find_row_counts"], account)
        counts = Counter(json.loads(known))
        counts.update(rows)
        text = json.dumps({table: counts[table] for table in sorted(counts) if counts[table]})
        tx.execute(queries()["set_row_counts"], {**account, "row_counts": text})


def digest_of(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()


def entry_id(entity: str, key: str | None, digest: str = "", number: int = 1) -> str:
    """The id of an entry: of the record with this key. `digest` tells records apart that share a key, or have none that
    can be read; `number` those that are the same to the byte.
    """
    identity = (entity, key, digest, number) if number > 1 else (entity, key, digest)
    return hashlib.sha256(repr(identity).encode()).hexdigest()[:16]


def quarantine_all(tx: TargetTransaction, entries: Iterable[tuple[Entry, bytes]]) -> None:
    """Puts many records into quarantine at once."""
    moment = now()
    values = [{**_entry_values(entry), "raw": raw, "digest": digest_of(raw), "now": moment} for entry, raw in entries]
    tx.execute_many(queries()["add_quarantine"], values)


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
    }


def entry_of(row: Sequence[Any]) -> Entry:
    """The entry of a row of queries.sql."""
    entry = Entry(*row[:-1])
    return entry if row[-1] is None else replace(entry, cause=json.loads(row[-1]))


def entries(tx: TargetTransaction) -> list[Entry]:
    """Every entry, open and resolved, without the documents."""
    return [entry_of(row) for row in tx.execute(queries()["find_quarantine"])]


def remainders(tx: TargetTransaction) -> dict[str, tuple[str, ...]]:
    """Entity -> what of a torn source cannot be read: entries that are no record."""
    out: dict[str, tuple[str, ...]] = {}
    for entity, detail in tx.execute(queries()["find_remainders"], {"reason": REMAINDER}):
        out[entity] = (*out.get(entity, ()), detail)
    return out


def discarded_by_person(tx: TargetTransaction) -> dict[tuple[str, str], int]:
    """(entity, reason) -> the records in quarantine that a person discarded."""
    return {(entity, note): count for entity, note, count in tx.execute(queries()["count_discarded"])}


def find_entry(tx: TargetTransaction, entry_id: str) -> Entry | None:
    rows = tx.execute(queries()["find_entry"], {"id": entry_id})
    return entry_of(rows[0]) if rows else None


def held_entries(tx: TargetTransaction, entity: str) -> list[Entry]:
    """The entries of an entity whose records are not in the target: open, or discarded."""
    return [entry_of(row) for row in tx.execute(queries()["find_held"], {"entity": entity})]


def held_digests(tx: TargetTransaction, entity: str, key: str) -> Counter[str]:
    """How many documents with this key (without one: `#` and its digest) are not in the target, by their digests."""
    values = {"entity": entity, "key": key, "digest": key[1:] if key.startswith("#") else ""}
    return Counter(digest for (digest,) in tx.execute(queries()["find_held_digests"], values))


def raw_of(tx: TargetTransaction, entry: Entry) -> bytes:
    (row,) = tx.execute(queries()["find_raw"], {"id": entry.id})
    return bytes(row[0])


def raws(tx: TargetTransaction, at_once: int = 16_000_000) -> Iterator[tuple[str, bytes]]:
    """The documents of all entries whose records are not in the target, by id; about `at_once` bytes at a time."""
    after = ""
    while sizes := tx.execute(queries()["find_sizes_of_all"], {"after": after}):
        together = 0
        for place, (last, size) in enumerate(sizes):
            together += size
            if together >= at_once or place + 1 == len(sizes):
                found = tx.execute(queries()["find_raws_of_all"], {"after": after, "last": last})
                yield from ((str(entry), bytes(raw)) for entry, raw in found)
                after, together = last, 0


def forget_all(tx: TargetTransaction, entries: Iterable[Entry]) -> None:
    """The entries were there only until it was decided who comes in."""
    tx.execute_many(queries()["forget_entry"], [{"id": entry.id} for entry in entries])


def resolve_all(tx: TargetTransaction, entries: Iterable[Entry], state: str, note: str | None = None) -> None:
    """Closes open entries as "retried" or "discarded"."""
    moment = now()
    values = [{"id": entry.id, "state": state, "note": note, "now": moment} for entry in entries]
    tx.execute_many(queries()["set_state"], values)


def update_reasons(tx: TargetTransaction, entries: Iterable[tuple[Entry, bytes]]) -> None:
    """Records that were retried are refused again, perhaps for other reasons; `bytes` are their documents as of now."""
    names = ("id", "reason", "detail", "target_table", "target_column", "target_constraint")
    moment, values = now(), list[dict[str, Any]]()
    for entry, raw in entries:
        own = _entry_values(entry)
        values.append({**{n: own[n] for n in names}, "raw": raw, "digest": digest_of(raw), "now": moment})
    tx.execute_many(queries()["update_reason"], values)


def open_by_reason(tx: TargetTransaction) -> dict[str, dict[str, int]]:
    """Entity -> reason -> open entries."""
    out: dict[str, dict[str, int]] = {}
    for entity, reason, count in tx.execute(queries()["count_quarantine"]):
        out.setdefault(entity, {})[reason] = count
    return out


def forget_copy(tx: TargetTransaction) -> None:
    tx.execute(queries()["forget_chunks"])
    tx.execute(queries()["forget_loaded"])
    tx.execute(queries()["forget_clearing"])
    tx.execute(queries()["forget_quarantine"])
    tx.execute(queries()["forget_ledger"])
    tx.execute(queries()["end_again"])


def now() -> str:
    return dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
