"""`crossfade verify`: the proof."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from crossfade.cli.answer import Answer
from crossfade.cli.command import command
from crossfade.cli.invocation import Invocation
from crossfade.cli.screen import Screen, number
from crossfade.cli.status import draw_torn
from crossfade.model.counts import counted
from crossfade.move import Move, Status
from crossfade.verify.conclusion import unaccounted
from crossfade.verify.report import Facts, as_json, write_reports
from crossfade.verify.verdict import COMPLETE, KINDS, SET_ASIDE

_STYLES = {COMPLETE: "bold green", SET_ASIDE: "bold yellow"}


@command("crossfade verify --project examples/scribe-tree --workers 4", stopped="both databases were only read")
def verify(call: Invocation) -> Answer:
    """Compare every column of every row with the source, count every record, and run the rules.

    Writes report.json and report.html into the project's folder, and ends with the verdict: equal and complete; equal,
    but records are set aside in quarantine; not equal. Exit status 1 where anything differs, where a count does not
    balance, where the target's schema is not the one that was made, where a rule is broken, or where more is in
    quarantine than the limit allows.
    """
    with call.move() as move:
        return prove(call, move)


def prove(call: Invocation, move: Move) -> Answer:
    """The verification of a move with its report, also as a part of `run`."""
    with call.listen() as listen:
        verdict = move.verify(listen)
    status = move.status()
    facts = _facts(move, status)
    data, page = write_reports(verdict, facts, move.project.root)
    ok = verdict.equal and verdict.schema_holds and verdict.rules_hold and status.ok
    document = {
        "ok": ok,
        **as_json(verdict, facts),
        "within_limit": status.within_limit,
        "report_json": str(data),
        "report_html": str(page),
    }
    return Answer(document, lambda screen: draw(screen, document), ok=ok)


def _facts(move: Move, status: Status) -> Facts:
    versions = [store.inspector.version() for store in (move.source, move.target) if store.inspector is not None]
    return Facts(
        move=status.name,
        source=move.source.url,
        target=move.target.url,
        versions={"crossfade": version("crossfade")} | {v.partition(" ")[0]: v.partition(" ")[2] for v in versions},
        quarantine={e.entity: e.reasons for e in status.entities if e.reasons},
        limit=move.project.settings.limits.differences,
    )


def draw(screen: Screen, document: dict[str, Any]) -> None:
    draw_torn(screen, document["entities"])
    columns = ("table", "rows", *KINDS, "columns")
    rows = [
        (
            t["table"],
            number(t["rows"]),
            *(number(t["counts"][kind]) for kind in KINDS),
            len(t["compared"]),
        )
        for t in document["tables"]
    ]
    screen.table(columns, rows, right=("rows", *KINDS, "columns"))
    for table in document["tables"]:
        if table["not_compared"]:
            screen.line(f"{table['table']}: not compared, no mapping fills them: {', '.join(table['not_compared'])}")
        for difference in table["differences"]:
            screen.line(f"  {_difference(difference)}")
        hidden = sum(table["counts"].values()) - len(table["differences"])
        if hidden > 0:
            screen.line(f"  {table['table']}: and {number(hidden)} more")
    _draw_accounts(screen, document)
    if document["schema"]:
        _draw_schema(screen, document["schema"])
    _draw_rules(screen, document)
    columns_compared = sum(len(t["compared"]) for t in document["tables"])
    screen.line(
        f"compared {counted(document['rows'], 'row')} of {counted(len(document['tables']), 'table')},"
        f" in {counted(columns_compared, 'column')}: {counted(document['differences'], 'difference')}"
        f" ({document['seconds']:.1f} s)"
    )
    screen.line(f"report: {document['report_html']} and {document['report_json']}")
    conclude(screen, document)


def conclude(screen: Screen, document: dict[str, Any]) -> None:
    """The last words: what fails beside the data, and the verdict."""
    for line in document["apart"]:
        screen.line(line, "bold red")
    if not document["within_limit"]:
        screen.line("more is in quarantine than limits.quarantine allows: crossfade status", "bold red")
    screen.line(document["conclusion"], _STYLES.get(document["verdict"], "bold red"))


def _difference(d: dict[str, Any]) -> str:
    place = f"{d['table']}[{d['key']}]" + (f".{d['column']}" if d["column"] else "")
    record = f" ({d['entity']} {d['record']})" if d["record"] else f" ({d['entity']})"
    values = f": expected {d['expected']}, found {d['found']}" if d["kind"] == "changed" else ""
    return f"{d['kind']}: {place}{record}{values}"


def _draw_accounts(screen: Screen, document: dict[str, Any]) -> None:
    for entity in document["entities"]:
        for line in entity["disagreements"]:
            screen.line(f"{entity['entity']}: {line}", "red")
        for record in entity["uncounted_records"]:
            screen.line(f"  {entity['entity']} {record['record'] or '-'}: {record['reason']}: {record['detail']}")
        if entity["uncounted"]:
            screen.line(unaccounted(entity["entity"], entity["uncounted"]), "red")


def _draw_rules(screen: Screen, document: dict[str, Any]) -> None:
    rules = document["rules"]
    for rule in rules:
        if rule["error"]:
            screen.line(f"rule {rule['rule']} failed to run: {rule['error']}", "red")
        elif not rule["holds"]:
            screen.line(f"rule {rule['rule']} is broken by {counted(rule['total'], 'row')}: {rule['sentence']}", "red")
            screen.table(rule["columns"], rule["rows"])
    if rules:
        screen.line(f"{sum(1 for r in rules if r['holds'])} of {len(rules)} rules hold")


def _draw_schema(screen: Screen, schema: dict[str, Any]) -> None:
    for table in schema["unread"]:
        screen.line(f"{table['table']}: its rows were not compared: {table['reason']}", "red")
    for title, style in (("faults", "red"), ("notes", "")):
        for difference in schema[title]:
            screen.line(f"schema: {difference['message']}", style)
