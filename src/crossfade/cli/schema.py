"""`crossfade schema show|apply|diagram`: print, apply or draw the target's schema."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from crossfade.cli.answer import Answer
from crossfade.cli.command import command
from crossfade.cli.invocation import Invocation
from crossfade.cli.screen import Screen
from crossfade.model.counts import counted
from crossfade.model.dialects import dialect_of
from crossfade.model.files import write_text
from crossfade.model.target import Step, TargetSchema


class DiagramFormat(enum.Enum):
    mermaid = "mermaid"
    dbml = "dbml"


@command("crossfade schema show --project examples/scribe-tree > target.sql")
def show(call: Invocation) -> Answer:
    """Print the target's DDL as a script that can be run.

    What the copy needs comes first (tables with primary keys, checks and defaults), then what is created after it
    (unique constraints, indexes, foreign keys, triggers).
    """
    with call.move() as move:
        schema = move.schema
    document = {
        "dialect": schema.dialect,
        "pre": _steps(schema.pre),
        "post": _steps(schema.post),
        "notes": list(schema.notes),
    }
    return Answer(document, lambda screen: screen.block(_script(schema)))


def _steps(steps: Sequence[Step]) -> list[dict[str, str]]:
    return [{"id": step.id, "sql": step.sql} for step in steps]


def _script(schema: TargetSchema) -> str:
    """Return the script. DDL is printed unchanged: it is the user's own text, and an escape would change it."""
    speaks = dialect_of(schema.dialect)
    parts = [f"{speaks.comment} note: {line}" for note in schema.notes for line in note.splitlines()]
    begins = speaks.script_begins
    parts += [f"\n{begins}"] if begins else []
    for title, steps in (("before the copy", schema.pre), ("after the copy", schema.post)):
        parts += [f"\n{speaks.comment} {title}\n", *(_statement(step.sql, speaks.statement) for step in steps)]
    return "\n".join(parts).strip("\n")


def _statement(sql: str, form: str) -> str:
    """Return the statement as in a script; its end goes on a new line if the last line has a comment."""
    text = sql.strip().rstrip(";")
    return form.format(text + ("\n" if form.startswith("{}") and "--" in text.rpartition("\n")[2] else ""))


@command(
    "crossfade schema apply --project examples/scribe-tree",
    stopped="each step is either complete or was rolled back",
)
def apply(call: Invocation) -> Answer:
    """Prepare the target for the copy: create its tables and the journal. Finished steps are not repeated.

    Refuses a target that holds anything but this move. `copy` and `run` do this too.
    """
    with call.move() as move, call.listen() as listen:
        steps = move.apply_schema(listen)
        document = {"target": move.target.url, "steps": steps, "tables": len(move.schema.tables)}
    return Answer(document, lambda screen: draw_applied(screen, document))


def draw_applied(screen: Screen, document: dict[str, Any]) -> None:
    done = f"{counted(document['steps'], 'step')} done now, " if document["steps"] else ""
    screen.line(f"{document['target']}: {done}{counted(document['tables'], 'table')} ready")


FORMAT = Annotated[DiagramFormat, typer.Option("--format", help="Mermaid (for Markdown) or DBML (for dbdiagram.io).")]
OUTPUT = Annotated[
    Path | None, typer.Option("--output", metavar="FILE", help="The file to write; stdout unless given.")
]


@command("crossfade schema diagram --format mermaid --output schema.mmd --project examples/scribe-tree")
def diagram(call: Invocation, form: FORMAT = DiagramFormat.mermaid, output: OUTPUT = None) -> Answer:
    """Draw the target's tables and foreign keys as an entity-relationship diagram."""
    with call.move() as move:
        text = move.diagram(form.value)
    document = {"format": form.value, "diagram": text, "file": str(output) if output else None}
    if output is None:
        return Answer(document, lambda screen: screen.block(text.rstrip("\n")))
    write_text(output, text)
    return Answer(document, lambda screen: screen.line(f"written: {output}"))
