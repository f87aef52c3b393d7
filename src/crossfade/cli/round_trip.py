"""The answers of `check --round-trip` and `verify --round-trip`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from crossfade.cli.answer import Answer
from crossfade.cli.screen import Screen, number
from crossfade.model.counts import counted
from crossfade.move.records import Records
from crossfade.move.values import Causes, Proven, Tried

ROUND_TRIP = Annotated[bool, typer.Option("--round-trip", help="From rows back to records, instead.")]
SAMPLE = Annotated[
    int | None,
    typer.Option("--sample", metavar="N", min=1, help="With --round-trip: N records of each entity, drawn at random."),
]
EXAMPLES = 20
"""The number of records that are named for each entity."""


# -- check


def tried(records: Records, found: Sequence[Tried]) -> Answer:
    """Return the answer of `check --round-trip`."""
    document = {"ok": all(one.ok for one in found), "entities": [_tried(records, one) for one in found]}
    return Answer(document, lambda screen: _draw_tried(screen, document), ok=bool(document["ok"]))


def _tried(records: Records, one: Tried) -> dict[str, Any]:
    return {
        "entity": one.entity,
        "records": one.records,
        "tried": one.tried,
        "without_rows": one.without_rows,
        "missing": one.missing,
        "broken": len(one.broken),
        "broken_records": [_named(records, key, why) for key, why in one.broken[:EXAMPLES]],
        "not_rebuilt": _causes(records, one.alone),
        "exchanged": one.exchanged,
        "refused": _causes(records, one.changes),
    }


def _named(records: Records, key: str, why: str) -> dict[str, Any]:
    return {"record": records.key(key), "reason": why}


def _causes(records: Records, found: Causes) -> list[dict[str, Any]]:
    return [
        {
            "reason": cause[0],
            "table": cause[1],
            "column": cause[2],
            "path": cause[3] or None,
            "count": count,
            "record": records.key(found.examples[cause][0]),
            "detail": found.examples[cause][1],
        }
        for cause, count in found.counts.most_common()
    ]


def _draw_tried(screen: Screen, document: dict[str, Any]) -> None:
    columns = ("entity", "records", "tried", "as before", "rebuilt", "exchanged", "refused")
    rows = [_row(one) for one in document["entities"]]
    screen.table(columns, rows, right=columns[1:])
    for one in document["entities"]:
        if one["missing"]:
            screen.line(f"{one['entity']}: {one['missing']}", "bold red")
        for record in one["broken_records"]:
            screen.line(f"{one['entity']} {record['record']}: {record['reason']}", "red")
        _draw_causes(screen, one["entity"], "not rebuilt from rows alone", one["not_rebuilt"])
        _draw_causes(screen, one["entity"], "refused", one["refused"])
    broken = sum(one["broken"] for one in document["entities"])
    total = sum(one["tried"] for one in document["entities"])
    if broken:
        screen.line(f"{counted(broken, 'record')} would be changed by its own rows", "bold red")
    else:
        screen.line(f"{counted(total, 'record')}: put back with their own rows, each stays as it is, byte for byte")


def _row(one: dict[str, Any]) -> tuple[str, ...]:
    not_rebuilt = sum(cause["count"] for cause in one["not_rebuilt"])
    refused = sum(cause["count"] for cause in one["refused"])
    figures = (
        one["records"],
        one["tried"],
        one["tried"] - one["broken"],
        one["tried"] - not_rebuilt,
        one["exchanged"],
        refused,
    )
    return (one["entity"], *map(number, figures))


def _draw_causes(screen: Screen, entity: str, title: str, causes: Sequence[dict[str, Any]]) -> None:
    for cause in causes:
        place = ".".join(filter(None, (cause["table"], cause["column"]))) or cause["path"] or entity
        screen.line(f"{entity}: {title}: {counted(cause['count'], 'record')}, {place}")
        screen.line(f"    {cause['record']}: {cause['detail']}")


# -- verify


def proven(records: Records, found: Sequence[Proven], notes: Sequence[str]) -> Answer:
    """Return the answer of `verify --round-trip`."""
    ok = all(one.equal for one in found)
    document = {"ok": ok, "entities": [_proven(records, one) for one in found], "notes": list(notes)}
    return Answer(document, lambda screen: _draw_proven(screen, document), ok=ok)


def _proven(records: Records, one: Proven) -> dict[str, Any]:
    return {
        "entity": one.entity,
        "records": one.records,
        "compared": one.compared,
        "rebuilt": one.rebuilt,
        "kept": one.kept,
        "set_aside": one.set_aside,
        "missing": one.missing,
        "differ": len(one.differ),
        "differing_records": [_named(records, key, why) for key, why in one.differ[:EXAMPLES]],
        "whole": one.is_whole,
        "at_most": one.at_most,
    }


def _draw_proven(screen: Screen, document: dict[str, Any]) -> None:
    columns = ("entity", "records", "compared", "rebuilt", "kept", "set aside", "differ")
    names = ("records", "compared", "rebuilt", "kept", "set_aside", "differ")
    rows = [(one["entity"], *(number(one[name]) for name in names)) for one in document["entities"]]
    screen.table(columns, rows, right=columns[1:])
    for one in document["entities"]:
        if one["missing"]:
            screen.line(f"{one['entity']}: {one['missing']}", "bold red")
        for record in one["differing_records"]:
            screen.line(f"{one['entity']} {record['record']}: {record['reason']}", "red")
    for one in document["entities"]:
        if one["at_most"] is not None:
            screen.line(f"{one['entity']}: {_confidence(one)}")
    for note in document["notes"]:
        screen.line(note)
    total = sum(one["compared"] for one in document["entities"])
    differ = sum(one["differ"] for one in document["entities"])
    style = "bold green" if document["ok"] else "bold red"
    screen.line(f"{number(differ)} of {counted(total, 'record')} differ from what their rows make", style)


def _confidence(one: dict[str, Any]) -> str:
    share = one["at_most"] * 100
    digits = 2 if share >= 0.01 else 4
    found = f"{number(one['differ'])} of {number(one['compared'])}"
    return f"{found}: at most {share:.{digits}f} % differ, with 95 % confidence"
