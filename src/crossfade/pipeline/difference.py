"""Determine what to write so that records have exactly the rows that they make: only rows that differ."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from crossfade.model.canonical import with_nulls
from crossfade.model.equal import differing, find_keys
from crossfade.model.target import TargetTable
from crossfade.pipeline.ownership import OwnedRows, Who
from crossfade.pipeline.view import View, Wanted

_UNREADABLE = "#unreadable"  # values of a row that the types of its columns cannot hold (RowReader)


@dataclass
class TableChange:
    """Changes of one table. `inserts` and `updates` have rows of one set of columns each, with the owner of each row.

    `handed_over` are rows that get another owner; `old` are the rows of `updates` and `deletes` as they are now.
    `several`: an existing row is wanted more than once.
    """

    table: TargetTable
    inserts: list[OwnedRows] = field(default_factory=list)
    updates: list[OwnedRows] = field(default_factory=list)
    deletes: list[OwnedRows] = field(default_factory=list)
    handed_over: list[OwnedRows] = field(default_factory=list)
    old: list[pa.Table] = field(default_factory=list)
    several: bool = False

    @property
    def counts(self) -> tuple[int, int, int]:
        """The numbers of rows that are inserted, updated and deleted."""
        of = (self.inserts, self.updates, self.deletes)
        return tuple(sum(part.rows.num_rows for part in parts) for parts in of)

    @property
    def is_empty(self) -> bool:
        return not (self.inserts or self.updates or self.deletes or self.handed_over or self.several)

    @property
    def changed(self) -> set[str] | None:
        """The columns that change, if rows are only updated."""
        if self.inserts or self.deletes or self.handed_over or self.several:
            return None
        known = [part.changed for part in self.updates]
        return {name for names in known for name in names or ()} if None not in known else None

    def written(self) -> Iterator[TableChange]:
        """Yield each set of inserted or updated rows on its own."""
        yield from (TableChange(self.table, inserts=[part]) for part in self.inserts)
        yield from (TableChange(self.table, updates=[part]) for part in self.updates)

    def halves(self) -> Iterator[TableChange]:
        """Yield the halves of each set of several rows."""
        yield from (TableChange(self.table, inserts=[half]) for part in self.inserts for half in _halves(part))
        yield from (TableChange(self.table, updates=[half]) for part in self.updates for half in _halves(part))


def difference(view: View, rejected: Collection[int], only: Collection[int] | None = None) -> list[TableChange]:
    """Return the changes of all tables, for all records in view or `only` some (by number). `rejected` records get no
    rows.
    """
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
                found = _compare(view, rows, there, change)
                change.several |= not matched.isdisjoint(found) or len(set(found)) < len(found)
                matched.update(found)
    if there is not None:
        left = [place for place in range(there.rows.num_rows) if place not in matched]
        if left:
            gone = _take(there, left)
            change.deletes.append(gone)
            change.old.append(gone.rows)
    return change


def _compare(view: View, wanted: OwnedRows, there: OwnedRows | None, change: TableChange) -> list[int]:
    """Add inserts and updates to `change`. Return the places in `there` of the rows that are wanted."""
    table = wanted.table
    if there is None:
        change.inserts.append(wanted)
        return []
    places = find_keys(wanted.rows, there.rows, table, table.primary_key)
    new = pc.indices_nonzero(pc.is_null(places)).to_pylist()
    if new:
        change.inserts.append(_take(wanted, new))
    known = pc.indices_nonzero(pc.is_valid(places)).to_pylist()
    if known:
        at = places.take(pa.array(known, pa.int64()))
        _changed(view, _take(wanted, known), _take(there, at.to_pylist()), change)
        return list(at.to_pylist())
    return []


def _changed(view: View, wanted: OwnedRows, there: OwnedRows, change: TableChange) -> None:
    """Add the rows that differ to `change`. Both parts have the same keys, in the same order."""
    table = wanted.table
    rows = wanted.rows if view.ownership.has_insert_trigger(table) else with_nulls(table, wanted.rows)
    printed = view.s.row_reader.printed(table, rows)
    wrong, changed = pa.array([False] * rows.num_rows), list[str]()
    for name in rows.column_names:
        column = table.column(name)
        if column is not None and name not in table.primary_key:
            differs = differing(printed.column(name), there.rows.column(name), column.type)
            if pc.any(differs).as_py():
                wrong = pc.or_(wrong, differs)
                changed.append(name)
    unreadable = _UNREADABLE in there.rows.column_names
    if unreadable:
        wrong = pc.or_(wrong, pc.is_valid(_one(there.rows.column(_UNREADABLE))))
    places = pc.indices_nonzero(wrong).to_pylist()
    if places:
        written = OwnedRows(table, rows, wanted.owners, None if unreadable else changed)
        change.updates.append(_take(written, places))
        change.old.append(there.rows.take(pa.array(places, pa.int64())))
    moved = [i for i, (new, old) in enumerate(zip(wanted.owners, there.owners, strict=True)) if new != old]
    if moved:
        change.handed_over.append(_take(wanted, moved))


def _owned(view: View, part: Wanted, inside: Collection[int]) -> OwnedRows:
    places = [place for place, record in enumerate(part.records) if record in inside]
    rows = part.rows if len(places) == len(part.records) else part.rows.take(pa.array(places, pa.int64()))
    return OwnedRows(part.table, rows, [view.records[part.records[place]].who for place in places])


def _joined(parts: Sequence[OwnedRows], touched: Collection[Who]) -> OwnedRows | None:
    places = [(part, [i for i, who in enumerate(part.owners) if who in touched]) for part in parts]
    parts = [_take(part, of_touched) for part, of_touched in places if of_touched]
    if not parts:
        return None
    schema = parts[0].rows.schema
    names = [name for name in schema.names if all(name in part.rows.column_names for part in parts)]
    rows = pa.concat_tables([part.rows.select(names) for part in parts])
    return OwnedRows(parts[0].table, rows, [who for part in parts for who in part.owners])


def _take(part: OwnedRows, places: Sequence[int]) -> OwnedRows:
    rows = part.rows.take(pa.array(places, pa.int64())).combine_chunks()
    return OwnedRows(part.table, rows, [part.owners[place] for place in places], part.changed)


def _halves(part: OwnedRows) -> Iterator[OwnedRows]:
    middle, end = part.rows.num_rows // 2, part.rows.num_rows
    if middle:
        yield from (_take(part, places) for places in (range(middle), range(middle, end)))


def _one(column: pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks()
