"""`crossfade reset`: drop what this move created, to start over."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from crossfade.cli.answer import Answer
from crossfade.cli.command import command
from crossfade.cli.invocation import Invocation
from crossfade.cli.screen import Screen, number
from crossfade.errors import Misused, Refused
from crossfade.model.counts import counted
from crossfade.move import Move
from crossfade.move.values import Reset

YES = Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")]
INCLUDING = Annotated[
    list[str] | None,
    typer.Option("--including", metavar="TABLE", help="Also delete what others added to this table. Repeatable."),
]


@command("crossfade reset --project examples/scribe-tree --yes", stopped="nothing was changed")
def reset(call: Invocation, yes: YES = False, including: INCLUDING = None) -> Answer:
    """Drop what this move created in the target, its journal and its quarantine, so that it can start over.

    Lists what will be dropped, and asks for confirmation. Objects that were in the target before the move stay:
    schemas, extensions, functions, and with schema = "live" the tables, from which only the move's rows are deleted. If
    the reset would delete what others added (rows that the move did not write or that were changed since; columns,
    indexes, triggers of its tables), it lists them and changes nothing; --including TABLE deletes them too. At the
    source, only what `crossfade start` created to follow it is removed: slot and publication, or triggers.
    """
    with call.move() as move:
        return reset_move(call, move, yes=yes, including=including or ())


def reset_move(call: Invocation, move: Move, *, yes: bool, including: Sequence[str] = ()) -> Answer:
    found = move.plan_reset(including)
    if found is not None and not yes:
        _ask(found, move.target.url, as_json=call.options.json)
    done = move.reset(including) if found is not None else None
    document = _document(done, move.target.url)
    return Answer(document, lambda screen: _draw(screen, document))


def _ask(found: Reset, target: str, *, as_json: bool) -> None:
    if as_json or not _can_ask():
        raise Misused(
            f"a reset of {target} needs confirmation, and there is no terminal to ask on; nothing was changed",
            hint="crossfade reset --yes",
        )
    screen = Screen(sys.stderr)
    screen.line(f"this will be dropped from {target}, and cannot be restored:", "bold")
    _draw_parts(screen, _document(found, target))
    if not typer.confirm(f"Drop {_summary(found)}?", default=False, err=True):
        raise Refused("not confirmed; nothing was changed")


def _can_ask() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()


def _summary(found: Reset) -> str:
    things = [counted(len(found.drops), "object")] if found.drops else []
    rows = counted(found.row_count, "row")
    return ", ".join([*things, f"{rows} of {counted(len(found.rows or {}), 'table')}", "and the journal"])


def _document(found: Reset | None, target: str) -> dict[str, Any]:
    done = found or Reset(rows={})
    return {
        "target": target,
        "reset": found is not None,
        "dropped": [{"kind": d.kind.lower(), "name": d.name, "rows": done.rows_in.get(d.name)} for d in done.drops],
        "rows": dict(done.rows or {}),
        "emptied": [t.name for t in done.emptied],
        "triggers_not_fired": [{"name": t.name, "table": t.table, "when": t.when} for t in done.silent],
        "put_back": [s.id for s in done.back],
        "kept": list(done.kept),
        "removed_at_source": list(done.at_source),
    }


def _draw(screen: Screen, document: dict[str, Any]) -> None:
    if not document["reset"]:
        screen.line(f"no move has started in {document['target']}: there is nothing to reset")
        return
    screen.line(f"dropped from {document['target']}:", "bold")
    _draw_parts(screen, document)
    screen.line("the target is as it was before the move: crossfade run starts over")


def _draw_parts(screen: Screen, document: dict[str, Any]) -> None:
    rows = document["rows"]
    for table in document["emptied"]:
        screen.line(f"  rows of {table}: {number(rows[table])}; the table is kept")
    for trigger in document["triggers_not_fired"]:
        screen.line(f"  the trigger {trigger['name']} of {trigger['table']} ({trigger['when']}) does not fire for them")
    for dropped in document["dropped"]:
        rows_in = "" if dropped["rows"] is None else f" ({counted(dropped['rows'], 'row')})"
        screen.line(f"  {dropped['kind']} {dropped['name']}{rows_in}")
    screen.line("  the journal of the move, with its quarantine")
    for thing in document["removed_at_source"]:
        screen.line(f"  at the source: {thing}")
    if document["put_back"]:
        screen.line(f"  restored: {', '.join(document['put_back'])}")
    if document["kept"]:
        screen.line(f"  kept: {', '.join(document['kept'])}")
