"""Apply records by state: make the rows that they own equal to the rows that they make now.

The source is read, the mapping is run, and the rows that the records own are found and compared; only rows that differ
are written, in one transaction with the counts and the quarantine. So it does not matter what is there already, how
often it is done, or which change was the reason.

Most records change only their own rows: then transactions run side by side (`_quick`). If a record is to be quarantined
or evicted, conflicts with others, or lets others be tried again, one transaction at a time decides (`_careful`): it
also reads the records that have a value that is wanted, and those that refer to a row that is to be deleted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial

from crossfade.errors import CrossfadeError
from crossfade.journal import dirty, feed, journal
from crossfade.journal.dirty import Dirty
from crossfade.model.rejection import Rejection
from crossfade.pipeline.cascaded import may_cascade, referring
from crossfade.pipeline.claims import Settled
from crossfade.pipeline.difference import difference
from crossfade.pipeline.noting import Applied, note, woken
from crossfade.pipeline.ownership import Who, ownership_of
from crossfade.pipeline.refusing import Search
from crossfade.pipeline.settle import Settling, concerns_others
from crossfade.pipeline.view import View
from crossfade.pipeline.writing import attempt, write
from crossfade.runtime.session import Session
from crossfade.stores.contract import Overtaken, RowRejected, TargetTransaction

How = Callable[[Session, TargetTransaction, Sequence[Dirty]], Applied]

NONE: Mapping[Who, Rejection] = {}

VALUES = ("unique", "exclusion")
ATTEMPTS = 10
"""How often it is repeated at once if another transaction was first."""


class _Careful(Exception):
    """Other records are concerned: the transaction is rolled back, and repeated by `_careful`."""


class _Undo(Exception):
    """Rolls back a try."""


def apply_keys(
    s: Session, claims: Sequence[Dirty], *, dry_run: bool = False, failed: Mapping[Who, Rejection] = NONE
) -> Applied:
    """Make the rows of these records equal to what the records make now, in one transaction.

    Records that were put into the journal again since `claims` were read are left to the transaction that reads them
    next. With `dry_run` everything is rolled back. Records in `failed` go to quarantine.
    """
    for _ in range(ATTEMPTS):
        with suppress(Overtaken):
            return _applied(s, claims, dry_run, failed)
    return _applied(s, claims, dry_run, failed)


def _applied(s: Session, claims: Sequence[Dirty], dry_run: bool, failed: Mapping[Who, Rejection]) -> Applied:
    careful = partial(_careful, failed=failed)
    if failed or not s.target.traits.has_transactions:  # what was tried quickly could not be rolled back
        return _transaction(s, claims, dry_run, careful)
    try:
        return _transaction(s, claims, dry_run, _quick)
    except _Careful:
        return _transaction(s, claims, dry_run, careful)


def _transaction(s: Session, claims: Sequence[Dirty], dry_run: bool, how: How) -> Applied:
    out = Applied()
    s.forget_lookups()  # those that an earlier transaction noted may have been rolled back
    with suppress(_Undo), s.transaction() as tx:
        out = how(s, tx, claims)
        if dry_run:
            raise _Undo
    return out


def _view(s: Session, tx: TargetTransaction, claims: Sequence[Dirty], failed: Mapping[Who, Rejection] = NONE) -> View:
    """Claim the records that are still to be applied, and read them."""
    mine = {(one.entity, one.key) for one in dirty.claim(tx, claims, keep=s.work.is_followed)}
    left = frozenset((one.entity, one.key) for one in claims) - mine
    view = View(s, tx, ownership_of(s), failed, left)
    listed: dict[str, list[str]] = {}
    for entity, key in sorted(mine):
        listed.setdefault(entity, []).append(key)
    view.add(listed)
    return view


def _quick(s: Session, tx: TargetTransaction, claims: Sequence[Dirty]) -> Applied:
    """Apply records that concern no others. Raises _Careful if they do."""
    journal.share_move(tx)
    view = _view(s, tx, claims)
    several = any(len(records) > 1 for records in view.by_who.values())
    if several or any(r.entry is not None or r.rejection is not None for r in view.records):
        raise _Careful
    changes = difference(view, ())
    if changes:
        if may_cascade(view, changes):
            raise _Careful
        if concerns_others(view, changes):
            settled = Settling(view, ask_uniques=False).settle()
            if settled.look_at or settled.rejected or settled.stuck:
                raise _Careful
        try:
            with tx.savepoint():
                write(s, tx, changes)
        except RowRejected as refusal:
            raise _Careful from refusal
    if woken(view, changes):
        raise _Careful
    return note(view, Settled(), changes)


def _careful(
    s: Session, tx: TargetTransaction, claims: Sequence[Dirty], failed: Mapping[Who, Rejection] = NONE
) -> Applied:
    """Apply records, and decide about others that they concern. No other transaction applies keys meanwhile."""
    journal.lock_move(tx)
    view = _view(s, tx, claims, failed)
    stuck: dict[Who, str] = {}
    while True:
        settled = _settled(view)
        refused: Mapping[int, Rejection] = {}
        if not settled.stuck:
            changes = difference(view, settled.rejected)
            cascaded = referring(view, changes)
            if attempt(s, tx, changes) is None:
                applied = note(view, settled, changes)
                again = stuck.keys() if s.work.is_followed else set()
                dirty.put_all(tx, woken(view, changes) | cascaded | again)
                return replace(applied, stuck=stuck)
            refused = _not_about_values(view, settled, _refused(s, tx, view, settled))
            if not refused:
                raise CrossfadeError(
                    f"the target refuses these records together, and none of them alone: {_shown(view)}; nothing was"
                    " written",
                    hint="look for a unique or exclusion constraint that takes different values for equal",
                )
        for who, why in {**settled.stuck, **_without_rows(view, settled, refused)}.items():
            view.freeze(who, why)
            stuck[who] = why
        for number, rejection in refused.items():
            view.records[number].rejection = rejection


def _shown(view: View) -> str:
    named = [f"{entity} {key}" for entity, key in sorted(view.by_who)[:3]]
    return ", ".join(named) + (", ..." if len(view.by_who) > len(named) else "")


def _settled(view: View) -> Settled:
    """Add to the view all records that are concerned, and return the decision."""
    while True:
        settled = Settling(view).settle()
        new: dict[str, list[str]] = {}
        for entity, key in sorted(settled.look_at - view.by_who.keys()):
            new.setdefault(entity, []).append(key)
        if not new:
            return settled
        # Put and claimed with a new number before they are read: a run that has read one earlier can no longer write
        # it.
        fresh = [one for entity, keys in new.items() for one in dirty.put(view.tx, entity, keys)]
        dirty.claim(view.tx, fresh, keep=view.s.work.is_followed)
        with _at_newest_floor(view.s, view.tx):
            view.add(new)


@contextmanager
def _at_newest_floor(s: Session, tx: TargetTransaction) -> Iterator[None]:
    """Read with the floor that the journal has now. After the claims and their floor were read, a change may have put
    these records into the journal: now that they are claimed, no other transaction reads that change.
    """
    record = feed.find(tx) if s.work.is_followed else None
    if record is None:
        yield
        return
    s.forget_lookups()
    with s.reading(record.floor):
        yield


def _refused(s: Session, tx: TargetTransaction, view: View, settled: Settled) -> dict[int, Rejection]:
    """Return the records that the target refuses. Nothing is written."""
    search = Search(s, tx, view, settled)
    with suppress(_Undo), tx.savepoint():
        search.search()
        raise _Undo
    search.require_some()
    return search.found


def _not_about_values(view: View, settled: Settled, refused: Mapping[int, Rejection]) -> Mapping[int, Rejection]:
    """Return the refused without those that only lose rows: these cannot have a value that another row has."""
    others = {n: why for n, why in refused.items() if why.reason not in VALUES or not _loses_rows(view, settled, n)}
    return others or refused


def _loses_rows(view: View, settled: Settled, number: int) -> bool:
    return number in settled.rejected or not view.records[number].wants_in


def _without_rows(view: View, settled: Settled, refused: Mapping[int, Rejection]) -> dict[Who, str]:
    """Return the refused that were to lose their rows, which the target does not let go."""
    out = (n for n in refused if _loses_rows(view, settled, n))
    return {view.records[n].who: refused[n].detail for n in out}


__all__ = ["Applied", "apply_keys"]
