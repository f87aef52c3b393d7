"""`crossfade copy`: copy the data. Resumes an interrupted copy."""

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
    bool, typer.Option("--source-moved", help="Confirm that the source is the same although its address has changed.")
]
TABLE = Annotated[
    list[str] | None,
    typer.Option("--table", metavar="TABLE", help="With --again: copy the entities that feed this table."),
]
ENTITY = Annotated[list[str] | None, typer.Option("--entity", metavar="ENTITY", help="With --again: copy this entity.")]
AGAIN = Annotated[
    bool, typer.Option("--again", help="Remove the rows of the given tables or entities, and copy them again.")
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
    """Copy what is not copied yet, then create the indexes and constraints. Resumes an interrupted copy.

    A record that does not fit goes to quarantine as a whole and does not stop the others. Exit status 1 if the counts
    do not balance, or if more records are in quarantine than the limit in crossfade.toml allows.

    After a change of a mapping, --again copies the given tables or entities again and leaves the others unchanged. It
    adds columns and tables that the schema has in addition since the move began.
    """
    if again != bool(table or entity):
        raise Misused(
            "--again needs --table or --entity, and these need --again; nothing was copied",
            hint="crossfade copy --table TABLE --again, or crossfade copy --entity ENTITY --again",
        )
    with call.move(dask) as move, call.listen() as listen:
        if restart:
            move.restart()
        if again:
            move.forget(tables=table or (), entities=entity or (), source_moved=source_moved)
        call.tell_reader(surveyed_bytes(move))
        return status_answer(move.copy(listen, source_moved=source_moved))
