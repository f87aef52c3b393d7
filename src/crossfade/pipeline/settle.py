"""Which of the records in view may be in the target together, and which records have to be looked at as well.

The holder of a value keeps it as long as it wants it, and a newcomer waits. A record whose parent is not there stays
out; records that refer to each other go in together. Whoever is not in view is as it is in the target: if it holds
what a record in view wants, or refers to a row that is to go, it is to be looked at before anything is decided.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from crossfade.model.canonical import arrow_rows, python_rows
from crossfade.model.keys import in_order
from crossfade.model.rejection import Rejection
from crossfade.model.target import ForeignKey, TargetTable
from crossfade.pipeline.admission import no_parent, same_key, same_value
from crossfade.pipeline.ownership import Who
from crossfade.pipeline.view import View

Value = tuple[Any, ...]
Key = tuple[Any, ...]


@dataclass
class Claim:
    """What a record wants. `takes`: values that no other row may have; `needs`: parents that are not in the target
    without the records in view; `makes`: values that its rows give to children.
    """

    takes: list[tuple[Value, Rejection]] = field(default_factory=list)
    needs: list[tuple[Value, Rejection]] = field(default_factory=list)
    makes: set[Value] = field(default_factory=set)


@dataclass
class Settled:
    """`rejected`: records (by number) that stay out, and why. `look_at`: records that are to come into view first.
    `linked`: pairs of records of which one is there only with the other. `missing`: parents that nobody makes.
    """

    rejected: dict[int, Rejection] = field(default_factory=dict)
    look_at: set[Who] = field(default_factory=set)
    linked: set[tuple[int, int]] = field(default_factory=set)
    missing: dict[Value, ForeignKey] = field(default_factory=dict)
    stuck: dict[Who, str] = field(default_factory=dict)


class Settling:
    """One look at everything in view."""

    def __init__(self, view: View, *, ask_uniques: bool = True) -> None:
        self._view, self._tx, self._ask_uniques = view, view.tx, ask_uniques
        in_line = sorted(view.records, key=lambda r: (r.who[0], in_order(r.who[1]), r.number))
        self._claims = {r.number: Claim() for r in in_line if r.wants_in}
        self._own = _keys_by_owner(view)
        self._held: dict[Value, set[int]] = {}
        self._out = Settled()

    def settle(self) -> Settled:
        refused: dict[int, Rejection] = {}
        for part in self._view.wanted:
            rows, records = self._live(part.rows, part.records)
            if records:
                self._keys(part.table, rows, records, refused)
                self._uniques(part.table, rows, records, refused)
                self._parents(part.table, rows, records)
                self._makes(part.table, rows, records)
        if self._out.look_at:
            return self._out
        self._holders()
        self._out.rejected = self._decided(refused)
        self._waiting()
        self._link()
        self._dependants()
        return self._out

    def _live(self, rows: pa.Table, records: Sequence[int]) -> tuple[pa.Table, list[int]]:
        """Those of records that want in."""
        places = [place for place, record in enumerate(records) if record in self._claims]
        if len(places) == len(records):
            return rows, list(records)
        return rows.take(pa.array(places, pa.int64())), [records[place] for place in places]

    # -- what the rows ask of the target

    def _keys(self, table: TargetTable, rows: pa.Table, records: Sequence[int], refused: dict[int, Rejection]) -> None:
        names = list(table.primary_key)
        keys = python_rows(rows.select(names))
        own = self._own.get(table.name, {})
        there = set(python_rows(self._tx.owned(table, rows.select(names), names))) - own.keys()
        self._outside(table, {k: r for k, r in zip(keys, records, strict=True) if k in there}, same_key(table), refused)
        for key, record in zip(keys, records, strict=True):
            self._claims[record].takes.append(((table.name, "", *key), same_key(table)))
            if key in own:
                self._gives(own[key], record)

    def _uniques(
        self, table: TargetTable, rows: pa.Table, records: Sequence[int], refused: dict[int, Rejection]
    ) -> None:
        conflicts = self._view.s.target.conflicts
        if conflicts is None or not self._ask_uniques:
            return
        own = self._own.get(table.name, {})
        for unique in table.uniques:
            why, outside = same_value(table, unique), dict[Key, int]()
            for record, conflict in zip(records, conflicts.holders(table, unique, rows), strict=True):
                if conflict is None:
                    continue
                if conflict.key is not None and conflict.key not in own:
                    outside[conflict.key] = record
                elif conflict.key is not None:
                    self._gives(own[conflict.key], record)
                self._claims[record].takes.append(((table.name, unique.name, *conflict.values.values()), why))
            self._outside(table, outside, why, refused)

    def _outside(
        self, table: TargetTable, found: Mapping[Key, int], why: Rejection, refused: dict[int, Rejection]
    ) -> None:
        """Rows of nobody in view: their records come into view; if no record owns one, it stays."""
        if not found:
            return
        keys = arrow_rows(table, table.primary_key, list(found))
        for record, who in zip(found.values(), self._view.ownership.behind(self._tx, table, keys), strict=True):
            if who is None or who in self._view.by_who:
                refused.setdefault(record, why.at(record))
            else:
                self._out.look_at.add(who)

    def _parents(self, table: TargetTable, rows: pa.Table, records: Sequence[int]) -> None:
        for key in table.foreign_keys:
            if not set(key.columns) <= set(rows.column_names):
                continue
            values = python_rows(rows.select(list(key.columns)))
            asked = {value for value in values if None not in value}
            there = self._there(key, asked)
            for record, value in zip(records, values, strict=True):
                if value in asked - there:
                    need = (key.parent, key.parent_columns, value)
                    self._claims[record].needs.append((need, no_parent(table, key).at(record)))
                    self._out.missing[need] = key

    def _there(self, key: ForeignKey, values: set[Key]) -> set[Key]:
        """Those that rows of the parent have which belong to nobody in view."""
        parent, own = self._view.s.work.tables[key.parent], self._own.get(key.parent, {})
        names = list(dict.fromkeys([*key.parent_columns, *parent.primary_key]))
        found = self._tx.owned(parent, arrow_rows(parent, key.parent_columns, sorted(values, key=repr)), names)
        own_keys = python_rows(found.select(list(parent.primary_key)))
        of_parent = python_rows(found.select(list(key.parent_columns)))
        return {value for value, row in zip(of_parent, own_keys, strict=True) if row not in own}

    def _makes(self, table: TargetTable, rows: pa.Table, records: Sequence[int]) -> None:
        for columns in _referred(self._view, table):
            if set(columns) <= set(rows.column_names):
                for record, value in zip(records, python_rows(rows.select(list(columns))), strict=True):
                    self._claims[record].makes.add((table.name, columns, value))

    def _gives(self, holder: Who, record: int) -> None:
        """A record wants what one in view has now: if that is another one, they change together."""
        for other in self._view.by_who[holder]:
            if other.number != record:
                self._out.linked.add((record, other.number))

    # -- who holds what

    def _holders(self) -> None:
        """Value -> the records that hold it, of the values that several want."""
        wanted: dict[Value, set[int]] = {}
        for record, claim in self._claims.items():
            for value, _ in claim.takes:
                wanted.setdefault(value, set()).add(record)
        contested = {value for value, records in wanted.items() if len(records) > 1}
        if not contested:
            return
        for value, who in self._values_held({value[:2] for value in contested}):
            if value in contested:
                self._held[value] = {r.number for r in self._view.by_who[who]}

    def _values_held(self, asked: set[Value]) -> Iterator[tuple[Value, Who]]:
        conflicts = self._view.s.target.conflicts
        for part in self._view.current:
            table = part.table
            if (table.name, "") in asked:
                for key, who in zip(python_rows(part.rows.select(list(table.primary_key))), part.owners, strict=True):
                    yield (table.name, "", *key), who
            for unique in table.uniques:
                if (table.name, unique.name) in asked and conflicts is not None:
                    found = conflicts.holders(table, unique, _plain(part.rows))
                    for conflict, who in zip(found, part.owners, strict=True):
                        if conflict is not None:
                            yield (table.name, unique.name, *conflict.values.values()), who

    # -- the decision

    def _decided(self, refused: Mapping[int, Rejection]) -> dict[int, Rejection]:
        """Whoever lacks a parent gives way until nobody does; who did so for one that came in after all comes in."""
        orphans: dict[int, Rejection] = {}
        while True:
            late, inside = self._in_order(refused.keys() | orphans.keys())
            made = {value for record in inside for value in self._claims[record].makes}
            lacking = {r: why for r in inside for value, why in self._claims[r].needs[::-1] if value not in made}
            if not lacking:
                back = self._back(inside, orphans)
                return {r: why for r, why in {**refused, **late, **orphans}.items() if r not in back}
            orphans |= lacking

    def _back(self, inside: Sequence[int], orphans: Mapping[int, Rejection]) -> set[int]:
        """Those of the orphans that can be in after all: who was in their way has given way itself."""
        made = {value for record in inside for value in self._claims[record].makes}
        taken = {value for record in inside for value, _ in self._claims[record].takes}
        back: set[int] = set()
        while True:
            fits = [
                r
                for r in orphans.keys() - back
                if all(value in made for value, _ in self._claims[r].needs)
                and all(value not in taken for value, _ in self._claims[r].takes)
            ]
            if not fits:
                return back
            first = min(fits)
            back.add(first)
            made |= self._claims[first].makes
            taken |= {value for value, _ in self._claims[first].takes}

    def _in_order(self, out: set[int]) -> tuple[dict[int, Rejection], list[int]]:
        """Who holds a value and still wants it has it; of the others the first by its key."""
        taken: dict[Value, int] = {}
        for record, claim in self._claims.items():
            if record not in out:
                taken |= {value: record for value, _ in claim.takes if record in self._held.get(value, ())}
        late: dict[int, Rejection] = {}
        inside: list[int] = []
        for record, claim in self._claims.items():
            if record in out:
                continue
            own: set[Value] = set()
            for value, why in claim.takes:
                if taken.get(value, record) != record or value in own:
                    late.setdefault(record, why.at(record))
                own.add(value)
            if record not in late:
                taken |= dict.fromkeys(own, record)
                inside.append(record)
        return late, inside

    def _waiting(self) -> None:
        """Parents in quarantine that may themselves wait for a record in view: they can only come in together."""
        made = {v for r, claim in self._claims.items() if r not in self._out.rejected for v in claim.makes}
        for record, why in self._out.rejected.items():
            entity, _ = self._view.records[record].who
            for need, _ in self._claims[record].needs if why.reason == "foreign_key" else ():
                key = self._out.missing[need]
                if need not in made and entity in _depending_on(self._view, key.parent):
                    parent = self._view.waiting.of(key, need[2])
                    if parent is not None and parent.is_open and parent.key is not None:
                        self._out.look_at.add((parent.entity, parent.key))
        self._out.look_at -= self._view.by_who.keys()

    def _link(self) -> None:
        """Who is there only with whom: by a parent, or by a value that one gives to the other."""
        inside = [record for record in self._claims if record not in self._out.rejected]
        makers = {value: record for record in inside for value in self._claims[record].makes}
        for record in inside:
            self._out.linked |= {(record, makers[value]) for value, _ in self._claims[record].needs}

    # -- who hangs on what goes

    def _dependants(self) -> None:
        """Rows of others that refer to what will not be there any more."""
        made = {
            value for record, claim in self._claims.items() if record not in self._out.rejected for value in claim.makes
        }
        for child in self._view.s.work.tables.values():
            for key in child.foreign_keys:
                gone = {
                    value: who
                    for value, who in self._values_made(key)
                    if None not in value and (key.parent, key.parent_columns, value) not in made
                }
                if gone:
                    self._referring(child, key, gone)

    def _values_made(self, key: ForeignKey) -> Iterator[tuple[Key, Who]]:
        for part in self._view.current:
            if part.table.name == key.parent and set(key.parent_columns) <= set(part.rows.column_names):
                yield from zip(python_rows(part.rows.select(list(key.parent_columns))), part.owners, strict=True)

    def _referring(self, child: TargetTable, key: ForeignKey, gone: Mapping[Key, Who]) -> None:
        values = pa.table(arrow_rows(child, key.columns, sorted(gone, key=repr)))
        names = list(dict.fromkeys([*child.primary_key, *key.columns]))
        rows = self._tx.owned(child, values, names)
        own = self._own.get(child.name, {})
        places = [i for i, row in enumerate(python_rows(rows.select(list(child.primary_key)))) if row not in own]
        rows = rows.take(pa.array(places, pa.int64()))
        self._inside(child, key, gone, own)
        behind = self._view.ownership.behind(self._tx, child, rows) if len(rows) else []
        for who, value in zip(behind, python_rows(rows.select(list(key.columns))), strict=True):
            if who is None or who in self._view.by_who:
                said = f"a row of {child.name} that is not of this move refers to it ({key.name})"
                self._out.stuck[gone[value]] = said
            else:
                self._out.look_at.add(who)

    def _inside(self, child: TargetTable, key: ForeignKey, gone: Mapping[Key, Who], own: Mapping[Key, Who]) -> None:
        """Rows in view that refer to it now change together with it."""
        for part in self._view.current:
            if part.table.name == child.name and set(key.columns) <= set(part.rows.column_names):
                for value, who in zip(python_rows(part.rows.select(list(key.columns))), part.owners, strict=True):
                    if value in gone and gone[value] != who:
                        records = self._view.by_who
                        self._out.linked.add((records[who][0].number, records[gone[value]][0].number))


def _keys_by_owner(view: View) -> dict[str, dict[Key, Who]]:
    """Table -> primary key -> owner, of the rows in view."""
    found: dict[str, dict[Key, Who]] = {}
    for part in view.current:
        keys = python_rows(part.rows.select(list(part.table.primary_key)))
        found.setdefault(part.table.name, {}).update(zip(keys, part.owners, strict=True))
    return found


def _referred(view: View, table: TargetTable) -> set[tuple[str, ...]]:
    """The columns of the table that foreign keys refer to."""
    return {k.parent_columns for t in view.s.work.tables.values() for k in t.foreign_keys if k.parent == table.name}


def _depending_on(view: View, table: str) -> set[str]:
    """The entities that the records which fill a table refer to, and those that these refer to."""
    program, tables = view.s.work.program, view.s.work.tables
    found: set[str] = set()
    todo = {b.entity for b in program.branches if b.table == table}
    while todo:
        filled = {b.table for b in program.branches if b.entity in todo} & tables.keys()
        parents = {key.parent for name in filled for key in tables[name].foreign_keys}
        todo = {b.entity for b in program.branches if b.table in parents} - found
        found |= todo
    return found


def _plain(rows: pa.Table) -> pa.Table:
    return rows.select([name for name in rows.column_names if not name.startswith("#")])
