"""The references of a table, and how many of its rows refer to a missing row."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from crossfade.model.quoting import identifier
from crossfade.model.references import Keyed, Reference, guessed
from crossfade.stores.sqlite.forms import affinity
from crossfade.stores.sqlite.reading.tables import TABLE, SourceTable, Tables
from crossfade.stores.sqlite.reading.transaction import ReadTransaction

_DECLARED = """
SELECT k.id, k."from", coalesce(k."to", (SELECT x.name FROM pragma_table_xinfo(k."table") AS x WHERE x.pk = k.seq + 1)),
       (SELECT s.name FROM sqlite_schema AS s WHERE s.type = 'table' AND s.name = k."table" COLLATE NOCASE)
FROM pragma_foreign_key_list(?) AS k ORDER BY k.id DESC, k.seq
"""


def references(tables: Tables, table: SourceTable, transaction: ReadTransaction) -> tuple[Reference, ...]:
    """Return the foreign keys of a table, and the references that the names of its columns suggest, each with its
    orphans. References to a table or a column that does not exist are left out.
    """
    declared = list(_declared(tables, table, transaction))
    columns = {c.name: affinity(c.declared) for c in tables.columns(table)}
    taken = {name for one in declared for name in one.columns} | set(_key(tables, table))
    found = [*declared, *sorted(guessed(table.name, columns, list(_keyed(tables)), taken), key=str)]
    return tuple(replace(one, orphans=_orphans(tables, table, one, transaction)) for one in found)


def _declared(tables: Tables, table: SourceTable, transaction: ReadTransaction) -> Iterator[Reference]:
    found: dict[int, Reference] = {}
    for number, column, there, parent in transaction.all(_DECLARED, (table.name,)):
        one = found.get(number, Reference((), parent or "", ()))
        found[number] = replace(one, columns=(*one.columns, column), there=(*one.there, there))
    for one in found.values():
        own, others = (_names(tables, name) for name in (table.name, one.to))
        if {*map(_lower, one.there)} <= others.keys():
            there = tuple(others[_lower(name)] for name in one.there)
            yield replace(one, columns=tuple(own[_lower(name)] for name in one.columns), there=there)


def _names(tables: Tables, table: str) -> dict[str, str]:
    """Return the columns of a table as it spells them, by their names in lower case; none if it does not exist."""
    return {_lower(c.name): c.name for c in tables.columns(tables.table(table))} if table in tables.by_name else {}


def _lower(name: str | None) -> str:
    return (name or "").lower()


def _keyed(tables: Tables) -> Iterator[Keyed]:
    for name, table in tables.by_name.items():
        if table.kind == TABLE and len(key := _key(tables, table)) == 1:
            ((column, declared),) = key.items()
            yield Keyed(name, name, column, affinity(declared))


def _key(tables: Tables, table: SourceTable) -> dict[str, str]:
    """Return the columns of the primary key with their declarations, if it is one column; else nothing."""
    key = {c.name: c.declared for c in tables.columns(table) if c.place}
    return key if len(key) == 1 else {}


def _orphans(tables: Tables, table: SourceTable, one: Reference, transaction: ReadTransaction) -> int:
    whole = " AND ".join(f"t.{identifier(name)} IS NOT NULL" for name in one.columns)
    pairs = zip(one.columns, one.there, strict=True)
    same = " AND ".join(f"p.{identifier(to)} = t.{identifier(name)}" for name, to in pairs)
    parent = f"main.{identifier(one.to)} AS p" + (" NOT INDEXED" if tables.table(one.to).has_own_order else "")
    missing = f"NOT EXISTS (SELECT 1 FROM {parent} WHERE {same})"
    ((count,),) = transaction.all(f"SELECT count(*) FROM {table.rows} WHERE {whole} AND {missing}")
    return int(count)
