"""`crossfade quarantine list|show|retry|discard`: records that do not fit the target."""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Annotated, Any

import typer

from crossfade.cli.answer import Answer, Streamed
from crossfade.cli.causes import UNKNOWN, cause_document, draw_causes, entry_document, shortened, where
from crossfade.cli.command import command
from crossfade.cli.invocation import Invocation
from crossfade.cli.options import DASK
from crossfade.cli.record import draw_record
from crossfade.cli.screen import Screen, number
from crossfade.errors import Misused
from crossfade.model.counts import counted
from crossfade.model.rejection import REMAINDER
from crossfade.move import Move
from crossfade.move.records import Records
from crossfade.move.values import Selection


class State(enum.Enum):
    open = "open"
    retried = "retried"
    discarded = "discarded"
    all = "all"


ENTITY = Annotated[str | None, typer.Option("--entity", metavar="NAME", help="Only records of this entity.")]
REASON = Annotated[
    str | None, typer.Option("--reason", metavar="WORD", help="Only this reason (docs/reference/errors.md).")
]
COLUMN = Annotated[
    str | None,
    typer.Option("--column", "--table", metavar="PLACE", help="Only this column, table.column or table of the target."),
]
STATE = Annotated[State, typer.Option("--state", help="Only entries in this state.")]
EACH = Annotated[bool, typer.Option("--each", help="List every entry, not only three examples per cause.")]
ID = Annotated[str, typer.Argument(metavar="ID", help="An entry's id, or its first characters.")]
SOME_IDS = Annotated[
    list[str] | None, typer.Argument(metavar="ID", help="Entries to retry; all open ones unless given.")
]
IDS = Annotated[
    list[str] | None, typer.Argument(metavar="ID", help="Entries to discard: their ids, or the first characters.")
]
WHY = Annotated[
    str, typer.Option("--why", metavar="TEXT", help="Why the records may be left behind; stored in the journal.")
]


@command("crossfade quarantine list --project examples/scribe-tree --entity users")
def list_entries(
    call: Invocation,
    entity: ENTITY = None,
    reason: REASON = None,
    column: COLUMN = None,
    state: STATE = State.open,
    each: EACH = False,
) -> Answer:
    """List the records in quarantine by cause: entity, reason and column, how many, and three examples.

    Records that wait for a parent in quarantine are listed apart from those whose parent does not exist.
    """
    of = Selection(entity, reason, column, None if state is State.all else state.value)
    move = call.stay_open(call.move())
    found = [cause_document(c) for c in move.causes(of)]
    counts: Counter[str] = Counter()
    for cause in found:
        counts[cause["reason"]] += cause["count"]
    document = {
        "records": counts.total(),
        "causes": found,
        "counts": dict(sorted(counts.items())),
        "entries": Streamed(_documents(move, of)) if each else None,
    }
    others = 0 if found or not of.is_narrow else sum(c.count for c in move.causes(Selection(state=of.state)))
    if each:
        return Answer(document, lambda screen: _draw_each(screen, move, of, document, others))
    return Answer(document, lambda screen: _draw_list(screen, move.records, document, others))


def _documents(move: Move, of: Selection) -> Iterator[dict[str, Any]]:
    return (entry_document(entry) for page in move.quarantine_pages(of) for entry in page)


def _counts(words: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(words).items()))


def _draw_list(screen: Screen, records: Records, document: dict[str, Any], others: int) -> None:
    """Draw the causes. `others` is the number of records with another entity, reason or column."""
    if not _something(screen, document, others):
        return
    draw_causes(screen, records, document["causes"])
    _draw_sum(screen, document)
    screen.line("one record: crossfade quarantine show ID; every record: crossfade quarantine list --each")


def _draw_each(screen: Screen, move: Move, of: Selection, document: dict[str, Any], others: int) -> None:
    if not _something(screen, document, others):
        return
    columns = ("id", "entity", "key", "reason", "where", "detail", "state")
    records = move.records
    for page in move.quarantine_pages(of):
        entries = [entry_document(e) for e in page]
        rows = [
            (e["id"], e["entity"], records.key(e["key"]), e["reason"], where(e), shortened(e["detail"]), e["state"])
            for e in entries
        ]
        screen.table(columns, rows)
    _draw_sum(screen, document)


def _something(screen: Screen, document: dict[str, Any], others: int) -> bool:
    if not document["records"]:
        elsewhere = f" with this entity, reason and column; {number(others)} with others" if others else ""
        screen.line(f"nothing is in quarantine{elsewhere}")
    return bool(document["records"])


def _draw_sum(screen: Screen, document: dict[str, Any]) -> None:
    words = ", ".join(f"{reason} {number(count)}" for reason, count in document["counts"].items())
    causes, torn = counted(len(document["causes"]), "cause"), document["counts"].get(REMAINDER, 0)
    records = counted(document["records"] - torn, "record") + (f" and {UNKNOWN} of torn sources" if torn else "")
    screen.line(f"\n{records}, {causes}: {words}")


@command("crossfade quarantine show 3f1a --project examples/scribe-tree")
def show(call: Invocation, entry_id: ID) -> Answer:
    """Show a record in quarantine: the reason, and the document as mongosh would print it.

    A document that cannot be read is shown as bytes. --json prints canonical Extended JSON.
    """
    with call.move() as move:
        records = move.records
        entry, raw = move.quarantined_record(entry_id)
    document = {"entry": entry_document(entry), **records.document(raw)}
    return Answer(document, lambda screen: _draw_entry(screen, records, document, raw))


def _draw_entry(screen: Screen, records: Records, document: dict[str, Any], raw: bytes) -> None:
    entry = document["entry"]
    names = {"id": "id", "entity": "entity", "key": "key", "reason": "reason", "detail": "detail"}
    names |= {"constraint": "constraint", "waits_for": "waits for", "state": "state"}
    names |= {"note": "note", "phase": "found while", "noted_at": "noted at"}
    for name, title in names.items():
        if entry[name] is not None:
            said = records.key(entry[name]) if name == "key" else entry[name]
            screen.line(f"{title:<12}{said}")
    if where(entry) != "-":
        screen.line(f"{'where':<12}{where(entry)}")
    screen.line()
    draw_record(screen, records, document, raw)


@command(
    "crossfade quarantine retry --project examples/scribe-tree",
    "crossfade quarantine retry --entity users --reason too_long --column users.bio --project examples/scribe-tree",
    stopped="entries that were copied are in the target; the others are still in quarantine",
)
def retry(
    call: Invocation,
    ids: SOME_IDS = None,
    entity: ENTITY = None,
    reason: REASON = None,
    column: COLUMN = None,
    dask: DASK = "",
) -> Answer:
    """Retry records after the mapping or the record was fixed. Reads each record from the source again.

    Without an ID, all open entries with the given entity, reason and column are retried. Exit status 1 if any record
    does not fit yet. A record that is no longer in the source cannot be retried; its entry stays until it is discarded.
    """
    of = _selection(ids, entity, reason, column)
    with call.move(dask) as move, call.listen() as listen:
        records = move.records
        outcomes = move.retry(ids or (), of, listen)
    entries = [{**entry_document(r.entry), "outcome": r.outcome} for r in outcomes]
    ok = all(r.outcome != "quarantined" for r in outcomes)
    document = {"ok": ok, "entries": entries, "counts": _counts(r.outcome for r in outcomes)}
    return Answer(document, lambda screen: _draw_retried(screen, records, document, bool(ids)), ok=ok)


def _selection(ids: list[str] | None, entity: str | None, reason: str | None, column: str | None) -> Selection:
    of = Selection(entity, reason, column)
    if ids and of.is_narrow:
        raise Misused(
            "ids cannot be combined with --entity, --reason or --column; nothing was changed",
            hint="either ids, or --entity, --reason and --column",
        )
    return of


LISTED = 20
"""The number of retried entries that are listed one by one; more are counted by cause."""


def _draw_retried(screen: Screen, records: Records, document: dict[str, Any], named: bool) -> None:
    entries = document["entries"]
    if not entries:
        screen.line("these entries are closed already" if named else "nothing is open in quarantine")
        return
    if len(entries) <= LISTED:
        columns = ("id", "entity", "key", "outcome", "reason", "detail")
        screen.table(columns, [_retried_row(records, e) for e in entries])
    else:
        _draw_outcomes(screen, entries)
    screen.line("\n" + ", ".join(f"{outcome}: {number(n)}" for outcome, n in document["counts"].items()))
    if gone := document["counts"].get("gone"):
        said = f"{counted(gone, 'record')} no longer in the source: nothing is left to retry"
        screen.line(f"{said} (close with: crossfade quarantine discard ID --why TEXT)")


def _retried_row(records: Records, e: dict[str, Any]) -> tuple[str, ...]:
    stays = e["outcome"] == "quarantined"
    why = (e["reason"], shortened(e["detail"])) if stays else ("", "")
    return e["id"], e["entity"], records.key(e["key"]), e["outcome"], *why


def _draw_outcomes(screen: Screen, entries: list[dict[str, Any]]) -> None:
    """Draw the outcomes of many entries as counts, with the reason for those that stay in quarantine."""
    counts = Counter(
        (e["entity"], e["outcome"], *((e["reason"], where(e)) if e["outcome"] == "quarantined" else ("", "")))
        for e in entries
    )
    rows = [(*what, number(n)) for what, n in counts.most_common()]
    screen.table(("entity", "outcome", "reason", "where", "records"), rows, right=("records",))


@command(
    'crossfade quarantine discard 3f1a --why "a test account" --project examples/scribe-tree',
    'crossfade quarantine discard --entity likes --reason foreign_key --why "of deleted posts" --project .',
    stopped="either all of these entries are discarded or none",
)
def discard(
    call: Invocation,
    why: WHY,
    ids: IDS = None,
    entity: ENTITY = None,
    reason: REASON = None,
    column: COLUMN = None,
) -> Answer:
    """Discard records in quarantine, with a reason. From then on they count as discarded.

    Give their IDs, or select them by entity, reason and column.
    """
    of = _selection(ids, entity, reason, column)
    if not why.strip():
        raise Misused("a discard needs a reason; nothing was discarded", hint='--why "why they may be left behind"')
    if not ids and not of.is_narrow:
        raise Misused(
            "no entries were given; nothing was discarded", hint="give ids, or --entity, --reason or --column"
        )
    with call.move() as move:
        records = move.records
        gone = move.discard(ids, why.strip()) if ids else []
        counts = _counts(e.entity for e in gone) if ids else move.discard_all(of, why.strip())
    document = {"entries": [entry_document(e) for e in gone] if ids else None, "counts": counts}
    return Answer(document, lambda screen: _draw_discarded(screen, records, document, why.strip()))


def _draw_discarded(screen: Screen, records: Records, document: dict[str, Any], why: str) -> None:
    for entry in document["entries"] or ():
        screen.line(f"discarded {entry['id']}: {entry['entity']} {records.key(entry['key'])}: {entry['note']}")
    if document["entries"] is None:
        for entity, count in document["counts"].items():
            screen.line(f"discarded {counted(count, 'record')} of {entity}: {why}")
    if not document["counts"]:
        screen.line("these entries are closed already" if document["entries"] is not None else "no open entries match")
