"""Quarantine by cause, as documents and on the terminal."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from crossfade.cli.screen import Screen, number
from crossfade.model.counts import counted
from crossfade.model.rejection import REMAINDER
from crossfade.move.records import Records
from crossfade.move.values import PARENTS, Cause, Entry, place_of

DETAIL = 240
"""The number of characters shown of an example's detail; `quarantine show` prints all of it."""

UNKNOWN = "an unknown number of records"
"""The unreadable rest of a torn source cannot be counted in records."""


def entry_document(entry: Entry) -> dict[str, Any]:
    return asdict(entry)


def cause_document(cause: Cause) -> dict[str, Any]:
    names = ("entity", "reason", "table", "column", "constraint", "parent", "count")
    return {**{n: getattr(cause, n) for n in names}, "examples": [entry_document(e) for e in cause.examples]}


def where(part: dict[str, Any]) -> str:
    """Return table.column of an entry's or a cause's document, as far as it is known."""
    return place_of(part["table"], part["column"]) or "-"


def draw_causes(screen: Screen, records: Records, causes: Iterable[dict[str, Any]]) -> None:
    for cause in sorted(causes, key=lambda c: c["reason"] != REMAINDER):
        parent = PARENTS.get(cause["parent"] or "")
        said = f": {parent}" if parent else ""
        place = "" if where(cause) == "-" else f" at {where(cause)}"
        if cause["constraint"] and not cause["column"]:
            place += f" ({cause['constraint']})"
        many = UNKNOWN if cause["reason"] == REMAINDER else counted(cause["count"], "record")
        screen.line(f"{cause['entity']}: {many}: {cause['reason']}{place}{said}", "bold")
        for example in cause["examples"]:
            screen.line(f"  {example['id']}  {records.key(example['key'])}  {shortened(example['detail'])}")
        hidden = cause["count"] - len(cause["examples"])
        if hidden:
            screen.line(f"  and {number(hidden)} more")


def shortened(text: str) -> str:
    return text if len(text) <= DETAIL else text[: DETAIL - 1] + "…"
