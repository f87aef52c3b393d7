"""Write changes of rows while foreign keys and unique constraints are enforced.

First rows are inserted, parents before children and those of a table at once; then rows are updated; then rows are
deleted, children before parents: so no row is deleted while another refers to it, and no cascade removes rows without
counting them. An existing row is never deleted and inserted again. If a value passes from one row to another (`park`),
the row that has it gets a spare value first. If a row that is to be deleted excludes a new one by a comparison that
only the database can make (an exclusion constraint, a key whose collation ignores case), it is deleted first (`early`),
unless a row refers to it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace

import pyarrow as pa

from crossfade.errors import CrossfadeError
from crossfade.journal import loaded
from crossfade.journal.ledger import Ledger
from crossfade.model.canonical import arrow_schema, arrow_type
from crossfade.model.target import ForeignKey, TargetTable
from crossfade.pipeline.circles import against, in_order, with_nulls_in, within
from crossfade.pipeline.difference import TableChange
from crossfade.pipeline.ownership import OwnedRows
from crossfade.pipeline.parking import parked, passes_values
from crossfade.pipeline.removing import delete_rows
from crossfade.runtime.session import Session
from crossfade.stores.contract import RowRejected, TargetTransaction


class LostRow(CrossfadeError):
    """a row no longer exists; nothing was written"""

    passing = True


class _NotParked(Exception):
    """The target refuses the spare values."""


def write(
    s: Session, tx: TargetTransaction, changes: Sequence[TableChange], *, park: bool = False, early: bool = False
) -> None:
    """Write all changes, or raise RowRejected. Call it inside a savepoint. Parked rows are written with all columns."""
    by_name = {change.table.name: change for change in changes}
    order = [by_name[name] for name in in_order([change.table for change in changes])]
    places = {change.table.name: place for place, change in enumerate(order)}
    going = [part for change in order for part in change.deletes]
    if park:
        _park(tx, order)
    first = [change for change in reversed(order) if early and not _is_referred_to(s, tx, change)]
    for change in first:
        for part in change.deletes:
            delete_rows(s, tx, part, going)
    later: list[OwnedRows] = []
    updates = [part for change in order for part in change.updates]
    for change in order:
        parts = _together(change.inserts)
        open_ = [*against(change.table, places), *(within(change.table) if len(parts) > 1 else ())]
        for part in parts:
            with _naming(part):
                _insert(s, tx, part, open_, later)
    for part in (*later, *updates):
        with _naming(part):
            _update(tx, replace(part, changed=None) if park else part)
    for change in order:
        for part in change.handed_over:
            _hand_over(s, tx, part)
    gone = {change.table.name for change in first}
    last = [change for change in reversed(order) if change.table.name not in gone]
    for change in last:
        for part in change.deletes:
            _unlink(tx, part, against(change.table, places))
    for change in last:
        for part in change.deletes:
            delete_rows(s, tx, part, going)
    loaded.note(tx, [(part.table, part.rows) for change in order for part in change.inserts])
    loaded.note_changed(tx, [(part.table, part.rows) for part in (*later, *updates)])


def _park(tx: TargetTransaction, changes: Sequence[TableChange]) -> None:
    """A CHECK constraint may refuse NULL, or any other spare value."""
    for nulls in (True, False):
        try:
            with tx.savepoint():
                for change in changes:
                    for rows in parked(change, nulls=nulls):
                        _require_all(change.table, rows, tx.update(change.table, rows, for_now=True))
                return
        except RowRejected as refusal:
            last = refusal
    raise _NotParked from last


def _is_referred_to(s: Session, tx: TargetTransaction, change: TableChange) -> bool:
    """Return whether a row of the target refers to one that is to go."""
    keys = [(t, key) for t in s.work.tables.values() for key in t.foreign_keys if key.parent == change.table.name]
    return any(_refers(tx, table, key, part.rows) for part in change.deletes for table, key in keys)


def _refers(tx: TargetTransaction, table: TargetTable, key: ForeignKey, parents: pa.Table) -> bool:
    if not set(key.parent_columns) <= set(parents.column_names):
        return True  # the referred columns were not read
    values = parents.select(list(key.parent_columns)).rename_columns(list(key.columns))
    try:
        values = values.cast(arrow_schema(table, list(key.columns)))
    except pa.ArrowException:
        return True  # the columns have other types
    return bool(tx.owned(table, values, list(table.primary_key)).num_rows)


def _together(parts: Sequence[OwnedRows]) -> list[OwnedRows]:
    """Return rows of one table in as few parts as possible: only rows of one statement may refer to each other, and
    records that were read one after the other are in several parts.
    """
    alike: dict[frozenset[str], list[OwnedRows]] = {}
    for part in parts:
        alike.setdefault(frozenset(part.rows.column_names), []).append(part)
    return [_joined(of) if len(of) > 1 else of[0] for of in alike.values()]


def _joined(parts: Sequence[OwnedRows]) -> OwnedRows:
    names = parts[0].rows.column_names
    rows = pa.concat_tables([part.rows.select(names) for part in parts]).combine_chunks()
    return OwnedRows(parts[0].table, rows, [who for part in parts for who in part.owners])


@contextmanager
def _naming(part: OwnedRows) -> Iterator[None]:
    """Add the owners of the rows to a refusal."""
    try:
        yield
    except RowRejected as refusal:
        refusal.owners = tuple(part.owners[one.row] for one in refusal.rows)
        raise


def _insert(
    s: Session,
    tx: TargetTransaction,
    part: OwnedRows,
    later_keys: Sequence[ForeignKey],
    later: list[OwnedRows],
) -> None:
    """Insert rows. References to rows that are inserted later are filled in after those."""
    table, rows = part.table, part.rows
    open_ = [name for key in later_keys for name in key.columns if name in rows.column_names]
    if open_:
        later.append(OwnedRows(table, rows.select(list(dict.fromkeys([*table.primary_key, *open_]))), part.owners))
        rows = with_nulls_in(table, rows, open_)
    tx.load(table, rows)
    _note_owners(s.ledger, tx, s, part)


def _update(tx: TargetTransaction, part: OwnedRows) -> None:
    _require_all(part.table, part.rows, tx.update(part.table, part.rows, part.changed))


def _require_all(table: TargetTable, rows: pa.Table, updated: int) -> None:
    if updated != rows.num_rows:
        raise LostRow(f"rows of {table.name} were deleted by others meanwhile; nothing was written")


def _hand_over(s: Session, tx: TargetTransaction, part: OwnedRows) -> None:
    if any(part.table.name in s.owners[entity].ledger for entity, _ in part.owners):
        _note_owners(s.ledger, tx, s, part)


def _note_owners(ledger: Ledger, tx: TargetTransaction, s: Session, part: OwnedRows) -> None:
    for entity in dict.fromkeys(entity for entity, _ in part.owners):
        if part.table.name in s.owners[entity].ledger:
            places = [i for i, who in enumerate(part.owners) if who[0] == entity]
            rows = part.rows.take(pa.array(places, pa.int64()))
            ledger.forget(tx, part.table, rows)  # the ledger may still have a row that others deleted
            ledger.add(tx, part.table, rows, entity, [part.owners[i][1] for i in places])


def _unlink(tx: TargetTransaction, part: OwnedRows, later_keys: Sequence[ForeignKey]) -> None:
    """Set references to NULL in rows that are to be deleted after the rows that they refer to."""
    names = [name for key in later_keys for name in key.columns]
    if names:
        keys = part.rows.select(list(part.table.primary_key))
        for name in dict.fromkeys(names):
            column = part.table.column(name)
            assert column is not None
            keys = keys.append_column(name, pa.nulls(keys.num_rows, arrow_type(column.type)))
        _update(tx, OwnedRows(part.table, keys, part.owners))


def attempt(s: Session, tx: TargetTransaction, changes: Sequence[TableChange]) -> RowRejected | None:
    """Write all changes; or none, and return what the target refuses."""
    refusal = _attempt(s, tx, changes)
    if refusal is not None and refusal.reason == "foreign_key" and _deletes_first(s, tx, changes):
        return None
    return refusal


def _attempt(s: Session, tx: TargetTransaction, changes: Sequence[TableChange]) -> RowRejected | None:
    if not s.target.traits.has_transactions:  # spare values could not be rolled back
        return _in_turn(s, tx, changes, [(False, False)])
    if any(map(passes_values, changes)):  # without parking it is refused: that costs MongoDB the whole transaction
        with suppress(_NotParked):
            return _in_turn(s, tx, changes, _PARKED)
        return _in_turn(s, tx, changes, [(False, False)])
    return _in_turn(s, tx, changes, [(False, False), *_PARKED])


def _deletes_first(s: Session, tx: TargetTransaction, changes: Sequence[TableChange]) -> bool:
    """Write all changes, with rows to which none refers deleted first: these may refer to a value that changes."""
    if not s.target.traits.has_transactions or not any(change.deletes for change in changes):
        return False
    try:
        with tx.savepoint():
            write(s, tx, changes, early=True)
    except RowRejected:
        return False
    return True


def _in_turn(
    s: Session, tx: TargetTransaction, changes: Sequence[TableChange], ways: Sequence[tuple[bool, bool]]
) -> RowRejected | None:
    """Try one way after the other. In the last ones, a refusal of an early delete or of a spare value does not count.
    Raises _NotParked if the first way has a spare value refused.
    """
    refusal: RowRejected | None = None
    for park, early in ways:
        try:
            with tx.savepoint():
                write(s, tx, changes, park=park, early=early)
                return None
        except RowRejected as error:
            refusal = refusal if early else error
            if error.reason not in _BY_OTHERS:
                break
        except _NotParked:
            if refusal is None:
                raise
            break
    return refusal


_PARKED = ((True, False), (True, True))
_BY_OTHERS = frozenset({"unique", "exclusion"})
"""Reasons that depend on another row, which may be one that is to be deleted."""
