"""The examples of docs/reference/mapping.md return the documented results."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from crossfade.records.bson.ejson import loads
from mapping_world import World

PAGE = (Path(__file__).parents[2] / "docs/reference/mapping.md").read_text(encoding="utf-8")
SECTION = PAGE.split("## Tried examples", 1)[1]
WORLD = World(loads(re.findall(r"```json\n(.*?)```", SECTION, re.DOTALL)[0]))
EXAMPLES = re.findall(r"```sql\n(.*?)```\n\n((?:\|[^\n]*\n)+)", SECTION, re.DOTALL)


def shown(value: Any) -> str:
    """A value as the page's tables show it."""
    if isinstance(value, list):
        return "[" + ", ".join(map(shown, value)) + "]"
    return "NULL" if value is None else str(value)


@pytest.mark.parametrize(("sql", "table"), EXAMPLES)
def test_an_example(sql: str, table: str) -> None:
    header, _, *rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]
    found = WORLD.rows(sql)
    assert sorted([shown(v) for v in row.values()] for row in found) == sorted(rows)
    assert list(found[0]) == header


def test_no_example_is_overlooked() -> None:
    assert len(EXAMPLES) == SECTION.count("```sql") >= 10
