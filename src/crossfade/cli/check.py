"""`crossfade check`: find what is not mapped or does not fit, before anything is written."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from typing import Any

from crossfade.cli.answer import Answer
from crossfade.cli.command import command
from crossfade.cli.failure import finding_document
from crossfade.cli.invocation import Invocation
from crossfade.cli.round_trip import ROUND_TRIP, SAMPLE, tried
from crossfade.cli.screen import Screen
from crossfade.model.findings import Finding
from crossfade.move import Move


@command(
    "crossfade check --project examples/scribe-tree",
    "crossfade check --round-trip --sample 1000 --project examples/scribe-tree",
    stopped="nothing was written",
)
def check(call: Invocation, round_trip: ROUND_TRIP = False, sample: SAMPLE = None) -> Answer:
    """Check the mappings against the source's shape and the target's tables. Writes nothing.

    Exit status 1 if there are faults: source paths that are not mapped, columns that no mapping fills, types that
    do not fit. Notes do not stop a copy.

    With --round-trip the way back is tried instead, on the source's records: the rows that the mappings make are put
    back, which must not change a byte; records are rebuilt from rows alone; and values are exchanged between records.
    """
    with call.move() as move:
        if round_trip:
            return tried(move.records, move.check_round_trip(sample))
        return examine(move)


def examine(move: Move) -> Answer:
    """Check a move and return the answer; `run` uses it too."""
    findings = move.check()
    faults, notes = _of("fault", findings), _of("note", findings)
    document = {"ok": not faults, "faults": faults, "notes": notes}
    return Answer(document, lambda screen: draw(screen, document), ok=not faults)


def _of(severity: str, findings: Iterable[Finding]) -> list[dict[str, Any]]:
    return [finding_document(f) for f in findings if f.severity == severity]


def draw(screen: Screen, document: dict[str, Any]) -> None:
    for finding in document["notes"]:
        if finding["kind"] == "torn":
            screen.line(f"{finding['place']}: {finding['message']}", "bold red")
    for title, style in (("faults", "bold red"), ("notes", "bold")):
        if document[title]:
            screen.line(f"{title} ({len(document[title])})", style)
            _draw_group(screen, document[title])
            screen.line()
    screen.line("no faults" if document["ok"] else "a copy does not start while there are faults")


def _draw_group(screen: Screen, findings: list[dict[str, Any]]) -> None:
    for kind, group in groupby(sorted(findings, key=lambda f: str(f["kind"])), lambda f: f["kind"]):
        screen.line(f"  {kind.replace('_', ' ')}")
        for hint, same in groupby(group, lambda f: f["hint"]):
            for finding in same:
                screen.line(f"    {finding['place']}: {finding['message']}")
            if hint:
                screen.line(f"      Try: {hint}")
