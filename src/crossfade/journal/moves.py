"""The move that a target belongs to, and the run that may write: one row each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from crossfade.errors import Busy
from crossfade.journal.clock import now
from crossfade.journal.tables import EXPECTED, MOVE, RUN, TABLES
from crossfade.model.described import Described, as_text, from_text
from crossfade.model.identity import SourceIdentity
from crossfade.stores.contract import Store, TargetTransaction, need
from crossfade.stores.contract.journal import Is

VERSION = 11

# The stages of a move, in order.
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


_RECORD = ("name", "version", "source", "lock_digest", "schema_digest", "mapping_digest", "stage", "started_at")


def create(store: Store) -> None:
    """Create the journal's tables that do not exist."""
    with need(store.writer, store, "keep a journal").transaction() as tx:
        tx.begin_journal()
        for table in TABLES:
            tx.journal.create(table)
        tx.note_default_schema()


def drop(tx: TargetTransaction) -> None:
    """Drop the journal's tables, and with them the move."""
    for table in reversed(TABLES):  # the table of the move is the last: while it exists, this can be resumed
        tx.journal.drop(table)


def find_move(tx: TargetTransaction) -> MoveRecord | None:
    rows = tx.journal.select(MOVE, _RECORD)
    return MoveRecord(*rows[0]) if rows else None


def begin_move(
    tx: TargetTransaction, name: str, source: str, digests: Mapping[str, str], kept_schema: str | None = None
) -> None:
    """Record the move and its digests (`lock_digest`, `schema_digest`, `mapping_digest`).

    `kept_schema` is a schema that could not be read again later, or only with a scratch database.
    """
    values = {"name": name, "version": VERSION, "source": source, "stage": PREPARED, "kept_schema": kept_schema}
    moment = now()
    tx.journal.insert(MOVE, [{**values, "started_at": moment, "changed_at": moment, **digests}])


def take_over(tx: TargetTransaction, run: str) -> None:
    """Allow only the run with this token to write. Wait for open transactions of other runs.

    The journal of an older crossfade may not have the table of the run yet.
    """
    tx.journal.create(RUN)
    tx.journal.upsert(RUN, [{"id": 1, "token": run, "started_at": now()}])


def take_part(tx: TargetTransaction, run: str) -> None:
    """Begin a transaction of a run. Raises Busy if another run has taken over.

    A worker may outlive its run, and a server completes statements of a killed process; without this check they could
    change data under the next run.
    """
    if tx.journal.shared(RUN, ("token",), (Is("id", 1),)) != [(run,)]:
        raise Busy(
            "another run of crossfade has taken over this target; this run has written nothing since",
            hint="crossfade status",
        )


def kept_schema(tx: TargetTransaction) -> str | None:
    rows = tx.journal.select(MOVE, ("kept_schema",))
    return str(rows[0][0]) if rows and rows[0][0] is not None else None


def note_expected(tx: TargetTransaction, described: Described) -> None:
    """Record the expected catalog of the target when everything is created."""
    tx.journal.insert(EXPECTED, [{"id": 1, "description": as_text(described), "noted_at": now()}])


def replace_schema(tx: TargetTransaction, kept_schema: str | None, described: Described) -> None:
    """Replace the recorded schema of a move, after additions."""
    tx.journal.update(MOVE, {"kept_schema": kept_schema, "changed_at": now()})
    tx.journal.upsert(EXPECTED, [{"id": 1, "description": as_text(described), "noted_at": now()}])


def expected(tx: TargetTransaction) -> Described | None:
    """Return the recorded description, or None."""
    rows = tx.journal.select(EXPECTED, ("description",))
    return from_text(rows[0][0]) if rows else None


def find_identity(tx: TargetTransaction) -> SourceIdentity | None:
    """Return the identity of the source, or None before a copy has begun."""
    rows = tx.journal.select(MOVE, ("identity",))
    return SourceIdentity.from_text(str(rows[0][0])) if rows and rows[0][0] is not None else None


def set_source(tx: TargetTransaction, url: str, identity: SourceIdentity) -> None:
    tx.journal.update(MOVE, {"source": url, "identity": identity.as_text(), "changed_at": now()})


def find_stage(tx: TargetTransaction) -> str:
    move = find_move(tx)
    return PREPARED if move is None else move.stage


def lock_move(tx: TargetTransaction) -> None:
    """Keep other runs from planning until this transaction ends."""
    tx.journal.lock(MOVE)


def share_move(tx: TargetTransaction) -> None:
    """Keep others from `lock_move` until this transaction ends; any number of transactions may do so at once."""
    tx.journal.shared(MOVE, ("name",), ())


def set_stage(tx: TargetTransaction, stage: str) -> None:
    tx.journal.update(MOVE, {"stage": stage, "changed_at": now()})


def set_digests(tx: TargetTransaction, digests: Mapping[str, str]) -> None:
    """Record new digests, after a corrected mapping or a new survey."""
    names = ("lock_digest", "schema_digest", "mapping_digest")
    tx.journal.update(MOVE, {**{name: digests[name] for name in names}, "changed_at": now()})
