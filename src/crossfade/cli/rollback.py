"""`crossfade rollback`: take the application back to the source."""

from __future__ import annotations

import sys
from typing import Any

from crossfade.cli.answer import Answer
from crossfade.cli.command import command
from crossfade.cli.cutover import (
    DRY_RUN,
    PLAN,
    confirm,
    draw_plan,
    draw_steps,
    gates_document,
    plan_document,
    require_terminal,
    steps_document,
)
from crossfade.cli.invocation import Invocation
from crossfade.cli.reset import YES, reset_move
from crossfade.cli.screen import Screen
from crossfade.move.values import ReadyBack, RolledBack


@command(
    "crossfade rollback --dry-run --project examples/scribe-tree",
    "crossfade rollback --plan 1a2b3c4d5e6f --project examples/scribe-tree",
    stopped="the target takes writes, unless crossfade status says that the source is open",
)
def rollback(call: Invocation, dry_run: DRY_RUN = False, plan: PLAN = "", yes: YES = False) -> Answer:
    """Take the application back to the source, with everything that was written to the target since.

    After a cutover it is a cutover in the other direction: close the target, put back what is left, compare it, open
    the source. Another run keeps the source equal meanwhile (crossfade start). The gates must hold: [rollback] in
    crossfade.toml has their limits. If a step fails or takes too long, the target takes writes again. A cutover that is
    under way is stepped back. Before a cutover it does what crossfade reset does: it drops what the move has made,
    after a confirmation. Exit status 1 if a gate does not hold, or if the opening of the source could not be announced.
    """
    with call.move() as move:
        ready = move.plan_rollback()
        if dry_run:
            return _dry(ready)
        if ready.stage == "source" and not plan:
            return reset_move(call, move, yes=yes)
        if not plan and ready.plan is not None:
            if ready.ok:
                require_terminal(as_json=call.options.json, what="rollback")
                draw_plan(Screen(sys.stderr), _ready(ready), "target", "rollback")
                confirm(f"Roll back by the plan {ready.plan.digest}?")
            plan = ready.plan.digest
        with call.listen() as listen:
            done = move.rollback(listen, plan=plan)
    document = _document(done)
    return Answer(document, lambda screen: _draw(screen, document), ok=not done.failures)


def _dry(ready: ReadyBack) -> Answer:
    document = _ready(ready)
    ok = ready.ok or ready.plan is None
    if ready.plan is None:
        return Answer(document, lambda screen: screen.line(_not_open(ready.stage)), ok=ok)
    return Answer(document, lambda screen: draw_plan(screen, document, "target", "rollback"), ok=ok)


def _ready(ready: ReadyBack) -> dict[str, Any]:
    planned = {"plan": None, "steps": []} if ready.plan is None else plan_document(ready.plan)
    return {"ok": ready.ok, "stage": ready.stage, "gates": gates_document(ready.gates), **planned}


def _not_open(stage: str) -> str:
    if stage == "source":
        return "the source takes the application's writes: what the move has made would be dropped (crossfade reset)"
    return f"a cutover is under way (stage {stage}): it would be stepped back"


def _document(done: RolledBack) -> dict[str, Any]:
    return {
        "ok": not done.failures,
        "stage": done.stage,
        "plan": None if done.plan is None else done.plan.digest,
        "steps": steps_document(done.steps),
        "closed_seconds": round(done.closed_seconds, 3),
        "not_told": list(done.failures),
    }


def _draw(screen: Screen, document: dict[str, Any]) -> None:
    if document["plan"] is None:
        screen.line("the source takes the application's writes", "bold")
        return
    draw_steps(screen, document, "source")
