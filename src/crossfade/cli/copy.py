"""`crossfade copy`: bring the data over. Resumes by itself."""

from __future__ import annotations

from typing import Annotated

import typer

from crossfade.cli.answer import Answer
from crossfade.cli.command import command
from crossfade.cli.invocation import Invocation, surveyed_bytes
from crossfade.cli.options import DASK
from crossfade.cli.status import status_answer
from crossfade.errors import Misused

RESTART = Annotated[bool, typer.Option("--restart", help="Empty the target's tables and copy again.")]


SOURCE_MOVED = Annotated[
    bool, typer.Option("--source-moved", help="Confirm that the source is the same, though it is at another place now.")
]
TABLE = Annotated[
    list[str] | None,
    typer.Option("--table", metavar="TABLE", help="With --again: what the entities that feed this table make."),
]
ENTITY = Annotated[
    list[str] | None, typer.Option("--entity", metavar="ENTITY", help="With --again: what this entity makes.")
]
AGAIN = Annotated[
    bool, typer.Option("--again", help="Take out what the named tables or entities hold, and copy it again.")
]


@command(
    "crossfade copy --project examples/scribe-tree --workers 4",
    "crossfade copy --table users --again --project .",
    stopped="finished chunks are committed; the rest were rolled back",
)
def copy(
    call: Invocation,
    restart: RESTART = False,
    source_moved: SOURCE_MOVED = False,
    table: TABLE = None,
    entity: ENTITY = None,
    again: AGAIN = False,
    dask: DASK = "",
) -> Answer:
    """Copy what is not copied yet, then make the indexes and constraints. An interrupted copy goes on where it was.

    A record that does not fit goes to quarantine, whole, and never stops the others. Exit status 1 where the counts do
    not balance, or where more is in quarantine than the limit in crossfade.toml allows.

    After a mapping was changed, --again copies the tables or entities that it concerns, and leaves the rest as it is.
    """
    if again != bool(table or entity):
        raise Misused(
            "--again is for some tables or entities, and they for --again; nothing was copied",
            hint="crossfade copy --table TABLE --again, or crossfade copy --entity ENTITY --again",
        )
    with call.move(dask) as move, call.listen() as listen:
        if restart:
            move.restart()
        if again:
            move.forget(tables=table or (), entities=entity or ())
        call.tell_reader(surveyed_bytes(move))
        return status_answer(move.copy(listen, source_moved=source_moved))
