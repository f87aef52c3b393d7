"""`crossfade rehearse`: the steps of the cutover, undone again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer

from crossfade.cli.answer import Answer
from crossfade.cli.command import command
from crossfade.cli.cutover import draw_gates, gates_document
from crossfade.cli.invocation import Invocation
from crossfade.cli.screen import Screen
from crossfade.cli.status import rehearsal_document, rehearsal_line
from crossfade.move.values import Gate, Rehearsal

ON_COPIES = Annotated[
    bool, typer.Option("--on-copies", help="Do all of it, on the scratch pair of databases of [rehearse].")
]


@command(
    "crossfade rehearse --project examples/scribe-tree",
    "crossfade rehearse --on-copies --project examples/scribe-tree",
    stopped="the source was not touched; the target is open again, unless crossfade status says otherwise",
)
def rehearse(call: Invocation, on_copies: ON_COPIES = False) -> Answer:
    """Do every step of the cutover on the real servers except the fence of the source and the opening, and undo them.

    The application goes on writing to the source. The target is closed to applications meanwhile, and opened again if
    it was open. The journal keeps how long each step took, and how long neither side would have taken writes:
    crossfade status shows it, and [cutover] in crossfade.toml can require a rehearsal. Exit status 1 if a gate or a
    step failed, or if that time is longer than cutover.refused_s.

    With --on-copies, all of it is done, fence and opening too, on the scratch pair of databases that [rehearse] in
    crossfade.toml names: they are copied, followed, verified and cut over. The real ones are not touched.
    """
    with call.move() as move, call.listen() as listen:
        if on_copies:
            return _answer(move.rehearse_on_copies(listen))
        done = move.rehearse(listen)
        return _answer(done.found, done.gates)


def _answer(found: Rehearsal, gates: Sequence[Gate] = ()) -> Answer:
    document = _document(found, gates)
    return Answer(document, lambda screen: _draw(screen, document), ok=found.green)


def _document(found: Rehearsal, gates: Sequence[Gate]) -> dict[str, Any]:
    steps = [{"name": s.name, "seconds": round(s.seconds, 3), "outcome": s.outcome} for s in found.steps]
    return {"ok": found.green, **rehearsal_document(found), "gates": gates_document(gates), "steps": steps}


def _draw(screen: Screen, document: Mapping[str, Any]) -> None:
    if not all(gate["holds"] for gate in document["gates"]):
        draw_gates(screen, document["gates"])
    rows = [(s["name"], f"{s['seconds']:.3f} s", s["outcome"]) for s in document["steps"]]
    if rows:
        screen.table(("step", "took", "outcome"), rows)
    screen.line(rehearsal_line(document), "bold" if document["ok"] else "bold red")
