"""What the journal notes when records were applied: accounts, quarantine, and whom it gives another chance."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from crossfade.journal import dirty, journal, waiting
from crossfade.journal.identities import Identities
from crossfade.journal.journal import Entry
from crossfade.model.rejection import Rejection
from crossfade.pipeline import waits
from crossfade.pipeline.difference import TableChange
from crossfade.pipeline.ownership import Who
from crossfade.pipeline.records import NO_KEY
from crossfade.pipeline.settle import Settled
from crossfade.pipeline.view import MAPPING, PERSON, Record, View

COPIED, QUARANTINED, DISCARDED = "copied", "quarantined", "discarded"
PHASE = "apply"


@dataclass(frozen=True)
class Applied:
    """What came of a key set. `rows`: table -> rows that came, changed and went. `records`: (entity, outcome) -> how
    many; outcomes are came, gone, changed, quarantined, admitted (out of quarantine), discarded and equal. `stuck`:
    records whose rows could not be removed, and why.
    """

    rows: Mapping[str, tuple[int, int, int]] = field(default_factory=dict)
    records: Counter[tuple[str, str]] = field(default_factory=Counter)
    stuck: Mapping[Who, str] = field(default_factory=dict)

    def __add__(self, other: Applied) -> Applied:
        rows = {
            name: tuple(a + b for a, b in zip(self.rows.get(name, _NONE), other.rows.get(name, _NONE), strict=True))
            for name in sorted({*self.rows, *other.rows})
        }
        return Applied(rows, self.records + other.records, {**self.stuck, **other.stuck})  # type: ignore[arg-type]


_NONE = (0, 0, 0)


@dataclass(frozen=True)
class _Fate:
    """In which account a record was, and in which it is now; None: it is not in the source."""

    record: Record
    before: str | None
    after: str | None
    why: Rejection | None


def note(view: View, settled: Settled, changes: Sequence[TableChange]) -> Applied:
    """Note what became of the records in view, in the transaction that wrote the changes."""
    inside = view.inside
    fates = [_fate(record, settled.rejected.get(record.number), inside) for record in view.records if not record.frozen]
    _note_left(view, fates)
    _note_entries(view, fates)
    _note_accounts(view, fates, changes)
    _wake(view, changes)
    touched = {who for c in changes for part in (*c.inserts, *c.updates, *c.deletes) for who in part.owners}
    records = Counter((f.record.who[0], _outcome(f, f.record.who in touched)) for f in fates)
    return Applied({c.table.name: c.counts for c in changes}, +records)


def _fate(record: Record, refused: Rejection | None, inside: set[Who]) -> _Fate:
    before: str | None
    if record.entry is not None:
        before = DISCARDED if record.entry.state == "discarded" else QUARANTINED
    elif record.was_discarded:
        before = DISCARDED
    else:
        before = COPIED if record.who in inside else None
    if record.raw is None:
        return _Fate(record, before, None, None)
    if record.discarded is not None:
        return _Fate(record, before, DISCARDED, None)
    why = refused or record.rejection
    return _Fate(record, before, COPIED if why is None else QUARANTINED, why)


def _outcome(fate: _Fate, touched: bool) -> str:
    if fate.after is None:
        return "gone" if fate.before is not None else "equal"
    if fate.after != COPIED:
        return "equal" if fate.before == fate.after else fate.after
    if fate.before == COPIED:
        return "changed" if touched else "equal"
    return "came" if fate.before is None else "admitted"


# -- accounts


def _note_accounts(view: View, fates: Sequence[_Fate], changes: Sequence[TableChange]) -> None:
    shifts: dict[str, Counter[str]] = {}
    for fate in fates:
        if fate.before == fate.after:
            continue
        shift = shifts.setdefault(fate.record.who[0], Counter())
        shift[fate.before or "came"] += 1 if fate.before is None else -1
        shift[fate.after or "gone"] += 1
    rows = _row_shifts(changes)
    for entity in sorted({*shifts, *rows}):
        moved = {name: count for name, count in shifts.get(entity, Counter()).items() if count}
        left = {table: count for table, count in rows.get(entity, Counter()).items() if count}
        if moved or left:
            journal.shift_counts(view.tx, entity, rows=left, **moved)


def _row_shifts(changes: Sequence[TableChange]) -> dict[str, Counter[str]]:
    """Entity -> table -> rows that came, less those that went."""
    shifts: dict[str, Counter[str]] = {}
    for change in changes:
        for parts, sign in ((change.inserts, 1), (change.deletes, -1)):
            for part in parts:
                for entity, _ in part.owners:
                    shifts.setdefault(entity, Counter())[change.table.name] += sign
    return shifts


def _note_left(view: View, fates: Sequence[_Fate]) -> None:
    """Records that the `where` of a discard leaves out have no row and no entry to know them by."""
    for entity in {f.record.who[0] for f in fates}:
        own = [f for f in fates if f.record.who[0] == entity]
        left = [f.record.who[1] for f in own if f.after == DISCARDED and f.record.discarded != PERSON]
        now = [key for key in left if key not in {f.record.who[1] for f in own if f.record.was_discarded}]
        gone = [f.record.who[1] for f in own if f.record.was_discarded and f.record.who[1] not in left]
        if now:
            view.s.ledger.add_left(view.tx, entity, now)
        if gone:
            view.s.ledger.forget_left(view.tx, entity, gone)


# -- quarantine


def _note_entries(view: View, fates: Sequence[_Fate]) -> None:
    tx, s = view.tx, view.s
    held = [(f, f.record.entry) for f in fates if f.record.entry is not None]
    gone = [entry for f, entry in held if f.after is None or f.record.discarded == MAPPING]
    done = [entry for f, entry in held if f.after == COPIED]
    journal.forget_all(tx, [*gone, *(entry for entry in done if entry.state != "open")])
    journal.resolve_all(tx, done, "retried")
    waiting.forget(tx, [entry.id for entry in (*gone, *done)])
    again = [(_again(entry, f), f.record) for f, entry in held if _is_news(f, entry)]
    journal.update_reasons(tx, [(e, record.raw or b"") for e, record in again if e.state == "open" or e.note])
    journal.quarantine_all(tx, [(e, record.raw or b"") for e, record in again if e.state != "open" and not e.note])
    new = [f for f in fates if f.after == QUARANTINED and f.record.entry is None]
    for entity in sorted({f.record.who[0] for f in new}):
        identities = Identities(entity, s.source.traits.has_unique_keys)
        own = [f for f in new if f.record.who[0] == entity]
        named = identities.named(tx, [(_entry(f), f.record.raw or b"") for f in own])
        journal.quarantine_all(tx, named)
        again += [(entry, f.record) for f, (entry, _) in zip(own, named, strict=True)]
    found = {entry.id: waits.of_record(view, record.number, entry) for entry, record in again if not entry.note}
    waiting.note(tx, found)


def _is_news(fate: _Fate, entry: Entry) -> bool:
    """Whether the journal does not know it yet: the record has changed, or the reason has."""
    if fate.after not in (QUARANTINED, DISCARDED) or fate.record.raw is None or fate.record.discarded == MAPPING:
        return False
    changed = journal.digest_of(fate.record.raw) != fate.record.entry_digest
    if fate.record.discarded == PERSON:
        return changed
    return fate.why is not None and (changed or not _is_same(entry, fate.why))


def _is_same(entry: Entry, why: Rejection) -> bool:
    unnamed = why.constraint is None or entry.constraint == why.constraint
    return unnamed and (entry.reason, entry.table) == (why.reason, why.table)


def _again(entry: Entry, fate: _Fate) -> Entry:
    if fate.why is None:
        return entry
    known = _is_same(entry, fate.why)
    return replace(
        entry,
        reason=fate.why.reason,
        detail=fate.why.detail,
        table=fate.why.table,
        column=fate.why.column or (entry.column if known else None),
        constraint=fate.why.constraint or (entry.constraint if known else None),
        row_key=fate.why.row_key,
    )


def _entry(fate: _Fate) -> Entry:
    assert fate.why is not None
    entity, key = fate.record.who
    return Entry(
        id="",
        entity=entity,
        chunk=journal.LATER,
        key=None if key.startswith(NO_KEY) else key,
        reason=fate.why.reason,
        detail=fate.why.detail,
        table=fate.why.table,
        column=fate.why.column,
        phase=PHASE,
        constraint=fate.why.constraint,
    )


def _wake(view: View, changes: Sequence[TableChange]) -> None:
    """Records that waited for what has come, or is free now, are to be applied again."""
    if not changes:
        return
    values, tables = waits.of_changes(view, changes)
    woken = waiting.woken(view.tx, values, tables) if values else set()
    for entity in sorted({entity for entity, _ in woken}):
        dirty.put(view.tx, entity, [key for of, key in woken if of == entity])
