"""What PostgreSQL does to the rows of a target by itself: rules rewrite statements, foreign keys change the rows that
refer to another, an unlogged table is forgotten.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from crossfade.model.findings import Finding
from crossfade.model.target import Step, TargetSchema, TargetTable

_RULE = re.compile(
    r"CREATE (?:OR REPLACE )?RULE (?P<name>.+?) AS\s+ON (?P<event>INSERT|UPDATE|DELETE) TO (?P<table>\S+)", re.DOTALL
)
_INSTEAD = re.compile(r"(?:\s+WHERE .*?)?\s+DO INSTEAD\b", re.DOTALL)
_ON_UPDATE = re.compile(r" ON UPDATE (CASCADE|SET NULL|SET DEFAULT)\b")


def doubtful(schema: TargetSchema, mapped: Collection[str]) -> Iterator[Finding]:
    """Yield a note for each rule of a mapped table, for each foreign key that changes rows of a mapped table which
    cannot be found, and for each unlogged table.
    """
    modes = [step for step in schema.post if step.id.startswith("rule mode ")]
    disabled = {step.id for step in modes if " DISABLE RULE " in step.sql or " ENABLE REPLICA RULE " in step.sql}
    for step in schema.post:
        if step.id.startswith("rule ") and step.id.replace("rule ", "rule mode ", 1) not in disabled:
            yield from _of_rule(step, mapped)
    for table in schema.tables:
        if table.name in mapped:
            yield from _on_update(table, schema, mapped)
    for step in schema.pre:
        name = _name(step.id.removeprefix("table "))
        if name in mapped and step.sql.startswith("CREATE UNLOGGED TABLE "):
            yield Finding(
                "note", "vanishes", name,
                "it is unlogged: a crash of the server empties it, and the journal still calls its records copied",
                "create it without UNLOGGED, or ALTER TABLE ... SET LOGGED before the copy",
            )  # fmt: skip


def _of_rule(step: Step, mapped: Collection[str]) -> Iterator[Finding]:
    found = _RULE.match(step.sql)
    if found is None or (table := _name(found["table"])) not in mapped:
        return
    if found["event"] == "INSERT":
        yield Finding(
            "note", "rule", table,
            f"the rule {found['name']} is for INSERT: it does not fire for rows that Crossfade writes, because COPY"
            " ignores rules. It fires for the application's own rows",
            "if it writes to another table, map that table",
        )  # fmt: skip
        return
    instead = _INSTEAD.match(step.sql[found.end() :])
    does = "runs instead of Crossfade's statement, and the command ends with an error" if instead else "runs too"
    yield Finding(
        "note", "rule", table,
        f"the rule {found['name']} is for {found['event']}: it does not fire for rows that are copied, but when a"
        f" record is repaired, retried, followed or removed because of a constraint, the rule {does}",
        f"until the move has ended: ALTER TABLE {found['table']} DISABLE RULE {found['name']}",
    )  # fmt: skip


def _on_update(table: TargetTable, schema: TargetSchema, mapped: Collection[str]) -> Iterator[Finding]:
    """The rows that refer to a value are found by exactly that value (pipeline/cascaded.py)."""
    tables = {one.name: one for one in schema.tables}
    actions = {
        _name(step.id.removeprefix("foreign key ")): found[1]
        for step in schema.post
        if step.id.startswith("foreign key ") and (found := _ON_UPDATE.search(step.sql))
    }
    for key in table.foreign_keys:
        parent = tables.get(key.parent)
        action = actions.get(_name(f"{table.name}.{key.name}"))
        if action is None or parent is None or parent.name not in mapped:
            continue
        inexact = [
            name for name in key.parent_columns if name not in parent.primary_key and not _is_exact(parent, name)
        ]
        if inexact:
            yield Finding(
                "note", "on_update", table.name,
                f"{key.name} has ON UPDATE {action}: if {', '.join(inexact)} of a record of {key.parent} changes while"
                " it is followed, the database changes the rows that refer to it; those that spell the value in another"
                " way are found only by a verification of everything",
                "create the foreign key without ON UPDATE until the move has ended",
            )  # fmt: skip


def _is_exact(table: TargetTable, name: str) -> bool:
    """Return whether equal values of a column are the same text, and are written by the move. (An index on a column
    whose collation takes different texts for equal names the collation.)
    """
    column = table.column(name)
    is_plain = any(unique.names(name) for unique in table.uniques)
    return column is not None and not column.generated and is_plain and "citext" not in column.type.sql


def _name(printed: str) -> str:
    """Return the name of a table, as mappings have it."""
    return printed.removeprefix("public.").replace('"', "")
