"""`crossfade verify` after a cutover: compare the source with what the target's rows put back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crossfade.cli.answer import Answer
from crossfade.cli.screen import Screen, number
from crossfade.model.counts import counted
from crossfade.move.records import Records
from crossfade.move.values import ProvenBack


def proven_back(records: Records, found: ProvenBack) -> Answer:
    document = {
        "ok": found.equal,
        "direction": "back",
        "kind": "again" if found.kind == "back again" else "whole",
        "compared": found.compared,
        "differences": found.differences,
        "differ": [{"entity": e, "key": k, "reason": why} for e, k, why in found.differ],
        "set_aside": found.set_aside,
        "moving": found.moving,
        "losing": found.losing,
        "aside": [
            {"entity": a.entity, "key": a.key, "place": a.place, "reason": a.reason, "detail": a.detail}
            for a in found.aside
        ],
        "through": None if found.through is None else found.through.isoformat(),
        "seconds": round(found.seconds, 3),
    }
    return Answer(document, lambda screen: _draw(screen, records, document), ok=found.equal)


def _draw(screen: Screen, records: Records, document: Mapping[str, Any]) -> None:
    what = "what changed since" if document["kind"] == "again" else "everything"
    screen.line(f"{what}: {counted(document['compared'], 'record')} of the source compared with what their rows make")
    for one in document["differ"]:
        screen.line(f"{_who(records, one)}: {one['reason']}", "bold red")
    if document["set_aside"]:
        screen.line(f"{counted(document['set_aside'], 'record')} set aside: the source cannot hold them", "yellow")
    for one in document["aside"]:
        place = f" at {one['place']}" if one["place"] else ""
        screen.line(f"  {_who(records, one)}: {one['reason']}{place}: {one['detail']}")
    if document["moving"]:
        said = f"{counted(document['moving'], 'record')} changed meanwhile, and the next verification compares them"
        screen.line(said)
    if document["losing"]:
        said = "differ in columns whose changes do not come back, by decision ([[inverse.lose]]): a rollback loses them"
        screen.line(f"{counted(document['losing'], 'record')} {said}", "yellow")
    through = f" up to {document['through']}" if document["through"] else ""
    if document["ok"]:
        screen.line(f"equal: the source has what the target has{through}", "bold green")
    else:
        screen.line(f"not equal: {number(document['differences'])} differences", "bold red")
        screen.line("crossfade repair lets the run that follows the target put them back into the source")


def _who(records: Records, one: Mapping[str, Any]) -> str:
    """Return the record, or the row of which no record is known."""
    if one["key"].startswith("#"):
        return f"row {one['key'][1:]}"
    return f"{one['entity']} {records.key(one['key'])}"
