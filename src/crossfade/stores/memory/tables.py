"""Tables in memory: rows in dictionaries, by primary key, with what is unique beside them.

A transaction works on a copy of the catalog, in which a table is copied when it is first changed, so that no other
transaction sees what is not committed. Every change records how to undo it, for savepoints.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from crossfade.errors import CrossfadeError
from crossfade.model.target import ForeignKey, Step, TargetSchema
from crossfade.schema.digest import digest_of
from crossfade.stores.contract import FenceState, RowRejected
from crossfade.stores.memory.statements import AddForeignKey, Change, CreateIndex, CreateTable, Drop, statement_of
from crossfade.stores.memory.table import Key, Notes, StoredRow, Table, Values
from crossfade.stores.memory.values import shown

NO_FENCE = FenceState(closed=False)


class Catalog:
    """The tables of a database: those that are committed, or those of a transaction."""

    def __init__(
        self,
        tables: Mapping[str, Table] | None = None,
        notes: Mapping[str, Notes] | None = None,
        fence: FenceState = NO_FENCE,
    ) -> None:
        self.tables = dict(tables or {})
        self.notes = dict(notes or {})
        self.fence = fence
        self._own: set[str] = set()
        self._own_notes: set[str] = set()
        self._undo: list[Callable[[], object]] = []

    # -- transactions

    def begin(self) -> Catalog:
        return Catalog(self.tables, self.notes, self.fence)

    @property
    def mark(self) -> int:
        return len(self._undo)

    def back_to(self, mark: int) -> None:
        while len(self._undo) > mark:
            self._undo.pop()()

    def table(self, name: str) -> Table:
        if name not in self.tables:
            raise CrossfadeError(f"there is no table {name} in memory")
        return self.tables[name]

    def _writable(self, name: str) -> Table:
        if name not in self._own:
            self.tables[name] = self.table(name).copied()
            self._own.add(name)
        return self.tables[name]

    # -- the journal

    def set_notes(self, name: str, rows: Notes | None) -> None:
        """Create, replace or (None) drop a table of the journal."""
        before = self.notes.get(name)
        self._put_notes(name, rows)
        self._undo.append(partial(self._put_notes, name, before))

    def _put_notes(self, name: str, rows: Notes | None) -> None:
        self.notes.pop(name, None)
        if rows is not None:
            self.notes[name] = rows
        self._own_notes.discard(name)

    def note(self, name: str, key: Key, row: Mapping[str, Any] | None) -> None:
        """Insert, replace or (None) delete a row of the journal."""
        if name not in self._own_notes:
            self.notes[name] = dict(self.notes[name])
            self._own_notes.add(name)
        before = self.notes[name].get(key)
        self._put_note(name, key, row)
        self._undo.append(partial(self._put_note, name, key, before))

    def _put_note(self, name: str, key: Key, row: Mapping[str, Any] | None) -> None:
        if row is None:
            self.notes[name].pop(key, None)
        else:
            self.notes[name][key] = row

    # -- rows

    def insert(self, name: str, values: Values, writer: int) -> Key:
        """Insert a row. Raises RowRejected for NULL and duplicate values. Foreign keys are checked afterwards."""
        table = self._writable(name)
        self._require_values(table, values)
        key = table.part(values, table.primary_key)
        if not table.primary_key:
            table.numbered += 1
            key = (table.numbered,)
        if key in table.rows:
            raise _refused(table, "unique", f"another row has the primary key {shown(key)}", f"{name}_pkey")
        self._enter(table, key, values)
        table.rows[key] = StoredRow(values, writer)
        self._undo.append(lambda: self._remove(name, key))
        return key

    def delete(self, name: str, key: Key) -> None:
        row = self._remove(name, key)
        self._undo.append(lambda: self._restore(name, key, row))

    def update(self, name: str, key: Key, values: Values, writer: int) -> None:
        """Change a row in place. Raises RowRejected as `insert` does; the row is as it was then."""
        row = self._remove(name, key)
        try:
            table = self._writable(name)
            self._require_values(table, values)
            self._enter(table, key, values)
        except RowRejected:
            self._restore(name, key, row)
            raise
        table.rows[key] = StoredRow(values, writer)
        self._undo.append(partial(self._replace, name, key, row))

    def _replace(self, name: str, key: Key, row: StoredRow) -> None:
        self._remove(name, key)
        self._restore(name, key, row)

    def _enter(self, table: Table, key: Key, values: Values) -> None:
        entered = list[tuple[str, Values]]()
        for index in table.indexes.values():
            part = table.part(values, index.columns)
            if not index.unique or None in part:
                continue
            if part in table.keys_by_value[index.name]:
                for name, other in entered:
                    del table.keys_by_value[name][other]
                said = f"another row has the same {', '.join(index.columns)}: {shown(part)}"
                raise _refused(table, "unique", said, index.name, index.columns)
            table.keys_by_value[index.name][part] = key
            entered.append((index.name, part))

    def _remove(self, name: str, key: Key) -> StoredRow:
        table = self._writable(name)
        row = table.rows.pop(key)
        for index in table.indexes.values():
            if index.unique and None not in (part := table.part(row.values, index.columns)):
                del table.keys_by_value[index.name][part]
        return row

    def _restore(self, name: str, key: Key, row: StoredRow) -> None:
        table = self._writable(name)
        self._enter(table, key, row.values)
        table.rows[key] = row

    def _require_values(self, table: Table, values: Values) -> None:
        for column, value in zip(table.columns, values, strict=True):
            if value is None and not column.nullable:
                said = f"the column {column.name} does not accept NULL"
                raise RowRejected("not_null", said, table=table.name, column=column.name)

    # -- foreign keys

    def require_parents(self, name: str, keys: Iterable[Key]) -> None:
        """Raises RowRejected for the first of these rows that references a missing row."""
        table = self.table(name)
        for foreign in table.foreign_keys.values():
            there = self.parents_of(foreign)
            for key in keys:
                part = table.part(table.rows[key].values, foreign.columns)
                if None not in part and part not in there:
                    said = f"no row of {foreign.parent} has {', '.join(foreign.parent_columns)} {shown(part)}"
                    raise _refused(table, "foreign_key", said, foreign.name, foreign.columns)

    def require_no_children(self, name: str) -> None:
        """Raises RowRejected if a row of any table references a row of this one that is gone."""
        for other in self.tables.values():
            if any(foreign.parent == name for foreign in other.foreign_keys.values()):
                self.require_parents(other.name, other.rows)

    def parents_of(self, foreign: ForeignKey) -> set[Values]:
        parent = self.table(foreign.parent)
        return {parent.part(row.values, foreign.parent_columns) for row in parent.rows.values()}

    def referring(self, name: str) -> list[str]:
        """Return other tables that have rows and a foreign key to this one."""
        return [
            other.name
            for other in self.tables.values()
            if other.rows and any(k.parent == name for k in other.foreign_keys.values())
        ]

    # -- the schema

    def change(self, change: Change) -> None:
        """Change the schema. Raises RowRejected if rows prevent it, CrossfadeError if it is impossible."""
        match change:
            case CreateTable():
                self._create(change)
            case CreateIndex():
                self._build(change)
            case AddForeignKey():
                self._refer(change)
            case Drop():
                self._drop(change)

    def _create(self, change: CreateTable) -> None:
        if change.table in self.tables:
            raise CrossfadeError(f"there is a table {change.table} already")
        if missing := set(change.primary_key) - {c.name for c in change.columns}:
            raise CrossfadeError(f"the primary key of {change.table} names no column: {', '.join(sorted(missing))}")
        self.tables[change.table] = Table(change.table, change.columns, change.primary_key)
        self._own.add(change.table)
        self._undo.append(lambda: self.tables.pop(change.table))

    def _build(self, change: CreateIndex) -> None:
        if any(change.name in t.indexes for t in self.tables.values()):
            raise CrossfadeError(f"there is an index {change.name} already")
        table = self._with_columns(change.table, change.columns)
        if change.unique and (keys := self.duplicates(table, change.columns)):
            said = f"{len(keys)} rows have the {', '.join(change.columns)} of another row"
            raise _refused(table, "unique", said, change.name, change.columns)
        self._rebuild(change)
        self._undo.append(lambda: self._unbuild(change.table, change.name))

    def _rebuild(self, change: CreateIndex) -> None:
        table = self._writable(change.table)
        if change.unique:
            rows = ((table.part(row.values, change.columns), key) for key, row in table.rows.items())
            table.keys_by_value[change.name] = {part: key for part, key in rows if None not in part}
        table.indexes[change.name] = change

    def _unbuild(self, table: str, name: str) -> None:
        self._writable(table).indexes.pop(name)
        self._writable(table).keys_by_value.pop(name, None)

    def _refer(self, change: AddForeignKey) -> None:
        parent = self.table(change.key.parent)
        key = change.key if change.key.parent_columns else replace(change.key, parent_columns=parent.primary_key)
        table = self._with_columns(change.table, key.columns)
        self._with_columns(key.parent, key.parent_columns)
        if key.name in table.foreign_keys:
            raise CrossfadeError(f"there is a foreign key {key.name} of {change.table} already")
        table = self._writable(change.table)
        table.foreign_keys[key.name] = key
        try:
            self.require_parents(change.table, table.rows)
        except RowRejected:
            del table.foreign_keys[key.name]
            raise
        self._undo.append(lambda: self._writable(change.table).foreign_keys.pop(key.name))

    def _with_columns(self, name: str, columns: Sequence[str]) -> Table:
        table = self._writable(name)
        if missing := [c for c in columns if c not in {own.name for own in table.columns}]:
            raise CrossfadeError(f"the table {name} has no column {missing[0]}")
        return table

    def _drop(self, change: Drop) -> None:
        found = self._dropped(change)
        if found is None and not change.if_exists:
            raise CrossfadeError(f"there is no {change.kind} {change.name}")

    def _dropped(self, change: Drop) -> object:
        if change.kind == "table":
            return self._drop_table(change.name)
        for name in [change.table] if change.kind == "constraint" else list(self.tables):
            if name not in self.tables:
                continue
            if change.kind == "constraint" and change.name in self.tables[name].foreign_keys:
                key = self._writable(name).foreign_keys.pop(change.name)
                self._undo.append(partial(self._put_back, name, key))
                return key
            if (index := self.tables[name].indexes.get(change.name)) is not None:
                self._unbuild(name, change.name)
                self._undo.append(partial(self._rebuild, index))
                return index
        return None

    def _put_back(self, name: str, key: ForeignKey) -> None:
        self._writable(name).foreign_keys[key.name] = key

    def _drop_table(self, name: str) -> Table | None:
        if name not in self.tables:
            return None
        for other in self.tables.values():
            if other.name != name and any(k.parent == name for k in other.foreign_keys.values()):
                raise CrossfadeError(f"the table {name} cannot be dropped: {other.name} has a foreign key to it")
        table = self.tables.pop(name)
        self._undo.append(lambda: self.tables.update({name: table}))
        return table

    # -- questions

    def duplicates(self, table: Table, columns: Sequence[str]) -> list[Key]:
        """Return the keys of the rows to remove so that these columns are unique: all of a group but its least."""
        groups: dict[Values, list[Key]] = {}
        for key, row in table.rows.items():
            if None not in (part := table.part(row.values, columns)):
                groups.setdefault(part, []).append(key)
        return [key for keys in groups.values() for key in sorted(keys, key=_order)[1:]]

    def orphans(self, table: Table, foreign: ForeignKey) -> list[Key]:
        """Return the keys of the rows that reference a missing row."""
        there, found = self.parents_of(foreign), list[Key]()
        for key, row in table.rows.items():
            part = table.part(row.values, foreign.columns)
            if None not in part and part not in there:
                found.append(key)
        return found

    def schema(self, notes: tuple[str, ...] = ()) -> TargetSchema:
        """Return the schema, with the steps that create it: tables, unique constraints, indexes and foreign keys."""
        tables = [self.tables[name] for name in sorted(self.tables)]
        pre = tuple(
            Step(f"table {t.name}", statement_of(CreateTable(t.name, t.columns, t.primary_key))) for t in tables
        )
        indexes = [i for t in tables for i in sorted(t.indexes.values(), key=lambda i: i.name)]
        post = [Step(_id(index), statement_of(index)) for index in sorted(indexes, key=lambda i: not i.constraint)]
        keys = [AddForeignKey(t.name, k) for t in tables for k in sorted(t.foreign_keys.values(), key=lambda k: k.name)]
        post += [Step(f"foreign key {added.table}.{added.key.name}", statement_of(added)) for added in keys]
        targets = tuple(t.target for t in tables)
        digest = digest_of("memory", targets, pre, post)
        return TargetSchema("memory", targets, pre, tuple(post), None, digest, notes)


def _id(index: CreateIndex) -> str:
    return f"unique {index.table}.{index.name}" if index.constraint else f"index {index.name}"


def _order(key: Key) -> tuple[tuple[str, object], ...]:
    return tuple((type(part).__name__, part) for part in key)


def _refused(table: Table, reason: str, said: str, constraint: str, columns: Sequence[str] = ()) -> RowRejected:
    column = columns[0] if len(columns) == 1 else None
    return RowRejected(reason, f"{said} ({constraint})", table=table.name, column=column, constraint=constraint)
