"""`crossfade preview TABLE`: show documents with the rows that they would become."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import typer

from crossfade.cli.answer import Answer
from crossfade.cli.causes import shortened, where
from crossfade.cli.command import command
from crossfade.cli.failure import finding_document
from crossfade.cli.invocation import Invocation
from crossfade.cli.record import draw_record
from crossfade.cli.screen import Screen, number
from crossfade.errors import Misused
from crossfade.model.counts import counted
from crossfade.model.rejection import Rejection
from crossfade.move.records import Records
from crossfade.move.reports import shown
from crossfade.move.values import Estimate, Preview, Previewed, Sample, TableRows

TABLE = Annotated[
    str | None, typer.Argument(metavar="TABLE", help="A target table. With --sample: all tables unless given.")
]
LIMIT = Annotated[int, typer.Option("--limit", metavar="N", min=1, help="The number of records to show.")]
KEY = Annotated[
    str | None,
    typer.Option(
        "--key", metavar="ID", help="Only the record with this key, written as this command or mongosh prints it."
    ),
]
SAMPLE = Annotated[
    int | None,
    typer.Option(
        "--sample", metavar="N", min=1, help="Map N records of each entity, and count those that are refused."
    ),
]

TRIED = {"mapping": "the mapping", "types": "the columns' types, lengths, labels and NOT NULL"}
NOT_TRIED = ("check", "exclusion", "foreign_key", "trigger", "unique")


@command(
    "crossfade preview courses --project examples/scribe-tree --limit 3",
    "crossfade preview --project examples/scribe-tree --sample 1000",
    stopped="nothing was written",
)
def preview(call: Invocation, table: TABLE = None, limit: LIMIT = 20, key: KEY = None, sample: SAMPLE = None) -> Answer:
    """Show documents with the rows that they would become, or the reason why they are refused. Writes nothing.

    With --sample, a random sample of each entity is mapped (the same sample every time), and the number of refusals
    among all records is estimated from it. Columns that the mapping must fill and does not, for which a copy does not
    start at all, are listed last. CHECK constraints, unique and foreign keys and triggers are not tested. If
    the target cannot be reached, only the mapping is tested.
    """
    if sample is None and table is None:
        raise Misused("preview needs a table or --sample; nothing was done", hint="crossfade preview TABLE")
    if sample is not None and key is not None:
        raise Misused("--sample and --key cannot be combined; nothing was done", hint="leave out --key or --sample")
    with call.move() as move:
        records = move.records
        if sample is None:
            found = move.preview(str(table), limit=limit, key=key)
        else:
            with call.listen() as listen:
                found = move.sample(sample, table, listen)
    document = _document(records, found, table)
    return Answer(document, lambda screen: _draw(screen, records, document, found))


def _document(records: Records, found: Preview, table: str | None) -> dict[str, Any]:
    return {
        "table": table,
        "checked": ["mapping"] if found.without_types else ["mapping", "types"],
        "not_checked": [*NOT_TRIED, *(["types"] if found.without_types else [])],
        "without_types": found.without_types,
        "faults": [finding_document(one) for one in found.faults],
        "records": [_record(records, one, table) for one in found.records],
        "samples": [_sample(one) for one in found.samples],
    }


def _record(records: Records, one: Previewed, table: str | None) -> dict[str, Any]:
    return {
        "entity": one.entity,
        "key": one.key,
        **records.document(one.raw),
        "rows": [row for part in one.rows if table in (None, part.table.name) for row in _rows(part)],
        "refused": None if one.refused is None else _refused(one.refused),
        "discarded": one.discarded,
    }


def _rows(part: TableRows) -> Iterator[dict[str, Any]]:
    kinds = {c.name: c.type for c in part.table.columns}
    for i in range(len(part.rows)):
        row = {name: shown(part.rows.column(name)[i], kinds[name]) for name in part.rows.column_names}
        yield {"table": part.table.name, "row": row}


def _refused(rejection: Rejection) -> dict[str, Any]:
    return {n: getattr(rejection, n) for n in ("reason", "detail", "table", "column")}


def _sample(one: Sample) -> dict[str, Any]:
    causes = sorted(one.causes.values(), key=lambda c: -c.count)
    return {
        "entity": one.entity,
        "records": one.records,
        "sampled": one.sampled,
        "discarded": one.discarded,
        "refused": _figures(one.refused),
        "causes": [
            {
                "reason": c.reason,
                "table": c.table,
                "column": c.column,
                **_figures(one.estimate(c.count)),
                "examples": [{"key": key, "detail": detail} for key, detail in c.examples],
            }
            for c in causes
        ],
    }


def _figures(e: Estimate) -> dict[str, int]:
    return {"count": e.count, "estimate": e.likely, "low": e.low, "high": e.high}


# -- output for people


def _draw(screen: Screen, records: Records, document: dict[str, Any], found: Preview) -> None:
    for record, one in zip(document["records"], found.records, strict=True):
        _draw_record(screen, records, record, one.raw)
    for entity in document["samples"]:
        _draw_sample(screen, records, entity)
    if document["records"]:
        refused = sum(r["refused"] is not None for r in document["records"])
        rows = sum(len(r["rows"]) for r in document["records"])
        screen.line(
            f"{counted(len(document['records']), 'record')}: {counted(rows, 'row')} of {document['table']},"
            f" {number(refused)} refused"
        )
    elif not document["samples"]:
        screen.line("no records")
    tried = " and ".join(TRIED[name] for name in document["checked"])
    screen.line(f"checked: {tried}; not checked: CHECK, unique and foreign keys, triggers; nothing was written")
    if document["without_types"]:
        screen.line(f"the columns' types are unknown: {document['without_types']}")
    _draw_faults(screen, document["faults"])


def _draw_faults(screen: Screen, faults: list[dict[str, Any]]) -> None:
    if faults:
        screen.line("a copy does not start, whatever the records are:", "bold red")
    for fault in faults:
        screen.line(f"  {fault['place']}: {fault['message']}", "red")
        if fault["hint"]:
            screen.line(f"    Try: {fault['hint']}")


def _draw_record(screen: Screen, records: Records, record: dict[str, Any], raw: bytes) -> None:
    screen.line(f"{record['entity']} {records.key(record['key'])}", "bold")
    if record["document"] is not None:
        screen.line(f"  {records.line(raw)}")
    else:
        draw_record(screen, records, record, raw)
    for row in record["rows"]:
        screen.line(f"  -> {row['table']}: " + ", ".join(f"{n} = {v}" for n, v in row["row"].items()))
    if record["refused"] is not None:
        why = record["refused"]
        screen.line(f"  refused: {why['reason']} at {where(why)}: {why['detail']}", "red")
    elif record["discarded"]:
        screen.line("  discarded by a [[discard]] in crossfade.toml")
    elif not record["rows"]:
        screen.line("  -> no row in this table")
    screen.line()


def _draw_sample(screen: Screen, records: Records, entity: dict[str, Any]) -> None:
    of = f"{number(entity['sampled'])} of {counted(entity['records'], 'record')}"
    whole = entity["sampled"] >= entity["records"]
    left = f", {number(entity['discarded'])} discarded" if entity["discarded"] else ""
    screen.line(f"{entity['entity']}: {of} tried, {_said(entity['refused'], whole)} refused{left}", "bold")
    for cause in entity["causes"]:
        place = "" if where(cause) == "-" else f" at {where(cause)}"
        screen.line(f"  {_said(cause, whole)}: {cause['reason']}{place}")
        for example in cause["examples"]:
            screen.line(f"    {records.key(example['key'])}  {shortened(example['detail'])}")


def _said(figures: dict[str, Any], whole: bool) -> str:
    count = number(figures["count"])
    if whole:
        return count
    return (
        f"{count} (an estimated {number(figures['estimate'])} of all, between {number(figures['low'])} and"
        f" {number(figures['high'])})"
    )
