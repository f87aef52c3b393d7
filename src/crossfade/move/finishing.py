"""End a move whose target is open: keep the evidence in a file, remove what Crossfade made on both sides, and leave the
source closed for good.
"""

from __future__ import annotations

import base64
import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import chain
from pathlib import Path
from typing import Any

from crossfade.errors import Busy, Refused
from crossfade.journal import cutover as stages
from crossfade.journal import daily, journal, verified
from crossfade.journal import feed as feeds
from crossfade.journal.cutover import TARGET
from crossfade.journal.tables import (
    AGREED,
    CHUNK,
    CUTOVER,
    CUTOVER_STEP,
    DAILY,
    FEED,
    MOVE,
    QUARANTINE,
    REHEARSAL,
    RETURNED,
    SET_ASIDE,
    STEP,
    VERIFIED,
)
from crossfade.move import evidence, feed_names, groups, starting, target_ownership, way_back
from crossfade.move.context import Context
from crossfade.move.cutting_back import fence_of
from crossfade.shift import plan as planning
from crossfade.shift.gates import gates_to_finish, require
from crossfade.stores.contract import TargetTransaction, need
from crossfade.stores.contract.journal import After, JournalTable

_EVIDENCE_TABLES = (
    MOVE,
    CUTOVER,
    CUTOVER_STEP,
    REHEARSAL,
    VERIFIED,
    DAILY,
    FEED,
    CHUNK,
    AGREED,
    STEP,
    RETURNED,
    SET_ASIDE,
)
"""The tables that are evidence as they are; quarantine is kept with its records."""
PAGE = 1000
ENDS = 60.0
"""Seconds within which a run that can no longer write ends."""


@dataclass(frozen=True)
class Finished:
    """`file` has the evidence. `removed` is what following had created at the source, in words."""

    file: Path
    lines: int
    removed: tuple[str, ...]


def finish(context: Context) -> Finished:
    """End the move. Every step may be repeated: the journal goes last.

    Raises Refused if the target is not open, or a gate does not hold.
    """
    target_ownership.known_move(context)
    with context.transaction() as tx:
        _require_open(tx)
    target = context.target
    with ExitStack() as locks:
        _lock(context, locks)
        with context.transaction() as tx:
            token = stages.take_over(tx)  # first: no rollback begins until this is committed
            _require_open(tx)
            _require_green(context, tx)
        file, lines = _archive(context)
        removed = starting.created(context)
        starting.finish(context)
        feed_names.remove(context.source, context.feed_names.forward)
        way_back.remove(context)
        _close_source(context, token)
        fence_of(target).remove()
        with context.transaction() as tx:
            _drop_journal(context, tx)
    return Finished(file, lines, removed)


def _lock(context: Context, locks: ExitStack) -> None:
    """Lock the target when the run that followed the source has ended: it may just have learned that the target is
    open. A run that follows the target does not end by itself.
    """
    target, end = context.target, time.monotonic() + ENDS
    while True:
        try:
            locks.enter_context(need(target.writer, target, "be written to").lock())
            return
        except Busy as busy:
            if _is_followed_back(context):
                busy.hint = "crossfade stop, which ends the run that follows the target"
                raise
            if time.monotonic() > end:
                raise


def _is_followed_back(context: Context) -> bool:
    with context.transaction() as tx:
        record = feeds.find(tx)
    return record is not None and record.is_back and record.is_running and record.state == "following"


def _require_open(tx: TargetTransaction) -> None:
    stage = stages.find(tx).stage
    if stage != TARGET:
        raise Refused(
            f"the target is not open (stage {stage}): there is nothing to finish; nothing was changed",
            hint="crossfade cutover; or crossfade reset, which drops what the move has made",
        )


def _require_green(context: Context, tx: TargetTransaction) -> None:
    settings = context.project.settings.finish
    require(gates_to_finish(verified.last(tx), daily.find_all(tx), settings, date.today(), _opened(tx)))


def _opened(tx: TargetTransaction) -> datetime | None:
    """Return when the target was opened, if the source is kept equal since: a verification before that says nothing of
    what was put back. Without a way back the last comparison of the cutover is the one that counts.
    """
    record = feeds.find(tx)
    if record is None or not record.is_back:
        return None
    return max((datetime.fromisoformat(step.began_at) for step in stages.of_name(tx, planning.OPEN)), default=None)


def _close_source(context: Context, token: int) -> None:
    fence = fence_of(context.source)
    state = fence.state()
    if state.closed and not state.token:
        return  # an earlier `finish` has done this
    fence.take_over(token)
    fence.close_for_good(token)


def _drop_journal(context: Context, tx: TargetTransaction) -> None:
    before = journal.there_before(tx)
    own_schema = context.target.traits.has_journal_schema and bool(before) and ("schema", "crossfade") not in before
    own_schema = own_schema and not any(groups.others(context))
    journal.drop(tx)
    if own_schema:
        tx.run("DROP SCHEMA IF EXISTS crossfade")


# -- the evidence


def _archive(context: Context) -> tuple[Path, int]:
    """Write the evidence, one JSON document a line, and return the file when it is safe on the disk."""
    path, lines = evidence.file_of(context.project.root, datetime.now(UTC), context.project.group), 0
    project = _project(context)
    with path.open("x", encoding="utf-8") as file, context.transaction() as tx:
        for document in chain([project], _evidence(tx)):
            file.write(json.dumps(document) + "\n")
            lines += 1
        file.flush()
        os.fsync(file.fileno())
    return path, lines


def _project(context: Context) -> Mapping[str, Any]:
    settings = context.project.settings.model_dump(
        mode="json", exclude={"source": True, "target": True, "rehearse": True, "cutover": {"webhook"}}
    )
    stores = {"source": context.source.url, "target": context.target.url}
    digests = dict(context.digests)
    return {"what": "project", "name": context.project.name, **stores, "settings": settings, "digests": digests}


def _evidence(tx: TargetTransaction) -> Iterator[Mapping[str, Any]]:
    for table in _EVIDENCE_TABLES:
        for row in _rows(tx, table):
            yield {"what": table.name, **row}
    raws = dict(journal.raws(tx))
    for row in _rows(tx, QUARANTINE, without=("raw",)):
        raw = raws.get(str(row["id"]))
        yield {"what": QUARANTINE.name, **row, "raw": None if raw is None else base64.b64encode(raw).decode()}


def _rows(tx: TargetTransaction, table: JournalTable, without: tuple[str, ...] = ()) -> Iterator[dict[str, Any]]:
    """Yield the rows of a table in the order of its key, page by page."""
    columns = [column.name for column in table.columns if column.name not in without]
    after: tuple[Any, ...] | None = None
    while True:
        where = () if after is None else (After(table.key, after),)
        found = tx.journal.select(table, columns, where, order=table.key, limit=PAGE)
        rows = [dict(zip(columns, row, strict=True)) for row in found]
        yield from rows
        if len(rows) < PAGE:
            return
        after = tuple(rows[-1][name] for name in table.key)
