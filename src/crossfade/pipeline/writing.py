"""Changes of rows, written under live foreign keys and unique constraints.

New rows come first, parents before children; then rows change in place; then rows go, children before parents: so no
row is deleted while another refers to it, and no cascade removes what nobody counts. A row that is there is never
deleted and inserted again. Where a value passes from one row to another (`park`), the row that has it gives it up
first.
"""

from __future__ import annotations

import graphlib
import secrets
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pyarrow as pa

from crossfade.errors import CrossfadeError
from crossfade.journal import loaded
from crossfade.journal.ledger import Ledger
from crossfade.model.canonical import arrow_type
from crossfade.model.quoting import identifier
from crossfade.model.target import ForeignKey, TargetColumn, TargetTable, Unique
from crossfade.pipeline.difference import TableChange
from crossfade.pipeline.ownership import OwnedRows
from crossfade.runtime.session import Session
from crossfade.stores.contract import RowRejected, TargetTransaction


class LostRow(CrossfadeError):
    """a row that was there is not there any more; nothing was written"""

    passing = True


def write(s: Session, tx: TargetTransaction, changes: Sequence[TableChange], *, park: bool = False) -> None:
    """Write all of it, or raise RowRejected. Call it inside a savepoint."""
    by_name = {change.table.name: change for change in changes}
    order = [by_name[name] for name in _in_order([change.table for change in changes])]
    places = {change.table.name: place for place, change in enumerate(order)}
    if park:
        for change in order:
            for rows in _parked(change):
                _update(tx, change.table, rows)
    later: list[tuple[TargetTable, pa.Table]] = []
    for change in order:
        for part in change.inserts:
            _insert(s, tx, part, _against(change.table, places), later)
    for table, rows in later:
        _update(tx, table, rows)
    for change in order:
        for part in change.updates:
            _update(tx, part.table, part.rows)
        for part in change.handed_over:
            _hand_over(s, tx, part)
    for change in reversed(order):
        for part in change.deletes:
            _unlink(tx, part, _against(change.table, places))
    for change in reversed(order):
        for part in change.deletes:
            _delete(s, tx, part)


def _insert(
    s: Session,
    tx: TargetTransaction,
    part: OwnedRows,
    against: Sequence[ForeignKey],
    later: list[tuple[TargetTable, pa.Table]],
) -> None:
    """Insert rows; references to rows that come later are filled in later."""
    table, rows = part.table, part.rows
    open_ = [name for key in against for name in key.columns if name in rows.column_names]
    if open_:
        later.append((table, rows.select(list(dict.fromkeys([*table.primary_key, *open_])))))
        rows = _with_nulls_in(table, rows, open_)
    tx.load(table, rows)
    loaded.note(tx, [(table, rows)])
    _note_owners(s.ledger, tx, s, part)


def _update(tx: TargetTransaction, table: TargetTable, rows: pa.Table) -> None:
    if tx.update(table, rows) != rows.num_rows:
        raise LostRow(f"rows of {table.name} were deleted by others meanwhile; nothing was written")
    loaded.note(tx, [(table, rows)])


def _delete(s: Session, tx: TargetTransaction, part: OwnedRows) -> None:
    keys = part.rows.select(list(part.table.primary_key))
    tx.delete(part.table, keys)
    loaded.note_gone(tx, part.table, keys)
    if any(part.table.name in s.owners[entity].ledger for entity, _ in part.owners):
        s.ledger.forget(tx, part.table, keys)


def _hand_over(s: Session, tx: TargetTransaction, part: OwnedRows) -> None:
    if any(part.table.name in s.owners[entity].ledger for entity, _ in part.owners):
        _note_owners(s.ledger, tx, s, part)


def _note_owners(ledger: Ledger, tx: TargetTransaction, s: Session, part: OwnedRows) -> None:
    for entity in dict.fromkeys(entity for entity, _ in part.owners):
        if part.table.name in s.owners[entity].ledger:
            places = [i for i, who in enumerate(part.owners) if who[0] == entity]
            rows = part.rows.take(pa.array(places, pa.int64()))
            ledger.forget(tx, part.table, rows)  # of a row that somebody deleted there is a note still
            ledger.add(tx, part.table, rows, entity, [part.owners[i][1] for i in places])


# -- references in a circle


def _in_order(tables: Sequence[TargetTable]) -> list[str]:
    """Parents first. In a circle, references that may be NULL meanwhile do not count."""
    names = {table.name for table in tables}
    parents = {t.name: {k.parent for k in t.foreign_keys if k.parent != t.name} & names for t in tables}
    while True:
        try:
            graph = {name: sorted(of) for name, of in sorted(parents.items())}
            return list(graphlib.TopologicalSorter(graph).static_order())
        except graphlib.CycleError as error:
            circle = set(error.args[1])
            within = [(t, k) for t in tables if t.name in circle for k in t.foreign_keys if k.parent in circle]
            hard = {(t.name, k.parent) for t, k in within if not _may_be_null(t, k)}
            soft = {(t.name, k.parent) for t, k in within} - hard
            for child, parent in soft or hard:
                parents[child].discard(parent)


def _against(table: TargetTable, places: dict[str, int]) -> list[ForeignKey]:
    """Foreign keys to tables that come later in the order, as far as they may be NULL meanwhile."""
    own = places[table.name]
    return [k for k in table.foreign_keys if places.get(k.parent, -1) > own and _may_be_null(table, k)]


def _may_be_null(table: TargetTable, key: ForeignKey) -> bool:
    columns = [table.column(name) for name in key.columns]
    return all(c is not None and c.nullable and c.name not in table.primary_key for c in columns)


def _unlink(tx: TargetTransaction, part: OwnedRows, against: Sequence[ForeignKey]) -> None:
    """Rows that are to go refer no longer to rows that go before them."""
    names = [name for key in against for name in key.columns]
    if names:
        keys = part.rows.select(list(part.table.primary_key))
        for name in dict.fromkeys(names):
            column = part.table.column(name)
            assert column is not None
            keys = keys.append_column(name, pa.nulls(keys.num_rows, arrow_type(column.type)))
        _update(tx, part.table, keys)


def _with_nulls_in(table: TargetTable, rows: pa.Table, names: Sequence[str]) -> pa.Table:
    for name in dict.fromkeys(names):
        column = table.column(name)
        assert column is not None
        at = rows.column_names.index(name)
        rows = rows.set_column(at, name, pa.nulls(rows.num_rows, arrow_type(column.type)))
    return rows


# -- values that pass from one row to another


def _parked(change: TableChange) -> Iterator[pa.Table]:
    """Rows that change or go, with values in their unique columns that no row has."""
    table = change.table
    for unique in table.uniques:
        found = _parking_column(table, unique, change)
        if found is None:
            continue
        column, is_null = found
        kind = arrow_type(column.type)
        for old in change.old:
            if column.name in old.column_names:
                spare = [None if is_null else _SPARE[column.type.kind]() for _ in range(old.num_rows)]
                yield old.select(list(table.primary_key)).append_column(column.name, pa.array(spare, kind))


def _parking_column(table: TargetTable, unique: Unique, change: TableChange) -> tuple[TargetColumn, bool] | None:
    """A column in which a row can be told from all others for a moment, and whether NULL does it. All updates write it
    again.
    """
    written = [set(part.rows.column_names) for part in change.updates]
    named = [
        c for c in columns_of(table, unique) if c.name not in table.primary_key and all(c.name in w for w in written)
    ]
    for column in named:
        if column.nullable and unique.nulls_distinct and identifier(column.name) in unique.expressions:
            return column, True
    referring = {name for key in table.foreign_keys for name in key.columns}
    return next(((c, False) for c in named if c.name not in referring and c.type.kind in _SPARE), None)


def columns_of(table: TargetTable, unique: Unique) -> list[TargetColumn]:
    """The columns that the expressions of a unique constraint name."""
    text = " ".join(unique.expressions)
    return [c for c in table.columns if identifier(c.name) in unique.expressions or c.name in text]


_SPARE: dict[str, Callable[[], Any]] = {
    "text": lambda: f"crossfade {secrets.token_hex(8)}",
    "int2": lambda: -1 - secrets.randbelow(2**15 - 1),
    "int4": lambda: -1 - secrets.randbelow(2**31 - 1),
    "int8": lambda: -1 - secrets.randbelow(2**63 - 1),
    "uuid": lambda: secrets.token_bytes(16),
}


def attempt(s: Session, tx: TargetTransaction, changes: Sequence[TableChange]) -> RowRejected | None:
    """Write all of it; or nothing, and return what the target refuses."""
    refusal: RowRejected | None = None
    for park in (False, True):
        try:
            with tx.savepoint():
                write(s, tx, changes, park=park)
                return None
        except RowRejected as error:
            refusal = error
            if error.reason != "unique":
                break
    return refusal
