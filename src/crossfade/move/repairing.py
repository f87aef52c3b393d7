"""The repair as a whole: what differs is named by a comparison of everything, and applied; or keys that a person names.

The comparison counts the source: the accounts are brought to what it found. A row that was deleted by somebody and a
record that came into the source look alike, until all are counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from crossfade.errors import Misused
from crossfade.journal import agreed, journal
from crossfade.journal.dirty import all_dirty
from crossfade.model.events import Listener
from crossfade.move import copying, target_ownership, verifying
from crossfade.move.context import Context
from crossfade.move.executors import executor_for
from crossfade.pipeline import causes
from crossfade.pipeline.noting import Applied
from crossfade.pipeline.repair import owners_of
from crossfade.pipeline.repair import repair as apply_records
from crossfade.stores.contract import TargetTransaction
from crossfade.verify.run import Wrong
from crossfade.verify.verdict import Verdict

RECORDS_A_WORKER = 5000


@dataclass(frozen=True)
class Repaired:
    """`records` were found to differ, or named. `of_nobody`: table -> rows that no record of the source leads to, and
    that stay as they are. `applied` is what was changed, or would be (`dry_run`).
    """

    records: int
    applied: Applied
    dry_run: bool = False
    of_nobody: Mapping[str, int] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        return not self.of_nobody and not self.applied.stuck


def repair(
    context: Context, listen: Listener, *, dry_run: bool = False, keys: Mapping[str, Sequence[str]] | None = None
) -> Repaired:
    wrong, verdict, of_nobody = Wrong(), None, dict[str, int]()
    if keys is None:
        verdict, wrong = verifying.compared(context, listen)
        of_nobody = _add_owners(context, wrong)
        _add_held(context, wrong)
    else:
        verifying.require_finished(context)
        wrong.records = {entity: set(_meant(context, entity, named)) for entity, named in keys.items()}
    found = {entity: sorted(of) for entity, of in wrong.records.items() if of}
    total = sum(map(len, found.values()))
    with executor_for(
        context, min(context.writers, 1 + total // 5000), listen, get_ready=context.get_ready
    ) as executor:
        applied = apply_records(context.work, found, executor, listen, dry_run=dry_run)
    if not dry_run:
        if verdict is not None:
            _recount(context, verdict)
            with context.transaction() as tx:
                agreed.note(tx, context.parts)
                journal.set_digests(tx, context.digests)
        copying.advance_sequences(context)
        causes.explain(context.work)
    return Repaired(total, applied, dry_run, of_nobody)


def _add_owners(context: Context, wrong: Wrong) -> dict[str, int]:
    """The records behind rows that should not be there; table -> the rows of no record."""
    of_nobody: dict[str, int] = {}
    for table, keys in wrong.rows.items():
        if not len(keys):
            continue
        owners = owners_of(context.work, table, pa.table(keys))
        for who in owners:
            if who is not None:
                wrong.records.setdefault(who[0], set()).add(who[1])
        if lost := sum(who is None for who in owners):
            of_nobody[table] = lost
    return of_nobody


def _add_held(context: Context, wrong: Wrong) -> None:
    """Records that the journal holds, of entities of which some are gone; and what a run that was killed has left."""
    with context.transaction() as tx:
        for entity in wrong.lost:
            held = {e.key for e in journal.held_entries(tx, entity) if e.key is not None}
            wrong.records.setdefault(entity, set()).update(held)
        for one in all_dirty(tx):
            if one.entity in context.program.feeds:
                wrong.records.setdefault(one.entity, set()).add(one.key)


def _meant(context: Context, entity: str, named: Sequence[str]) -> list[str]:
    """The keys that a person means: of several that a text may be, those that the source has; otherwise all."""
    if entity not in context.fed_entities:
        raise Misused(f"no mapping has the entity {entity!r}; nothing was changed", hint="crossfade status")
    codec, reader = context.codec, context.source.reader
    found: list[str] = []
    for text in named:
        try:
            groups = codec.keys_meant(text)
        except ValueError as error:
            hint = "write the key as `crossfade preview` prints it"
            raise Misused(f"the key {text} cannot be read: {error}", hint=hint) from None
        meant = [key for group in groups for key in group]
        there = set[str]()
        for raw in reader.fetch(entity, codec.key_path, meant) if reader is not None else ():
            there |= {key for one in codec.split(raw) if (key := codec.key(one)) is not None}
        found += [key for key in meant if key in there] or meant
    return found


def _recount(context: Context, verdict: Verdict) -> None:
    """The accounts of the entities, as the comparison counted them and quarantine has them now."""
    status = {e.entity: e for e in target_ownership.status(context).entities}
    with context.transaction() as tx:
        reasons = journal.open_by_reason(tx)
        for entity in verdict.entities:
            if entity.entity not in status or entity.entity not in context.fed_entities:
                continue
            now = status[entity.entity].counts
            held = sum(n for reason, n in reasons.get(entity.entity, {}).items() if reason != "remainder")
            left = entity.found.discarded
            shift = {
                "came": entity.found.source - now.source,
                "quarantined": held - now.quarantined,
                "discarded": left - now.discarded,
                "copied": entity.found.source - held - left - now.copied,
            }
            if any(shift.values()):
                journal.shift_counts(tx, entity.entity, rows=None, **shift)
        _recount_rows(context, tx, verdict)


def _recount_rows(context: Context, tx: TargetTransaction, verdict: Verdict) -> None:
    """Rows that somebody had deleted or added, and that were written or removed again, count once."""
    noted: Counter[str] = Counter()
    filled: dict[str, str] = {}
    for chunk in journal.chunks(tx):
        noted.update(chunk.rows)
        filled |= dict.fromkeys(chunk.rows, chunk.chunk.entity)
    for table in verdict.tables:
        target = context.work.tables[table.table]
        there = tx.count(target, hold=False) if table.total and table.table in filled else None
        if there is not None:
            own = there - tx.other_rows(target, limit=1).count
            if own != noted[table.table]:
                journal.shift_counts(tx, filled[table.table], rows={table.table: own - noted[table.table]})
