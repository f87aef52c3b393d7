"""`crossfade groups`: the stage of each group of entities."""

from __future__ import annotations

from typing import Any

from crossfade.cli.answer import Answer
from crossfade.cli.command import command
from crossfade.cli.invocation import Invocation
from crossfade.cli.screen import Screen
from crossfade.move.values import GroupState


@command("crossfade groups --project examples/scribe-tree", stopped="nothing was changed")
def groups(call: Invocation) -> Answer:
    """Show the groups of entities of [groups] in crossfade.toml: on which side each is, and how it is followed.

    Each is a move of its own: the other commands take --group NAME. Entities that [groups] does not name form the group
    rest.
    """
    with call.move() as move:
        found = [_document(one) for one in move.groups()]
    return Answer({"groups": found}, lambda screen: _draw(screen, found))


def _document(one: GroupState) -> dict[str, Any]:
    follow = one.following
    return {
        "name": one.name,
        "entities": list(one.entities),
        "stage": one.stage,
        "following": None if follow is None else follow.state if follow.running else "stopped",
        "lag_ms": None if follow is None else follow.behind_ms,
    }


def _draw(screen: Screen, found: list[dict[str, Any]]) -> None:
    if not found:
        screen.line("there are no groups: everything is moved at once")
        return
    rows = [(g["name"], g["stage"] or "not begun", g["following"] or "", _lag(g["lag_ms"]), _listed(g)) for g in found]
    screen.table(("group", "stage", "following", "lag", "entities"), rows)


def _lag(milliseconds: int | None) -> str:
    return "" if milliseconds is None else f"{milliseconds / 1000:.2f} s"


def _listed(group: dict[str, Any]) -> str:
    return ", ".join(group["entities"])
