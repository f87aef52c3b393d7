"""Lists what a SQLite file contains as a source, each thing with its class and what the move does with it."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import blake2b

from crossfade.errors import Refused, Unreachable
from crossfade.model.findings import Finding
from crossfade.model.shape import Shape
from crossfade.model.urls import hide_password
from crossfade.stores.contract import EntityInfo, Inspector, journal_in
from crossfade.stores.sqlite.catalog import JOURNAL_PREFIX
from crossfade.stores.sqlite.connect import path_of
from crossfade.stores.sqlite.reading.tables import SHADOW, TABLE, VIEW, VIRTUAL, SourceTable, Tables
from crossfade.stores.sqlite.source import SqliteReader

PLANS = {
    VIEW: "not copied, because it is computed; create it as a view of the target",
    VIRTUAL: "not copied, because its module ({}) keeps its rows; store them as a table, or create it in the target",
    SHADOW: "not copied, because it belongs to a virtual table",
}
_SYSTEM = {"sqlite_sequence": "not copied: the greatest values of AUTOINCREMENT, which the target counts by itself"}


@dataclass(frozen=True)
class SqliteInspector:
    reader: SqliteReader
    url: str

    @property
    def tables(self) -> Tables:
        return self.reader.tables

    def entities(self, named: Sequence[str] = (), *, sized: bool = True) -> Sequence[EntityInfo]:
        """List every table, view and virtual table, sorted by name. Raises Unreachable if there is none."""
        listed = {name: table for name, table in self.tables.by_name.items() if name not in _SCHEMA}
        if not listed:
            raise Unreachable(
                f"the file has no tables ({hide_password(self.url)}); nothing was read",
                hint="check the path in the URL",
            )
        own, entries = journal_in(listed, JOURNAL_PREFIX)
        found = [self._described(table, sized) for name, table in listed.items() if name not in own]
        return sorted([*found, *entries], key=lambda info: info.name)

    def _described(self, table: SourceTable, sized: bool) -> EntityInfo:
        name = table.name
        if name.startswith("sqlite_"):
            plan = _SYSTEM.get(name, "not copied, because SQLite itself keeps it")
            return EntityInfo(name, "system", plan, False, 0, 0)
        if table.kind != TABLE:
            return EntityInfo(name, _CLASSES[table.kind], PLANS[table.kind].format(table.module), False, 0, 0)
        return self._of_table(table, sized)

    def _of_table(self, table: SourceTable, sized: bool) -> EntityInfo:
        count = self.reader.count(table.name) if sized else 0
        size = count * self.reader.row_size(table) if sized else 0
        plan, columns = "copied", tuple[str, ...]()
        try:
            key = self.tables.key(table)
            columns = key.columns
            if key.why:
                plan += f"; {key.why}, so its rows are known by their rowid, which VACUUM may change"
        except Refused as refused:
            plan = f"cannot be copied: {refused.message}"
        identity = blake2b(repr((table.name, columns)).encode(), digest_size=8).hexdigest()
        return EntityInfo(table.name, TABLE, plan, True, count, size, identity=identity)

    def altered(self, shapes: Collection[Shape]) -> Mapping[str, Sequence[str]]:
        found = dict[str, Sequence[str]]()
        for shape in shapes:
            with suppress(Refused):  # it is not there any more, or has no key now: its plan says so
                found[shape.entity] = self.reader.altered(shape.entity, shape)
        return {entity: said for entity, said in found.items() if said}

    def doubtful(self, entities: Collection[str]) -> Sequence[Finding]:
        """Return nothing: only its application removes rows."""
        return ()

    def place(self) -> tuple[str, tuple[str, ...]]:
        """Return the file's name, and its path."""
        path = path_of(self.url).resolve()
        return path.name, (str(path),)

    def version(self) -> str:
        return f"SQLite {sqlite3.sqlite_version}"


_SCHEMA = frozenset({"sqlite_schema", "sqlite_master", "sqlite_temp_schema"})
_CLASSES = {VIEW: "view", VIRTUAL: "virtual table", SHADOW: "shadow table"}

_: type[Inspector] = SqliteInspector
