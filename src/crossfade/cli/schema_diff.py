"""`crossfade schema diff A B`: two schemas compared."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from crossfade.cli.answer import Answer
from crossfade.cli.command import command
from crossfade.cli.invocation import Invocation
from crossfade.cli.screen import Screen
from crossfade.errors import Misused
from crossfade.move.schema_diff import SchemaDiff, as_json, rows, schema_diff, shown

_HELP = 'postgresql://..., sqlite:///..., SQL files, a Prisma schema, or "module:metadata".'
A = Annotated[str, typer.Argument(metavar="A", help=f"The schema to compare with: {_HELP}")]
B = Annotated[str, typer.Argument(metavar="B", help="The schema to compare, named like A.")]
SERVER = Annotated[
    str,
    typer.Option("--server", metavar="URL", help="If A and B are files: where to create them, in scratch databases."),
]


@command(
    "crossfade schema diff postgresql://old.internal/app postgresql://new.internal/app",
    "crossfade schema diff sqlite:///app.db schema.prisma",
)
def diff(call: Invocation, a: A, b: B, server: SERVER = "") -> Answer:
    """Compare two schemas: tables, columns, types, defaults, keys, indexes, constraints and everything else.

    `verify` compares the target with its schema in the same way. Each side is a live database or schema
    files. Files are created in a scratch database, which is dropped afterwards: beside the live database, or, if both
    sides are files, on --server (by default target.url of the project).

    Exit status 0 if the schemas are equal, 1 if they differ.
    """
    found = schema_diff(a, b, lambda: server or _target(call), Path.cwd())
    document = as_json(found, shown(a), shown(b))
    return Answer(document, lambda screen: _draw(screen, document, found), ok=found.equal)


def _target(call: Invocation) -> str:
    try:
        return call.project.target_url
    except Misused as error:
        raise Misused(
            f"two schemas in files are compared on a database server, and none is known: {error.message}",
            hint="crossfade schema diff A B --server postgresql://..., or sqlite:///any.db",
        ) from error


def _draw(screen: Screen, document: dict[str, Any], found: SchemaDiff) -> None:
    screen.line(f"A: {document['source']}")
    screen.line(f"B: {document['destination']}")
    screen.line()
    if found.equal:
        screen.line("the schemas are equal")
        screen.line()
    else:
        screen.table(["TABLE", "WHAT", "A", "B"], [[_cell(c) for c in row] for row in rows(found)])
        screen.line()
    summary = document["summary"]
    screen.line("Schema Comparison Summary:", "bold")
    screen.line(f"- Missing tables in destination: {summary['missing_tables']}")
    screen.line(f"- New tables in destination: {summary['new_tables']}")
    screen.line(f"- Tables with differences: {summary['tables_with_differences']}")


_LONGEST = 72


def _cell(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else line[: _LONGEST - 3] + "..."
