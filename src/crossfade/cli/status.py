"""`crossfade status`: show the count equation of every entity, from the journal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from crossfade.cli.answer import Answer
from crossfade.cli.command import command
from crossfade.cli.invocation import Invocation
from crossfade.cli.screen import Screen, number
from crossfade.move.reports import torn
from crossfade.move.values import FINISHED, PREPARED, EntityStatus, Status

UNSEEN = {"unseen_path", "unseen_type"}
"""The reasons of records that hold what the survey has not seen."""

COUNTS = ("source", "copied", "quarantined", "discarded")


@command("crossfade status --project examples/scribe-tree")
def status(call: Invocation) -> Answer:
    """Show the progress of the move: source = copied + quarantined + discarded, for every entity.

    Exit status 1 if the copy is not finished, if the counts do not balance, or if more records are in quarantine than
    the limit in crossfade.toml allows.
    """
    with call.move() as move:
        return status_answer(move.status())


def status_answer(found: Status) -> Answer:
    document = status_document(found)
    return Answer(document, lambda screen: draw_status(screen, document), ok=found.ok)


def status_document(found: Status) -> dict[str, Any]:
    return {
        "ok": found.ok,
        "name": found.name,
        "source": found.source,
        "stage": found.stage,
        "started_at": found.started_at,
        "quarantine_limit": found.limit,
        "entities": [_entity(e, found.limit) for e in found.entities],
        "tables": dict(found.rows),
        "faults": list(found.faults),
        "notes": list(found.notes),
    }


def _entity(entity: EntityStatus, limit: float) -> dict[str, Any]:
    return {
        "entity": entity.entity,
        **{name: getattr(entity.counts, name) for name in COUNTS},
        "balanced": entity.balanced,
        "over_limit": entity.quarantined_share > limit or bool(entity.remainders),
        "planned": entity.planned,
        "chunks": entity.chunks,
        "chunks_done": entity.chunks_done,
        "reasons": dict(sorted(entity.reasons.items())),
        "remainders": list(entity.remainders),
        "gone": entity.gone,
    }


def draw_status(screen: Screen, document: dict[str, Any], *, notes: bool = True) -> None:
    """Draw the table, and what keeps the move from being complete."""
    draw_torn(screen, document["entities"])
    rows = [
        (e["entity"], *(number(e[name]) for name in COUNTS), _balanced(e, document["stage"]))
        for e in document["entities"]
    ]
    screen.table(("entity", *COUNTS, "balanced"), rows, right=COUNTS)
    for entity in document["entities"]:
        for line in _remarks(entity, document["quarantine_limit"]):
            screen.line(line)
    for fault in document["faults"]:
        screen.line(fault, "bold red")
    for note in document["notes"] if notes else ():
        screen.line(note)
    if document["stage"] != FINISHED:
        said = "not started" if document["stage"] == PREPARED else f"not finished ({document['stage']})"
        screen.line(f"{said}: crossfade copy")


def _balanced(entity: Mapping[str, Any], stage: str) -> str:
    if stage == PREPARED:
        return "not started"
    return "yes" if entity["balanced"] else "NO"


def draw_torn(screen: Screen, entities: Sequence[Mapping[str, Any]]) -> None:
    """Draw, at the top of the output, which parts of the source cannot be read."""
    for entity in entities:
        for detail in entity["remainders"]:
            screen.line(f"{torn(entity['entity'])}: {detail}", "bold red")


def _remarks(entity: dict[str, Any], limit: float) -> list[str]:
    name, lines = entity["entity"], []
    if entity["chunks_done"] < entity["chunks"]:
        done, chunks = number(entity["chunks_done"]), number(entity["chunks"])
        lines.append(f"{name}: {done} of {chunks} chunks are finished")
    if entity["over_limit"] and entity["quarantined"]:
        share = entity["quarantined"] / entity["source"]
        lines.append(f"{name}: {share:.2%} of its records are in quarantine; the limit is {limit:.2%}")
    if entity["reasons"]:
        lines.append(f"{name}: in quarantine: " + ", ".join(f"{r} x {n}" for r, n in entity["reasons"].items()))
    if entity["gone"]:
        are = "record is" if entity["gone"] == 1 else "records are"
        lines.append(f"{name}: {number(entity['gone'])} {are} no longer in the source, and in no count")
    if UNSEEN & entity["reasons"].keys():
        lines.append(f"{name}: source.lock.json is older than the source: crossfade survey, then crossfade check")
    return lines
