"""`crossfade cutover`: close the source, bring the rest over, open the target."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer

from crossfade.cli.answer import Answer
from crossfade.cli.command import command
from crossfade.cli.invocation import Invocation
from crossfade.cli.screen import Screen
from crossfade.errors import Misused, Refused
from crossfade.move.values import CutOver, Gate, Plan, Ready, StepRecord

DRY_RUN = Annotated[bool, typer.Option("--dry-run", help="Print the gates and what would happen, and change nothing.")]
PLAN = Annotated[
    str, typer.Option("--plan", metavar="HASH", help="Do what --dry-run printed under this hash, and nothing else.")
]


@command(
    "crossfade cutover --dry-run --project examples/scribe-tree",
    "crossfade cutover --plan 1a2b3c4d5e6f --project examples/scribe-tree",
    stopped="the source takes writes, unless crossfade status says that the target is open",
)
def cutover(call: Invocation, dry_run: DRY_RUN = False, plan: PLAN = "") -> Answer:
    """Shift the application to the target: close the source, apply what is left, compare it, open the target.

    Another run follows the source meanwhile (crossfade start). The gates must hold: [cutover] in crossfade.toml has
    their limits. While the source is closed its database refuses every write. If a step fails or takes too long, the
    source takes writes again. If this process dies, the run that follows or the next command opens it. Exit status 1
    if a gate does not hold, if the plan is not the one that --plan names, or if the opening of the target could not be
    announced.
    """
    with call.move() as move:
        if dry_run:
            return _dry(move.plan_cutover(), plan)
        if not plan:
            plan = _confirmed(move.plan_cutover(), as_json=call.options.json)
        with call.listen() as listen:
            done = move.cutover(listen, plan=plan)
    document = _document(done)
    return Answer(document, lambda screen: _draw(screen, document), ok=not done.failures)


def _confirmed(ready: Ready, *, as_json: bool) -> str:
    """Show the plan and ask for confirmation, if the gates hold. Return the plan's digest."""
    if ready.ok:
        require_terminal(as_json=as_json, what="cutover")
        _draw_ready(Screen(sys.stderr), _ready(ready))
        confirm(f"Cut over by the plan {ready.plan.digest}?")
    return ready.plan.digest


def require_terminal(*, as_json: bool, what: str) -> None:
    """Raise Misused if there is no terminal on which a plan could be confirmed."""
    if as_json or not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise Misused(
            f"a {what} needs the hash of its plan, and there is no terminal to ask on; nothing was changed",
            hint=f"crossfade {what} --dry-run, then crossfade {what} --plan HASH",
        )


def confirm(question: str) -> None:
    """Raise Refused unless the answer is yes."""
    if not typer.confirm(question, default=False, err=True):
        raise Refused("not confirmed; nothing was changed")


def _dry(ready: Ready, named: str) -> Answer:
    is_named = not named or named == ready.plan.digest
    document = {**_ready(ready), "ok": ready.ok and is_named, "is_named_plan": is_named if named else None}

    def draw(screen: Screen) -> None:
        _draw_ready(screen, document)
        if named:
            screen.line(f"it is the plan {named}" if is_named else f"it is not the plan {named}: something changed")

    return Answer(document, draw, ok=bool(document["ok"]))


def _ready(ready: Ready) -> dict[str, Any]:
    return {"ok": ready.ok, "stage": ready.stage, "gates": gates_document(ready.gates), **plan_document(ready.plan)}


def gates_document(gates: Sequence[Gate]) -> list[dict[str, Any]]:
    return [
        {"name": g.name, "figure": g.figure, "limit": g.limit, "holds": g.holds, "hint": g.hint or None} for g in gates
    ]


def plan_document(plan: Plan) -> dict[str, Any]:
    return {"plan": plan.digest, "steps": [{"name": s.name, "what": s.says, "closed": s.fenced} for s in plan.steps]}


def steps_document(steps: Sequence[StepRecord]) -> list[dict[str, Any]]:
    return [
        {"name": s.name, "began_at": s.began_at, "ended_at": s.ended_at, "seconds": s.seconds, "outcome": s.outcome}
        for s in steps
    ]


def _document(done: CutOver) -> dict[str, Any]:
    return {
        "ok": not done.failures,
        "stage": done.stage,
        "plan": done.plan.digest,
        "steps": steps_document(done.steps),
        "closed_seconds": round(done.closed_seconds, 3),
        "not_told": list(done.failures),
    }


def _draw_ready(screen: Screen, document: Mapping[str, Any]) -> None:
    if document["stage"] == "target":
        screen.line("the target is open: there is nothing to cut over", "bold")
        screen.line("Try: crossfade status; crossfade finish, which ends the move")
        return
    draw_plan(screen, document, "source", "cutover")


def draw_gates(screen: Screen, gates: Sequence[Mapping[str, Any]]) -> None:
    rows = [(g["name"], g["figure"], g["limit"], "yes" if g["holds"] else "NO") for g in gates]
    screen.table(("gate", "is", "must be", "holds"), rows)
    broken = [gate for gate in gates if not gate["holds"] and gate["hint"]]
    for gate in broken:
        screen.line(f"Try: {gate['hint']}" + (f" ({gate['name']})" if len(broken) > 1 else ""))


def draw_plan(screen: Screen, document: Mapping[str, Any], begins_at: str, what: str) -> None:
    draw_gates(screen, document["gates"])
    if document["stage"] != begins_at:
        screen.line(f"the stage is {document['stage']}: no {what} can begin", "bold red")
    screen.line("what happens:", "bold")
    for number, step in enumerate(document["steps"], 1):
        screen.line(
            f"  {number}. {step['name']}{' (neither side takes writes)' if step['closed'] else ''}: {step['what']}"
        )
    screen.line(f"plan {document['plan']}")


def _draw(screen: Screen, document: Mapping[str, Any]) -> None:
    draw_steps(screen, document, "target")


def draw_steps(screen: Screen, document: Mapping[str, Any], side: str) -> None:
    rows = [(s["name"], f"{s['seconds'] or 0.0:.3f} s", s["outcome"] or "") for s in document["steps"]]
    screen.table(("step", "took", "outcome"), rows)
    seconds = document["closed_seconds"]  # not known if another run opened it
    screen.line(f"the {side} is open" + (f"; neither side took writes for {seconds:.2f} s" if seconds else ""), "bold")
    for failure in document["not_told"]:
        screen.line(f"not announced: {failure}", "bold red")
