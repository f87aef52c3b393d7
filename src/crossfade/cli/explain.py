"""`crossfade explain TABLE.COLUMN`: the source paths that a column is computed from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Annotated, Any

import typer

from crossfade.cli.answer import Answer
from crossfade.cli.command import command
from crossfade.cli.invocation import Invocation
from crossfade.cli.screen import Screen, number
from crossfade.move.values import Lineage

PLACE = Annotated[str, typer.Argument(metavar="TABLE[.COLUMN]", help="A target table, or one of its columns.")]

_DEPTHS = {
    "whole": " (with all below it)",
    "elements": " (its elements)",
    "type": " (its type, or whether it is there)",
    "rest": " (all that no mapping mentions)",
}
_NESTED = {"object", "array"}
_KEEPS = {"less": " (in part)", "decides": " (used only in a condition)"}


@command("crossfade explain courses.max_students --project examples/scribe-tree")
def explain(call: Invocation, place: PLACE) -> Answer:
    """Show the source paths that a target column is computed from, with their types and counts from the survey.

    Paths used only in WHERE, ON or GROUP BY, which decide which rows are made, are listed separately.
    """
    with call.move() as move:
        document = _document(move.lineage(place))
    return Answer(document, lambda screen: _draw(screen, document))


def _document(found: Lineage) -> dict[str, Any]:
    return {
        "table": found.table,
        "file": found.file,
        "entities": list(found.entities),
        "columns": [
            {
                "column": column.column,
                "expressions": [written.text for written in column.expressions],
                "sources": [asdict(place) for place in column.sources],
            }
            for column in found.columns
        ],
        "steering": [asdict(place) for place in found.steering],
    }


def _draw(screen: Screen, document: dict[str, Any]) -> None:
    screen.line(f"{document['table']}: {document['file']}, of {', '.join(document['entities'])}")
    for column in document["columns"]:
        screen.line(f"\n{column['column']}", "bold")
        for sql in column["expressions"]:
            screen.line(f"  = {sql}")
        _draw_places(screen, column["sources"])
        if not column["sources"]:
            screen.line("    a constant: no source path")
    if document["steering"]:
        screen.line("\nused only in WHERE, ON or GROUP BY", "bold")
        _draw_places(screen, document["steering"])


def _draw_places(screen: Screen, places: Iterable[dict[str, Any]]) -> None:
    for place in places:
        types = ", ".join(f"{name} x {number(count)}" for name, count in place["types"].items()) or "never seen"
        missing = f", missing x {number(place['missing'])}" if place["missing"] else ""
        how = _DEPTHS.get(place["depth"], "") or _KEEPS.get(place["keeps"], "")
        if place["depth"] == "whole" and not _NESTED & place["types"].keys():
            how = _KEEPS.get(place["keeps"], "")
        path = "" if place["path"] == "." else f".{place['path']}"  # "." is the document itself
        screen.line(f"    {place['entity']}{path}{how}: {types}{missing}")
