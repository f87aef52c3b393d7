"""`crossfade verify`: the proof."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import typer

from crossfade.cli.answer import Answer
from crossfade.cli.command import command
from crossfade.cli.daily import DAILY, DayCompared, back, compared_today, forward
from crossfade.cli.invocation import Invocation, surveyed_bytes
from crossfade.cli.options import DASK
from crossfade.cli.round_trip import ROUND_TRIP, SAMPLE, proven
from crossfade.cli.screen import Screen, number
from crossfade.cli.status import draw_torn
from crossfade.cli.verify_back import proven_back
from crossfade.errors import Misused, Unreachable
from crossfade.model.counts import counted
from crossfade.move import Move
from crossfade.move.records import Records
from crossfade.move.reports import (
    COMPLETE,
    KINDS,
    SET_ASIDE,
    UNSETTLED,
    CauseShown,
    Example,
    Facts,
    LeftBehind,
    MappingShown,
    Verdict,
    as_json,
    forget_old,
    read_mappings,
    set_aside,
    unaccounted,
    write_reports,
)
from crossfade.move.values import Cause, Status, place_of

CAUSES, RECORD = 50, 4000
"""The number of causes of quarantine that a report shows, and the number of characters of a record."""

AGAIN = Annotated[
    bool,
    typer.Option("--again", help="Compare only what changed since the last verification."),
]
RULE_ROWS = 10
"""The number of rows of a broken rule that the terminal shows."""

_STYLES = {COMPLETE: "bold green", SET_ASIDE: "bold yellow", UNSETTLED: "bold yellow"}


@command(
    "crossfade verify --project examples/scribe-tree --workers 4",
    "crossfade verify --daily --project examples/scribe-tree",
    "crossfade verify --round-trip --sample 1000 --project examples/scribe-tree",
    stopped="both databases were only read",
)
def verify(
    call: Invocation,
    again: AGAIN = False,
    daily: DAILY = False,
    round_trip: ROUND_TRIP = False,
    sample: SAMPLE = None,
    dask: DASK = "",
) -> Answer:
    """Compare every column of every row with the source, count every record, and run the rules.

    While `crossfade start` follows the source, others may write to it: records that differ are compared again until
    they are at rest, and the verdict names the time of the source up to which every write is proven. With --again only
    what changed since the last verification is compared.

    Writes report.json and report.html to the project's folder, and ends with the verdict: equal and complete; equal,
    but records are set aside in quarantine; not equal. Exit status 1 if anything differs, if a count does not
    balance, if the target's schema is not the one that was applied, if a rule is broken, or if more records are in
    quarantine than the limit allows.

    With --round-trip the source's records are rebuilt from the target's rows instead, and compared with the originals:
    a second proof, which uses the forward mapping only where it must. It writes no report.

    With --daily, everything is compared and one line is printed. The report is in daily/DATE/, the outcome in the
    journal, where green days count for `finish`, and verify.alert in crossfade.toml runs if the day is not green.

    After a cutover, while `crossfade start` keeps the source equal, every record of the source is compared with what
    the target's rows put back.
    """
    if daily:
        if again or round_trip:
            raise Misused("--daily compares everything, and takes neither --again nor --round-trip")
        call = Invocation(replace(call.options, quiet=True))
    with call.move(dask) as move:
        if daily:
            return compared_today(move, partial(_compared_for_cron, call, move))
        if not round_trip and move.is_returning:
            return _back(call, move, again=again)
        if round_trip:
            found, status = move.verify_round_trip(sample), move.status()
            return proven(move.records, found, [*_polled(status), *status.notes])
        return prove(call, move, again=again)


def _compared_for_cron(call: Invocation, move: Move, folder: Path) -> DayCompared:
    if move.is_returning:
        return back(_back(call, move), folder)
    return forward(prove(call, move, folder=folder))


def _back(call: Invocation, move: Move, *, again: bool = False) -> Answer:
    with call.listen() as listen:
        return proven_back(move.records, move.verify_back(listen, again=again))


def _polled(status: Status) -> list[str]:
    """Return a sentence if a run polls the source: writes made meanwhile cannot be told from differences."""
    followed = status.following
    if followed is None or not followed.running or followed.last_pass is None:
        return []
    since = followed.last_pass.began_at
    return [f"the source is polled: what it has written since the pass that began at {since} may be a difference"]


def prove(call: Invocation, move: Move, *, again: bool = False, folder: Path | None = None) -> Answer:
    """Verify a move, write its report (into the project's folder) and return the answer; `run` uses it too."""
    folder = folder or move.project.root
    earlier = set_aside(folder)
    call.tell_reader(surveyed_bytes(move))
    with call.listen() as listen:
        verdict = move.verify(listen, again=again)
    status = move.status()
    facts = _facts(move, status, verdict)
    ok = verdict.equal and verdict.schema_holds and verdict.rules_hold and status.ok
    document = {
        "ok": ok,
        **as_json(verdict, facts),
        "within_limit": status.within_limit,
        "notes": [*_polled(status), *status.notes],
        **_write(verdict, facts, folder, earlier),
    }
    records = move.records
    failed = Unreachable.exit_status if ok and document["report_error"] else None
    return Answer(document, lambda screen: draw(screen, records, document), ok=ok, status=failed)


def _write(verdict: Verdict, facts: Facts, folder: Path, earlier: Sequence[Path]) -> dict[str, str | None]:
    """Write the report. A failure to write it does not affect the verdict."""
    try:
        data, page = write_reports(verdict, facts, folder)
    except (OSError, Unreachable) as error:
        why = f"could not write the report (the verdict is not affected): {_reason(error, folder)}"
        if earlier:
            why += f"; {' and '.join(map(str, earlier))} are from an earlier verification"
        return {"report_json": None, "report_html": None, "report_error": why}
    forget_old(folder)
    return {"report_json": str(data), "report_html": str(page), "report_error": None}


def _reason(error: OSError | Unreachable, folder: Path) -> str:
    if isinstance(error, Unreachable):
        return error.message.partition(";")[0]
    return f"{error.filename or folder}: {error.strerror or error}"


def _facts(move: Move, status: Status, verdict: Verdict) -> Facts:
    versions = [store.inspector.version() for store in (move.source, move.target) if store.inspector is not None]
    return Facts(
        move=status.name,
        source=move.source.url,
        target=move.target.url,
        versions={"crossfade": version("crossfade")} | {v.partition(" ")[0]: v.partition(" ")[2] for v in versions},
        quarantine={e.entity: e.reasons for e in status.entities if e.reasons},
        quarantine_limit=status.limit,
        within_limit=status.within_limit,
        causes=tuple(_cause(move, cause) for cause in move.causes()[:CAUSES]),
        readable=move.records.key,
        left_behind=tuple(_left_behind(move, status, verdict)),
        changed=tuple(move.changed()),
        mappings=_mappings(move),
        digest=move.program.digest,
        limit=move.project.settings.limits.differences,
    )


def _left_behind(move: Move, status: Status, verdict: Verdict) -> Iterator[LeftBehind]:
    """Yield what stays in the source, with the rows that the verification has counted."""
    left_out = {table.table: table.left_out for table in verdict.tables}
    for one in move.left_behind(status):
        yield replace(one, rows=left_out.get(one.what)) if one.kind == "rows" else one


def _cause(move: Move, cause: Cause) -> CauseShown:
    examples = tuple(Example(e.id, e.key, e.detail, _document(move, e.id)) for e in cause.examples)
    place = place_of(cause.table, cause.column)
    return CauseShown(cause.entity, cause.reason, place, cause.constraint, cause.parent, cause.count, examples)


def _document(move: Move, entry_id: str) -> str:
    """Return a record as the report shows it."""
    raw = move.quarantined_record(entry_id)[1]
    shown = move.records.document(raw)
    if shown["document"] is None:
        return f"{shown['unreadable']}\n{shown['bytes'][:RECORD]}"
    text = move.records.lines(raw)
    return text if len(text) <= RECORD else f"{text[:RECORD]}\n... {len(text) - RECORD:,} characters more"


def _mappings(move: Move) -> tuple[MappingShown, ...]:
    folder = move.project.mapping_dir
    shown = []
    for table, sql in read_mappings(folder).items():
        file = (folder / f"{table}.sql").relative_to(move.project.root)
        shown.append(MappingShown(table, str(file), hashlib.sha256(sql.encode()).hexdigest(), sql))
    return tuple(shown)


def draw(screen: Screen, records: Records, document: dict[str, Any]) -> None:
    draw_torn(screen, document["entities"])
    columns = ("table", "rows", *KINDS, "columns")
    rows = [
        (
            t["table"],
            number(t["rows"]),
            *(number(t["counts"][kind]) for kind in KINDS),
            len(t["compared"]) if t["rows"] else "-",
        )
        for t in document["tables"]
    ]
    screen.table(columns, rows, right=("rows", *KINDS, "columns"))
    for table in document["tables"]:
        if table["not_compared"]:
            screen.line(f"{table['table']}: not compared, no mapping fills them: {', '.join(table['not_compared'])}")
        for difference in table["differences"]:
            screen.line(f"  {_difference(records, difference)}")
        hidden = sum(table["counts"].values()) - len(table["differences"])
        if hidden > 0:
            screen.line(f"  {table['table']}: and {number(hidden)} more")
    _draw_accounts(screen, records, document)
    if document["schema"]:
        _draw_schema(screen, document["schema"])
    _draw_rules(screen, document)
    columns_compared = sum(len(t["compared"]) for t in document["tables"])
    screen.line(
        f"compared {counted(document['rows'], 'row')} of {counted(len(document['tables']), 'table')},"
        f" in {counted(columns_compared, 'column')}: {counted(document['differences'], 'difference')}"
        f" ({document['seconds']:.1f} s)"
    )
    for line in document["through"]["said"] if document["through"] else ():
        screen.line(line)
    _draw_left_behind(screen, document)
    if document["report_error"]:
        screen.line(document["report_error"], "bold red")
    else:
        screen.line(f"report: {document['report_html']} and {document['report_json']}")
    conclude(screen, document)


def _draw_left_behind(screen: Screen, document: dict[str, Any]) -> None:
    for note in document["notes"]:
        screen.line(note)
    left = [one for one in document["left_behind"] if one["kind"] not in ("left_out", "not_copied")]
    if left:
        records = sum(one["records"] or 0 for one in left)
        paths = sum(1 for one in left if one["kind"] == "path")
        rows = sum(one["rows"] or 0 for one in left)
        parts = [counted(records, "record"), *([counted(rows, "row")] if rows else [])]
        said = f"{', '.join(parts)} and {counted(paths, 'path')}"
        screen.line(f"left behind, with reasons: {said}; the report lists them")
    if document["changed_on_purpose"]:
        places = counted(len(document["changed_on_purpose"]), "path")
        screen.line(f"changed on purpose by the mappings: the values of {places}; the report lists them")


def conclude(screen: Screen, document: dict[str, Any]) -> None:
    """Draw the verdict on the data, and below it, as the last word, what fails apart from the data."""
    if not document["within_limit"]:
        screen.line("more records are in quarantine than limits.quarantine allows: see crossfade status", "bold red")
    apart, style = document["apart"], _STYLES.get(document["verdict"], "bold red")
    screen.line(document["conclusion"], _STYLES[SET_ASIDE] if apart and document["verdict"] == COMPLETE else style)
    for line in apart:
        screen.line(line, "bold red")


def _difference(records: Records, d: dict[str, Any]) -> str:
    place = f"{d['table']}[{d['key']}]" + (f".{d['column']}" if d["column"] else "")
    record = f" ({d['entity']} {records.key(d['record'])})" if d["record"] else f" ({d['entity']})"
    values = f": expected {d['expected']}, found {d['found']}" if d["kind"] == "changed" else ""
    return f"{d['kind']}: {place}{record}{values}"


def _draw_accounts(screen: Screen, records: Records, document: dict[str, Any]) -> None:
    for entity in document["entities"]:
        for line in entity["disagreements"]:
            screen.line(f"{entity['entity']}: {line}", "red")
        for record in entity["altered_records"]:
            screen.line(f"  changed: {entity['entity']} {records.key(record['record'])}: {_altered(record)}")
        if hidden := entity["altered"] - len(entity["altered_records"]):
            screen.line(f"  {entity['entity']}: and {number(hidden)} more")
        for record in entity["uncounted_records"]:
            screen.line(f"  {entity['entity']} {records.key(record['record'])}: {record['reason']}: {record['detail']}")
        if entity["uncounted"]:
            screen.line(unaccounted(entity["entity"], entity["uncounted"]), "red")


def _altered(record: dict[str, Any]) -> str:
    one, other = (
        f"{number(r['size'])} bytes, SHA-256 {r['digest'][:16]}" for r in (record["in_source"], record["in_quarantine"])
    )
    return f"the {record['account']} record is not the source's record: expected {one}, found {other}"


def _draw_rules(screen: Screen, document: dict[str, Any]) -> None:
    rules = document["rules"]
    for rule in rules:
        if rule["error"]:
            screen.line(f"rule {rule['rule']} failed to run: {rule['error']}", "red")
        elif not rule["holds"]:
            screen.line(f"rule {rule['rule']} is broken by {counted(rule['total'], 'row')}: {rule['sentence']}", "red")
            screen.table(rule["columns"], rule["rows"][:RULE_ROWS])
            if hidden := rule["total"] - min(RULE_ROWS, len(rule["rows"])):
                elsewhere = " (--json and the report have more)" if len(rule["rows"]) > RULE_ROWS else ""
                screen.line(f"and {number(hidden)} more{elsewhere}")
    if rules:
        screen.line(f"{sum(1 for r in rules if r['holds'])} of {len(rules)} rules hold")


def _draw_schema(screen: Screen, schema: dict[str, Any]) -> None:
    for table in schema["unread"]:
        screen.line(f"{table['table']}: its rows were not compared: {table['reason']}", "red")
    for line in schema["file_notes"]:
        screen.line(f"schema: {line}")
    for title, start, style in (("faults", "schema", "red"), ("notes", "schema, only a note", "")):
        for line in _alike(schema[title]):
            screen.line(f"{start}: {line}", style)


def _alike(differences: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield a line for each difference, and one line for things that differ alike (a privilege on every table)."""
    of: dict[tuple[Any, ...], list[Mapping[str, Any]]] = {}
    for one in differences:
        alike = ("rights", one["found"], one["expected"]) if one["fact"] == "rights" else (one["message"],)
        of.setdefault(alike, []).append(one)
    for same in of.values():
        first, *others = same
        names = [f"{one['what']} {one['name'].removeprefix('public.')}" for one in others]
        yield first["message"] + (f" (as {', '.join(names)})" if names else "")
