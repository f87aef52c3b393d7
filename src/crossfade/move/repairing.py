"""The repair as a whole: compare everything and apply the records that differ, or apply those that a person names.

The comparison also counts the source's records, and the accounts are set to its counts: until everything is counted, a
row that others deleted and a record that is new in the source look alike.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from crossfade.errors import Misused, Unsupported
from crossfade.journal import agreed, journal
from crossfade.journal.dirty import all_dirty
from crossfade.model.events import Listener
from crossfade.move import copying, target_ownership, verifying
from crossfade.move.context import Context
from crossfade.move.executors import executor_for
from crossfade.pipeline import causes
from crossfade.pipeline.noting import Applied
from crossfade.pipeline.repair import Watch, drain, owners_of, unwatched
from crossfade.pipeline.repair import repair as apply_records
from crossfade.stores.contract import TargetTransaction
from crossfade.verify.run import Differing
from crossfade.verify.verdict import Verdict

RECORDS_A_WORKER = 5000


@dataclass(frozen=True)
class Repaired:
    """`records`: how many differ, or were named, of `compared` records of the source. `rows_of_no_record`: table ->
    rows that lead to no record of the source, and stay as they are. `applied`: what was changed, or would be
    (`dry_run`).

    `handed_over`: the run that follows applied them; `moving`: how many it has not applied yet. `back`: the target is
    open, and they were put back into the source.
    """

    records: int
    applied: Applied
    dry_run: bool = False
    rows_of_no_record: Mapping[str, int] = field(default_factory=dict)
    handed_over: bool = False
    moving: int = 0
    compared: int = 0
    back: bool = False

    @property
    def ok(self) -> bool:
        return not self.rows_of_no_record and not self.applied.stuck and not self.moving


def repair(
    context: Context,
    listen: Listener,
    *,
    dry_run: bool = False,
    keys: Mapping[str, Sequence[str]] | None = None,
    watch: Watch = unwatched,
) -> Repaired:
    """See `Move.repair`. `watch` hears what was applied, by pieces; if it raises, the rest stays in the journal."""
    if dry_run and not context.target.traits.has_transactions:
        raise Unsupported(
            "the target has no transactions, in which a repair could be tried and rolled back; nothing was changed",
            hint="crossfade verify, which names what differs",
        )
    wrong, verdict, rows_of_no_record = Differing(), None, dict[str, int]()
    if keys is None:
        verdict, wrong, rows_of_no_record = compared(context, listen)
    else:
        verifying.require_finished(context)
        wrong.records = {entity: set(meant(context, entity, named)) for entity, named in keys.items()}
    found = {entity: sorted(of) for entity, of in wrong.records.items() if of}
    total = sum(map(len, found.values()))
    with executor_for(
        context, min(context.writers, 1 + total // 5000), listen, get_ready=context.get_ready
    ) as executor:
        applied = apply_records(context.work, found, executor, listen, dry_run=dry_run, watch=watch)
    if not dry_run:
        if verdict is not None:
            _recount(context, verdict, applied)
            with context.transaction() as tx:
                agreed.note(tx, context.parts)
                journal.set_digests(tx, context.digests)
        copying.advance_sequences(context)
        causes.explain(context.work)
    return Repaired(
        total, applied, dry_run, rows_of_no_record, compared=0 if verdict is None else verdict.counts.source
    )


def apply_pending(context: Context, listen: Listener) -> None:
    """Apply what the journal has."""
    with executor_for(context, 1, listen) as executor:
        drain(context.work, executor, listen)


def compared(context: Context, listen: Listener) -> tuple[Verdict, Differing, dict[str, int]]:
    """Return the verdict of a comparison of everything, the records that differ, and table -> rows of no record."""
    verdict, wrong = verifying.compared(context, listen)
    rows_of_no_record = _add_owners(context, wrong)
    _add_journaled(context, wrong)
    return verdict, wrong, rows_of_no_record


def _add_owners(context: Context, wrong: Differing) -> dict[str, int]:
    """Add the records that own rows which should not be there. Return table -> number of rows of no record."""
    rows_of_no_record: dict[str, int] = {}
    for table, keys in wrong.rows.items():
        if not len(keys):
            continue
        owners = owners_of(context.work, table, pa.table(keys))
        for who in owners:
            if who is not None:
                wrong.records.setdefault(who[0], set()).add(who[1])
        if lost := sum(who is None for who in owners):
            rows_of_no_record[table] = lost
    return rows_of_no_record


def _add_journaled(context: Context, wrong: Differing) -> None:
    """Add the quarantined records of entities that have lost records, and the dirty ones that a killed run has left."""
    with context.transaction() as tx:
        for entity in wrong.lost:
            quarantined = {e.key for e in journal.entries_outside(tx, entity) if e.key is not None}
            wrong.records.setdefault(entity, set()).update(quarantined)
        for one in all_dirty(tx):
            if one.entity in context.program.feeds:
                wrong.records.setdefault(one.entity, set()).add(one.key)


def meant(context: Context, entity: str, named: Sequence[str]) -> list[str]:
    """Return the keys that a person means. A text may be several keys: then those that the source has, or else all."""
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
        shape = context.work.shapes[entity]
        for raw in reader.fetch(entity, codec.key_path, meant, shape) if reader is not None else ():
            there |= {key for one in codec.split(raw) if (key := codec.key(one)) is not None}
        found += [key for key in meant if key in there] or meant
    return found


def _recount(context: Context, verdict: Verdict, applied: Applied) -> None:
    """Set the accounts of the entities to what the comparison counted and what quarantine has now.

    A record that the source lacks was counted as gone when its rows were removed. If that makes the accounts too small,
    it was never in them: its rows were of no record.
    """
    status = {e.entity: e for e in target_ownership.status(context).entities}
    with context.transaction() as tx:
        reasons = journal.open_by_reason(tx)
        for entity in verdict.entities:
            if entity.entity not in status or entity.entity not in context.fed_entities:
                continue
            now = status[entity.entity].counts
            quarantined = sum(n for reason, n in reasons.get(entity.entity, {}).items() if reason != "remainder")
            left = entity.found.discarded
            lacking = entity.found.source - now.source
            never_there = max(0, min(lacking, applied.records[entity.entity, "gone"]))
            shift = {
                "came": lacking - never_there,
                "gone": -never_there,
                "quarantined": quarantined - now.quarantined,
                "discarded": left - now.discarded,
                "copied": entity.found.source - quarantined - left - now.copied,
            }
            if any(shift.values()):
                journal.shift_counts(tx, entity.entity, rows=None, **shift)
        _recount_rows(context, tx, verdict)


def _recount_rows(context: Context, tx: TargetTransaction, verdict: Verdict) -> None:
    """Correct the counts of rows: those that others had deleted or added, and that the repair restored, count once."""
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
