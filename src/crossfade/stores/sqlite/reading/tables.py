"""The tables of a SQLite file as a source, with their columns and the key that identifies their rows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from crossfade.errors import Refused
from crossfade.model.quoting import identifier
from crossfade.records.rows.dynamic.count import Declared
from crossfade.stores.sqlite.forms import affinity
from crossfade.stores.sqlite.reading.transaction import ReadTransaction

TABLE, VIEW, VIRTUAL, SHADOW = "table", "view", "virtual", "shadow"

_ROWID_NAMES = ("rowid", "_rowid_", "oid")
_OWN_ORDER = """
SELECT DISTINCT s.name FROM sqlite_schema AS s, pragma_index_list(s.name) AS i, pragma_index_xinfo(i.name) AS x
WHERE s.type = 'table' AND upper(x.coll) NOT IN ('BINARY', 'NOCASE', 'RTRIM')
"""
_OF_AFFINITY = {
    "INTEGER": ("integer",),
    "REAL": ("real",),
    "TEXT": ("text",),
    "NUMERIC": ("integer", "real", "text"),
    "BLOB": ("blob", "integer", "real", "text"),
}
"""The storage classes that a declaration leads to, if no value was seen."""


@dataclass(frozen=True)
class SourceTable:
    """`has_rowid`: it is not WITHOUT ROWID. `module` is that of a virtual table. `has_own_order`: an index of it has a
    collation that its application defines, so that none of its indexes can be used here.
    """

    name: str
    kind: str
    has_rowid: bool
    is_strict: bool
    module: str = ""
    has_own_order: bool = False

    @property
    def rows(self) -> str:
        return f"main.{identifier(self.name)} AS t" + (" NOT INDEXED" if self.has_own_order else "")

    def compared(self, column: str) -> str:
        """Return the expression by which a column is compared and ordered."""
        return f"{column} COLLATE BINARY" if self.has_own_order else column


@dataclass(frozen=True)
class SqliteColumn:
    """`place` is its place in the primary key, from 1; 0 if it is not in it."""

    name: str
    declared: str
    nullable: bool
    place: int

    @property
    def sql(self) -> str:
        return f"t.{identifier(self.name)}"

    def described(self, strict: bool) -> Declared:
        types = _OF_AFFINITY[affinity(self.declared)]
        if strict and self.declared.upper() == "ANY":
            types = _OF_AFFINITY["BLOB"]
        return Declared(self.name, self.declared, self.nullable, types)


@dataclass(frozen=True)
class TableKey:
    """`parts` are expressions over `t`, `columns` the names of columns. `why` says why it is the rowid, if it is."""

    parts: tuple[str, ...]
    columns: tuple[str, ...]
    why: str = ""


class Tables:
    """The tables of one file. They are cached, because the transaction sees one state."""

    def __init__(self, transaction: ReadTransaction) -> None:
        self._ask = transaction.all
        self._columns: dict[str, tuple[SqliteColumn, ...]] = {}
        self._why: dict[str, str] = {}

    @cached_property
    def by_name(self) -> dict[str, SourceTable]:
        listed = self._ask("SELECT name, type, wr, strict FROM pragma_table_list WHERE schema = 'main'")
        made = self._ask("SELECT name, sql FROM sqlite_schema WHERE type = 'table' AND sql IS NOT NULL")
        modules = {name: _module(sql) for name, sql in made}
        own = {name for (name,) in self._ask(_OWN_ORDER)}
        return {
            name: SourceTable(name, kind, not wr, bool(strict), modules.get(name, ""), name in own)
            for name, kind, wr, strict in listed
        }

    def table(self, entity: str) -> SourceTable:
        """Return the table of an entity. Raises Refused if there is none."""
        found = self.by_name.get(entity)
        if found is None:
            raise Refused(
                f"the file has no table {entity!r}; nothing was read",
                hint="compare the entities in crossfade.toml with what the source holds (crossfade survey)",
            )
        return found

    def columns(self, table: SourceTable) -> tuple[SqliteColumn, ...]:
        """Return the columns of a table, including the rowid if it is the key."""
        if table.name not in self._columns:
            # (cid, name, type, notnull, default, place in the primary key, hidden: 2 and 3 are generated)
            rows = self._ask("SELECT * FROM pragma_table_xinfo(?)", (table.name,))
            found = tuple(
                SqliteColumn(name, declared, not not_null, place)
                for _, name, declared, not_null, _, place, hidden in rows
                if hidden != 1
            )
            self._why[table.name] = self._why_rowid(table, found)
            rowid = (_rowid(table, found),) if self._why[table.name] else ()
            self._columns[table.name] = (*found, *rowid)
        return self._columns[table.name]

    def key(self, table: SourceTable) -> TableKey:
        """Return the primary key; or the rowid if there is none, or if it contains NULLs. Raises Refused if there is
        neither.
        """
        columns = self.columns(table)
        if table.kind in (VIEW, VIRTUAL):
            what = "virtual table" if table.kind == VIRTUAL else "view"
            raise Refused(
                f"{table.name} is a {what}, whose rows have no key; nothing was read",
                hint="store it as a table with a primary key, or discard it with a reason",
            )
        why = self._why[table.name]
        key = columns[-1:] if why else sorted((c for c in columns if c.place), key=lambda c: c.place)
        return TableKey(tuple(table.compared(c.sql) for c in key), tuple(c.name for c in key), why)

    def _why_rowid(self, table: SourceTable, columns: tuple[SqliteColumn, ...]) -> str:
        """Return why the rows of a table are identified by their rowid, or ""."""
        key = tuple(c for c in columns if c.place)
        if table.kind in (VIEW, VIRTUAL) or not table.has_rowid:
            return ""
        if not key:
            return "it has no primary key"
        return "its primary key holds NULLs" if self._has_nulls(table, key) else ""

    def _has_nulls(self, table: SourceTable, key: tuple[SqliteColumn, ...]) -> bool:
        """Return whether a row has NULL in its primary key: SQLite allows it, except for INTEGER PRIMARY KEY."""
        nullable = [f"{c.sql} IS NULL" for c in key if c.nullable]
        if not nullable:
            return False
        found = self._ask(f"SELECT EXISTS (SELECT 1 FROM {table.rows} WHERE {' OR '.join(nullable)})")
        return bool(found[0][0])


def _rowid(table: SourceTable, columns: tuple[SqliteColumn, ...]) -> SqliteColumn:
    in_use = {c.name.lower() for c in columns}
    free = next((name for name in _ROWID_NAMES if name not in in_use), None)
    if free is None:
        raise Refused(
            f"{table.name} has no key, and its columns hide its rowid; nothing was read",
            hint="give it a primary key, or discard it with a reason",
        )
    return SqliteColumn(free, "INTEGER", False, 0)


def _module(sql: str) -> str:
    words = sql.split("(", 1)[0].split()
    upper = [word.upper() for word in words]
    return words[upper.index("USING") + 1].lower() if upper[:2] == ["CREATE", "VIRTUAL"] and "USING" in upper else ""
