"""The verification as a whole: check that there is something to verify, and collect what the phase needs."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from functools import partial

from crossfade.errors import Refused
from crossfade.journal import agreement, journal
from crossfade.journal.status import Status
from crossfade.model.events import Listener, VerificationStarted
from crossfade.move import accounts, checks, source_identity, surveying, target_ownership
from crossfade.move.context import Context
from crossfade.move.executors import executor_for
from crossfade.move.inventory import inventory
from crossfade.move.steady import require_steady
from crossfade.runtime.again import again
from crossfade.runtime.session import session
from crossfade.stores.contract import need
from crossfade.verify import run
from crossfade.verify.catalogue import hold_schema
from crossfade.verify.not_copied import document_of, held_records
from crossfade.verify.rules import read_rules
from crossfade.verify.verdict import SchemaVerdict, Verdict


def verify(context: Context, listen: Listener) -> Verdict:
    return _compared(context, listen, None)


def compared(context: Context, listen: Listener) -> tuple[Verdict, run.Wrong]:
    """Return the verdict, and all that differs by key."""
    wrong = run.Wrong()
    return _compared(context, listen, wrong), wrong


def require_finished(context: Context) -> Status:
    """Raise Refused unless there is something to compare: a finished copy of this source, with these mappings."""
    status = target_ownership.status(context)
    if status.stage != journal.FINISHED:
        raise Refused(f"the copy has not finished (it is {status.stage}); nothing was compared", hint="crossfade copy")
    source_identity.require_same_source(context, surveying.entities(context, sized=False))
    whole = {d.entity for d in context.discards if d.entity and d.is_whole}
    agreement.require_made(status, context.fed_entities, context.fed_tables, whole)
    if target_ownership.own_move(context).mapping_digest != context.digests["mapping_digest"]:
        checks.require_covered(context)  # a column that the mapping no longer makes would not be compared
    return status


def _compared(context: Context, listen: Listener, wrong: run.Wrong | None) -> Verdict:
    status = require_finished(context)
    listed = surveying.entities(context, sized=False)
    fed = [e for e in status.entities if e.entity in context.fed_entities]
    documents, chunks = sum(e.counts.source for e in fed), sum(e.chunks for e in fed)
    workers = min(context.workers, max(1, chunks))
    with executor_for(context, workers, listen, get_ready=context.get_ready) as executor:
        schema = again(lambda: _schema(context), listen)
        subject = again(lambda: _subject(context, status, schema.unread), listen)
        listen(VerificationStarted(documents, len(subject.fed_tables), len(subject.rules)))
        verdict = run.verify(partial(session, context.work), subject, executor, listen, wrong=wrong)
        require_steady(context, "verification")
        verdict = replace(verdict, schema=schema)
        return again(lambda: accounts.with_all_entities(context, verdict, status, inventory(context, listed)), listen)


def _schema(context: Context) -> SchemaVerdict:
    """Compare the schema. In a live target, tables that no mapping fills may have rows."""
    fed = context.tables(context.fed_tables)
    unfed = [] if context.is_live else [t for t in context.schema.tables if t not in fed]
    ddl = need(context.target.ddl, context.target, "be inspected")
    return replace(hold_schema(ddl, context.expected, fed, unfed), file_notes=context.schema.notes)


def _subject(context: Context, status: Status, unread: Collection[str]) -> run.Subject:
    limits = context.project.settings.limits
    with context.transaction() as tx:
        documents = {entry: document_of(raw) for entry, raw in journal.raws(tx)}
        held = held_records(journal.entries(tx), documents)
    feeds = context.program.feeds.values()
    return run.Subject(
        feeds={f.entity: sorted({b.table for b in f.branches}) for f in feeds if f.branches},
        tables=context.work.tables,
        unread=frozenset(unread),
        held=held,
        recorded={e.entity: e.counts for e in status.entities},
        rules=read_rules(context.project.rules_dir),
        limit=limits.differences,
        target_bytes=context.chunk_bytes,
    )
