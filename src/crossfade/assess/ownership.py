"""The notes of `check` on how a row leads back to its record: tables that a search would have to scan, and tables for
which the journal keeps a ledger.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from crossfade.mapping.owners import owners
from crossfade.model.findings import Finding
from crossfade.model.program import Program
from crossfade.model.quoting import identifier, spellings
from crossfade.model.shape import Shape
from crossfade.model.target import TargetSchema, TargetTable
from crossfade.schema.documents import commands
from crossfade.schema.live import built_on, place_of_table
from crossfade.schema.tokens import tokens

_LEDGER_HINT = "add a column with the root's key, or with uuid_of(...) of it; then no ledger is needed"


def ownership(program: Program, shapes: Mapping[str, Shape], target: TargetSchema) -> Iterator[Finding]:
    """Yield a note for each table whose rows can be found by their record only with a scan or a ledger."""
    tables = {t.name: t for t in target.tables}
    leading = _leading(target)
    for entity, own in sorted(owners(program, shapes, tables).items()):
        for table, column in sorted(own.columns.items()):
            if column not in leading.get(table, set()) | _of_keys(tables[table]):
                message = (
                    f"{column} identifies the record of {entity} that a row belongs to, but no index begins with it:"
                    f" removing or following a record will scan {table}"
                )
                hint = _index_on(target, table, column)
                yield Finding("note", "owner_not_indexed", f"{table}.{column}", message, hint)
        for table in sorted(own.ledger):
            message = (
                f"no column identifies the record of {entity} that a row belongs to: the journal keeps a ledger of its"
                " rows, which makes their copy slower"
            )
            yield Finding("note", "ledger", table, message, _LEDGER_HINT)


def _index_on(target: TargetSchema, table: str, column: str) -> str:
    if commands.are_steps_of(target.dialect):
        return commands.text_of({"createIndexes": table, "indexes": [{"key": {column: 1}, "name": f"{column}_1"}]})
    return f"CREATE INDEX ON {identifier(table)} ({identifier(column)})"


def _of_keys(table: TargetTable) -> set[str]:
    """Return the first columns of the primary key and the unique constraints."""
    named = {spelled: c.name for c in table.columns for spelled in spellings(c.name)}
    uniques = {named[u.expressions[0]] for u in table.uniques if not u.predicate and u.expressions[0] in named}
    return {*table.primary_key[:1], *uniques}


def _leading(target: TargetSchema) -> dict[str, set[str]]:
    """Return the first columns of the indexes of each table."""
    found: dict[str, set[str]] = {}
    for step in target.post:
        table = built_on(target, step)
        if table is None:
            continue
        if commands.is_command(step.sql):
            found.setdefault(table.name, set()).update(commands.leading(step.sql, table))
            continue
        words = [t for t in tokens(step.sql[place_of_table(step)[1] :]) if t.kind not in ("space", "comment")]
        opened = next((i for i, word in enumerate(words) if word.text == "("), None)
        is_partial = any(word.word == "WHERE" for word in words)
        if opened is not None and not is_partial and words[opened + 2].text not in ("(", ".", "::"):
            found.setdefault(table.name, set()).add(words[opened + 1].name)
    return found
