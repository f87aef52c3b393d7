"""What a rollback does, step by step, and what must hold before: a cutover in the other direction."""

from __future__ import annotations

from collections.abc import Iterator

from crossfade.project import Rollback
from crossfade.shift.gates import Figures, Gate, command_gate, fence_gate, following, free, others, proof
from crossfade.shift.plan import CutoverStep, Plan, Sides, announced, numbers, planned

FORWARD, AHEAD, CLOSE = "forward feed", "comparison ahead", "fence the target"
MARK, DRAIN, COMPARE, NUMBERS = "marker", "drain", "last comparison", "numbers"
DECIDE, OPEN, END_BACK, ANNOUNCE = "decide", "open the source", "end the way back", "announce"


def plan(sides: Sides, settings: Rollback) -> Plan:
    return planned(tuple(_steps(sides, settings)), sides, settings)


def _steps(sides: Sides, settings: Rollback) -> Iterator[CutoverStep]:
    yield CutoverStep(FORWARD, f"a new feed of {sides.source}, so that what is written there then is followed")
    yield CutoverStep(
        AHEAD,
        "every record is compared with what its rows make, unless it was since the cutover; then what changed",
    )
    limit = f"transactions that write have {settings.fence_s:g} s to end"
    yield CutoverStep(CLOSE, f"{sides.target} refuses writes; {limit}")
    total = settings.fence_s + settings.refused_s
    back = f"the source is open within {total:g} s after the fence began, or the target is opened again"
    yield CutoverStep(MARK, f"a marker after the last write; {back}", fenced=True)
    yield CutoverStep(DRAIN, "the run that follows puts back everything up to the marker", fenced=True)
    yield CutoverStep(
        COMPARE,
        "every record that changed since it was last compared; one difference opens the target again",
        fenced=True,
    )
    yield CutoverStep(NUMBERS, numbers(settings, ", ".join(sides.tables) or "none"), fenced=True)
    yield CutoverStep(DECIDE, "one transaction decides: nothing more is put back", fenced=True)
    yield CutoverStep(OPEN, f"{sides.source} takes writes; {sides.target} stays closed", fenced=True)
    yield CutoverStep(END_BACK, f"the feed of {sides.target} is removed")
    yield CutoverStep(ANNOUNCE, announced(settings))


def gates(figures: Figures, settings: Rollback, set_aside: int) -> list[Gate]:
    """Return all gates. In `figures`, `others` are the sessions with the target, `free` is for the source."""
    aside = Gate(
        "records the source cannot hold",
        str(set_aside),
        f"at most {settings.set_aside}",
        set_aside <= settings.set_aside,
        "crossfade status says why; rollback.set_aside is how many may be lost",
    )
    return [
        *following(figures.status.following, settings),
        aside,
        *proof(figures, settings),
        *(fence_gate(role, lacks) for role, lacks in figures.lacks.items()),
        others(figures.others, settings.writers, "target", "rollback.writers"),
        *free(figures.free, settings.free_sessions, "source"),
        *(command_gate(c, figures.failed.get(c), "it is in rollback.before") for c in settings.before),
    ]
