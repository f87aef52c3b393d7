"""Derive inverse/<entity>.sql, and leave alone what a person has written there."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

from crossfade.errors import Misused
from crossfade.mapping.invert.derive import derive
from crossfade.mapping.owners import without_owner
from crossfade.model.files import read_text, write_text
from crossfade.model.inverse import Inverse, NoWayBack
from crossfade.model.names import nearest
from crossfade.move.context import Context

WRITTEN, CURRENT, EDITED, UNDERIVED = "written", "current", "edited", "underived"
_MARK = "-- derived: "


@dataclass(frozen=True)
class Inverted:
    """An entity's inverse. `state`: its file was WRITTEN now, is CURRENT, was EDITED by a person and not changed, or
    it cannot be derived (UNDERIVED: `why`). `no_way_back` are columns whose changes cannot come back by it.
    """

    entity: str
    file: Path
    state: str
    why: str | None
    no_way_back: tuple[NoWayBack, ...]
    no_owner: tuple[str, ...] = ()
    """Its tables whose new rows lead to no record."""


def invert(context: Context, *, force: bool = False) -> list[Inverted]:
    """Write the inverses that can be derived. A file that a person has edited is replaced only with `force`."""
    without = without_owner(context.program, context.shapes, {table.name: table for table in context.schema.tables})
    return [
        replace(
            _inverted(context, inverse, force),
            no_owner=tuple(table for table, entities in sorted(without.items()) if inverse.entity in entities),
        )
        for inverse in derived(context)
    ]


def derived(context: Context) -> list[Inverse]:
    """Return the inverse of each entity that feeds a table, as derived from the mappings."""
    mappings, program = context.mappings, context.program
    tables = {table.name: table for table in context.schema.tables}
    lost = lost_columns(context)
    return [derive(entity, mappings, program, context.shapes, tables, lost) for entity in context.fed_entities]


def lost_columns(context: Context) -> dict[str, frozenset[str]]:
    """Return the columns by table whose changes may be lost on the way back. Raises Misused for a column that does not
    exist, or that is part of a primary key, which identifies rows.
    """
    tables = {table.name: table for table in context.schema.tables}
    found: dict[str, set[str]] = {}
    for loss in context.project.settings.inverse.lose:
        name, _, column = loss.column.rpartition(".")
        table = tables.get(name)
        if table is None or table.column(column) is None:
            places = [f"{t.name}.{c.name}" for t in tables.values() for c in t.columns]
            raise Misused(f"[[inverse.lose]] {loss.column}: no such column", hint=nearest(loss.column, places))
        if column in table.primary_key:
            raise Misused(f"[[inverse.lose]] {loss.column} is part of the primary key, which identifies rows")
        found.setdefault(name, set()).add(column)
    return {name: frozenset(columns) for name, columns in found.items()}


def file_of(context: Context, entity: str) -> Path:
    return context.project.inverse_dir / f"{entity}.sql"


def text_of(context: Context, inverse: Inverse) -> str | None:
    """Return the SQL of an inverse: that of its file if there is one, else the derived one; None if there is none."""
    file = file_of(context, inverse.entity)
    return read_text(file) if file.exists() else inverse.sql


def _inverted(context: Context, inverse: Inverse, force: bool) -> Inverted:
    file = file_of(context, inverse.entity)
    before = read_text(file) if file.exists() else None
    after = None if inverse.sql is None else _marked(inverse.sql)
    if before is not None and before == after:
        state = CURRENT
    elif before is not None and is_edited(before) and not force:
        state = EDITED
    elif after is None:
        state = UNDERIVED
    else:
        file.parent.mkdir(exist_ok=True)
        write_text(file, after)
        state = WRITTEN
    return Inverted(inverse.entity, file, state, inverse.why, inverse.no_way_back)


def is_edited(text: str) -> bool:
    """Return whether a person has written or changed the text of an inverse."""
    body, _, mark = text.rstrip("\n").rpartition(_MARK)
    return not body or mark != _digest(body)


def _marked(sql: str) -> str:
    return f"{sql}{_MARK}{_digest(sql)}\n"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


__all__ = [
    "CURRENT",
    "EDITED",
    "UNDERIVED",
    "WRITTEN",
    "Inverted",
    "derived",
    "file_of",
    "invert",
    "is_edited",
    "text_of",
]
