"""The verification as a whole: check that there is something to verify, and collect what the phase needs."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from functools import partial

from crossfade.errors import Refused
from crossfade.journal import agreement, journal
from crossfade.journal import feed as feeds
from crossfade.journal.status import Status
from crossfade.model.events import Listener, VerificationStarted
from crossfade.move import accounts, checks, source_identity, surveying, target_ownership
from crossfade.move.context import Context
from crossfade.move.executors import executor_for
from crossfade.move.expected import expected_catalog
from crossfade.move.inventory import inventory
from crossfade.move.steady import require_all_read, require_steady
from crossfade.runtime.again import again
from crossfade.runtime.session import session
from crossfade.schema.compare import NOTE
from crossfade.stores.contract import need
from crossfade.verify import run
from crossfade.verify.catalog import compare_schema
from crossfade.verify.not_copied import NotCopied, document_of, records_outside
from crossfade.verify.rules import read_rules
from crossfade.verify.verdict import SchemaVerdict, Verdict


def verify(context: Context, listen: Listener) -> Verdict:
    return _compared(context, listen, None)


def compared(context: Context, listen: Listener) -> tuple[Verdict, run.Differing]:
    """Return the verdict, and all that differs by key."""
    wrong = run.Differing()
    return _compared(context, listen, wrong), wrong


def require_finished(context: Context) -> Status:
    """Raise Refused unless there is something to compare: a finished copy of this source, with these mappings."""
    status = target_ownership.status(context)
    if status.stage != journal.FINISHED:
        raise Refused(f"the copy has not finished (it is {status.stage}); nothing was compared", hint="crossfade copy")
    source_identity.require_same_source(
        context, surveying.entities(context, sized=False), replaceable=context.is_polled
    )
    whole = {d.entity for d in context.discards if d.entity and d.is_whole}
    agreement.require_made(status, context.fed_entities, context.fed_tables, whole)
    if target_ownership.own_move(context).mapping_digest != context.digests["mapping_digest"]:
        checks.require_covered(context)  # a column that the mapping no longer makes would not be compared
    return status


def _compared(context: Context, listen: Listener, wrong: run.Differing | None) -> Verdict:
    status = require_finished(context)
    listed = surveying.entities(context, sized=False)
    fed = [e for e in status.entities if e.entity in context.fed_entities]
    documents, chunks = sum(e.counts.source for e in fed), sum(e.chunks for e in fed)
    workers = min(context.workers, max(1, chunks))
    with executor_for(context, workers, listen, get_ready=context.get_ready) as executor:
        found = again(lambda: schema(context), listen)
        about = again(lambda: subject(context, status, found.unread), listen)
        if wrong is not None:
            about = replace(about, rules={})  # a repair needs what differs, not whether the rules hold
        listen(VerificationStarted(documents, len(about.fed_tables), len(about.rules)))
        snapshot = context.snapshot
        verdict = run.verify(partial(session, context.work), about, executor, listen, wrong=wrong)
        require_steady(context, "verification")
        read = {one.entity: one.found.source for one in verdict.entities}
        again(lambda: require_all_read(context, snapshot, read), listen)
        verdict = replace(verdict, schema=found)
        return again(lambda: accounts.with_all_entities(context, verdict, status, inventory(context, listed)), listen)


def has_feed(context: Context) -> bool:
    """Return whether the move follows its source, even if it does not at this moment."""
    if not context.has_journal:
        return False
    with context.transaction() as tx:
        return feeds.find(tx) is not None


def schema(context: Context) -> SchemaVerdict:
    """Compare the schema. In a live target, tables that no mapping fills may have rows. Sequences are advanced when
    following ends: if the move follows, they may be behind.
    """
    found = _schema(context)
    if not has_feed(context):
        return found
    is_behind = [d.thing == "sequence" and d.fact == "next number" for d in found.differences]
    differences = (
        replace(d, severity=NOTE) if behind else d for d, behind in zip(found.differences, is_behind, strict=True)
    )
    return replace(found, differences=tuple(differences))


def _schema(context: Context) -> SchemaVerdict:
    fed = context.tables(context.fed_tables)
    unfed = [] if context.is_live else [t for t in context.schema.tables if t not in fed]
    ddl = need(context.target.ddl, context.target, "be inspected")
    found = compare_schema(ddl, expected_catalog(context), fed, unfed, context.mapped_elsewhere)
    return replace(found, file_notes=context.schema.notes)


def subject(context: Context, status: Status, unread: Collection[str]) -> run.Subject:
    """Return what is to be compared, as the journal and the project have it."""
    limits = context.project.settings.limits
    feeds = context.program.feeds.values()
    return run.Subject(
        feeds={f.entity: sorted({b.table for b in f.branches}) for f in feeds if f.branches},
        tables=context.work.tables,
        unread=frozenset(unread),
        not_copied=not_copied(context),
        recorded={e.entity: e.counts for e in status.entities},
        rules=read_rules(context.project.rules_dir),
        limit=limits.differences,
        target_bytes=context.chunk_bytes,
    )


def not_copied(context: Context) -> dict[str, NotCopied]:
    """Return the records of each entity that the journal holds: in quarantine, or discarded there."""
    with context.transaction() as tx:
        documents = {entry: document_of(raw) for entry, raw in journal.raws(tx)}
        return records_outside(journal.entries(tx), documents)
