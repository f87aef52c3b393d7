"""`crossfade reset`: drop what this move made, to begin once more."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer

from crossfade.cli.answer import Answer
from crossfade.cli.command import command
from crossfade.cli.invocation import Invocation
from crossfade.cli.screen import Screen, number
from crossfade.errors import Misused, Refused
from crossfade.model.counts import counted
from crossfade.move.values import Reset

YES = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
INCLUDING = Annotated[
    list[str] | None,
    typer.Option("--including", metavar="TABLE", help="Delete with this table what others put there. Repeatable."),
]


@command("crossfade reset --project examples/scribe-tree --yes", stopped="nothing was changed")
def reset(call: Invocation, yes: YES = False, including: INCLUDING = None) -> Answer:
    """Drop what this move made in the target, its journal and its quarantine; then it may begin once more.

    It says what it will drop, and asks. What was in the target before stays: schemas, extensions, functions, and with
    schema = "live" the tables, which only lose the move's rows. Where it would delete what others put there (rows that
    the move did not write, or that were changed since; columns, indexes, triggers of its tables), it names that, and
    nothing is changed; --including TABLE deletes it as well. The source is not touched.
    """
    with call.move() as move:
        found = move.plan_reset(including or ())
        if found is not None and not yes:
            _ask(found, move.target.url, as_json=call.options.json)
        done = move.reset(including or ()) if found is not None else None
        document = _document(done, move.target.url)
    return Answer(document, lambda screen: _draw(screen, document))


def _ask(found: Reset, target: str, *, as_json: bool) -> None:
    if as_json or not _can_ask():
        raise Misused(
            f"a reset of {target} needs confirmation, and crossfade cannot ask for it here; nothing was changed",
            hint="crossfade reset --yes",
        )
    screen = Screen(sys.stderr)
    screen.line(f"in {target} this will go, and cannot be brought back:", "bold")
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
        "dropped": [{"kind": d.kind.lower(), "name": d.name} for d in done.drops],
        "rows": dict(done.rows or {}),
        "emptied": [t.name for t in done.emptied],
        "triggers_not_fired": [{"name": t.name, "table": t.table, "when": t.when} for t in done.silent],
        "put_back": [s.id for s in done.back],
        "kept": list(done.kept),
    }


def _draw(screen: Screen, document: dict[str, Any]) -> None:
    if not document["reset"]:
        screen.line(f"no move has begun in {document['target']}: there is nothing to reset")
        return
    screen.line(f"gone from {document['target']}:", "bold")
    _draw_parts(screen, document)
    screen.line("the target is as it was before the move: crossfade run begins it once more")


def _draw_parts(screen: Screen, document: dict[str, Any]) -> None:
    rows = document["rows"]
    for table in document["emptied"]:
        screen.line(f"  rows of {table}: {number(rows[table])}; the table stays")
    for trigger in document["triggers_not_fired"]:
        screen.line(
            f"  the trigger {trigger['name']} of {trigger['table']} ({trigger['when']}) does not fire for these"
        )
    for dropped in document["dropped"]:
        held = rows.get(_plain(dropped["name"])) if dropped["kind"] == "table" else None
        screen.line(
            f"  {dropped['kind']} {dropped['name']}" + (f" ({counted(held, 'row')})" if held is not None else "")
        )
    screen.line("  the journal of the move, with its quarantine")
    if document["put_back"]:
        screen.line(f"  put back as it was: {', '.join(document['put_back'])}")
    if document["kept"]:
        screen.line(f"  stays: {', '.join(document['kept'])}")


def _plain(name: str) -> str:
    return name.replace('"', "").removeprefix("public.")
