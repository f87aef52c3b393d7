"""Verify a source that is followed: what this needs in addition, and what is recorded about it."""

from __future__ import annotations

import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from crossfade.errors import Misused, Refused
from crossfade.journal import feed as feeds
from crossfade.journal import halted, journal, verified
from crossfade.journal.halted import Halted
from crossfade.journal.status import Status
from crossfade.journal.verified import Proof
from crossfade.model.events import Listener, VerificationStarted
from crossfade.move import accounts, cutting_back, starting, surveying, target_ownership, verifying
from crossfade.move.context import Context
from crossfade.move.executors import executor_for
from crossfade.move.inventory import inventory
from crossfade.runtime.again import again
from crossfade.runtime.executor import Executor
from crossfade.runtime.session import close_sessions, session
from crossfade.stores.contract import need
from crossfade.verify.followed_source import verify_again, verify_whole
from crossfade.verify.follower import Follower, require_following
from crossfade.verify.live import LiveRun
from crossfade.verify.run import Subject, agreement, room_on_disk
from crossfade.verify.verdict import AGAIN, SchemaVerdict, Verdict

RECORDS_A_WORKER = 5000


def verify(context: Context, listen: Listener, *, only_changed: bool) -> Verdict:
    """Verify while others write: everything, or `only_changed`.

    Raises Refused if no run follows the source now, and with `only_changed` if there is no verification of everything
    that it could go on from.
    """
    target_ownership.known_move(context)
    if not verifying.has_feed(context):
        raise Misused(
            "--again needs a source that is followed, which names what has changed; nothing was compared",
            hint="crossfade verify",
        )
    if cutting_back.is_cut_over(context):
        raise Misused(
            "the target is open, and nothing is followed: what has changed is unknown; nothing was compared",
            hint="crossfade verify, which compares both sides as they are",
        )
    status = verifying.require_finished(context)
    began, start = journal.now(), time.perf_counter()
    with context.transaction() as tx:
        require_following(feeds.find(tx))
        stopped = halted.find(tx)
    if only_changed:
        _require_whole(context)
    schema = again(lambda: verifying.schema(context), listen)
    subject = _subject(context, status, schema, stopped)
    with room_on_disk(), tempfile.TemporaryDirectory(prefix="crossfade-verify-") as name:
        with _run(context, subject, listen, Path(name)) as live:
            verdict = _verdict(context, live, subject, status, only_changed=only_changed)
        verdict = _with_the_rest(context, verdict, schema, status, stopped, listen)
        verdict = replace(verdict, seconds=time.perf_counter() - start)
        _note(context, verdict, began)
    return verdict


def prepared(context: Context, listen: Listener) -> Subject:
    """Return what `compare_changed` compares. It is read in advance, because the comparison has little time. Raises
    Refused as `verify` does.
    """
    status = verifying.require_finished(context)
    with context.transaction() as tx:
        require_following(feeds.find(tx))
        stopped = halted.find(tx)
    _require_whole(context)
    schema = again(lambda: verifying.schema(context), listen)
    return _subject(context, status, schema, stopped)


def compare_changed(context: Context, subject: Subject, listen: Listener) -> Verdict:
    """Compare only what changed since the last verification: not the schema, and no rules."""
    began = journal.now()
    with room_on_disk(), tempfile.TemporaryDirectory(prefix="crossfade-verify-") as name:
        with _run(context, subject, listen, Path(name)) as live:
            verdict = verify_again(live, subject)
        _note(context, verdict, began)
    return verdict


def last_whole(context: Context) -> Proof | None:
    """Return the last verification of everything, if it used the present mappings."""
    with context.transaction() as tx:
        found = verified.last_whole(tx)
    return found if found is not None and found.digest == digest(context) else None


def _verdict(context: Context, live: LiveRun, subject: Subject, status: Status, *, only_changed: bool) -> Verdict:
    if only_changed:
        return verify_again(live, subject)
    fed = [e for e in status.entities if e.entity in subject.feeds]
    live.listen(VerificationStarted(sum(e.counts.source for e in fed), len(subject.fed_tables), len(subject.rules)))
    workers = min(context.workers, max(1, sum(e.chunks for e in fed)))
    return verify_whole(
        live, subject, partial(verifying.not_copied, context), lambda: _executor(context, workers, live.listen)
    )


def _executor(context: Context, workers: int, listen: Listener) -> Executor:
    return executor_for(context, workers, listen, get_ready=context.get_ready if workers > 1 else None)


@contextmanager
def _run(context: Context, subject: Subject, listen: Listener, folder: Path) -> Iterator[LiveRun]:
    with context.transaction() as tx:
        record = require_following(feeds.find(tx))
    work = replace(context.work, token=uuid.uuid4().hex, floor=record.floor)
    changes = need(context.source.changes, context.source, "follow changes")
    feed = changes.feed(record.name, starting.followed(context))
    try:
        follower = Follower(feed, frozenset(starting.followed(context)), context.transaction, listen)
        agreed = agreement(session(work), subject, listen, names_all=True)

        def executors(records: int) -> Executor:
            return _executor(context, min(context.workers, 1 + records // RECORDS_A_WORKER), listen)

        yield LiveRun(work, follower, agreed, frozenset(subject.feeds), executors, listen, folder)
    finally:
        feed.close()
        close_sessions(work.token)


def _subject(context: Context, status: Status, schema: SchemaVerdict, stopped: list[Halted]) -> Subject:
    found = again(lambda: verifying.subject(context, status, schema.unread))
    out = {one.entity for one in stopped}
    return replace(found, live=True, feeds={e: tables for e, tables in found.feeds.items() if e not in out})


def _with_the_rest(
    context: Context, verdict: Verdict, schema: SchemaVerdict, status: Status, stopped: list[Halted], listen: Listener
) -> Verdict:
    """Add what is not followed: the schema, halted entities, and those that no mapping reads."""
    listed = surveying.entities(context, sized=False)
    verdict = replace(verdict, schema=schema)
    verdict = again(lambda: accounts.with_all_entities(context, verdict, status, inventory(context, listed)), listen)
    entities = tuple(replace(e, recorded=None) if _is_left(context, e.entity) else e for e in verdict.entities)
    not_followed = {one.entity: f"it is not followed: {one.cause}" for one in stopped}
    entities = tuple(e for e in entities if e.entity not in not_followed)
    return replace(verdict, entities=entities, not_read={**verdict.not_read, **not_followed})


def _is_left(context: Context, entity: str) -> bool:
    """Return whether an entity is discarded as a whole: changes of its records are not counted."""
    return entity not in context.fed_entities


# -- the verifications that are noted


def _require_whole(context: Context) -> Proof:
    with context.transaction() as tx:
        found = verified.last_whole(tx)
    if found is None or found.digest != digest(context):
        why = "everything has not been compared yet" if found is None else "the mappings have changed since"
        raise Refused(
            f"--again goes on from a verification of everything: {why}; nothing was compared", hint="crossfade verify"
        )
    if found.verdict == verified.NO_BASE:
        raise Refused(
            "--again goes on from a verification of everything, and the last one found rows of no record, or tables"
            " that could not be read; nothing was compared",
            hint="crossfade verify",
        )
    return found


def _note(context: Context, verdict: Verdict, began: str) -> None:
    through = verdict.through
    assert through is not None, "the source is followed"
    is_base = through.kind == AGAIN or not (through.rows_of_no_record or verdict.unread)
    said = verdict.outcome if is_base else verified.NO_BASE
    compared = through.compared + (0 if through.kind == AGAIN else verdict.counts.source)
    proof = Proof(through.kind, through.position, began, journal.now(), said, compared, digest(context))
    with context.transaction() as tx:
        verified.note(tx, proof)


def digest(context: Context) -> str:
    """Return what stands for the mappings in a proof."""
    digests = context.digests
    return f"{digests['lock_digest']} {digests['mapping_digest']}"
