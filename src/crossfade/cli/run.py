"""`crossfade run`: the whole move, from the survey to the verification."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from crossfade.cli import check, verify
from crossfade.cli.answer import Answer
from crossfade.cli.command import command
from crossfade.cli.copy import SOURCE_MOVED
from crossfade.cli.invocation import Invocation, surveyed_bytes
from crossfade.cli.options import DASK
from crossfade.cli.schema import draw_applied
from crossfade.cli.screen import Screen
from crossfade.cli.status import draw_status, status_document
from crossfade.cli.survey import look
from crossfade.move import Move
from crossfade.move.records import Records

SURVEY = Annotated[bool, typer.Option("--survey", help="Survey the source again even if source.lock.json exists.")]


@command(
    "crossfade run --project examples/scribe-tree",
    stopped="finished chunks are committed; the rest were rolled back",
)
def run(call: Invocation, survey: SURVEY = False, source_moved: SOURCE_MOVED = False, dask: DASK = "") -> Answer:
    """Run all steps: survey (unless source.lock.json exists), check, schema apply, copy, verify.

    Resumes an interrupted run. Ends like `verify`: with what was compared, where the report is, and the verdict. Exit
    status 0 if both `copy` and `verify` would end with it.
    """
    status: int | None = None
    with call.move(dask) as move:
        records = move.records
        document: dict[str, Any] = {"ok": False, "survey": _survey(call, move, survey)}
        checked = check.examine(move)
        document |= {"check": dict(checked.document), "schema": None, "copy": None, "verify": None}
        if checked.ok:
            with call.listen() as listen:
                steps = move.apply_schema(listen)
                document["schema"] = {"target": move.target.url, "steps": steps, "tables": len(move.schema.tables)}
                call.tell_reader(surveyed_bytes(move))
                copied = move.copy(listen, source_moved=source_moved)
            document["copy"] = status_document(copied)
            verified = verify.prove(call, move)
            document["verify"] = dict(verified.document)
            document["ok"] = copied.ok and verified.ok
            status = verified.status
    return Answer(document, lambda screen: _draw(screen, records, document), ok=document["ok"], status=status)


def _survey(call: Invocation, move: Move, again: bool) -> dict[str, Any] | None:
    lock = move.project.lock_file
    if lock.exists() and not again:
        call.say(f"using the existing {lock} (--survey writes a new one)")
        return None
    return dict(look(call, move).document)


def _draw(screen: Screen, records: Records, document: dict[str, Any]) -> None:
    if document["copy"] is None:
        check.draw(screen, document["check"])
        return
    draw_applied(screen, document["schema"])
    screen.line()
    draw_status(screen, document["copy"], notes=False)
    screen.line()
    verify.draw(screen, records, document["verify"])
