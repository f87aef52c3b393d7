"""`crossfade repair`: make the target equal to the source again."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from crossfade.cli.answer import Answer
from crossfade.cli.command import command
from crossfade.cli.invocation import Invocation, surveyed_bytes
from crossfade.cli.options import DASK
from crossfade.cli.screen import Screen, number
from crossfade.errors import Misused
from crossfade.model.counts import counted
from crossfade.move.values import Repaired

DRY_RUN = Annotated[bool, typer.Option("--dry-run", help="Print what would be changed, and change nothing.")]
ENTITY = Annotated[str, typer.Option("--entity", metavar="ENTITY", help="With --key: the entity of the records.")]
KEY = Annotated[
    list[str] | None, typer.Option("--key", metavar="KEY", help="Apply only the record with this key. Repeatable.")
]
_CHANGES = ("inserted", "updated", "deleted")
_WORDS = {
    "came": "new",
    "changed": "changed",
    "gone": "no longer in the source",
    "quarantined": "went to quarantine",
    "admitted": "came out of quarantine",
    "discarded": "discarded",
    "applied": "applied",
    "set_aside": "set aside: the source cannot hold them",
}


@command(
    "crossfade repair --dry-run --project examples/scribe-tree",
    "crossfade repair --project examples/scribe-tree",
    stopped="the records that were applied are committed; the rest are as they were",
)
def repair(call: Invocation, dry_run: DRY_RUN = False, entity: ENTITY = "", key: KEY = None, dask: DASK = "") -> Answer:
    """Compare everything as verify does, and make the records that differ equal again; nothing else is written.

    Records that were inserted, changed or deleted in the source since the copy are applied, and rows that others
    inserted, changed or deleted in the target are corrected. A record that does not fit goes to quarantine, and one
    that fits again comes out of it. Run it repeatedly to follow a source that has no change feed. While `crossfade
    start` follows the source, --key lets that run apply the records. After a cutover, the run that follows the target
    puts the records that differ back into the source. Exit status 1 if rows remain that belong to no record of the
    source, or that cannot be removed.
    """
    if bool(entity) != bool(key):
        raise Misused(
            "--key needs --entity, and --entity needs --key; nothing was changed",
            hint="crossfade repair --entity ENTITY --key KEY",
        )
    with call.move(dask) as move, call.listen() as listen:
        call.tell_reader(surveyed_bytes(move))
        found = move.repair(listen, dry_run=dry_run, keys={entity: key} if key else None)
    document = _document(found)
    return Answer(document, lambda screen: _draw(screen, document), ok=found.ok)


def _document(found: Repaired) -> dict[str, Any]:
    records: dict[str, dict[str, int]] = {}
    for (entity, outcome), count in sorted(found.applied.records.items()):
        records.setdefault(entity, {})[outcome] = count
    changes = found.applied.rows.items()
    return {
        "ok": found.ok,
        "dry_run": found.dry_run,
        "direction": "back" if found.back else "forward",
        "differ": found.records,
        "records": records,
        "rows": {table: dict(zip(_CHANGES, counts, strict=True)) for table, counts in changes},
        "rows_of_no_record": dict(found.rows_of_no_record),
        "handed_over": found.handed_over,
        "moving": found.moving,
        "stuck": [{"entity": e, "key": k, "detail": why} for (e, k), why in found.applied.stuck.items()],
    }


def _draw(screen: Screen, document: dict[str, Any]) -> None:
    if not document["differ"] and document["ok"]:
        screen.line("no record differs: nothing was changed")
        return
    screen.line(counted(document["differ"], "record differs", "records differ"), "bold")
    for entity, outcomes in document["records"].items():
        said = [f"{number(count)} {_WORDS[of]}" for of, count in outcomes.items() if of in _WORDS]
        if said:
            screen.line(f"  {entity}: {', '.join(said)}")
    for table, changes in document["rows"].items():
        said = [f"{number(count)} {of}" for of, count in changes.items() if count]
        screen.line(f"  rows of {table}: {', '.join(said) or 'unchanged'}")
    for table, count in document["rows_of_no_record"].items():
        screen.line(f"  {table}: {counted(count, 'row')} of no record of the source; left as they are", "yellow")
    if document["handed_over"]:
        side = "target" if document["direction"] == "back" else "source"
        screen.line(f"applied by the run that follows the {side}")
    if document["moving"]:
        screen.line(f"{counted(document['moving'], 'record')} not applied yet", "yellow")
    for one in document["stuck"]:
        screen.line(f"  {one['entity']} {one['key']} could not be removed: {one['detail']}", "yellow")
    if document["dry_run"]:
        screen.line("dry run: nothing was changed")
