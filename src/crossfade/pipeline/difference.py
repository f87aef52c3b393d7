"""What has to be written so that the rows of some records are those that they make: only rows that differ."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from crossfade.model.canonical import python_rows, with_nulls
from crossfade.model.equal import differing, find_keys
from crossfade.model.target import TargetTable
from crossfade.pipeline.ownership import OwnedRows, Who
from crossfade.pipeline.view import View, Wanted

_UNREADABLE = "#unreadable"  # what a row holds that its columns' types have no place for (RowReader)


@dataclass
class TableChange:
    """Changes of one table. `inserts` and `updates` have rows of one set of columns each, with the owner of each row.

    `kept` are rows that stay as they are in all columns, but get another owner; `old` are the rows of `updates` and
    `deletes` as they are now.
    """

    table: TargetTable
    inserts: list[OwnedRows] = field(default_factory=list)
    updates: list[OwnedRows] = field(default_factory=list)
    deletes: list[OwnedRows] = field(default_factory=list)
    handed_over: list[OwnedRows] = field(default_factory=list)
    old: list[pa.Table] = field(default_factory=list)

    @property
    def counts(self) -> tuple[int, int, int]:
        """Rows that come, change and go."""
        of = (self.inserts, self.updates, self.deletes)
        return tuple(sum(part.rows.num_rows for part in parts) for parts in of)

    @property
    def is_empty(self) -> bool:
        return not (self.inserts or self.updates or self.deletes or self.handed_over)


def difference(view: View, rejected: Collection[int], only: Collection[int] | None = None) -> list[TableChange]:
    """The changes of all tables, for all records in view or `only` some (by number). `rejected` are to have no rows."""
    inside = {
        r.number for r in view.records if r.wants_in and r.number not in rejected and (only is None or r.number in only)
    }
    touched = {
        who
        for who, records in view.by_who.items()
        if not any(r.frozen for r in records) and (only is None or any(r.number in only for r in records))
    }
    changes = (_of_table(view, name, inside, touched) for name in sorted(_tables(view)))
    return [change for change in changes if not change.is_empty]


def _tables(view: View) -> set[str]:
    return {part.table.name for part in view.wanted} | {part.table.name for part in view.current}


def _of_table(view: View, name: str, inside: Collection[int], touched: Collection[Who]) -> TableChange:
    table = view.s.work.tables[name]
    there = _joined([part for part in view.current if part.table.name == name], touched)
    change = TableChange(table)
    matched: set[int] = set()
    for part in view.wanted:
        if part.table.name == name:
            rows = _owned(view, part, inside)
            if rows.rows.num_rows:
                matched |= _compare(view, rows, there, change)
    if there is not None:
        left = [place for place in range(there.rows.num_rows) if place not in matched]
        if left:
            gone = _taken(there, left)
            change.deletes.append(gone)
            change.old.append(gone.rows)
    return change


def _compare(view: View, wanted: OwnedRows, there: OwnedRows | None, change: TableChange) -> set[int]:
    """The places of the rows that are there."""
    table = wanted.table
    if there is None:
        change.inserts.append(wanted)
        return set()
    places = find_keys(wanted.rows, there.rows, table, table.primary_key)
    new = pc.indices_nonzero(pc.is_null(places)).to_pylist()
    if new:
        change.inserts.append(_taken(wanted, new))
    known = pc.indices_nonzero(pc.is_valid(places)).to_pylist()
    if known:
        at = places.take(pa.array(known, pa.int64()))
        _changed(view, _taken(wanted, known), _taken(there, at.to_pylist()), change)
        return set(at.to_pylist())
    return set()


def _changed(view: View, wanted: OwnedRows, there: OwnedRows, change: TableChange) -> None:
    """Both have the same keys, in the same order."""
    table = wanted.table
    rows = wanted.rows if view.ownership.has_insert_trigger(table) else with_nulls(table, wanted.rows)
    printed = view.s.row_reader.printed(table, rows)
    wrong = pa.array([False] * rows.num_rows)
    for name in rows.column_names:
        column = table.column(name)
        if column is not None and name not in table.primary_key:
            wrong = pc.or_(wrong, differing(printed.column(name), there.rows.column(name), column.type))
    if _UNREADABLE in there.rows.column_names:
        wrong = pc.or_(wrong, pc.is_valid(_one(there.rows.column(_UNREADABLE))))
    places = pc.indices_nonzero(wrong).to_pylist()
    if places:
        change.updates.append(_taken(OwnedRows(table, rows, wanted.owners), places))
        change.old.append(there.rows.take(pa.array(places, pa.int64())))
    moved = [i for i, (new, old) in enumerate(zip(wanted.owners, there.owners, strict=True)) if new != old]
    if moved:
        change.handed_over.append(_taken(wanted, moved))


def _owned(view: View, part: Wanted, inside: Collection[int]) -> OwnedRows:
    places = [place for place, record in enumerate(part.records) if record in inside]
    rows = part.rows if len(places) == len(part.records) else part.rows.take(pa.array(places, pa.int64()))
    return OwnedRows(part.table, rows, [view.records[part.records[place]].who for place in places])


def _joined(parts: Sequence[OwnedRows], touched: Collection[Who]) -> OwnedRows | None:
    kept = [(part, [i for i, who in enumerate(part.owners) if who in touched]) for part in parts]
    taken = [_taken(part, places) for part, places in kept if places]
    if not taken:
        return None
    schema = taken[0].rows.schema
    names = [name for name in schema.names if all(name in part.rows.column_names for part in taken)]
    rows = pa.concat_tables([part.rows.select(names) for part in taken])
    return OwnedRows(taken[0].table, rows, [who for part in taken for who in part.owners])


def _taken(part: OwnedRows, places: Sequence[int]) -> OwnedRows:
    rows = part.rows.take(pa.array(places, pa.int64())).combine_chunks()
    return OwnedRows(part.table, rows, [part.owners[place] for place in places])


def _one(column: pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks()


def values_of(changes: Sequence[TableChange], table: str, columns: Sequence[str]) -> tuple[set[object], set[object]]:
    """The values of these columns in the rows of a table that change: now, and when the changes are made."""
    old, new = set[object](), set[object]()
    for change in changes:
        if change.table.name == table:
            for rows in change.old:
                old |= _values(rows, columns)
            for part in (*change.inserts, *change.updates):
                new |= _values(part.rows, columns)
    return old, new


def _values(rows: pa.Table, columns: Sequence[str]) -> set[object]:
    if not set(columns) <= set(rows.column_names):
        return set()
    return set(python_rows(rows.select(list(columns))))
