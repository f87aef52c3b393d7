"""docs/reference/events.md lists every event with all of its fields."""

from __future__ import annotations

import json
import re
from dataclasses import fields

from pages import blocks, page

from crossfade.cli.events import line_of, plain
from crossfade.model import events

PAGE = "docs/reference/events.md"
COMMON = {"run", "sequence"}


def documented() -> dict[str, list[str]]:
    """Event -> its fields, as the table has them."""
    rows = re.findall(r"^\| `([A-Z]\w+)` \| ([^|]+) \|", page(PAGE), re.M)
    return {name: re.findall(r"`(\w+)`", cells) for name, cells in rows}


def test_every_event_has_its_line_and_every_line_its_event() -> None:
    there = {e.__name__: [f.name for f in fields(e) if f.name not in COMMON] for e in events.Event.__subclasses__()}
    assert documented() == there


def test_the_line_of_a_log_is_as_shown() -> None:
    (shown,) = [json.loads(block.text) for block in blocks(page(PAGE)) if block.language == "json"]
    event = events.RecordsScanned("people", 3, 199, run=shown["run"], sequence=3)
    assert list(json.loads(line_of({"event": "RecordsScanned", **plain(event)}))) == list(shown)
