"""The Ddl of a target in memory: a schema is read from SQL text by running it in an empty catalog."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import pyarrow as pa

from crossfade.errors import CrossfadeError, Fault, SchemaFault
from crossfade.model.described import Described
from crossfade.model.findings import Finding
from crossfade.model.target import ForeignKey, Step, TargetSchema, TargetTable, Unique
from crossfade.schema.statements import Statement, split
from crossfade.stores.contract import Ddl, NumbersBehind, Unsound
from crossfade.stores.memory.database import Database
from crossfade.stores.memory.describe import describe
from crossfade.stores.memory.rows import arrow_keys
from crossfade.stores.memory.statements import CreateIndex, UnknownStatement, read
from crossfade.stores.memory.tables import Catalog


class MemoryDdl:
    def __init__(self, database: Database) -> None:
        self._database = database

    @property
    def _catalog(self) -> Catalog:
        return self._database.catalog

    def is_empty(self) -> list[str]:
        return [f"{t.name} ({'has rows' if t.rows else 'no rows'})" for _, t in sorted(self._catalog.tables.items())]

    def default_schema(self) -> str:
        return ""

    def has_journal(self) -> bool:
        return "move" in self._catalog.notes

    def there_before(self) -> list[tuple[str, str]]:
        return []

    def scratch_schema(self, statements: str, file: str) -> TargetSchema:
        script, catalog = split(statements), Catalog()
        faults = [fault for s in script.statements if (fault := _run(catalog, s, file)) is not None]
        if faults:
            raise SchemaFault(faults)
        return catalog.schema(script.notes)

    def live_schema(self) -> TargetSchema:
        return self._catalog.schema()

    def describe(self) -> Described:
        return describe(self._catalog)

    def describe_made(self, schema: TargetSchema) -> Described:
        catalog = Catalog()
        for step in (*schema.pre, *schema.post):
            for change in read(step.sql):
                catalog.change(change)
        return describe(catalog)

    def holding_rows(self, relations: Sequence[str]) -> dict[str, bool | None]:
        return {name: bool(self._catalog.table(name).rows) for name in relations}

    def holds_values(self, relation: str, column: str) -> bool:
        table = self._catalog.table(relation)
        (place,) = table.places([column.removeprefix(f"{relation}.")])
        return any(row.values[place] is not None for row in table.rows.values())

    def numbers_behind(self, tables: Sequence[TargetTable]) -> list[NumbersBehind]:
        """Return nothing: no column is numbered."""
        return []

    def unsound(self, tables: Sequence[TargetTable]) -> list[Unsound]:
        return []

    def duplicates(self, table: TargetTable, unique: Unique) -> Any:
        stored = self._catalog.table(table.table)
        columns = [expression[1:-1].replace('""', '"') for expression in unique.expressions]
        return arrow_keys(stored, self._catalog.duplicates(stored, columns))

    def orphans(self, table: TargetTable, key: ForeignKey) -> Any:
        stored = self._catalog.table(table.table)
        return arrow_keys(stored, self._catalog.orphans(stored, key))

    def unbuildable(self, table: TargetTable, step: Step) -> Any:
        stored = self._catalog.table(table.table)
        indexes = [c for c in read(step.sql) if isinstance(c, CreateIndex) and c.unique]
        found = arrow_keys(stored, [k for i in indexes for k in self._catalog.duplicates(stored, i.columns)])
        said = f"another row has the same {', '.join(c for i in indexes for c in i.columns)}"
        for name, text in (("#reason", "unique"), ("#detail", said), ("#column", None)):
            found = found.append_column(name, pa.array([text] * len(found), pa.string()))
        return found

    def outlive_removed(self) -> None:
        """Do nothing: a row that was removed is gone."""

    def advance_sequences(self, tables: Sequence[TargetTable], headroom: int = 0) -> int:
        return 0

    def doubtful(self, schema: TargetSchema, mapped: Collection[str]) -> list[Finding]:
        return []


def _run(catalog: Catalog, statement: Statement, file: str) -> Fault | None:
    try:
        for change in read(statement.text):
            catalog.change(change)
    except (UnknownStatement, CrossfadeError) as error:
        return Fault(file, statement.line, statement.column, str(error), statement.text)
    return None


_: type[Ddl] = MemoryDdl
