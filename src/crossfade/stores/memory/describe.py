"""The catalog in memory as flat facts."""

from __future__ import annotations

from collections.abc import Iterator

from crossfade.model.described import Described, Thing, by
from crossfade.stores.memory.statements import AddForeignKey, statement_of
from crossfade.stores.memory.table import Table
from crossfade.stores.memory.tables import Catalog


def describe(catalog: Catalog) -> Described:
    tables = [catalog.tables[name] for name in sorted(catalog.tables)]
    return Described(by("memory"), tuple(thing for table in tables for thing in _things(table)))


def _things(table: Table) -> Iterator[Thing]:
    yield Thing("relation", table.name, "", {"is": "table"})
    for column in table.columns:
        facts = {"type": column.type.sql} | ({} if column.nullable else {"not null": "yes"})
        yield Thing("column", f"{table.name}.{column.name}", table.name, facts)
    if table.primary_key:
        key = f"PRIMARY KEY ({', '.join(table.primary_key)})"
        yield Thing("constraint", f"{table.name}_pkey", table.name, {"definition": key})
    for index in table.indexes.values():
        kind = "constraint" if index.constraint else "index"
        yield Thing(kind, index.name, table.name, {"definition": statement_of(index)})
    for foreign in table.foreign_keys.values():
        definition = statement_of(AddForeignKey(table.name, foreign))
        yield Thing("constraint", foreign.name, table.name, {"definition": definition})
