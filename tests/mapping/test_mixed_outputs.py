"""A place of several types cannot go into a text column unchanged: it would be Extended JSON with quotes."""

from __future__ import annotations

from contextlib import closing

import pytest

from crossfade.assess.check import check
from crossfade.model.target import ColumnType, TargetColumn, TargetSchema, TargetTable
from crossfade.records.bson.columns import compile_columns
from crossfade.transform.engine import Engine
from mapping_world import World

WORLD = World({"users": [{"_id": 1, "phone": "030", "tags": ["a", 1]}, {"_id": 2, "phone": 30, "tags": []}]})


def faults(mapping: str, kind: ColumnType) -> list[str]:
    columns = (TargetColumn("id", ColumnType("int4", "integer"), nullable=False), TargetColumn("phone", kind))
    target = TargetSchema("postgresql", (TargetTable("t", None, "t", columns, ("id",)),), (), (), None, "")
    with closing(Engine()) as engine:
        found = check(
            WORLD.program(mapping),
            WORLD.shapes,
            target,
            (),
            lambda shape, asked: compile_columns(shape, asked).read(b"").table,
            engine,
        )
    return [f.kind for f in found if f.severity == "fault" and f.kind != "uncovered"]


TEXT = ColumnType("text", "text")


@pytest.mark.parametrize(
    ("output", "kind", "expected"),
    [
        ("u.phone", TEXT, ["mixed"]),
        ("as_text(u.phone)", TEXT, []),
        ("u.phone", ColumnType("jsonb", "jsonb"), []),
        ("u.tags", ColumnType("array", "text[]", of=TEXT), ["mixed"]),
        ("list_transform(u.tags, lambda t: as_text(t))", ColumnType("array", "text[]", of=TEXT), []),
    ],
)
def test_mixed_values_need_a_function(output: str, kind: ColumnType, expected: list[str]) -> None:
    assert faults(f"SELECT u._id AS id, {output} AS phone FROM users AS u", kind) == expected
