"""`crossfade quarantine list|show|retry|discard`: records that could not go on."""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict
from typing import Annotated, Any

import typer

from crossfade.cli.answer import Answer
from crossfade.cli.command import command
from crossfade.cli.invocation import Invocation
from crossfade.cli.record import draw_record, record_document
from crossfade.cli.screen import Screen, number
from crossfade.errors import Misused
from crossfade.journal.journal import Entry


class State(enum.Enum):
    open = "open"
    retried = "retried"
    discarded = "discarded"
    all = "all"


ENTITY = Annotated[str | None, typer.Option("--entity", metavar="NAME", help="Only records of this entity.")]
REASON = Annotated[str | None, typer.Option("--reason", metavar="WORD", help="Only this reason (see errors.md).")]
STATE = Annotated[State, typer.Option("--state", help="Only entries in this state.")]
ID = Annotated[str, typer.Argument(metavar="ID", help="An entry's id, or the beginning of it.")]
SOME_IDS = Annotated[list[str] | None, typer.Argument(metavar="ID", help="Entries; all open ones unless named.")]
IDS = Annotated[list[str], typer.Argument(metavar="ID", help="Entries, by id or the beginning of it.")]
WHY = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why they may be left behind; kept in the journal.")]


@command("crossfade quarantine list --project examples/scribe-tree --entity users")
def list_entries(call: Invocation, entity: ENTITY = None, reason: REASON = None, state: STATE = State.open) -> Answer:
    """List the records in quarantine, with the reason and the column, and count them by reason."""
    with call.move() as move:
        known = [e for e in move.quarantine() if state.value in ("all", e.state)]
    found = [e for e in known if entity in (None, e.entity) and reason in (None, e.reason)]
    document = {"entries": [entry_document(e) for e in found], "counts": _counts(e.reason for e in found)}
    return Answer(document, lambda screen: _draw_list(screen, document, len(known)))


def entry_document(entry: Entry) -> dict[str, Any]:
    return asdict(entry)


def _counts(words: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(words).items()))


def _draw_list(screen: Screen, document: dict[str, Any], known: int) -> None:
    """`known` is how many there are of any entity and reason."""
    if not document["entries"]:
        others = f" of this entity and reason; of others: {number(known)}" if known else ""
        screen.line(f"nothing is in quarantine{others}")
        return
    columns = ("id", "entity", "key", "reason", "where", "detail", "state")
    rows = [
        (e["id"], e["entity"], e["key"] or "-", e["reason"], _where(e), e["detail"], e["state"])
        for e in document["entries"]
    ]
    screen.table(columns, rows)
    screen.line()
    screen.table(("reason", "records"), [(r, number(n)) for r, n in document["counts"].items()], right=("records",))


def _where(entry: dict[str, Any]) -> str:
    return ".".join(filter(None, (entry["table"], entry["column"]))) or "-"


@command("crossfade quarantine show 3f1a --project examples/scribe-tree")
def show(call: Invocation, entry_id: ID) -> Answer:
    """Show a record in quarantine: why it is there, and the document as Extended JSON.

    A document that cannot be read is shown as its bytes.
    """
    with call.move() as move:
        entry, raw = move.quarantined_record(entry_id)
    document = {"entry": entry_document(entry), **record_document(raw)}
    return Answer(document, lambda screen: _draw_entry(screen, document, raw))


def _draw_entry(screen: Screen, document: dict[str, Any], raw: bytes) -> None:
    entry = document["entry"]
    names = {"id": "id", "entity": "entity", "key": "key", "reason": "reason", "detail": "detail", "state": "state"}
    names |= {"note": "note", "phase": "found while", "noted_at": "noted at"}
    for name, title in names.items():
        if entry[name] is not None:
            screen.line(f"{title:<12}{entry[name]}")
    if _where(entry) != "-":
        screen.line(f"{'where':<12}{_where(entry)}")
    screen.line()
    draw_record(screen, document, raw)


@command(
    "crossfade quarantine retry --project examples/scribe-tree",
    stopped="entries that went through are in the target; the others are in quarantine as before",
)
def retry(call: Invocation, ids: SOME_IDS = None) -> Answer:
    """Try records again, after the mapping or the record was mended: the record as the source has it now.

    Exit status 1 where any of them stays in quarantine.
    """
    with call.move() as move:
        outcomes = move.retry(ids or ())
    entries = [{**entry_document(r.entry), "outcome": r.outcome} for r in outcomes]
    ok = all(r.outcome in ("copied", "discarded") for r in outcomes)
    document = {"ok": ok, "entries": entries, "counts": _counts(r.outcome for r in outcomes)}
    return Answer(document, lambda screen: _draw_retried(screen, document, bool(ids)), ok=ok)


def _draw_retried(screen: Screen, document: dict[str, Any], named: bool) -> None:
    if not document["entries"]:
        screen.line("these entries are closed already" if named else "nothing is open in quarantine")
        return
    columns = ("id", "entity", "key", "outcome", "reason", "detail")
    rows = []
    for e in document["entries"]:
        stays = e["outcome"] == "quarantined"
        why = (e["reason"], e["detail"]) if stays else ("", "")
        rows.append((e["id"], e["entity"], e["key"] or "-", e["outcome"], *why))
    screen.table(columns, rows)
    screen.line("\n" + ", ".join(f"{outcome}: {number(n)}" for outcome, n in document["counts"].items()))


@command(
    'crossfade quarantine discard 3f1a --reason "a test account" --project examples/scribe-tree',
    stopped="either all of these entries are discarded, or none is",
)
def discard(call: Invocation, ids: IDS, reason: WHY) -> Answer:
    """Leave records behind, with a reason. They count as discarded from then on."""
    if not reason.strip():
        raise Misused("a discard needs a reason; nothing was discarded", hint='--reason "why this may be left behind"')
    with call.move() as move:
        gone = move.discard(ids, reason.strip())
    document = {"entries": [entry_document(e) for e in gone]}
    return Answer(document, lambda screen: _draw_discarded(screen, document))


def _draw_discarded(screen: Screen, document: dict[str, Any]) -> None:
    for entry in document["entries"]:
        screen.line(f"discarded {entry['id']}: {entry['entity']} {entry['key'] or ''}: {entry['note']}")
    if not document["entries"]:
        screen.line("these entries are closed already")
