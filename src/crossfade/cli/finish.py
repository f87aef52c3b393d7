"""`crossfade finish`: end a move whose target is open."""

from __future__ import annotations

import sys
from collections import Counter
from typing import Annotated, Any

import typer

from crossfade.cli.answer import Answer
from crossfade.cli.command import command
from crossfade.cli.invocation import Invocation
from crossfade.cli.screen import Screen, number
from crossfade.errors import Misused, Refused
from crossfade.model.counts import counted
from crossfade.move.values import Finished

YES = Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")]


@command("crossfade finish --project examples/scribe-tree --yes", stopped="run the same command again")
def finish(call: Invocation, yes: YES = False) -> Answer:
    """End a move after its cutover: keep the evidence in a file, and remove everything that Crossfade made.

    The evidence is one file in the project's folder: decisions, counts, verifications, the steps of the cutover, and
    all records in quarantine. Then the feed at the source is removed, the source stays closed for good, and the
    fence and the journal in the target are dropped. Exit status 1 if the target is not open.
    """
    with call.move() as move:
        if not yes:
            _ask(move.target.url, as_json=call.options.json)
        done = move.finish()
    document = _document(done)
    return Answer(document, lambda screen: _draw(screen, document))


def _ask(target: str, *, as_json: bool) -> None:
    if as_json or not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise Misused(
            "finishing a move needs confirmation, and there is no terminal to ask on; nothing was changed",
            hint="crossfade finish --yes",
        )
    if not typer.confirm(f"Drop the journal of the move into {target}, for good?", default=False, err=True):
        raise Refused("not confirmed; nothing was changed")


def _document(done: Finished) -> dict[str, Any]:
    return {"file": str(done.file), "lines": done.lines, "removed": list(done.removed)}


def _draw(screen: Screen, document: dict[str, Any]) -> None:
    screen.line(f"the evidence is in {document['file']} ({number(document['lines'])} lines)")
    kinds = Counter(one.removeprefix("the ").partition(" crossfade")[0] for one in document["removed"])
    if kinds:
        screen.line(f"removed what following had created: {', '.join(counted(n, kind) for kind, n in kinds.items())}")
    screen.line("the source is closed for good; the journal is dropped: the move is finished", "bold")
