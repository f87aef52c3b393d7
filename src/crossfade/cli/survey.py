"""`crossfade survey`: scan the source and write source.lock.json."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from crossfade.cli.answer import Answer
from crossfade.cli.command import command
from crossfade.cli.invocation import Invocation
from crossfade.cli.options import DASK
from crossfade.cli.screen import Screen, number
from crossfade.model.rejection import REMAINDER
from crossfade.model.shape import Shape
from crossfade.model.vocabulary import NO_VOCABULARY
from crossfade.move import Move
from crossfade.move.surveying import changes_since
from crossfade.move.values import EntityInfo

SHOWN_CHANGES = 20


@command(
    "crossfade survey --project examples/scribe-tree",
    stopped="source.lock.json is as it was, and the source was only read",
)
def survey(call: Invocation, dask: DASK = "") -> Answer:
    """Scan every record of the source, and write source.lock.json.

    The file lists every path with its types and their counts. Keep it in version control. If the file existed
    before, the changes since the last survey are shown.
    """
    with call.move(dask) as move:
        return look(call, move)


def look(call: Invocation, move: Move) -> Answer:
    """Survey the source of a move and return the answer; `run` uses it too."""
    before = move.lock_before()
    with call.listen() as listen:
        shapes, entities = move.survey(listen)
    call.tell_reader(sum(shape.bytes for shape in shapes))
    changes = None if before is None else changes_since(before, shapes, entities)
    document = _document(move, shapes, entities, changes)
    words = shapes[0].vocabulary if shapes else NO_VOCABULARY
    return Answer(document, lambda screen: _draw(screen, document, f"{words.record}s"))


def _document(
    move: Move, shapes: Sequence[Shape], entities: Sequence[EntityInfo], changes: list[str] | None
) -> dict[str, Any]:
    scanned = {shape.entity: shape for shape in shapes}
    return {
        "lock_file": str(move.project.lock_file),
        "entities": [_entity(info, scanned.get(info.name)) for info in entities],
        "changes": changes,
    }


def _entity(info: EntityInfo, shape: Shape | None) -> dict[str, Any]:
    return {
        "entity": info.name,
        "class": info.entity_class,
        "plan": _plan(info, shape),
        "indexes": list(info.indexes),
        "surveyed": shape is not None,
        "documents": shape.count if shape else None,
        "bytes": shape.bytes if shape else None,
        "paths": sum(1 for _ in shape.root.walk()) - 1 if shape else None,
        "problems": dict(sorted(shape.problems.items())) if shape else {},
        "torn": info.torn if shape else "",
    }


def _plan(info: EntityInfo, shape: Shape | None) -> str:
    """Return the plan for an entity: it is not copied if `entities` leaves it out."""
    left_out = info.copied and shape is None
    return "not copied, because `entities` in crossfade.toml does not name it" if left_out else info.plan


def planned(plan: str) -> str:
    """Return the plan as shown to people: a survey copies nothing."""
    return "to be copied" if plan == "copied" else plan


def _draw(screen: Screen, document: dict[str, Any], records: str) -> None:
    columns = ("entity", "class", records, "paths", "unreadable", "plan")
    rows = [
        (
            e["entity"],
            e["class"],
            number(e["documents"]) if e["surveyed"] else "-",
            e["paths"] if e["surveyed"] else "-",
            number(sum(n for reason, n in e["problems"].items() if reason != REMAINDER)) if e["surveyed"] else "-",
            planned(e["plan"]),
        )
        for e in document["entities"]
    ]
    for e in document["entities"]:
        if e["torn"]:
            screen.line(f"{e['entity']} is torn; an unknown number of records cannot be read: {e['torn']}", "bold red")
    screen.table(columns, rows, right=(records, "paths", "unreadable"))
    changes = document["changes"]
    if changes:
        screen.line(f"\nchanged since the last survey ({len(changes)}):")
        for change in changes[:SHOWN_CHANGES]:
            screen.line(f"  {change}")
        if len(changes) > SHOWN_CHANGES:
            screen.line(f"  and {len(changes) - SHOWN_CHANGES} more: see the file's diff")
    screen.line(f"\nwritten: {document['lock_file']}")
