"""The verification as a whole: what it is of, and that there is something to verify."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from functools import partial

from crossfade.errors import Refused
from crossfade.journal import agreement, journal
from crossfade.journal.status import Status
from crossfade.move import accounts, checks, surveying
from crossfade.move import source_identity as whence
from crossfade.move import target_ownership as begin
from crossfade.move.context import Ground
from crossfade.move.events import Listener, Verifying
from crossfade.move.executors import executor_for
from crossfade.move.inventory import inventory
from crossfade.runtime.again import again
from crossfade.runtime.session import session
from crossfade.stores.contract import need
from crossfade.verify import run
from crossfade.verify.catalogue import hold_schema
from crossfade.verify.not_copied import document_of, held_records
from crossfade.verify.rules import read_rules
from crossfade.verify.verdict import SchemaVerdict, Verdict


def verify(ground: Ground, listen: Listener) -> Verdict:
    status = begin.status(ground)
    if status.stage != journal.FINISHED:
        raise Refused(f"the copy has not finished (it is {status.stage}); nothing was compared", hint="crossfade copy")
    listed = surveying.entities(ground, sized=False)
    whence.require_same_source(ground, listed)
    whole = {d.entity for d in ground.discards if d.entity and d.is_whole}
    agreement.require_made(status, ground.fed_entities, ground.fed_tables, whole)
    if begin.own_move(ground).mapping_digest != ground.digests["mapping_digest"]:
        checks.require_covered(ground)  # a column that the mapping no longer makes would not be compared
    fed = [e for e in status.entities if e.entity in ground.fed_entities]
    documents, chunks = sum(e.counts.source for e in fed), sum(e.chunks for e in fed)
    workers = min(ground.workers, max(1, chunks))
    with executor_for(ground, workers, listen, get_ready=ground.get_ready) as executor:
        schema = again(lambda: _schema(ground), listen)
        subject = again(lambda: _subject(ground, status, schema.unread), listen)
        listen(Verifying(documents, len(subject.fed_tables), len(subject.rules)))
        verdict = run.verify(partial(session, ground.work), subject, executor, listen)
        verdict = replace(verdict, schema=schema)
        return again(lambda: accounts.with_all_entities(ground, verdict, status, inventory(ground, listed)), listen)


def _schema(ground: Ground) -> SchemaVerdict:
    """Tables of a live target that no mapping fills hold what is in them by right."""
    fed = ground.tables(ground.fed_tables)
    unfed = [] if ground.is_live else [t for t in ground.schema.tables if t not in fed]
    ddl = need(ground.target.ddl, ground.target, "be looked into")
    return replace(hold_schema(ddl, ground.expected, fed, unfed), file_notes=ground.schema.notes)


def _subject(ground: Ground, status: Status, unread: Collection[str]) -> run.Subject:
    limits = ground.project.settings.limits
    with ground.transaction() as tx:
        documents = {entry: document_of(raw) for entry, raw in journal.raws(tx)}
        held = held_records(journal.entries(tx), documents)
    feeds = ground.program.feeds.values()
    return run.Subject(
        feeds={f.entity: sorted({b.table for b in f.branches}) for f in feeds if f.branches},
        tables=ground.work.tables,
        unread=frozenset(unread),
        held=held,
        recorded={e.entity: e.counts for e in status.entities},
        rules=read_rules(ground.project.rules_dir),
        limit=limits.differences,
        target_bytes=ground.chunk_bytes,
    )
