"""Note in the journal that records were applied: accounts, quarantine, and the entries that are to be tried again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from crossfade.journal import halted, journal, waiting
from crossfade.journal.journal import Entry
from crossfade.model.reasons import UNSEEN
from crossfade.model.rejection import Rejection
from crossfade.pipeline import entries, waits
from crossfade.pipeline.accounts import COPIED, DISCARDED, QUARANTINED, Moved, note_moved
from crossfade.pipeline.claims import Settled
from crossfade.pipeline.difference import TableChange
from crossfade.pipeline.ownership import Who
from crossfade.pipeline.view import MAPPING, PERSON, Record, View

PHASE = "apply"


@dataclass(frozen=True)
class Applied:
    """The result of applying a key set. `rows`: table -> rows inserted, updated and deleted. `records`: (entity,
    outcome) -> how many; outcomes are came, gone, changed, quarantined, admitted (out of quarantine), discarded and
    equal. `stuck`: records whose rows could not be removed, and why. `reasons`: (entity, reason) -> records that went
    to quarantine. `left`: those that were put into the journal again meanwhile, and were not applied. `refused`: how
    many entries in quarantine are new, or may have another reason than before.
    """

    rows: Mapping[str, tuple[int, int, int]] = field(default_factory=dict)
    records: Counter[tuple[str, str]] = field(default_factory=Counter)
    stuck: Mapping[Who, str] = field(default_factory=dict)
    reasons: Counter[tuple[str, str]] = field(default_factory=Counter)
    left: frozenset[Who] = frozenset()
    refused: int = 0

    def __add__(self, other: Applied) -> Applied:
        rows = {
            name: tuple(a + b for a, b in zip(self.rows.get(name, _NONE), other.rows.get(name, _NONE), strict=True))
            for name in sorted({*self.rows, *other.rows})
        }
        return Applied(
            rows,  # type: ignore[arg-type]
            self.records + other.records,
            {**self.stuck, **other.stuck},
            self.reasons + other.reasons,
            self.left | other.left,
            self.refused + other.refused,
        )


_NONE = (0, 0, 0)


@dataclass(frozen=True)
class _Fate:
    """The account of a record before and after; None: it is not in the source."""

    record: Record
    before: str | None
    after: str | None
    why: Rejection | None


def note(view: View, settled: Settled, changes: Sequence[TableChange]) -> Applied:
    """Note what became of the records in view, in the transaction that wrote the changes."""
    inside = view.inside
    fates = [_fate(record, settled.rejected.get(record.number), inside) for record in view.records if not record.frozen]
    _note_left(view, fates)
    refused = _note_entries(view, fates)
    _note_accounts(view, fates, changes)
    touched = {who for c in changes for part in (*c.inserts, *c.updates, *c.deletes) for who in part.owners}
    records = Counter((f.record.who[0], _outcome(f, f.record.who in touched)) for f in fates)
    reasons = Counter(
        (f.record.who[0], f.why.reason) for f in fates if f.why is not None and f.before != f.after == QUARANTINED
    )
    if view.s.work.is_followed:
        for entity, reason in sorted(reasons):
            if reason in UNSEEN:
                halted.note(view.tx, entity, "unseen", halted.unseen(entity, reason))
    rows = {c.table.name: c.counts for c in changes}
    return Applied(rows, +records, reasons=reasons, left=view.left, refused=refused)


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
    moved: dict[str, Counter[Moved]] = {}
    for fate in fates:
        moved.setdefault(fate.record.who[0], Counter())[fate.before, fate.after] += 1
    rows = _row_shifts(changes)
    for entity in sorted({*moved, *rows}):
        note_moved(view.tx, entity, moved.get(entity, Counter()).items(), rows.get(entity))


def _row_shifts(changes: Sequence[TableChange]) -> dict[str, Counter[str]]:
    """Return entity -> table -> by how many rows it has grown."""
    shifts: dict[str, Counter[str]] = {}
    for change in changes:
        for parts, sign in ((change.inserts, 1), (change.deletes, -1)):
            for part in parts:
                for entity, _ in part.owners:
                    shifts.setdefault(entity, Counter())[change.table.name] += sign
    return shifts


def _note_left(view: View, fates: Sequence[_Fate]) -> None:
    """Note the records that the `where` of a discard leaves out: they have neither a row nor an entry."""
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


def _note_entries(view: View, fates: Sequence[_Fate]) -> int:
    """Return how many entries are new, or may have another reason."""
    tx, s = view.tx, view.s
    had_entry = [(f, f.record.entry) for f in fates if f.record.entry is not None]
    gone = [entry for f, entry in had_entry if f.after is None or f.record.discarded == MAPPING]
    done = [entry for f, entry in had_entry if f.after == COPIED]
    entries.forget(tx, [*gone, *(entry for entry in done if entry.state != "open")])
    entries.close(tx, [entry for entry in done if entry.state == "open"], "retried")
    again = [
        (f, entry if f.why is None else entries.again(entry, f.why)) for f, entry in had_entry if _is_news(f, entry)
    ]
    entries.reject_again(
        tx, [(e, f.record.raw if _has_changed(f) else None) for f, e in again if e.state == "open" or e.note]
    )
    journal.quarantine_all(tx, [(e, f.record.raw or b"") for f, e in again if e.state != "open" and not e.note])
    new = [f for f in fates if f.after == QUARANTINED and f.record.entry is None]
    for entity in sorted({f.record.who[0] for f in new}):
        own = [f for f in new if f.record.who[0] == entity]
        named = entries.quarantine(s, tx, entity, [(_new_entry(f), f.record.raw or b"") for f in own])
        again += [(f, entry) for f, (entry, _) in zip(own, named, strict=True)]
    waiting.note(tx, _waits(view, again))
    return len(again)


def _waits(view: View, found: Sequence[tuple[_Fate, Entry]]) -> dict[str, set[str]]:
    """Return what entries wait for, by the constraint that refused their records now: an entry keeps the name of an
    earlier one if none is named.
    """
    asked = [(f, replace(entry, constraint=f.why.constraint) if f.why else entry) for f, entry in found]
    return {entry.id: waits.of_record(view, f.record.number, entry) for f, entry in asked if not entry.note}


def _is_news(fate: _Fate, entry: Entry) -> bool:
    """Whether the entry has to be updated: the record or the reason has changed, or may have: the value that is in the
    way may be another one, or may be another record's.
    """
    if fate.after not in (QUARANTINED, DISCARDED) or fate.record.raw is None or fate.record.discarded == MAPPING:
        return False
    if fate.record.discarded == PERSON:
        return _has_changed(fate)
    if fate.why is None:
        return False
    return fate.why.reason in waiting.REASONS or _has_changed(fate) or not entries.is_same(entry, fate.why)


def _has_changed(fate: _Fate) -> bool:
    return journal.digest_of(fate.record.raw or b"") != fate.record.entry_digest


def _new_entry(fate: _Fate) -> Entry:
    assert fate.why is not None
    return entries.entry_of(*fate.record.who, fate.why, PHASE)


def woken(view: View, changes: Sequence[TableChange]) -> set[Who]:
    """Return the records that waited for a row that exists after these changes, or for a value that is free then."""
    if not changes or not waiting.is_any(view.tx):
        return set()
    values, tables = waits.of_changes(view, changes)
    return waiting.woken(view.tx, values, tables) if values else set()
