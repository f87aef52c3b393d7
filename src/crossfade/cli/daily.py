"""`crossfade verify --daily`: for cron. One line, an exit status, a report for each day, an alert."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import count
from pathlib import Path
from typing import Annotated, Any

import typer

from crossfade.cli.answer import Answer
from crossfade.cli.failure import failure_of
from crossfade.cli.screen import Screen
from crossfade.errors import Unreachable
from crossfade.model.counts import counted
from crossfade.move import Move
from crossfade.move.values import FAILED, GREEN, RED, Outcome

DAILY = Annotated[
    bool,
    typer.Option("--daily", help="For cron: print one line, keep a report for each day, alert if it is not green."),
]
FOLDER = "daily"


@dataclass(frozen=True)
class DayCompared:
    """The result of a verification; `unwritten` says why it has no report."""

    ok: bool
    said: str
    unwritten: str | None = None


def compared_today(move: Move, compare: Callable[[Path], DayCompared]) -> Answer:
    """Compare, with a report in the folder of the day, note the outcome, and return the one line."""
    day = date.today()
    folder = _free(move.project.root / FOLDER / day.isoformat())
    outcome, said, status = _outcome(compare, folder)
    report = str(folder) if status is None else None
    noted = move.note_daily(day, outcome, said, report or "")
    document = {
        "ok": outcome == GREEN and not noted.failures,
        "day": day.isoformat(),
        "outcome": outcome,
        "said": said,
        "report": report,
        "green_days": noted.green_days,
        "failures": list(noted.failures),
    }
    return Answer(document, lambda screen: _draw(screen, document), ok=bool(document["ok"]), status=status)


def forward(answer: Answer) -> DayCompared:
    """Return what the answer of `verify` says."""
    document = answer.document
    limit = [] if document["within_limit"] else ["more records are in quarantine than limits.quarantine allows"]
    return DayCompared(
        answer.ok, "; ".join([*document["apart"], *limit, document["conclusion"]]), document["report_error"]
    )


def back(answer: Answer, folder: Path) -> DayCompared:
    """Return what the answer of `verify` after a cutover says, and write it into the folder."""
    document = answer.document
    try:
        folder.mkdir(parents=True)
        (folder / "report.json").write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        return DayCompared(answer.ok, "", f"could not write the report: {error.strerror}")
    aside = f", {counted(document['set_aside'], 'record')} set aside" if document["set_aside"] else ""
    found = "equal" if document["ok"] else f"not equal: {counted(document['differences'], 'difference')}"
    said = f"source and target are {found}; {counted(document['compared'], 'record')} compared{aside}"
    return DayCompared(answer.ok, said)


def _free(folder: Path) -> Path:
    """Return the folder, or one with a number: a later run of the same day does not replace an earlier report."""
    names = (folder.with_name(f"{folder.name}-{number}") for number in count(2))
    return folder if not folder.exists() else next(name for name in names if not name.exists())


def _outcome(compare: Callable[[Path], DayCompared], folder: Path) -> tuple[Outcome, str, int | None]:
    """Return the outcome, a sentence, and the exit status if nothing could be compared, or no report was written."""
    try:
        found = compare(folder)
    except Exception as error:  # any error must reach the alert
        failure = failure_of(error)
        return FAILED, " ".join(failure.message.split()), failure.status
    if found.unwritten:
        return FAILED, found.unwritten, Unreachable.exit_status
    return (GREEN if found.ok else RED), found.said, None


def _draw(screen: Screen, document: Mapping[str, Any]) -> None:
    days = document["green_days"]
    row = "" if days is None else f" ({counted(days, 'green day')} in a row)"
    line = [f"{document['day']} {document['outcome']}{row}: {document['said']}", *document["failures"]]
    screen.line("; ".join([*line, *filter(None, [document["report"]])]))
