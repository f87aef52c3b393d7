"""What PostgreSQL does to the rows of a target by itself: rules rewrite statements, an unlogged table is forgotten."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from crossfade.model.findings import Finding
from crossfade.model.target import Step, TargetSchema

_RULE = re.compile(
    r"CREATE (?:OR REPLACE )?RULE (?P<name>.+?) AS\s+ON (?P<event>UPDATE|DELETE) TO (?P<table>\S+)", re.DOTALL
)
_INSTEAD = re.compile(r"(?:\s+WHERE .*?)?\s+DO INSTEAD\b", re.DOTALL)


def doubtful(schema: TargetSchema, mapped: Collection[str]) -> Iterator[Finding]:
    """Yield a note for each rule of a mapped table that Crossfade's statements meet, and for each unlogged table."""
    disabled = {step.id for step in schema.post if step.id.startswith("rule mode ") and " DISABLE RULE " in step.sql}
    for step in schema.post:
        if step.id.startswith("rule ") and step.id.replace("rule ", "rule mode ", 1) not in disabled:
            yield from _of_rule(step, mapped)
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
    instead = _INSTEAD.match(step.sql[found.end() :])
    does = "runs instead of Crossfade's statement, and the record is refused" if instead else "runs too"
    yield Finding(
        "note", "rule", table,
        f"the rule {found['name']} is for {found['event']}: the copy does not meet it, but when a record is repaired,"
        f" retried or followed, the rule {does}",
        f"until the move has ended: ALTER TABLE {found['table']} DISABLE RULE {found['name']}",
    )  # fmt: skip


def _name(printed: str) -> str:
    """Return the name of a table, as mappings have it."""
    return printed.removeprefix("public.").replace('"', "")
