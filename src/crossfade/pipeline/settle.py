"""Decide which of the records in view may be in the target together, and which other records have to be read first.

A record that has a unique value keeps it as long as it wants it, and others wait. A record without its parent is
rejected; records that refer to each other are accepted together. Records that are not in view stay as they are in the
target: if one has a value that a record in view wants, or refers to a row that is to be deleted, it has to come into
view before anything is decided.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

import pyarrow as pa

from crossfade.model.canonical import arrow_rows, python_rows
from crossfade.model.keys import in_order
from crossfade.model.rejection import Rejection
from crossfade.model.target import ForeignKey, TargetTable
from crossfade.pipeline.admission import no_parent, same_key, same_value
from crossfade.pipeline.claims import Claim, Key, Settled, Value
from crossfade.pipeline.difference import TableChange
from crossfade.pipeline.ownership import Who
from crossfade.pipeline.spelled import as_child, in_view_as
from crossfade.pipeline.view import View


class Settling:
    """One decision on everything in view."""

    def __init__(self, view: View, *, ask_uniques: bool = True) -> None:
        self._view, self._tx, self._ask_uniques = view, view.tx, ask_uniques
        in_line = sorted(view.records, key=lambda r: (r.who[0], in_order(r.who[1]), r.number))
        self._claims = {r.number: Claim() for r in in_line if r.wants_in}
        self._own = _keys_by_owner(view)
        self._holders: dict[Value, set[int]] = {}
        self._out = Settled(look_at=view.instead - view.by_who.keys())

    def settle(self) -> Settled:
        refused: dict[int, Rejection] = {}
        wanting = [(part.table, *self._wanting(part.rows, part.records)) for part in self._view.wanted]
        wanting = [one for one in wanting if one[2]]
        for table, rows, records in wanting:
            self._keys(table, rows, records, refused)
            self._uniques(table, rows, records, refused)
            self._makes(table, rows, records)
        for table, rows, records in wanting:
            self._parents(table, rows, records)
        if self._out.look_at:
            return self._out
        self._find_holders()
        self._out.rejected = self._decided(refused)
        self._waiting()
        self._link()
        self._dependants()
        return self._out

    def _wanting(self, rows: pa.Table, records: Sequence[int]) -> tuple[pa.Table, list[int]]:
        """Return the rows of records that want to be in the target."""
        places = [place for place, record in enumerate(records) if record in self._claims]
        if len(places) == len(records):
            return rows, list(records)
        return rows.take(pa.array(places, pa.int64())), [records[place] for place in places]

    # -- what the rows ask of the target

    def _keys(self, table: TargetTable, rows: pa.Table, records: Sequence[int], refused: dict[int, Rejection]) -> None:
        names = list(table.primary_key)
        keys = python_rows(rows.select(names))
        own = self._own.get(table.name, {})
        asked = pa.array([place for place, key in enumerate(keys) if key not in own], pa.int64())
        there = set(python_rows(self._tx.owned(table, rows.select(names).take(asked), names))) if len(asked) else set()
        self._outside(table, {k: r for k, r in zip(keys, records, strict=True) if k in there}, same_key(table), refused)
        for key, record in zip(keys, records, strict=True):
            self._claims[record].takes.append(((table.name, "", *key), same_key(table)))
            if key in own:
                self._link_to_holder(own[key], record)

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
                    self._link_to_holder(own[conflict.key], record)
                self._claims[record].takes.append(((table.name, unique.name, *conflict.values.values()), why))
            self._outside(table, outside, why, refused)

    def _outside(
        self, table: TargetTable, found: Mapping[Key, int], why: Rejection, refused: dict[int, Rejection]
    ) -> None:
        """Rows of no record in view are in the way: their records have to come into view. If a row belongs to no
        record, it stays, and the record that wants its value is refused.
        """
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
            lacking = asked - self._there(key, asked)
            needed = self._needed(table, key, rows, values, lacking)
            for record, value in zip(records, needed, strict=True):
                if value is not None:
                    need = (key.parent, key.parent_columns, value)
                    self._claims[record].needs.append((need, no_parent(table, key).at(record)))
                    self._out.missing[need] = key

    def _needed(
        self, table: TargetTable, key: ForeignKey, rows: pa.Table, values: Sequence[Key], lacking: set[Key]
    ) -> list[Key | None]:
        """Return the value that each row needs of records in view, if it seems to be `lacking`. A row that is spelled
        in another way stays if it is outside the view; of a record in view, its value is needed, unless a record makes
        the one that is named.
        """
        seem = [value if value in lacking else None for value in values]
        conflicts = self._view.s.target.conflicts
        if conflicts is None or not self._ask_uniques or not lacking:
            return seem
        in_view = {value for value, _ in self._values_made(key)}
        made = {value for claim in self._claims.values() for value in claim.makes}
        found = conflicts.orphaned(table, key, _plain(rows, table))
        there = {value for value, clash in zip(values, found, strict=True) if clash is None} & lacking - in_view
        there = {value for value in there if (key.parent, key.parent_columns, value) not in made}
        parent, own = self._view.s.work.tables[key.parent], self._own.get(key.parent, {})
        spelled = {value: in_view_as(self._tx, parent, key, value, own, in_view) for value in there}
        return [None if value is None else spelled.get(value, value) for value in seem]

    def _there(self, key: ForeignKey, values: set[Key]) -> set[Key]:
        """Return the values that parent rows of records outside the view have: these rows stay."""
        if key.parent not in self._view.s.work.tables:  # a partition, in an older journal
            return values
        parent, own = self._view.s.work.tables[key.parent], self._own.get(key.parent, {})
        names = list(dict.fromkeys([*key.parent_columns, *parent.primary_key]))
        try:
            by = arrow_rows(parent, key.parent_columns, sorted(values, key=repr))
        except (pa.ArrowException, TypeError):  # the columns have other types
            return set()
        found = self._tx.owned(parent, by, names)
        own_keys = python_rows(found.select(list(parent.primary_key)))
        of_parent = python_rows(found.select(list(key.parent_columns)))
        return {value for value, row in zip(of_parent, own_keys, strict=True) if row not in own}

    def _makes(self, table: TargetTable, rows: pa.Table, records: Sequence[int]) -> None:
        for columns in _referred(self._view, table):
            if set(columns) <= set(rows.column_names):
                for record, value in zip(records, python_rows(rows.select(list(columns))), strict=True):
                    self._claims[record].makes.add((table.name, columns, value))

    def _link_to_holder(self, holder: Who, record: int) -> None:
        """Link a record to the one in view that has a value which it wants: they change together."""
        for other in self._view.by_who[holder]:
            if other.number != record:
                self._out.linked.add((record, other.number))

    # -- which record has a value

    def _find_holders(self) -> None:
        """Find the records that have the values that several records want."""
        wanted: dict[Value, set[int]] = {}
        for record, claim in self._claims.items():
            for value, _ in claim.takes:
                wanted.setdefault(value, set()).add(record)
        contested = {value for value, records in wanted.items() if len(records) > 1}
        if not contested:
            return
        for value, who in self._current_values({value[:2] for value in contested}):
            if value in contested:
                self._holders[value] = {r.number for r in self._view.by_who[who]}

    def _current_values(self, asked: set[Value]) -> Iterator[tuple[Value, Who]]:
        conflicts = self._view.s.target.conflicts
        for part in self._view.current:
            table = part.table
            if (table.name, "") in asked:
                for key, who in zip(python_rows(part.rows.select(list(table.primary_key))), part.owners, strict=True):
                    yield (table.name, "", *key), who
            for unique in table.uniques:
                if (table.name, unique.name) in asked and conflicts is not None:
                    found = conflicts.holders(table, unique, _plain(part.rows, table))
                    for conflict, who in zip(found, part.owners, strict=True):
                        if conflict is not None:
                            yield (table.name, unique.name, *conflict.values.values()), who

    # -- the decision

    def _decided(self, refused: Mapping[int, Rejection]) -> dict[int, Rejection]:
        """Reject records that lack a parent until none does. Then accept those for which rejected ones made room."""
        orphans: dict[int, Rejection] = {}
        while True:
            late, inside = self._in_order(refused.keys() | orphans.keys())
            made = {value for record in inside for value in self._claims[record].makes}
            lacking = {r: why for r in inside for value, why in self._claims[r].needs[::-1] if value not in made}
            if not lacking:
                back = self._readmitted(inside, orphans)
                late |= self._too_late([*inside, *back], orphans.keys() - back)
                return {r: why for r, why in {**refused, **orphans, **late}.items() if r not in back}
            orphans |= lacking

    def _too_late(self, inside: Collection[int], orphans: Collection[int]) -> dict[int, Rejection]:
        """Return the orphans whose parents are accepted after all, but whose value was given to another record. They
        wait for the value: an entry that waits for a parent is tried again only when the parent arrives later.
        """
        made = {value for record in inside for value in self._claims[record].makes}
        taken = {value for record in inside for value, _ in self._claims[record].takes}
        return {
            record: why.at(record)
            for record in orphans
            if all(value in made or value in self._claims[record].makes for value, _ in self._claims[record].needs)
            for value, why in self._claims[record].takes[::-1]
            if value in taken
        }

    def _readmitted(self, inside: Sequence[int], orphans: Mapping[int, Rejection]) -> set[int]:
        """Return the orphans that can be accepted after all: the record that was in their way was rejected too."""
        made = {value for record in inside for value in self._claims[record].makes}
        taken = {value for record in inside for value, _ in self._claims[record].takes}
        back: set[int] = set()
        while True:
            fits = [
                r
                for r in orphans.keys() - back
                if all(value in made or value in self._claims[r].makes for value, _ in self._claims[r].needs)
                and all(value not in taken for value, _ in self._claims[r].takes)
            ]
            if not fits:
                return back
            first = min(fits)
            back.add(first)
            made |= self._claims[first].makes
            taken |= {value for value, _ in self._claims[first].takes}

    def _in_order(self, out: set[int]) -> tuple[dict[int, Rejection], list[int]]:
        """Give each value to the record that has it and still wants it, or else to the first by its key."""
        taken: dict[Value, int] = {}
        for record, claim in self._claims.items():
            if record not in out:
                taken |= {value: record for value, _ in claim.takes if record in self._holders.get(value, ())}
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
        """Look at parents in quarantine that may wait for a record in view: they must be accepted together."""
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
        """Link each record to those that make its parents."""
        inside = [record for record in self._claims if record not in self._out.rejected]
        makers = {value: record for record in inside for value in self._claims[record].makes}
        for record in inside:
            self._out.needing |= {(record, makers[value]) for value, _ in self._claims[record].needs}
        self._out.linked |= self._out.needing

    # -- rows that refer to rows that are deleted

    def _dependants(self) -> None:
        """Find rows of other records that refer to values that will no longer exist."""
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
        values = as_child(child, key, self._view.s.work.tables[key.parent], sorted(gone, key=repr))
        if values is None:
            return
        names = list(dict.fromkeys([*child.primary_key, *key.columns]))
        rows = self._tx.owned(child, values, names)
        own = self._own.get(child.name, {})
        places = [i for i, row in enumerate(python_rows(rows.select(list(child.primary_key)))) if row not in own]
        rows = rows.take(pa.array(places, pa.int64()))
        self._link_referring(child, key, gone)
        behind = self._view.ownership.behind(self._tx, child, rows) if len(rows) else []
        for who, value in zip(behind, python_rows(rows.select(list(key.columns))), strict=True):
            if who is None or who in self._view.by_who:
                said = f"a row of {child.name} that is not of this move refers to it ({key.name})"
                holders = [gone[value]] if value in gone else gone.values()  # it may be spelled in another way
                self._out.stuck.update(dict.fromkeys(holders, said))
            else:
                self._out.look_at.add(who)

    def _link_referring(self, child: TargetTable, key: ForeignKey, gone: Mapping[Key, Who]) -> None:
        """Link records in view whose rows refer to these values now to the records that lose them."""
        for part in self._view.current:
            if part.table.name == child.name and set(key.columns) <= set(part.rows.column_names):
                for value, who in zip(python_rows(part.rows.select(list(key.columns))), part.owners, strict=True):
                    if value in gone and gone[value] != who:
                        records = self._view.by_who
                        self._out.linked.add((records[who][0].number, records[gone[value]][0].number))


def concerns_others(view: View, changes: Sequence[TableChange]) -> bool:
    """Return whether changes may conflict with other records, or delete what others need. They do not if rows change in
    place, and no column changes that refers to a row or is referred to. (The database refuses a value that another row
    has.)
    """
    if view.instead - view.by_who.keys():
        return True
    for change in changes:
        table, changed = change.table, change.changed
        referring = {name for key in table.foreign_keys for name in key.columns}
        referred = {name for columns in _referred(view, table) for name in columns}
        if changed is None or changed & (referring | referred):
            return True
    return False


def _keys_by_owner(view: View) -> dict[str, dict[Key, Who]]:
    """Return table -> primary key -> owner, of the rows in view."""
    found: dict[str, dict[Key, Who]] = {}
    for part in view.current:
        keys = python_rows(part.rows.select(list(part.table.primary_key)))
        found.setdefault(part.table.name, {}).update(zip(keys, part.owners, strict=True))
    return found


def _referred(view: View, table: TargetTable) -> set[tuple[str, ...]]:
    """Return the columns of the table that foreign keys refer to."""
    return {k.parent_columns for t in view.s.work.tables.values() for k in t.foreign_keys if k.parent == table.name}


def _depending_on(view: View, table: str) -> set[str]:
    """Return the entities that the records of a table refer to, directly or indirectly."""
    program, tables = view.s.work.program, view.s.work.tables
    found: set[str] = set()
    todo = {b.entity for b in program.branches if b.table == table}
    while todo:
        filled = {b.table for b in program.branches if b.entity in todo} & tables.keys()
        parents = {key.parent for name in filled for key in tables[name].foreign_keys}
        todo = {b.entity for b in program.branches if b.table in parents} - found
        found |= todo
    return found


def _plain(rows: pa.Table, table: TargetTable) -> pa.Table:
    return rows.select([name for name in rows.column_names if table.column(name) is not None])
