"""`crossfade copy`: bring the data over. Resumes by itself."""

from __future__ import annotations

from typing import Annotated

import typer

from crossfade.cli.answer import Answer
from crossfade.cli.command import command
from crossfade.cli.invocation import Invocation, surveyed_bytes
from crossfade.cli.options import DASK
from crossfade.cli.status import status_answer

RESTART = Annotated[bool, typer.Option("--restart", help="Empty the target's tables and copy again.")]


SOURCE_MOVED = Annotated[
    bool, typer.Option("--source-moved", help="Confirm that the source is the same, though it is at another place now.")
]


@command(
    "crossfade copy --project examples/scribe-tree --workers 4",
    stopped="finished chunks are committed; the rest were rolled back",
)
def copy(call: Invocation, restart: RESTART = False, source_moved: SOURCE_MOVED = False, dask: DASK = "") -> Answer:
    """Copy what is not copied yet, then make the indexes and constraints. An interrupted copy goes on where it was.

    A record that does not fit goes to quarantine, whole, and never stops the others. Exit status 1 where the counts do
    not balance, or where more is in quarantine than the limit in crossfade.toml allows.
    """
    with call.move(dask) as move, call.listen() as listen:
        if restart:
            move.restart()
        call.tell_reader(surveyed_bytes(move))
        return status_answer(move.copy(listen, source_moved=source_moved))
