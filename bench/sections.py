"""Replaces sections of RESULTS.md by those of a later run, each of which says when it was measured."""

from __future__ import annotations

import datetime
import re

_HEADING = re.compile(r"^## ([^:\n]+).*$", re.MULTILINE)
_LAST = "How to read this"


def with_sections(results: str, run: str, rounds: int) -> str:
    """Return `results` with the sections of `run` in the place of those of the same name, or before the last one."""
    today = f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d}, in a run of its own, {rounds} round{'s' * (rounds != 1)}"
    head, found = _split(results)
    _, measured = _split(run)
    last = measured.pop(_LAST)
    found.pop(_LAST)
    for name, section in measured.items():
        heading, _, rest = section.partition("\n")
        found[name] = f"{heading}\n\n{today}{rest and chr(10)}{rest}"
    return "".join([head, *found.values(), last])


def _split(text: str) -> tuple[str, dict[str, str]]:
    """The head, and each section with its heading, by the name before the colon."""
    places = list(_HEADING.finditer(text))
    ends = [*(place.start() for place in places[1:]), len(text)]
    sections = {place[1]: text[place.start() : end] for place, end in zip(places, ends, strict=True)}
    return text[: places[0].start()], sections
