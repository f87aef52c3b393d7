"""`crossfade invert`: derive the SQL that brings the target's rows back into the source's records."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from crossfade.cli.answer import Answer
from crossfade.cli.command import command
from crossfade.cli.invocation import Invocation
from crossfade.cli.screen import Screen
from crossfade.model.counts import counted
from crossfade.move.inverting import EDITED, UNDERIVED, WRITTEN, Inverted

FORCE = Annotated[bool, typer.Option("--force", help="Replace files that a person has edited, too.")]


@command("crossfade invert --project examples/scribe-tree", stopped="files that were written are complete")
def invert(call: Invocation, force: FORCE = False) -> Answer:
    """Derive inverse/<entity>.sql from the mappings: a SELECT over the target's tables that rebuilds the records.

    Names the columns whose changes cannot come back. A file that a person has edited is not changed. Exit status 1 if
    an inverse cannot be derived and was not written by hand.
    """
    with call.move() as move:
        found = move.invert(force=force)
    document = {"entities": [_described(one) for one in found]}
    ok = all(one.state != UNDERIVED for one in found)
    return Answer(document, lambda screen: _draw(screen, document["entities"]), ok=ok)


def _described(one: Inverted) -> dict[str, Any]:
    columns = [
        {"table": c.table, "column": c.column, "reason": c.reason, "values": c.count, "hint": c.hint}
        for c in one.no_way_back
    ]
    return {
        "entity": one.entity,
        "file": f"inverse/{one.file.name}",
        "state": one.state,
        "why": one.why,
        "no_way_back": columns,
        "no_owner": list(one.no_owner),
    }


_SAID = {WRITTEN: "written", EDITED: "edited by hand: not changed", UNDERIVED: "cannot be derived"}


def _draw(screen: Screen, entities: Sequence[dict[str, Any]]) -> None:
    for one in entities:
        why = f": {one['why']}" if one["why"] else ""
        screen.line(f"{one['file']}  {_SAID.get(one['state'], one['state'])}{why}", "bold red" if why else "")
        for column in one["no_way_back"]:
            values = f" ({counted(column['values'], 'value')})" if column["values"] else ""
            screen.line(f"  {column['table']}.{column['column']}: {column['reason']}{values}")
            if column["hint"]:
                screen.line(f"    Try: {column['hint']}")
        for table in one["no_owner"]:
            screen.line(f"  {table}: a row that is inserted there leads to no record: it cannot come back")
    lost = sum(len(one["no_way_back"]) for one in entities)
    screen.line()
    screen.line(
        f"{counted(len(entities), 'entity', 'entities')}; changes of {counted(lost, 'column')} cannot come back"
    )
