"""`apply` in state mode: the rows that some records own are made equal to what the records make now.

The source is read, the mapping run, the rows that the records own found and compared; only rows that differ are
written, in one transaction with the counts and the quarantine. So it does not matter what is there already, how often
it is done, or which change was the reason.

Most keys change nothing but their own rows: then transactions share the target (`_quick`). Where a record is to be
quarantined or evicted, or others are in its way, one transaction at a time decides (`_careful`): it looks at whoever
holds what is wanted, and at whoever refers to what is to go, and reads them again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from weakref import WeakKeyDictionary

from crossfade.journal import dirty, journal
from crossfade.journal.dirty import Dirty
from crossfade.model.rejection import Rejection
from crossfade.pipeline.difference import difference
from crossfade.pipeline.noting import Applied, note
from crossfade.pipeline.ownership import Ownership, Who
from crossfade.pipeline.refusing import Search
from crossfade.pipeline.settle import Settled, Settling
from crossfade.pipeline.view import View
from crossfade.pipeline.writing import attempt, write
from crossfade.runtime.session import Session
from crossfade.stores.contract import RowRejected, TargetTransaction

How = Callable[[Session, TargetTransaction, Sequence[Dirty]], Applied]


class _Careful(Exception):
    """Others are concerned: the transaction is rolled back, and done again alone."""


class _Undo(Exception):
    """Rolls back what was only tried."""


_ownerships: WeakKeyDictionary[Session, Ownership] = WeakKeyDictionary()


def apply_keys(s: Session, claims: Sequence[Dirty], *, dry_run: bool = False) -> Applied:
    """Make the rows of these records equal to what the records make now, in one transaction.

    What was put into the journal again since `claims` were read is left to whoever reads that. With `dry_run`
    everything is rolled back.
    """
    s.forget_lookups()
    try:
        return _transaction(s, claims, dry_run, _quick)
    except _Careful:
        return _transaction(s, claims, dry_run, _careful)


def ownership_of(s: Session) -> Ownership:
    """Return what a session knows of who owns which rows; kept for its other calls."""
    if s not in _ownerships:
        _ownerships[s] = Ownership(s)
    return _ownerships[s]


def _transaction(s: Session, claims: Sequence[Dirty], dry_run: bool, how: How) -> Applied:
    out = Applied()
    with suppress(_Undo), s.transaction() as tx:
        out = how(s, tx, claims)
        if dry_run:
            raise _Undo
    return out


def _view(s: Session, tx: TargetTransaction, claims: Sequence[Dirty]) -> View:
    """The records of the keys that are still to be applied."""
    view = View(s, tx, ownership_of(s))
    listed: dict[str, list[str]] = {}
    for one in dirty.claim(tx, claims):
        listed.setdefault(one.entity, []).append(one.key)
    view.add(listed)
    return view


def _quick(s: Session, tx: TargetTransaction, claims: Sequence[Dirty]) -> Applied:
    """Where no other record is concerned. Raises _Careful otherwise."""
    journal.share_move(tx)
    view = _view(s, tx, claims)
    several = any(len(records) > 1 for records in view.by_who.values())
    if several or any(r.entry is not None or r.rejection is not None for r in view.records):
        raise _Careful
    changes = difference(view, ())
    if changes:
        settled = Settling(view, ask_uniques=False).settle()
        if settled.look_at or settled.rejected or settled.stuck:
            raise _Careful
        try:
            with tx.savepoint():
                write(s, tx, changes)
        except RowRejected as refusal:
            raise _Careful from refusal
    return note(view, Settled(), changes)


def _careful(s: Session, tx: TargetTransaction, claims: Sequence[Dirty]) -> Applied:
    """No other transaction applies keys meanwhile."""
    journal.lock_move(tx)
    view = _view(s, tx, claims)
    stuck: dict[Who, str] = {}
    while True:
        settled = _settled(view)
        refused: Mapping[int, Rejection] = {}
        if not settled.stuck:
            changes = difference(view, settled.rejected)
            if attempt(s, tx, changes) is None:
                out = note(view, settled, changes)
                return Applied(out.rows, out.records, stuck)
            refused = _refused(s, tx, view, settled)
        for who, why in {**settled.stuck, **_without_rows(view, settled, refused)}.items():
            view.freeze(who, why)
            stuck[who] = why
        for number, rejection in refused.items():
            view.records[number].rejection = rejection


def _settled(view: View) -> Settled:
    """With everybody in view who is concerned."""
    while True:
        settled = Settling(view).settle()
        new: dict[str, list[str]] = {}
        for entity, key in sorted(settled.look_at - view.by_who.keys()):
            new.setdefault(entity, []).append(key)
        if not new:
            return settled
        # A fresh number, put and claimed before they are read: whoever has read one of them before writes it no more.
        dirty.claim(view.tx, [one for entity, keys in new.items() for one in dirty.put(view.tx, entity, keys)])
        view.add(new)


def _refused(s: Session, tx: TargetTransaction, view: View, settled: Settled) -> dict[int, Rejection]:
    """The records that the target refuses. Nothing is written."""
    search = Search(s, tx, view, settled)
    with suppress(_Undo), tx.savepoint():
        search.search()
        raise _Undo
    search.require_some()
    return search.found


def _without_rows(view: View, settled: Settled, refused: Mapping[int, Rejection]) -> dict[Who, str]:
    """Of the refused those that were to lose their rows: the target does not let them go."""
    out = (n for n in refused if n in settled.rejected or not view.records[n].wants_in)
    return {view.records[n].who: refused[n].detail for n in out}


__all__ = ["Applied", "apply_keys", "ownership_of"]
